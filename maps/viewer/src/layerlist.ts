// The list of layers: switches, opacity and drawing order.

import { html, nothing, type TemplateResult } from 'lit';
import { icon } from './icons';
import { listed } from './order';
import { drawn, store } from './store';
import { percent, text } from './words';

function offered(): { id: string; title: string }[] {
  const way = drawn();
  const all = (store.state.town?.layers ?? []).filter(layer => layer.views.includes(way) && !layer.id.startsWith('coverage_') && layer.id !== 'grids_today');
  const titles = new Map(all.map(layer => [layer.id, layer.title]));
  return listed([...titles.keys()], store.state.moves[way]).map(id => ({ id, title: titles.get(id) ?? '' }));
}

function toggle(id: string): void {
  const way = drawn(), { on } = store.state;
  const next = new Set(on[way]);
  if (!next.delete(id)) next.add(id);
  store.set({ on: { ...on, [way]: next } });
}

// A layer changes places with its neighbour; the button that was pressed keeps the focus.
function move(event: Event, id: string, neighbour: string, above: boolean): void {
  const way = drawn(), { moves } = store.state;
  const pressed = event.currentTarget as HTMLElement;
  store.set({ moves: { ...moves, [way]: [...moves[way], { layer: id, other: neighbour, above }] } });
  requestAnimationFrame(() => {
    const row = document.querySelector(`.layers [data-layer="${id}"]`);
    const same = row?.querySelector<HTMLButtonElement>(`[data-act="${pressed.dataset['act']}"]`);
    (same && !same.disabled ? same : row?.querySelector<HTMLButtonElement>('button:not(:disabled)'))?.focus();
  });
}

export function layerList(): TemplateResult {
  const { on, opacity } = store.state;
  const way = drawn(), layers = offered();
  const row = ({ id, title }: { id: string; title: string }, place: number): TemplateResult => {
    const above = layers[place - 1], below = layers[place + 1];
    const shown = on[way].has(id), clear = opacity[id] ?? 1;
    const fade = (event: Event): void => store.set({ opacity: { ...opacity, [id]: Number((event.target as HTMLInputElement).value) / 100 } });
    return html`<li data-layer=${id}>
      <label><input type="checkbox" .checked=${shown} @change=${() => toggle(id)}>${title}</label>
      <input type="range" min="10" max="100" step="10" .value=${String(Math.round(clear * 100))} ?disabled=${!shown} aria-label=${text('viewer.layer.opacity', { layer: title })} aria-valuetext=${percent(clear)} @input=${fade}>
      <button data-act="up" ?disabled=${!above} aria-label=${text('viewer.layer.up', { layer: title })} title=${text('viewer.layer.up', { layer: title })} @click=${(event: Event) => above && move(event, id, above.id, true)}>${icon('up', 16)}</button>
      <button data-act="down" ?disabled=${!below} aria-label=${text('viewer.layer.down', { layer: title })} title=${text('viewer.layer.down', { layer: title })} @click=${(event: Event) => below && move(event, id, below.id, false)}>${icon('down', 16)}</button>
    </li>`;
  };
  const changed = store.state.moves[way].length > 0 || Object.keys(opacity).length > 0;
  return html`<section class="card layers" aria-label=${text('page.layers')}>
    <h2>${text('page.layers')}<span class="right">${text('viewer.layer.columns')}</span></h2>
    <ul>${layers.map(row)}</ul>
    ${changed ? html`<button class="link" @click=${() => store.set({ opacity: {}, moves: { ...store.state.moves, [way]: [] } })}>${text('viewer.layer.reset')}</button>` : nothing}
  </section>`;
}
