// The panel of the Life circle view.

import { html, nothing, type TemplateResult } from 'lit';
import { unsafeHTML } from 'lit/directives/unsafe-html.js';
import type { Category, Rates } from './api';
import { GLYPHS } from './icons';
import { LEAST_GAP } from './pills';
import { card } from './place';
import { category, limit, store, type Areas } from './store';
import { tableSwitch, zoomTo } from './tables';
import { count, percent, text } from './words';

const FIRST_GAPS = 6;

export function lifePanel(): TemplateResult {
  const { town, place, coverage, areas, busy } = store.state;
  const own = category();
  if (!town?.coverage || !own) return html`<div class="head"><h1>${text('page.life.title')}</h1></div><div class="section"><p>${text('page.life.nothing')}</p></div>`;
  const choose = (event: Event): void => store.set({ category: (event.target as HTMLSelectElement).value, route: '' });
  const kinds: [Areas, string][] = [['buildings', 'page.life.by_building'], ['grids', 'page.life.by_grid'], ['communities', 'page.life.by_community']];
  return html`
    <div class="head"><h1>${text('page.life.title')}</h1><span class="right">${text('page.life.basis')}</span>${tableSwitch()}</div>
    ${place ? card(place) : nothing}
    <div class="section fields">
      <label>${text('page.life.category')}<span class="select"><i class="badge" style="background:var(--fac-${own.group})">${unsafeHTML(GLYPHS[own.group])}</i>
        <select @change=${choose} .value=${own.category}>${town.coverage.categories.map(one => html`<option value=${one.category} ?selected=${one === own}>${one.name} ${one.limit_m} m</option>`)}</select></span></label>
      <div class="choice" role="group" aria-label=${text('viewer.band.title')}>
        <button aria-pressed=${store.state.limit === 0} @click=${() => store.set({ limit: 0 })}>${text('viewer.band.own', { limit: own.limit_m })}</button>
        ${town.bands.filter(one => one.limit_m !== own.limit_m).map(one => html`<button aria-pressed=${store.state.limit === one.limit_m} title=${text('viewer.band.minutes', { minutes: one.minutes })} @click=${() => store.set({ limit: one.limit_m })}>${one.limit_m} m</button>`)}
      </div>
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
function walkingParts(metres: number): Part[] {
  const walks = store.state.coverage?.walks, bands = store.state.town?.bands;
  if (!walks || !bands) return [];
  const of = (name: string): number => walks.households[walks.names.indexOf(name)] ?? 0;
  const within = bands.map(({ limit_m: to, minutes }, place) => ({ from: bands[place - 1]?.limit_m ?? 0, to, minutes })).filter(({ from }) => from < metres).map(({ from, to, minutes }) => ({
    token: `--band-${minutes}`,
    words: from === 0 ? text('page.life.band_first', { to: Math.min(to, metres), minutes }) : text('page.life.band', { from, to: Math.min(to, metres), minutes }),
    households: of(`band-${minutes}`),
  }));
  const parts: Part[] = [
    ...within,
    { token: '--band-over', words: text('page.life.over', { from: metres, to: 2 * metres }), households: of('over') },
    { token: '--band-beyond', words: text('page.life.beyond', { from: 2 * metres }), households: of('beyond') },
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
  const parts = walkingParts(limit());
  const total = parts.reduce((sum, part) => sum + part.households, 0);
  const whole = found.denominator ?? 0;
  const notes = [
    found.numerator_low !== null && found.numerator_high !== null && whole ? text('page.life.spread', { low: percent(found.numerator_low / whole), high: percent(found.numerator_high / whole) }) : '',
    found.estimated_share ? text('page.life.estimated', { share: percent(found.estimated_share) }) : '',
    found.undetermined ? text('page.life.undetermined', { count: count(found.undetermined) }) : '',
  ].filter(Boolean);
  return html`<div class="section">
    <div class="figure"><b>${percent(found.rate)}</b><span>${text('page.life.of', { numerator: count(found.numerator), denominator: count(found.denominator) })}<br>${text('page.life.within', { limit: limit() })}</span></div>
    <div class="stack" role="img" aria-label=${parts.map(part => `${part.words} ${count(part.households)}`).join(', ')}>${parts.filter(part => part.households).map(part => html`<i class=${part.unknown ? 'unknown' : ''} style="width:${(part.households / total) * 100}%;background-color:var(${part.token})"></i>`)}</div>
    <table class="bands"><tbody>${parts.map(part => html`<tr><td><i class=${part.unknown ? 'unknown' : ''} style="background-color:var(${part.token})"></i>${part.words}</td><td class="number">${text('page.households', { count: count(part.households) })}</td><td class="number">${total ? percent(part.households / total) : ''}</td></tr>`)}</tbody></table>
    <p class="quiet">${notes.join(' · ')}</p>
  </div>`;
}

function gaps(): TemplateResult | typeof nothing {
  const { allGaps } = store.state;
  if (store.state.limit) return nothing;
  const found = (store.state.coverage?.gaps.features ?? []).map(one => one.properties).filter(gap => (gap.households ?? 0) >= LEAST_GAP);
  if (!found.length) return nothing;
  return html`<div class="section"><h2>${text('page.life.gaps')}<span class="right">${text('page.places', { count: found.length })}</span></h2>
    ${found.slice(0, allGaps ? found.length : FIRST_GAPS).map(gap => html`<div class="gap"><i class="disc gap-disc">${gap.rank}</i><span lang="zh-CN">${gap.community ?? ''}</span><span class="quiet">${text('page.buildings', { count: count(gap.buildings) })}</span><b class="number">${text('page.households', { count: count(gap.households) })}</b>${zoomTo(gap.bounds)}</div>`)}
    ${found.length > FIRST_GAPS ? html`<button class="link" aria-expanded=${allGaps} @click=${() => store.set({ allGaps: !allGaps })}>${allGaps ? text('viewer.fewer') : text('page.more', { count: found.length - FIRST_GAPS })}</button>` : nothing}
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
