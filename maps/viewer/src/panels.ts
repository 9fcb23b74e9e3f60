// The panels of the Town and Life circle views.

import { html, nothing, type TemplateResult } from 'lit';
import { unsafeHTML } from 'lit/directives/unsafe-html.js';
import type { Bounds, Category, Grid, Plan, Rates } from './api';
import { GLYPHS, icon } from './icons';
import { card, tone } from './place';
import { category, plan, store, type Areas } from './store';
import { count, percent, text } from './words';

const LEAST_GAP = 20;

const zoomTo = (bounds: Bounds): TemplateResult => html`<button class="zoom-to" aria-label=${text('page.zoom_to')} title=${text('page.zoom_to')} @click=${() => store.go(bounds)}>${icon('zoom', 18)}</button>`;

// ---- town ------------------------------------------------------------------------------------
export function townPanel(): TemplateResult {
  const { town, place } = store.state;
  const own = plan();
  if (!town) return html``;
  if (!own) return html`<div class="head"><h1>${text('page.grids.title')}</h1></div><div class="section"><p>${text('viewer.no_plan')}</p></div>${place ? card(place) : nothing}`;
  const { lower, upper } = own.rules;
  const outside = own.grids.filter(grid => grid.in_range === false);
  return html`
    <div class="head"><h1>${text('page.grids.title')}</h1><span class="right">${text('page.grids.window', { lower, upper })}</span></div>
    ${place ? card(place) : nothing}
    ${town.plans.length > 1 ? html`<div class="section">${planChoice(own)}</div>` : nothing}
    <div class="section">
      <div class="figure"><b>${count(own.totals.in_range)}<small> / ${count(own.totals.grids)}</small></b><span>${text('page.grids.in_range')}</span></div>
      <div class="facts">
        <span>${text('page.grids.special', { count: count(own.totals.special) })}</span>
        ${own.totals.grids > own.totals.in_range + own.totals.out_of_range ? html`<span>${text('page.grids.unknown', { count: count(own.totals.grids - own.totals.in_range - own.totals.out_of_range) })}</span>` : nothing}
        ${own.totals.extra_pieces === null ? nothing : html`<span>${text('page.grids.extra_pieces', { count: count(own.totals.extra_pieces) })}</span>`}
        ${own.totals.proven === null ? nothing : html`<span>${text('page.grids.proven', { count: own.totals.proven, all: own.certificates.length })}</span>`}
      </div>
      ${known()}
    </div>
    ${outside.length ? html`<div class="section"><h2>${text('page.grids.out_of_range')}<span class="right">${text('page.places', { count: outside.length })}</span></h2>
      ${outside.slice(0, 5).map((grid, number) => fault(grid, number + 1, own))}
      ${outside.length > 5 ? html`<p class="quiet">${text('page.more', { count: outside.length - 5 })}</p>` : nothing}</div>` : nothing}
    <div class="section"><h2>${text('page.grids.communities')}<span class="right">${text('page.grids.columns')}</span></h2>
      ${town.communities.map(one => community(one.community_id, own))}
    </div>`;
}

function planChoice(own: Plan): TemplateResult {
  const { town } = store.state;
  return html`<div class="choice" role="group" aria-label=${text('viewer.plans')}>
    ${town?.plans.map(one => html`<button aria-pressed=${one === own} @click=${() => store.set({ plan: one.plan_id })}>${one.title}</button>`)}
  </div>`;
}

function known(): TemplateResult | typeof nothing {
  const totals = store.state.town?.totals ?? {};
  const notes = [
    totals['estimated_households'] ? text('page.includes_estimated', { count: count(totals['estimated_households']) }) : '',
    totals['unknown_buildings'] ? text('page.unknown_buildings', { count: count(totals['unknown_buildings']) }) : '',
  ].filter(Boolean);
  return notes.length ? html`<p class="quiet">${notes.join(' · ')}</p>` : nothing;
}

function fault(grid: Grid, number: number, own: Plan): TemplateResult {
  const households = grid.households ?? 0;
  const above = households > own.rules.upper;
  const difference = count(above ? households - own.rules.upper : own.rules.lower - households);
  return html`<div class="fault"><i class="disc">${number}</i><div>
    <p lang="zh-CN">${grid.title}</p>
    <p class="quiet" title=${grid.reason ?? ''}>${text(above ? 'page.above' : 'page.below', { households: count(households), difference })}${grid.reason ? ` · ${grid.reason}` : ''}</p>
  </div>${zoomTo(grid.bounds)}</div>`;
}

function community(id: string, own: Plan): TemplateResult {
  const { town, community: chosen } = store.state;
  const one = town?.communities.find(other => other.community_id === id);
  if (!one) return html``;
  const grids = own.grids.filter(grid => grid.community_id === id && grid.kind !== 'special');
  const bad = grids.filter(grid => grid.in_range === false).length;
  const proof = own.certificates.find(certificate => certificate.community_id === id);
  const open = chosen === id;
  const tag = proof
    ? html`<span class="tag ${tone(proof.status)}">${proof.tag}</span>`
    : html`<span class="tag ${bad ? 'bad' : 'ok'}">${bad ? text('page.grids.bad', { count: bad }) : text('page.grids.all_in_range')}</span>`;
  const press = (): void => {
    store.set({ community: open ? '' : id });
    if (!open) store.go(one.bounds);
  };
  return html`<div class="community ${open ? 'open' : ''}">
    <button aria-expanded=${open} @click=${press}><span class="name" lang="zh-CN">${one.name}</span>${tag}<span class="number">${count(grids.length)}</span><span class="number">${count(one.households)}</span></button>
    ${open ? html`<div class="inside">${proof ? html`<p>${proof.sentence}</p>` : nothing}${grids.map(grid => bar(grid, own))}</div>` : nothing}
  </div>`;
}

function bar(grid: Grid, own: Plan): TemplateResult {
  const { lower, upper } = own.rules;
  const most = upper * 1.4;
  const mark = grid.in_range ? icon('check', 14) : grid.in_range === null ? '' : (grid.households ?? 0) > upper ? '▲' : '▼';
  return html`<button class="grid-row" @click=${() => store.go(grid.bounds)}><b>${grid.short_code}</b>
    <span class="bar"><i class="window" style="left:${(lower / most) * 100}%;width:${((upper - lower) / most) * 100}%"></i><i class="fill ${grid.in_range === false ? 'bad' : ''}" style="width:${Math.min(100, ((grid.households ?? 0) / most) * 100)}%"></i></span>
    <span class="number">${count(grid.households)}</span><span class="mark ${grid.in_range ? 'ok' : 'bad'}">${mark}</span></button>`;
}

// ---- life circle -----------------------------------------------------------------------------
export function lifePanel(): TemplateResult {
  const { town, place, coverage, areas, busy } = store.state;
  const own = category();
  if (!town?.coverage || !own) return html`<div class="head"><h1>${text('page.life.title')}</h1></div><div class="section"><p>${text('page.life.nothing')}</p></div>`;
  const choose = (event: Event): void => store.set({ category: (event.target as HTMLSelectElement).value });
  const kinds: [Areas, string][] = [['buildings', 'page.life.by_building'], ['grids', 'page.life.by_grid'], ['communities', 'page.life.by_community']];
  return html`
    <div class="head"><h1>${text('page.life.title')}</h1><span class="right">${text('page.life.basis')}</span></div>
    ${place ? card(place) : nothing}
    <div class="section fields">
      <label>${text('page.life.category')}<span class="select"><i class="badge" style="background:var(--fac-${own.group})">${unsafeHTML(GLYPHS[own.group])}</i>
        <select @change=${choose} .value=${own.category}>${town.coverage.categories.map(one => html`<option value=${one.category} ?selected=${one === own}>${one.name} ${one.limit_m} m</option>`)}</select></span></label>
      <div class="choice" role="group" aria-label=${text('viewer.areas')}>${kinds.map(([id, key]) => html`<button aria-pressed=${id === areas} @click=${() => store.set({ areas: id })}>${text(key)}</button>`)}</div>
    </div>
    <div class=${busy ? 'stale' : ''} aria-busy=${busy}>${coverage ? html`${figures(own)}${gaps()}${rates(coverage.rates)}` : nothing}</div>`;
}

interface Part {
  token: string;
  words: string;
  households: number;
  unknown?: boolean;
}

// Households by how far they walk: the bands within the limit, beyond it, and undetermined.
function walkingParts(limit: number): Part[] {
  const walks = store.state.coverage?.walks;
  if (!walks) return [];
  const of = (name: string): number => walks.households[walks.names.indexOf(name)] ?? 0;
  const bounds: [number, number, number][] = [[0, 300, 5], [300, 500, 10], [500, 1000, 15]];
  const within = bounds.filter(([from]) => from < limit).map(([from, to, minutes]) => ({
    token: `--band-${minutes}`,
    words: from === 0 ? text('page.life.band_first', { to: Math.min(to, limit), minutes }) : text('page.life.band', { from, to: Math.min(to, limit), minutes }),
    households: of(`band-${minutes}`),
  }));
  const parts: Part[] = [
    ...within,
    { token: '--band-over', words: text('page.life.over', { from: limit, to: 2 * limit }), households: of('over') },
    { token: '--band-beyond', words: text('page.life.beyond', { from: 2 * limit }), households: of('beyond') },
  ];
  if (of('unknown')) parts.push({ token: '--band-unknown', words: text('page.life.unknown'), households: of('unknown'), unknown: true });
  return parts;
}

function figures(own: Category): TemplateResult {
  const found = store.state.coverage?.rates.town;
  if (!found || found.rate === null) {
    const why = own.facilities ? text('page.life.not_assessed_network') : text('page.life.not_assessed_data', { category: own.name });
    return html`<div class="section"><div class="figure unknown"><b>${text('page.not_assessed')}</b></div><p class="quiet">${why}</p></div>`;
  }
  const parts = walkingParts(own.limit_m);
  const total = parts.reduce((sum, part) => sum + part.households, 0);
  const whole = found.denominator ?? 0;
  const notes = [
    found.numerator_low !== null && found.numerator_high !== null && whole ? text('page.life.spread', { low: percent(found.numerator_low / whole), high: percent(found.numerator_high / whole) }) : '',
    found.estimated_share ? text('page.life.estimated', { share: percent(found.estimated_share) }) : '',
    found.undetermined ? text('page.life.undetermined', { count: count(found.undetermined) }) : '',
  ].filter(Boolean);
  return html`<div class="section">
    <div class="figure"><b>${percent(found.rate)}</b><span>${text('page.life.of', { numerator: count(found.numerator), denominator: count(found.denominator) })}<br>${text('page.life.within', { limit: own.limit_m })}</span></div>
    <div class="stack" role="img" aria-label=${parts.map(part => `${part.words} ${count(part.households)}`).join(', ')}>${parts.filter(part => part.households).map(part => html`<i class=${part.unknown ? 'unknown' : ''} style="width:${(part.households / total) * 100}%;background-color:var(${part.token})"></i>`)}</div>
    <table class="bands"><tbody>${parts.map(part => html`<tr><td><i class=${part.unknown ? 'unknown' : ''} style="background-color:var(${part.token})"></i>${part.words}</td><td class="number">${text('page.households', { count: count(part.households) })}</td><td class="number">${total ? percent(part.households / total) : ''}</td></tr>`)}</tbody></table>
    <p class="quiet">${notes.join(' · ')}</p>
  </div>`;
}

function gaps(): TemplateResult | typeof nothing {
  const found = (store.state.coverage?.gaps.features ?? []).map(one => one.properties).filter(gap => (gap.households ?? 0) >= LEAST_GAP);
  if (!found.length) return nothing;
  return html`<div class="section"><h2>${text('page.life.gaps')}<span class="right">${text('page.places', { count: found.length })}</span></h2>
    ${found.slice(0, 6).map(gap => html`<div class="gap"><i class="disc gap-disc">${gap.rank}</i><span lang="zh-CN">${gap.community ?? ''}</span><span class="quiet">${text('page.buildings', { count: count(gap.buildings) })}</span><b class="number">${text('page.households', { count: count(gap.households) })}</b>${zoomTo(gap.bounds)}</div>`)}
    ${found.length > 6 ? html`<p class="quiet">${text('page.more', { count: found.length - 6 })}</p>` : nothing}
  </div>`;
}

function rates(found: Rates): TemplateResult {
  const bounds = new Map(store.state.town?.communities.map(one => [one.community_id, one.bounds]));
  return html`<div class="section"><h2>${text('page.life.communities')}<span class="right">${text('page.life.columns')}</span></h2>
    ${found.communities.map(one => {
      const at = bounds.get(one.id);
      return html`<button class="rate-row" @click=${() => at && store.go(at)}><span class="name" lang="zh-CN">${one.name}</span><span class="track">${one.class ? html`<i style="width:${(one.rate ?? 0) * 100}%"></i>` : html`<i class="unknown"></i>`}</span><span class="number">${one.class ? percent(one.rate ?? 0) : text('page.not_assessed')}</span><span class="number quiet">${one.denominator === null ? '' : `${count(one.numerator)} / ${count(one.denominator)}`}</span></button>`;
    })}</div>`;
}
