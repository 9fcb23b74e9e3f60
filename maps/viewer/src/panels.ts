// The panel of the Town view.

import { html, nothing, type TemplateResult } from 'lit';
import type { Grid, Plan } from './api';
import { icon } from './icons';
import { card, judged, tone } from './place';
import { plan, planTitle, store } from './store';
import { tableSwitch, zoomTo } from './tables';
import { count, text } from './words';

export function townPanel(): TemplateResult {
  const { town, place } = store.state;
  const own = plan();
  if (!town) return html``;
  if (!own) return html`<div class="head"><h1>${text('page.grids.title')}</h1></div>${town.plans.length > 1 ? html`<div class="section">${planChoice()}</div>` : nothing}<div class="section"><p role="status">${text(town.plans.length ? 'viewer.working' : 'viewer.no_plan')}</p></div>${place ? card(place) : nothing}`;
  const { lower, upper } = own.rules;
  const outside = own.grids.filter(grid => grid.in_range === false);
  return html`
    <div class="head"><h1>${text('page.grids.title')}</h1><span class="right">${text('page.grids.window', { lower, upper })}</span>${tableSwitch()}</div>
    ${place ? card(place) : nothing}
    ${town.plans.length > 1 ? html`<div class="section">${planChoice()}</div>` : nothing}
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

function planChoice(): TemplateResult {
  const { town } = store.state;
  return html`<div class="choice" role="group" aria-label=${text('viewer.plans')}>
    ${town?.plans.map(one => html`<button aria-pressed=${one === planTitle()} @click=${() => store.set({ plan: one.plan_id })}>${one.title}</button>`)}
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
  const proof = own.certificates.find(certificate => certificate.community_id === id);
  const open = chosen === id;
  const tag = proof
    ? html`<span class="tag ${tone(proof.status)}">${proof.tag}</span>`
    : judged(grids);
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
