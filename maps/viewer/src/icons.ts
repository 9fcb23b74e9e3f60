// Icons of the frame: 20 by 20, drawn in the colour of the text.

import { html, svg, type SVGTemplateResult, type TemplateResult } from 'lit';

const PATHS: Record<string, SVGTemplateResult> = {
  town: svg`<path d="M3 17V8l5-3v12M8 17V3l9 4v10ZM11.5 9h2M11.5 12.5h2"/>`,
  life: svg`<circle cx="10" cy="10" r="1.8" fill="currentColor"/><circle cx="10" cy="10" r="4.6"/><circle cx="10" cy="10" r="7.6" stroke-dasharray="2.6 2"/>`,
  compare: svg`<path d="M10 2.5v15M3 5h4.5v10H3ZM12.5 5H17v10h-4.5Z"/>`,
  plus: svg`<path d="M10 4v12M4 10h12"/>`,
  minus: svg`<path d="M4 10h12"/>`,
  fit: svg`<path d="M3.5 7.5v-4h4M12.5 3.5h4v4M16.5 12.5v4h-4M7.5 16.5h-4v-4"/>`,
  layers: svg`<path d="M10 3l7.5 4-7.5 4-7.5-4ZM2.5 10.5l7.5 4 7.5-4M2.5 13.8l7.5 4 7.5-4"/>`,
  search: svg`<circle cx="9" cy="9" r="5"/><path d="M13 13l4 4"/>`,
  zoom: svg`<circle cx="9" cy="9" r="5"/><path d="M13 13l4 4M9 7v4M7 9h4"/>`,
  down: svg`<path d="M5.5 8l4.5 4.5L14.5 8"/>`,
  check: svg`<path d="M4.5 10.5l3.6 3.6L15.5 6.5" stroke-width="2.2"/>`,
  up: svg`<path d="M5.5 12L10 7.5 14.5 12"/>`,
  walk: svg`<circle cx="11" cy="3.8" r="1.6" fill="currentColor"/><path d="M10.5 7l-1 5 3 5M9.5 12L7 17M10.5 7.5L7 9.5v3M10.5 7.5l2 2.5h2.5"/>`,
  table: svg`<path d="M3 4h14v12H3ZM3 8h14M3 12h14M9 4v12"/>`,
  list: svg`<path d="M4 5.5h12M4 10h12M4 14.5h8"/>`,
  side: svg`<path d="M3 4h14v12H3ZM10 4v12"/>`,
  swipe: svg`<path d="M10 3v14M6.5 7L3.5 10l3 3M13.5 7l3 3-3 3"/>`,
  difference: svg`<path d="M3 3h9v9H3ZM8 8h9v9H8Z"/><path d="M8 12l4-4" />`,
  close: svg`<path d="M5 5l10 10M15 5L5 15"/>`,
};

export function icon(name: string, size = 20): TemplateResult {
  return html`<svg class="icon" viewBox="0 0 20 20" width=${size} height=${size} aria-hidden="true">${PATHS[name]}</svg>`;
}

export const brand = html`<svg width="24" height="24" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linejoin="round" aria-hidden="true"><path d="M2.5 3h19v18h-19ZM2.5 10l8 2.5L13 3M10.5 12.5 9 21M12 11.5l9.5-2"/><path d="M10.5 12.5 12 11.5l9.5-2V21H9Z" fill="currentColor" stroke="none" opacity=".45"/></svg>`;

// The glyphs of facility groups, from the one folder that holds them.
const FILES = import.meta.glob('../../symbols/*.svg', { query: '?raw', import: 'default', eager: true }) as Record<string, string>;

export const GLYPHS: Record<string, string> = Object.fromEntries(
  Object.entries(FILES).map(([path, content]) => [path.replace(/^.*\/|\.svg$/g, ''), content]),
);
