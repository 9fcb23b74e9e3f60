// The Compare view: two plans side by side, their scores in the order of the rules, who moves where.

import { html, nothing, type TemplateResult } from 'lit';
import type { Plan, Score } from './api';
import { icon } from './icons';
import { before, plan, store } from './store';
import { count, percent, text } from './words';

const MOST_FLOWS = 8;

export function compareBar(): TemplateResult {
  const { showMoved } = store.state;
  return html`<div class="compare-bar">
    <h1>${text('viewer.compare.title')}</h1>
    ${chooser('before', before())}<span aria-hidden="true">→</span>${chooser('plan', plan())}
    <label><input type="checkbox" .checked=${showMoved} @change=${() => store.set({ showMoved: !showMoved })}>${text('viewer.compare.show_moved')}</label>
    <span class="key"><i class="moved"></i>${text('viewer.compare.moved')}</span>
    <span class="key"><i class="broken"></i>${text('viewer.compare.broken')}</span>
  </div>`;
}

function chooser(name: 'before' | 'plan', chosen: Plan | undefined): TemplateResult {
  const choose = (event: Event): void => store.set({ [name]: (event.target as HTMLSelectElement).value });
  return html`<select class="plain" aria-label=${text(`viewer.compare.${name}`)} @change=${choose}>
    ${store.state.town?.plans.map(one => html`<option value=${one.plan_id} ?selected=${one === chosen}>${one.title}</option>`)}
  </select>`;
}

export function paneTitle(side: 'a' | 'b'): TemplateResult {
  const own = side === 'a' ? before() : plan();
  if (!own) return html``;
  const bad = own.totals.out_of_range;
  return html`<div class="card pane-title"><b>${side.toUpperCase()}</b>${own.title}
    <span class="tag ${bad ? 'bad' : 'ok'}">${bad ? text('page.grids.bad', { count: bad }) : text('page.grids.all_in_range')}</span></div>`;
}

export function comparisonTables(): TemplateResult {
  const { comparison, town, busy } = store.state;
  const [first, second] = [before(), plan()];
  if (!first || !second || first === second) return html`<div class="comparison"><p class="section">${text('viewer.compare.one_plan')}</p></div>`;
  if (!comparison) return html`<div class="comparison"><p class="section quiet" role="status">${busy ? text('viewer.working') : ''}</p></div>`;
  const total = town?.totals['households'] ?? 0;
  return html`<div class="comparison">
    <section tabindex="0" aria-label=${text('viewer.compare.scores')}><h2>${text('viewer.compare.scores')}<span class="right">${text('viewer.compare.order')}</span></h2>
      <table><thead><tr><th>${text('viewer.compare.measure')}</th><th class="number">A ${first.title}</th><th class="number">B ${second.title}</th><th class="number">${text('viewer.compare.difference')}</th></tr></thead>
      <tbody>${comparison.scores.map(score => scoreRow(score, [first, second], total))}</tbody></table></section>
    <section tabindex="0" aria-label=${text('viewer.compare.flows')}><h2>${text('viewer.compare.flows')}<span class="right">${text('viewer.compare.total', { households: count(comparison.households), buildings: count(comparison.buildings) })}</span></h2>
      <table><thead><tr><th>${text('page.tab.communities')}</th><th>${text('viewer.compare.from_to')}</th><th class="number">${text('page.tab.buildings')}</th><th class="number">${text('maps.field.households')}</th><td></td></tr></thead>
      <tbody>${comparison.flows.slice(0, MOST_FLOWS).map(flow => html`<tr><td lang="zh-CN">${flow.community}</td><td>${flow.from_code ?? '—'} → ${flow.to_code ?? '—'}</td><td class="number">${count(flow.buildings)}</td><td class="number"><b>${count(flow.households)}</b></td>
        <td>${flow.bounds ? html`<button class="zoom-to" aria-label=${text('page.zoom_to')} title=${text('page.zoom_to')} @click=${() => flow.bounds && store.go(flow.bounds)}>${icon('zoom', 18)}</button>` : nothing}</td></tr>`)}</tbody></table>
      ${comparison.flows.length > MOST_FLOWS ? html`<p class="quiet">${text('page.more', { count: comparison.flows.length - MOST_FLOWS })}</p>` : nothing}</section>
  </div>`;
}

function scoreRow(score: Score, plans: [Plan, Plan], total: number): TemplateResult {
  const shown = (value: number | null, own: Plan): string => {
    if (value === null) return '—';
    return score.key === 'in_range' ? `${count(value)} / ${count(own.totals.grids)}` : count(value);
  };
  const change = score.a === null || score.b === null ? null : Math.round(score.b) - Math.round(score.a);
  let difference = change === null ? '—' : `${change > 0 ? '+' : change < 0 ? '−' : ''}${count(Math.abs(change))}`;
  if (score.key === 'moved_households' && score.b !== null && total) difference = percent(score.b / total);
  const mark = score.better === 'b' ? '▲' : score.better === 'a' ? '▼' : '';
  const tone = score.better === 'b' ? 'better' : score.better === 'a' ? 'worse' : '';
  const { lower, upper } = plans[1].rules;
  return html`<tr><td>${text(`viewer.score.${score.key}`, { lower, upper })}</td><td class="number">${shown(score.a, plans[0])}</td><td class="number">${shown(score.b, plans[1])}</td>
    <td class="number ${tone}">${difference}${mark ? html` <span aria-label=${text(`viewer.compare.${tone}`)}>${mark}</span>` : nothing}</td></tr>`;
}
