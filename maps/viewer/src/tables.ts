// The table twin of the map: grids and communities as the map shows them, sorted by any column.

import { html, nothing, type TemplateResult } from 'lit';
import type { Bounds, Grid, Plan, SubjectRate } from './api';
import { icon } from './icons';
import { category, plan, store, type Subject } from './store';
import { count, percent, text } from './words';

type Value = string | number | null;

interface Column<T> {
  key: string;
  title: string;
  value: (row: T) => Value;
  shown?: (row: T) => string;
  words?: boolean;
}

interface Listing<T> {
  columns: Column<T>[];
  rows: T[];
  bounds: (row: T) => Bounds | undefined;
}

export const zoomTo = (bounds: Bounds): TemplateResult =>
  html`<button class="zoom-to" aria-label=${text('page.zoom_to')} title=${text('page.zoom_to')} @click=${() => store.go(bounds)}>${icon('zoom', 18)}</button>`;

// Unknown stands last, whichever way a column is sorted.
function sorted<T>(rows: T[], column: Column<T> | undefined, down: boolean): T[] {
  if (!column) return rows;
  const sign = down ? -1 : 1;
  return [...rows].sort((first, second) => {
    const [a, b] = [column.value(first), column.value(second)];
    if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
    return sign * (typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b), store.state.language));
  });
}

function table<T>({ columns, rows, bounds }: Listing<T>, caption: string): TemplateResult {
  const { sort } = store.state;
  const head = (column: Column<T>): TemplateResult => {
    const own = sort.column === column.key;
    const order = own ? (sort.down ? 'descending' : 'ascending') : 'none';
    const press = (): void => store.set({ sort: { column: column.key, down: own ? !sort.down : !column.words } });
    return html`<th class=${column.words ? '' : 'number'} aria-sort=${order}><button @click=${press}>${column.title}<i aria-hidden="true">${own ? (sort.down ? '▼' : '▲') : ''}</i></button></th>`;
  };
  const cell = (column: Column<T>, row: T): TemplateResult => {
    const value = column.value(row);
    const shown = column.shown?.(row) ?? (typeof value === 'number' ? count(value) : (value ?? text('page.unknown')));
    return html`<td class=${column.words ? '' : 'number'}>${shown}</td>`;
  };
  const order = sorted(rows, columns.find(one => one.key === sort.column), sort.down);
  return html`<div class="sheet" tabindex="0" role="region" aria-label=${caption}><table>
    <thead><tr>${columns.map(head)}<td></td></tr></thead>
    <tbody>${order.map(row => {
      const box = bounds(row);
      return html`<tr>${columns.map(column => cell(column, row))}<td>${box ? zoomTo(box) : nothing}</td></tr>`;
    })}</tbody></table></div>`;
}

function state(grid: Grid, own: Plan): string {
  if (grid.kind === 'special') return text('viewer.table.special');
  if (grid.in_range === null) return text('page.unknown');
  if (grid.in_range) return text('viewer.table.in_range');
  return `${(grid.households ?? 0) > own.rules.upper ? '▲' : '▼'} ${text('page.grids.out_of_range')}`;
}

function ofGrids(own: Plan): TemplateResult {
  const names = new Map(store.state.town?.communities.map(one => [one.community_id, one.name]));
  return table<Grid>({
    columns: [
      { key: 'code', title: text('maps.field.code'), value: grid => grid.code ?? grid.grid_id, words: true },
      { key: 'community', title: text('maps.field.community'), value: grid => names.get(grid.community_id) ?? null, words: true },
      { key: 'households', title: text('maps.field.households'), value: grid => grid.households },
      { key: 'state', title: text('viewer.table.state'), value: grid => state(grid, own), words: true },
    ],
    rows: own.grids,
    bounds: grid => grid.bounds,
  }, text('viewer.table.grids'));
}

function ofCommunities(own: Plan): TemplateResult {
  const rows = (store.state.town?.communities ?? []).map(one => {
    const grids = own.grids.filter(grid => grid.community_id === one.community_id && grid.kind !== 'special');
    return {
      ...one,
      grids: grids.length,
      outside: grids.filter(grid => grid.in_range === false).length,
      proof: own.certificates.find(found => found.community_id === one.community_id)?.tag ?? null,
    };
  });
  return table<(typeof rows)[number]>({
    columns: [
      { key: 'name', title: text('maps.field.community'), value: row => row.name, words: true },
      { key: 'households', title: text('maps.field.households'), value: row => row.households },
      { key: 'grids', title: text('maps.field.grids'), value: row => row.grids },
      { key: 'outside', title: text('page.grids.out_of_range'), value: row => row.outside },
      ...(own.certificates.length ? [{ key: 'proof', title: text('maps.field.certificate'), value: (row: (typeof rows)[number]) => row.proof, words: true }] : []),
    ],
    rows,
    bounds: row => row.bounds,
  }, text('viewer.table.communities'));
}

function ofRates(rates: SubjectRate[], boxes: Map<string, Bounds>, caption: string): TemplateResult {
  return table<SubjectRate>({
    columns: [
      { key: 'name', title: caption, value: row => row.name ?? row.id, words: true },
      { key: 'rate', title: text('viewer.table.rate'), value: row => (row.class ? row.rate : null), shown: row => (row.class ? percent(row.rate ?? 0) : text('page.not_assessed')) },
      { key: 'numerator', title: text('viewer.table.covered'), value: row => row.numerator },
      { key: 'denominator', title: text('maps.field.households'), value: row => row.denominator },
      { key: 'undetermined', title: text('page.life.unknown'), value: row => row.undetermined },
    ],
    rows: rates.filter(row => row.denominator !== null),
    bounds: row => boxes.get(row.id),
  }, caption);
}

export function tables(): TemplateResult {
  const { coverage, subject, town, view } = store.state;
  const own = plan();
  const subjects: Subject[] = ['grids', 'communities'];
  const grids = new Map(own?.grids.map(grid => [grid.grid_id, grid.bounds]));
  const communities = new Map(town?.communities.map(one => [one.community_id, one.bounds]));
  const content = (): TemplateResult | typeof nothing => {
    if (view === 'life') {
      if (!coverage) return nothing;
      return subject === 'grids'
        ? ofRates(coverage.rates.grids, grids, text('maps.field.grid'))
        : ofRates(coverage.rates.communities, communities, text('maps.field.community'));
    }
    if (!own) return html`<p class="section">${text('viewer.no_plan')}</p>`;
    return subject === 'grids' ? ofGrids(own) : ofCommunities(own);
  };
  return html`
    <div class="head"><h1>${text('viewer.table.title')}</h1>${view === 'life' ? html`<span class="quiet">${category()?.name ?? ''}</span>` : nothing}${tableSwitch()}</div>
    <div class="section"><div class="choice" role="group" aria-label=${text('viewer.areas')}>
      ${subjects.map(one => html`<button aria-pressed=${one === subject} @click=${() => store.set({ subject: one, sort: { column: '', down: false } })}>${text(`viewer.table.${one}`)}</button>`)}
    </div></div>
    ${content()}`;
}

export function tableSwitch(): TemplateResult {
  const { table: open } = store.state;
  const words = text(open ? 'viewer.table.close' : 'viewer.table.open');
  return html`<button class="as-table" aria-label=${words} title=${words} @click=${() => store.set({ table: !open })}>${icon(open ? 'list' : 'table', 18)}</button>`;
}
