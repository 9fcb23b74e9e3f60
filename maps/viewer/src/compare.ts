// The Compare view: two plans side by side, their scores in the order of the rules, who moves where.

import { html, nothing, type TemplateResult } from 'lit';
import type { Flow, Plan, PlanTitle, Score } from './api';
import { icon } from './icons';
import { judged } from './place';
import { beforeTitle, loaded, planTitle, store, type Mode } from './store';
import { zoomTo } from './tables';
import { count, percent, text } from './words';

const MODES: Mode[] = ['side', 'swipe', 'difference'];

export function compareBar(): TemplateResult {
  const { mode, showMoved } = store.state;
  return html`<div class="compare-bar">
    <h1>${text('viewer.compare.title')}</h1>
    <span class="pair">${chooser('before', beforeTitle())}<span aria-hidden="true">→</span>${chooser('plan', planTitle())}</span>
    <div class="choice modes" role="group" aria-label=${text('viewer.compare.mode')}>${MODES.map(one => html`<button aria-pressed=${one === mode} @click=${() => store.set({ mode: one })}>${icon(one, 16)}${text(`viewer.compare.${one === 'difference' ? 'difference_mode' : one}`)}</button>`)}</div>
    <label><input type="checkbox" .checked=${showMoved} @change=${() => store.set({ showMoved: !showMoved })}>${text('viewer.compare.show_moved')}</label>
    <span class="key"><i class="moved"></i>${text('viewer.compare.moved')}</span>
    ${mode === 'difference'
      ? html`<span class="key"><i class="moved-building"></i>${text('viewer.compare.moved_building')}</span>`
      : html`<span class="key"><i class="broken"></i>${text('viewer.compare.broken')}</span>`}
  </div>`;
}

function chooser(name: 'before' | 'plan', chosen: PlanTitle | undefined): TemplateResult {
  const choose = (event: Event): void => store.set({ [name]: (event.target as HTMLSelectElement).value });
  return html`<select class="plain" aria-label=${text(`viewer.compare.${name}`)} @change=${choose}>
    ${store.state.town?.plans.map(one => html`<option value=${one.plan_id} ?selected=${one === chosen}>${one.title}</option>`)}
  </select>`;
}

function paneTitle(side: 'a' | 'b'): TemplateResult {
  const title = side === 'a' ? beforeTitle() : planTitle();
  const own = loaded(title);
  return html`<div class="card pane-title ${side}"><b>${side.toUpperCase()}</b>${title?.title}
    ${own ? judged(own.grids.filter(grid => grid.kind !== 'special')) : nothing}</div>`;
}

// Two maps beside each other, one over the other behind a divider, or one of what differs.
export function panes(): TemplateResult {
  const { mode, swipe } = store.state;
  if (mode === 'difference') {
    return html`<div class="panes difference"><div class="pane"><wangge-map side="d" .plan=${planTitle()}></wangge-map></div></div>`;
  }
  const slide = (event: Event): void => store.set({ swipe: Number((event.target as HTMLInputElement).value) });
  return html`<div class="panes ${mode}" style="--swipe:${swipe / 100}">
    <div class="pane"><wangge-map side="a" .plan=${beforeTitle()}></wangge-map>${paneTitle('a')}</div>
    <div class="pane over"><wangge-map side="b" .plan=${planTitle()}></wangge-map>${mode === 'side' ? paneTitle('b') : nothing}</div>
    ${mode === 'swipe' ? html`${paneTitle('b')}<i class="divider"></i><input class="divide" type="range" min="0" max="100" .value=${String(swipe)} aria-label=${text('viewer.compare.divider')} @input=${slide}>` : nothing}
  </div>`;
}

export function comparisonTables(): TemplateResult {
  const { comparison, town, busy } = store.state;
  const titles = [beforeTitle(), planTitle()] as const;
  const [first, second] = [loaded(titles[0]), loaded(titles[1])];
  if (!titles[0] || !titles[1] || titles[0] === titles[1]) return html`<div class="comparison"><p class="section">${text('viewer.compare.one_plan')}</p></div>`;
  if (!comparison || !first || !second) return html`<div class="comparison"><p class="section quiet" role="status">${busy ? text('viewer.working') : ''}</p></div>`;
  const total = town?.totals['households'] ?? 0;
  return html`<div class="comparison">
    <section tabindex="0" aria-label=${text('viewer.compare.scores')}><h2>${text('viewer.compare.scores')}<span class="right">${text('viewer.compare.order')}</span></h2>
      <table><thead><tr><th>${text('viewer.compare.measure')}</th><th class="number">A ${titles[0].title}</th><th class="number">B ${titles[1].title}</th><th class="number">${text('viewer.compare.difference')}</th></tr></thead>
      <tbody>${comparison.scores.map(score => scoreRow(score, [first, second], total))}</tbody></table></section>
    <section tabindex="0" aria-label=${text('viewer.compare.flows')}><h2>${text('viewer.compare.flows')}<span class="right">${text('viewer.compare.total', { households: count(comparison.households), buildings: count(comparison.buildings) })}</span></h2>
      <table><thead><tr><th>${text('page.tab.communities')}</th><th>${text('viewer.compare.from_to')}</th><th class="number">${text('maps.field.buildings')}</th><th class="number">${text('maps.field.households')}</th><td></td></tr></thead>
      <tbody>${comparison.flows.map(flowRow)}</tbody></table></section>
  </div>`;
}

function flowRow(flow: Flow): TemplateResult {
  return html`<tr><td lang="zh-CN">${flow.community}</td><td>${flow.from_code ?? '—'} → ${flow.to_code ?? '—'}</td><td class="number">${count(flow.buildings)}</td><td class="number"><b>${count(flow.households)}</b></td><td>${flow.bounds ? zoomTo(flow.bounds) : nothing}</td></tr>`;
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
