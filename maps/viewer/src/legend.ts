// Legend: what is on the map now.

import { html, nothing, svg, type TemplateResult } from 'lit';
import { unsafeHTML } from 'lit/directives/unsafe-html.js';
import type { LegendEntry } from './api';
import { GLYPHS, icon } from './icons';
import { category, drawn, limit, store } from './store';
import { text } from './words';

const css = (name: string): string => `var(${name})`;

function swatch(entry: LegendEntry): TemplateResult {
  const dash = entry.dash.map(one => one * 0.6).join(' ');
  if (entry.badge) {
    const group = (drawn() === 'life' && category()?.group) || 'service';
    return html`<span class="badge small" style="background:var(--fac-${group})">${unsafeHTML(GLYPHS[group])}</span>`;
  }
  if (entry.shape === 'point') {
    return html`<svg width="22" height="14"><circle cx="11" cy="7" r="4" fill=${css(entry.fill)} stroke=${css(entry.line)} stroke-width="1.5"/></svg>`;
  }
  if (entry.shape === 'area') {
    const line = entry.line || (entry.where === 'hue' ? '--grid-line' : '');
    return html`<svg width="22" height="14">
      <rect x="1" y="1" width="20" height="12" rx="2" fill=${entry.fill ? css(entry.fill) : 'none'} fill-opacity=${Math.max(entry.fill_opacity, 0.15)} stroke=${line ? css(line) : 'none'} stroke-width="1.5" stroke-dasharray=${dash || 'none'}/>
      ${entry.hatch ? svg`<path d="M1 9l8-8M5 13L17 1M13 13l8-8" stroke=${css(entry.hatch)} stroke-width="1.2"/>` : nothing}
    </svg>`;
  }
  const cased = entry.casing && entry.casing !== '--halo';
  return html`<svg width="22" height="14">
    ${cased ? svg`<path d="M0 7h22" stroke=${css(entry.casing)} stroke-width="5"/>` : nothing}
    <path d="M0 7h22" stroke=${css(entry.line)} stroke-width=${cased ? 3 : 2} stroke-dasharray=${dash || 'none'}/>
  </svg>`;
}

function isOn(entry: LegendEntry, zoom: number, present: ReadonlySet<string>): boolean {
  const { areas, on, town } = store.state;
  const way = drawn();
  if (!entry.views.includes(way) || zoom < entry.from_zoom) return false;
  if (entry.layer === 'coverage_grids') return way === 'life' && areas === 'grids';
  if (entry.layer === 'coverage_communities') return way === 'life' && areas === 'communities';
  if (entry.where === 'band' && (way !== 'life' || areas !== 'buildings')) return false;
  if (entry.where === 'band' && !present.has(entry.key)) return false;
  if (entry.layer === 'gaps' && (areas !== 'buildings' || store.state.limit)) return false;
  return on[way].has(entry.layer) && entry.layer !== 'grids_today' && Boolean(town?.drawn[entry.layer]?.includes(entry.key));
}

// The bands that occur in the chosen category, by the keys of their legend entries.
function bandsPresent(): ReadonlySet<string> {
  const walks = store.state.coverage?.walks;
  if (!walks) return new Set();
  const found = new Set(walks.bands.filter((one): one is number => one !== null).map(one => walks.names[one] as string));
  return new Set([...found].map(name => (name.startsWith('band-') ? name.replace('-', '_') : `band_${name}`)));
}

// What a click on a place draws.
function walked(): TemplateResult | typeof nothing {
  const { reach, view } = store.state;
  if (!reach?.reached || view === 'compare') return nothing;
  return html`
    <div><svg width="22" height="14"><rect x="1" y="1" width="20" height="12" rx="2" fill="var(--band-5)" fill-opacity="0.13" stroke="var(--band-5)" stroke-width="1.5" stroke-dasharray="1 2"/></svg>${text('viewer.reach.areas')}</div>
    <div><svg width="22" height="14"><path d="M0 7h22" stroke="var(--accent)" stroke-width="3"/></svg>${text('viewer.reach.route')}</div>`;
}

export function legend(entries: LegendEntry[], zoom: number): TemplateResult {
  const present = bandsPresent();
  const words = (entry: LegendEntry): string => {
    if (entry.badge && drawn() === 'life' && category()) return category()?.name ?? '';
    return entry.text.replace('{limit}', String(limit())).replace('{twice}', String(2 * limit()));
  };
  const seen = new Set<string>();
  const rows = entries.filter(entry => isOn(entry, zoom, present) && !seen.has(words(entry)) && seen.add(words(entry)));
  const { folded, town } = store.state;
  return html`<section class="card legend" aria-label=${text('page.legend')}>
    <h2><button aria-expanded=${!folded} @click=${() => store.set({ folded: !folded })}>${text('page.legend')}${icon('down', 14)}</button></h2>
    ${folded ? nothing : rows.map(entry => html`<div>${swatch(entry)}${words(entry)}</div>`)}
    ${folded ? nothing : walked()}
    ${!folded && town?.totals['estimated_households'] ? html`<p>${text('page.legend_estimated')}</p>` : nothing}
  </section>`;
}
