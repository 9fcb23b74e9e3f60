// The frame: top bar, views, map or maps, panel, status.

import { LitElement, html, nothing, type TemplateResult } from 'lit';
import { customElement, query, state } from 'lit/decorators.js';
import { api, type LegendEntry } from './api';
import { compareBar, comparisonTables, paneTitle } from './compare';
import { brand, icon } from './icons';
import { legend, switches } from './legend';
import type { WanggeMap } from './map';
import { lifePanel, townPanel } from './panels';
import { before, category, plan, store, type Drawn, type View } from './store';
import { count, text } from './words';

const LANGUAGES: [string, string][] = [['zh-CN', '中文'], ['en', 'EN']];
const VIEWS: View[] = ['town', 'life', 'compare'];
const MM_PER_PIXEL = 0.2646;

@customElement('wangge-app')
export class WanggeApp extends LitElement {
  @state() private entries: LegendEntry[] = [];
  @state() private scale = { label: '', width: 0, ratio: 0, zoom: 0 };
  @query('wangge-map') private main?: WanggeMap;
  private asked = { coverage: '', comparison: '' };

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    store.addEventListener('change', () => {
      this.requestUpdate();
      void this.fetch();
    });
    store.addEventListener('ask', event => void this.ask(event as CustomEvent<{ lng: number; lat: number }>));
    void this.speak(store.state.language);
  }

  // Loads texts, town and legend in a language; the first time this starts the page.
  private async speak(language: string): Promise<void> {
    try {
      const [texts, town, entries] = await Promise.all([api.texts(language), api.town(language), api.legend(language)]);
      document.documentElement.lang = language;
      this.entries = entries;
      const on = (way: Drawn): Set<string> => new Set(town.layers.filter(layer => layer.on.includes(way)).map(layer => layer.id));
      const first = !store.state.town;
      const covered = town.coverage?.categories ?? [];
      const best = covered.find(one => one.gaps && (one.rate ?? 0) >= 0.5) ?? covered[0];
      store.set({
        language, texts, town, error: '', place: null,
        category: covered.some(one => one.category === store.state.category) ? store.state.category : (best?.category ?? ''),
        plan: store.state.plan || (town.plans[0]?.plan_id ?? ''),
        before: store.state.before || (town.plans.at(-1)?.plan_id ?? ''),
        ...(first ? { on: { grids: on('grids'), life: on('life') } } : {}),
      });
      document.title = text('page.title', { town: town.name });
    } catch (reason) {
      store.set({ error: String(reason) });
    }
  }

  // Asks for what the state needs and the page does not have.
  private async fetch(): Promise<void> {
    const { view, town } = store.state;
    const own = category();
    if (view === 'life' && own && this.asked.coverage !== own.category) {
      this.asked.coverage = own.category;
      store.set({ busy: true });
      const [rates, walks, gaps] = await Promise.all([api.rates(own.category), api.walks(own.category), api.gaps(own.category)]);
      if (this.asked.coverage === own.category) store.set({ coverage: { rates, walks, gaps }, busy: false });
    }
    const [a, b] = [before()?.plan_id, plan()?.plan_id];
    const pair = `${a} ${b}`;
    if (view === 'compare' && town && a && b && a !== b && this.asked.comparison !== pair) {
      this.asked.comparison = pair;
      store.set({ busy: true, comparison: null });
      const comparison = await api.compare(a, b);
      if (this.asked.comparison === pair) store.set({ comparison, busy: false });
    }
  }

  private async ask(event: CustomEvent<{ lng: number; lat: number }>): Promise<void> {
    if (store.state.view === 'compare') return;
    const place = await api.at(event.detail.lng, event.detail.lat, store.state.language);
    const tab = place.building && (store.state.view === 'life' || this.scale.zoom >= 15) ? 'buildings' : 'grids';
    store.set({ place, tab });
    this.querySelector('.panel')?.scrollTo({ top: 0 });
  }

  protected override render(): TemplateResult {
    const { town, view, error, texts } = store.state;
    if (error && !town) return html`<main class="message" role="alert"><p>${error}</p></main>`;
    if (!town || !('viewer.view.town' in texts)) return html`<header class="top">${brand}</header>`;
    return html`
      <a class="skip" href="#panel" @click=${this.skip}>${text('viewer.skip')}</a>
      ${this.top()}
      <nav class="rail" aria-label=${text('page.views')}>
        ${VIEWS.map(one => html`<button aria-current=${one === view ? 'page' : nothing} @click=${() => store.set({ view: one, place: null })}>${icon(one)}${text(`viewer.view.${one}`)}</button>`)}
      </nav>
      ${view === 'compare' ? this.comparing() : this.single()}
      <footer class="status">
        <b lang="zh-CN">${town.name}</b><span>${text('page.status', { communities: count(town.totals['communities']), estates: count(town.totals['estates']), buildings: count(town.totals['buildings']), households: count(town.totals['households']) })}</span>
        <span class="right">${town.crs}</span>${this.scale.ratio ? html`<span>1:${count(this.scale.ratio)}</span>` : nothing}
      </footer>`;
  }

  private top(): TemplateResult {
    const { town, language } = store.state;
    return html`<header class="top">
      <div class="brand">${brand}${text('page.brand')}</div>
      <div class="chosen"><span lang="zh-CN">${town?.name}</span>${town?.synthetic ? html`<span class="chip">${text('page.synthetic')}</span>` : nothing}</div>
      <wangge-search></wangge-search>
      <div class="languages" role="group" aria-label=${text('page.language')}>${LANGUAGES.map(([id, name]) => html`<button lang=${id} aria-pressed=${id === language} @click=${() => void this.speak(id)}>${name}</button>`)}</div>
    </header>`;
  }

  private single(): TemplateResult {
    const { view, layersOpen, town } = store.state;
    return html`
      <main class="map-area" aria-label=${text('viewer.map')} @ask=${(event: Event) => void this.ask(event as CustomEvent)} @moved=${this.measure} @settled=${this.measure}>
        <wangge-map></wangge-map>
        <div class="card tools" role="group" aria-label=${text('page.map_tools')}>
          ${this.tool('in', 'plus', () => this.main?.map?.zoomIn({ animate: false }))}
          ${this.tool('out', 'minus', () => this.main?.map?.zoomOut({ animate: false }))}
          ${this.tool('fit', 'fit', () => this.main?.fit())}
          ${this.tool('layers', 'layers', () => store.set({ layersOpen: !layersOpen }), layersOpen)}
        </div>
        ${layersOpen ? switches() : nothing}
        ${legend(this.entries, this.scale.zoom)}
        <div class="scale"><span>${this.scale.label}</span><i style="width:${this.scale.width}px"></i></div>
        <div class="attribution">${[town?.synthetic ? text('page.synthetic_note') : town?.provenance['source'] ? text('page.source', { source: town.provenance['source'] }) : '', town?.provenance['licence'] ?? ''].filter(Boolean).join(' · ')}</div>
      </main>
      <aside class="panel" id="panel" tabindex="-1" aria-label=${text('viewer.panel')}>${view === 'town' ? townPanel() : lifePanel()}</aside>`;
  }

  private tool(act: string, name: string, press: () => void, pressed?: boolean): TemplateResult {
    return html`<button aria-label=${text(`page.${act}`)} title=${text(`page.${act}`)} aria-pressed=${pressed ?? nothing} @click=${press}>${icon(name)}</button>`;
  }

  private comparing(): TemplateResult {
    return html`<main class="compare-area" id="panel" tabindex="-1" aria-label=${text('viewer.view.compare')} @moved=${this.together} @settled=${this.measure}>
      ${compareBar()}
      <div class="panes">
        <div class="pane">${paneTitle('a')}<wangge-map side="a" .plan=${before()}></wangge-map></div>
        <div class="pane">${paneTitle('b')}<wangge-map side="b" .plan=${plan()}></wangge-map></div>
      </div>
      ${comparisonTables()}
    </main>`;
  }

  private following = false;

  // Both maps show the same place.
  private together = (event: Event): void => {
    if (this.following) return;
    const moved = event.target as WanggeMap;
    if (!moved.map) return;
    this.following = true;
    for (const other of this.querySelectorAll<WanggeMap>('wangge-map')) {
      if (other !== moved) other.map?.jumpTo({ center: moved.map.getCenter(), zoom: moved.map.getZoom() });
    }
    this.following = false;
  };

  private measure = (): void => {
    const map = this.main?.map;
    if (!map) return;
    const y = map.getContainer().clientHeight / 2;
    const metres = map.unproject([0, y]).distanceTo(map.unproject([100, y]));
    const power = 10 ** Math.floor(Math.log10(metres));
    const round = [5, 2, 1].map(step => step * power).find(step => step <= metres) ?? power;
    this.scale = {
      label: round >= 1000 ? `${round / 1000} km` : `${round} m`,
      width: (round / metres) * 100,
      ratio: Math.round((metres * 1000) / (100 * MM_PER_PIXEL) / 100) * 100,
      zoom: map.getZoom(),
    };
  };

  private skip = (event: Event): void => {
    event.preventDefault();
    (this.querySelector('#panel') as HTMLElement | null)?.focus();
  };
}
