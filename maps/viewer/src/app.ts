// The frame: top bar, views, map or maps, panel, status.

import { LitElement, html, nothing, type TemplateResult } from 'lit';
import { customElement, query, state } from 'lit/decorators.js';
import { api, type LegendEntry } from './api';
import { compareBar, comparisonTables, panes } from './compare';
import { brand, icon } from './icons';
import { layerList } from './layerlist';
import { legend } from './legend';
import { lifePanel } from './life';
import type { WanggeMap } from './map';
import { townPanel } from './panels';
import { beforeTitle, category, planTitle, store, type Drawn, type View } from './store';
import { tables } from './tables';
import { count, text } from './words';

const LANGUAGES: [string, string][] = [['zh-CN', '中文'], ['en', 'EN']];
const VIEWS: View[] = ['town', 'life', 'compare'];
const MM_PER_PIXEL = 0.2646;
// From here on a click means a building rather than a grid.
const NEAR_ZOOM = 15;

@customElement('wangge-app')
export class WanggeApp extends LitElement {
  @state() private entries: LegendEntry[] = [];
  @state() private scale = { label: '', width: 0, ratio: 0, zoom: 0 };
  @query('wangge-map') private main?: WanggeMap;
  // What was last asked of the service, so that nothing is asked twice and a late answer is let go.
  private asked = { coverage: '', comparison: '', place: 0 };
  private waiting = 0;

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    store.addEventListener('change', () => {
      this.requestUpdate();
      void this.fetch();
    });
    store.addEventListener('ask', event => void this.place((event as CustomEvent<{ lng: number; lat: number }>).detail));
    void this.speak(store.state.language);
  }

  // Waits for an answer; the page says that it works, and why there is no answer if there is none.
  private async answered<T>(answer: Promise<T>): Promise<T | null> {
    this.waiting += 1;
    if (!store.state.busy) store.set({ busy: true });
    try {
      return await answer;
    } catch (reason) {
      store.set({ error: String(reason) });
      return null;
    } finally {
      this.waiting -= 1;
      if (!this.waiting) store.set({ busy: false });
    }
  }

  // Loads texts, town and legend in a language; the first time this starts the page.
  private async speak(language: string): Promise<void> {
    const answers = await this.answered(Promise.all([api.texts(language), api.town(language), api.legend(language)]));
    if (!answers) return;
    const [texts, town, entries] = answers;
    document.documentElement.lang = language;
    this.entries = entries;
    const on = (way: Drawn): Set<string> => new Set(town.layers.filter(layer => layer.on.includes(way)).map(layer => layer.id));
    const first = !store.state.town;
    const covered = town.coverage?.categories ?? [];
    const best = covered.find(one => one.gaps && (one.rate ?? 0) >= 0.5) ?? covered[0];
    store.set({
      language, texts, town, error: '', plans: {}, place: null, reach: null,
      category: covered.some(one => one.category === store.state.category) ? store.state.category : (best?.category ?? ''),
      plan: store.state.plan || (town.plans[0]?.plan_id ?? ''),
      before: store.state.before || (town.plans.at(-1)?.plan_id ?? ''),
      ...(first ? { on: { grids: on('grids'), life: on('life') } } : {}),
    });
    document.title = text('page.title', { town: town.name });
  }

  // Asks for what the state needs and the page does not have.
  private async fetch(): Promise<void> {
    const { view, town, limit } = store.state;
    if (!town) return;
    const [a, b] = [beforeTitle()?.plan_id, planTitle()?.plan_id];
    const pair = `${a} ${b}`, covered = `${category()?.category} ${limit}`;
    void this.fetchPlan(b);
    if (view === 'life' && category() && this.asked.coverage !== covered) {
      this.asked.coverage = covered;
      const own = category()?.category ?? '';
      const found = await this.answered(Promise.all([api.rates(own, limit), api.walks(own, limit), api.gaps(own)]));
      if (found && this.asked.coverage === covered) store.set({ coverage: { rates: found[0], walks: found[1], gaps: found[2] } });
    }
    if (view === 'compare') void this.fetchPlan(a);
    if (view === 'compare' && a && b && a !== b && this.asked.comparison !== pair) {
      this.asked.comparison = pair;
      store.set({ comparison: null });
      const comparison = await this.answered(api.compare(a, b));
      if (this.asked.comparison === pair) store.set({ comparison });
    }
  }

  private readonly fetching = new Set<string>();

  private async fetchPlan(id: string | undefined): Promise<void> {
    const { language, plans } = store.state;
    const key = `${language} ${id}`;
    if (!id || plans[id] || this.fetching.has(key)) return;
    this.fetching.add(key);
    const found = await this.answered(api.plan(id, language));
    this.fetching.delete(key);
    if (found && language === store.state.language) store.set({ plans: { ...store.state.plans, [id]: found } });
  }

  // What lies at a place, and where one walks from there.
  private async place({ lng, lat }: { lng: number; lat: number }): Promise<void> {
    const { language, town, view } = store.state;
    if (view === 'compare') return;
    const turn = ++this.asked.place;
    const place = await this.answered(api.at(lng, lat, language, planTitle()?.plan_id ?? ''));
    if (!place || turn !== this.asked.place) return;
    const near = view === 'life' || this.scale.zoom >= NEAR_ZOOM;
    store.set({ place, reach: null, route: '', table: false, tab: place.building && near ? 'buildings' : 'grids' });
    this.querySelector('.panel')?.scrollTo({ top: 0 });
    if (!near || !town?.coverage || !place.community) return;
    const reach = await this.answered(api.reach(lng, lat, language));
    if (reach && turn === this.asked.place) store.set({ reach });
  }

  protected override render(): TemplateResult {
    const { busy, error, table, texts, town, view } = store.state;
    if (error && !town) return html`<main class="message" role="alert"><p>${error}</p></main>`;
    if (!town || !('viewer.view.town' in texts)) return html`<header class="top">${brand}</header>`;
    this.classList.toggle('wide', table && view !== 'compare');
    return html`
      <a class="skip" href="#panel" @click=${this.skip}>${text('viewer.skip')}</a>
      ${this.top()}
      <nav class="rail" aria-label=${text('page.views')}>
        ${VIEWS.map(one => html`<button aria-current=${one === view ? 'page' : nothing} @click=${() => store.set({ view: one, place: null, reach: null, layersOpen: false })}>${icon(one)}${text(`viewer.view.${one}`)}</button>`)}
      </nav>
      ${view === 'compare' ? this.comparing() : this.single()}
      <footer class="status">
        <b lang="zh-CN">${town.name}</b><span>${text('page.status', { communities: count(town.totals['communities']), estates: count(town.totals['estates']), buildings: count(town.totals['buildings']), households: count(town.totals['households']) })}</span>
        <span class="right">${town.crs}</span>${this.scale.ratio ? html`<span>1:${count(this.scale.ratio)}</span>` : nothing}
      </footer>
      <div class="busy" role="status">${busy ? html`<span class="hidden">${text('viewer.working')}</span>` : nothing}</div>
      ${error ? html`<div class="card failed" role="alert">${text('viewer.failed', { reason: error })}<button class="close" aria-label=${text('viewer.close')} @click=${() => store.set({ error: '' })}>${icon('close', 14)}</button></div>` : nothing}`;
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
    const { view, layersOpen, table, town } = store.state;
    return html`
      <main class="map-area" aria-label=${text('viewer.map')} @moved=${this.measure} @settled=${this.measure}>
        <wangge-map></wangge-map>
        <div class="card tools" role="group" aria-label=${text('page.map_tools')}>
          ${this.tool('in', 'plus', () => this.main?.map?.zoomIn({ animate: false }))}
          ${this.tool('out', 'minus', () => this.main?.map?.zoomOut({ animate: false }))}
          ${this.tool('fit', 'fit', () => this.main?.fit())}
          ${this.tool('layers', 'layers', () => store.set({ layersOpen: !layersOpen }), layersOpen)}
        </div>
        ${layersOpen ? layerList() : nothing}
        ${legend(this.entries, this.scale.zoom)}
        <div class="scale"><span>${this.scale.label}</span><i style="width:${this.scale.width}px"></i></div>
        <div class="attribution">${[town?.synthetic ? text('page.synthetic_note') : town?.provenance['source'] ? text('page.source', { source: town.provenance['source'] }) : '', town?.provenance['licence'] ?? ''].filter(Boolean).join(' · ')}</div>
      </main>
      <aside class="panel ${table ? 'tabled' : ''}" id="panel" tabindex="-1" aria-label=${text('viewer.panel')}>${table ? tables() : view === 'town' ? townPanel() : lifePanel()}</aside>`;
  }

  private tool(act: string, name: string, press: () => void, pressed?: boolean): TemplateResult {
    return html`<button aria-label=${text(`page.${act}`)} title=${text(`page.${act}`)} aria-pressed=${pressed ?? nothing} @click=${press}>${icon(name)}</button>`;
  }

  private comparing(): TemplateResult {
    return html`<main class="compare-area" id="panel" tabindex="-1" aria-label=${text('viewer.view.compare')} @moved=${this.together} @settled=${this.measure}>
      ${compareBar()}
      ${panes()}
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
