// The card of a place: which building, estate, grid and community, and how far to each service.

import { html, nothing, type TemplateResult } from 'lit';
import type { Asked, Grid, Place } from './api';
import { icon } from './icons';
import { plan, route, store } from './store';
import { WALK, coded, count, text } from './words';

// The parts of a place in the order of their tabs.
export function parts(place: Place): Asked[] {
  return [place.building, place.estate, place.special_area, place.grid, place.community].filter((one): one is Asked => one !== null);
}

export function card(place: Place): TemplateResult {
  const all = parts(place);
  const open = all.find(one => one.layer === store.state.tab) ?? all[0];
  if (!open) return html`<section class="section place-card"><p class="quiet">${text('viewer.nothing_here')}</p></section>`;
  return html`<section class="section place-card" aria-label=${text('viewer.place')}>
    <div class="tabs" role="group">
      ${all.map(one => html`<button aria-pressed=${one === open} @click=${() => store.set({ tab: one.layer })}>${text(`page.tab.${one.layer}`)}</button>`)}
      <button class="close" aria-label=${text('viewer.close')} title=${text('viewer.close')} @click=${() => store.set({ place: null, reach: null })}>${icon('close', 14)}</button>
    </div>
    <div class="place">
      <h2 lang="zh-CN">${open.heading ?? text(`page.tab.${open.layer}`)}</h2>
      <dl>${(store.state.town?.layers.find(layer => layer.id === open.layer)?.popup ?? []).map(field => line(open, field.column, field.format))}</dl>
      ${open.layer === 'buildings' ? walks(place) : nothing}
    </div>
  </section>`;
}

function line(asked: Asked, column: string, format: string): TemplateResult | typeof nothing {
  if (column === 'walks') return nothing;
  if (column === 'verdict') return verdict(asked);
  if (column === 'certificate') return certificate(asked);
  const raw = asked.properties[column] ?? null;
  if (raw === null && format !== 'households') return nothing;
  return html`<dt>${text(`maps.field.${column}`)}</dt><dd>${value(asked, column, format, raw)}</dd>`;
}

function value(asked: Asked, column: string, format: string, raw: string | number | boolean | null): TemplateResult | string {
  if (format === 'count') return count(raw as number);
  if (format === 'metres') return `${count(raw as number)} m`;
  if (format === 'area') return text('page.hectares', { area: ((raw as number) / 10000).toFixed(1) });
  if (format === 'flag') return text(raw ? 'page.yes' : 'page.no');
  if (format === 'code') return html`<span class="code">${raw}</span>`;
  if (format === 'households') return households(asked, raw as number | null);
  return coded(column, String(raw));
}

function households(asked: Asked, known: number | null): TemplateResult {
  const estimated = asked.properties['estimated_households'] as number | null;
  const unknown = asked.properties['unknown_buildings'] as number | null;
  const single = asked.layer === 'buildings';
  return html`${known === null ? text('page.unknown') : text('page.households', { count: count(known) })}
    ${estimated ? html`<span class="tag unknown">${single ? text('page.estimated') : text('page.estimated_of', { count: count(estimated) })}</span>` : nothing}
    ${unknown && !single ? html`<br><span class="quiet">${text('page.unknown_buildings', { count: count(unknown) })}</span>` : nothing}`;
}

function verdict(asked: Asked): TemplateResult | typeof nothing {
  const own = plan();
  const grid = own?.grids.find(one => one.grid_id === asked.id);
  if (!own || !grid) return nothing;
  if (grid.in_range === null || grid.households === null) return html`<dd class="wide quiet">${grid.kind === 'special' ? text('page.special_note') : nothing}</dd>`;
  const { lower, upper } = own.rules;
  if (grid.in_range) return html`<dd class="wide"><span class="tag ok">${icon('check', 14)}${text('page.in_range', { lower, upper })}</span></dd>`;
  const above = grid.households > upper;
  const difference = count(above ? grid.households - upper : lower - grid.households);
  return html`<dd class="wide"><span class="tag bad">${above ? '▲' : '▼'} ${text(above ? 'page.above_limit' : 'page.below_limit', { difference })}</span>${grid.reason ? html`<br>${grid.reason}` : nothing}</dd>`;
}

function certificate(asked: Asked): TemplateResult | typeof nothing {
  const found = plan()?.certificates.find(one => one.community_id === asked.id);
  return found ? html`<dd class="wide"><span class="tag ${tone(found.status)}">${found.tag}</span><br>${found.sentence}</dd>` : nothing;
}

// Whether grids are in range: so many are not, or so many cannot be judged, or all are.
export function judged(grids: Pick<Grid, 'in_range'>[]): TemplateResult {
  const bad = grids.filter(grid => grid.in_range === false).length;
  const open = grids.filter(grid => grid.in_range === null).length;
  if (bad) return html`<span class="tag bad">${text('page.grids.bad', { count: bad })}</span>`;
  if (open) return html`<span class="tag unknown">${text('page.grids.unknown', { count: open })}</span>`;
  return html`<span class="tag ok">${text('page.grids.all_in_range')}</span>`;
}

export const tone = (status: string): string =>
  ({ optimal: 'ok', bounded: 'ok', not_proven: 'unknown', infeasible: 'bad', none_found: 'warn' })[status] ?? 'unknown';

function walks(place: Place): TemplateResult | typeof nothing {
  if (!place.walks.length) return nothing;
  const words = (walk: number, limit: number): string => {
    if (walk >= 0) return `${count(walk)} m`;
    const key = walk === WALK.beyond ? 'beyond' : walk === WALK.barrier ? 'barrier' : walk === WALK.data ? 'data' : 'none';
    return text(`page.walk.${key}`, { limit: count(3 * limit) });
  };
  const kind = (walk: number, limit: number): string => {
    if (walk >= 0) return walk <= limit ? 'ok' : 'bad';
    return walk === WALK.beyond || walk === WALK.barrier ? 'bad' : 'unknown';
  };
  const ways = new Set(store.state.reach?.routes.features.map(one => one.properties.category));
  const { allRoutes } = store.state;
  return html`<div class="walks" tabindex="0" role="region" aria-label=${text('maps.field.walks')}><table>
    <thead><tr><th>${text('page.walk.category')}</th><th>${text('page.walk.limit')}</th><th>${text('page.walk.walk')}</th></tr></thead>
    <tbody>${place.walks.map(one => one.walk === null ? nothing : html`<tr class=${one.category === route() ? 'current' : ''}>
      <td title=${one.facility ?? ''}>${ways.has(one.category) ? html`<button class="way-to" aria-pressed=${one.category === route()} @click=${() => store.set({ route: one.category })}>${icon('walk', 14)}${one.name}</button>` : one.name}</td><td class="number quiet">${one.limit_m} m</td><td class="number ${kind(one.walk, one.limit_m)}">${words(one.walk, one.limit_m)}</td></tr>`)}</tbody>
  </table></div>
  ${ways.size ? html`<label class="all-routes"><input type="checkbox" .checked=${allRoutes} @change=${() => store.set({ allRoutes: !allRoutes })}>${text('viewer.reach.all', { count: ways.size })}</label>` : nothing}`;
}
