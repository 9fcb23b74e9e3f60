// The map: the service's style, shown as the state says.

import { LitElement, html } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { FeatureCollection } from 'geojson';
import {
  Map as MapLibre, setWorkerUrl,
  type FilterSpecification, type GeoJSONSource, type LayerSpecification, type MapMouseEvent, type VectorTileSource,
} from 'maplibre-gl';
import worker from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url';
import type { Bounds, Plan, PlanTitle } from './api';
import { addImages } from './images';
import { AREAS, EMPTY, FIRST_ADDED, absolute, faded, isLabel, loadStyle, meta } from './mapstyle';
import { arranged } from './order';
import { LEAST_GAP, Pills } from './pills';
import { category, drawn, loaded, planTitle, route, store } from './store';
import { text } from './words';

setWorkerUrl(new URL(worker, document.baseURI).href);

// One map of a pair is a or b; the difference of two plans is d; a map of its own has no side.
export type Side = '' | 'a' | 'b' | 'd';
const BUILDINGS = { source: 'buildings', sourceLayer: 'buildings' };
const GRIDS = { source: 'grids', sourceLayer: 'grids' };

@customElement('wangge-map')
export class WanggeMap extends LitElement {
  @property({ attribute: false }) plan?: PlanTitle | undefined;
  @property() side: Side = '';

  map?: MapLibre;
  private styled: LayerSpecification[] = [];
  private readonly pills = new Pills();
  // What the map was last brought to, by part: a part is drawn anew when what it is made of changes.
  private readonly done = new Map<string, unknown[]>();

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  private get name(): string {
    return this.side ? `${text('viewer.map')} ${this.side.toUpperCase()}` : text('page.map');
  }

  protected override render() {
    return html`<div class="canvas"></div>`;
  }

  protected override async firstUpdated(): Promise<void> {
    const { town } = store.state;
    if (!town) return;
    const at = store.position['at']?.split(',').map(Number);
    const style = await loadStyle();
    if (!this.isConnected) return;
    this.styled = style.layers;
    const map = new MapLibre({
      container: this.querySelector('.canvas') as HTMLElement,
      style,
      ...(at?.length === 3 ? { center: [at[0], at[1]] as [number, number], zoom: at[2] as number } : { bounds: town.bounds, fitBoundsOptions: { padding: 16 } }),
      localIdeographFontFamily: false,
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      maxZoom: 19,
      minZoom: 9,
      fadeDuration: 0,
      locale: { 'Map.Title': this.name },
    });
    map.touchZoomRotate.disableRotation();
    this.map = map;
    map.once('style.load', () => void this.begin());
    map.on('click', (event: MapMouseEvent) => store.ask(event.lngLat.lng, event.lngLat.lat));
    map.on('move', () => this.dispatchEvent(new CustomEvent('moved', { bubbles: true })));
    map.on('moveend', () => {
      const { lng, lat } = map.getCenter();
      if (this.side !== 'b') store.position = { at: [lng.toFixed(6), lat.toFixed(6), map.getZoom().toFixed(2)].join(',') };
      this.dispatchEvent(new CustomEvent('settled', { bubbles: true }));
      this.writeGaps();
    });
    map.on('idle', () => this.toggleAttribute('idle', true));
    map.on('movestart', () => this.toggleAttribute('idle', false));
  }

  private async begin(): Promise<void> {
    if (!this.map) return;
    await addImages(this.map);
    store.addEventListener('change', this.follow);
    store.addEventListener('go', this.go);
    this.follow();
    this.dispatchEvent(new CustomEvent('settled', { bubbles: true }));
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    store.removeEventListener('change', this.follow);
    store.removeEventListener('go', this.go);
    this.pills.remove();
    this.map?.remove();
  }

  protected override updated(): void {
    this.follow();
  }

  private go = (event: Event): void => {
    this.map?.fitBounds((event as CustomEvent<Bounds>).detail, { padding: 60, maxZoom: 16.5, animate: false });
  };

  fit(): void {
    const { town } = store.state;
    if (town) this.map?.fitBounds(town.bounds, { padding: 16, animate: false });
  }

  // Does a part of the drawing when something it is made of has changed.
  private once(part: string, made: unknown[], draw: () => void): void {
    const last = this.done.get(part);
    if (last && last.every((one, place) => one === made[place])) return;
    this.done.set(part, made);
    draw();
  }

  // Brings the map to what the state says.
  private follow = (): void => {
    const map = this.map;
    if (!map || !map.getLayer('route') || !map.hasImage('hatch--moved')) return;
    this.toggleAttribute('idle', false);
    const { areas, comparison, coverage, language, limit, moves, on, opacity, place, reach, showMoved, view } = store.state;
    const shown = drawn(), title = this.plan ?? planTitle(), own = loaded(title), single = this.side === '';
    this.once('tiles', [title], () => this.showTiles(map, title));
    this.once('broken', [own], () => this.showBroken(map, own));
    this.once('layers', [view, areas, limit, on, showMoved], () => this.showLayers(map));
    this.once('opacity', [opacity], () => this.showOpacity(map));
    this.once('order', [shown, moves], () => this.showOrder(map));
    if (single) {
      this.once('coverage', [coverage, areas, limit, title, shown], () => this.showCoverage(map));
      this.once('reach', [reach, view, route(), store.state.allRoutes, language], () => this.showReach(map));
      this.once('pills', [coverage, view, areas, limit, on, language], () => this.writeGaps());
    }
    this.once('facilities', [shown, category()], () => this.showFacilities(map, shown));
    this.once('ground', [comparison, this.side], () => this.showGround(map));
    this.once('selected', [place?.grid, title], () => this.showSelected(map));
    map.triggerRepaint();
  };

  private setVisible(map: MapLibre, id: string, visible: boolean): void {
    if (map.getLayer(id)) map.setLayoutProperty(id, 'visibility', visible ? 'visible' : 'none');
  }

  private showTiles(map: MapLibre, title: PlanTitle | undefined): void {
    const address = title?.tiles['grids'];
    const source = map.getSource('grids') as VectorTileSource | undefined;
    if (address && source) source.setTiles([absolute(address)]);
  }

  private showBroken(map: MapLibre, own: Plan | undefined): void {
    if (!map.getSource('grids')) return;
    for (const grid of own?.grids ?? []) map.setFeatureState({ ...GRIDS, id: grid.fid }, { broken: grid.in_range === false });
  }

  private showLayers(map: MapLibre): void {
    const { view, areas, limit, on } = store.state;
    const shown = drawn();
    for (const layer of this.styled) {
      const about = meta(layer);
      if (!about) continue;
      let visible = about.views.includes(shown) && on[shown].has(about.layer);
      if (about.layer === 'coverage_grids') visible = shown === 'life' && areas === 'grids';
      if (about.layer === 'coverage_communities') visible = shown === 'life' && areas === 'communities';
      // Gaps are those of the category's own limit.
      if (about.layer === 'gaps') visible &&= areas === 'buildings' && !limit;
      this.setVisible(map, layer.id, visible);
    }
    for (const id of ['ground', 'ground-line', 'moved']) this.setVisible(map, id, view === 'compare' && store.state.showMoved);
    this.setVisible(map, 'broken', view === 'compare' && this.side !== 'd');
  }

  private showOpacity(map: MapLibre): void {
    for (const layer of this.styled) {
      const about = meta(layer);
      if (!about) continue;
      for (const [name, value] of faded(layer, store.state.opacity[about.layer] ?? 1)) map.setPaintProperty(layer.id, name as never, value as never);
    }
  }

  private showOrder(map: MapLibre): void {
    const parts = this.styled.flatMap(layer => {
      const about = meta(layer);
      return (about && !isLabel(layer)) || layer.id === AREAS ? [{ id: layer.id, layer: about?.layer ?? '' }] : [];
    });
    let next = FIRST_ADDED;
    for (const id of arranged(parts, store.state.moves[drawn()]).reverse()) {
      map.moveLayer(id, next);
      next = id;
    }
  }

  private showCoverage(map: MapLibre): void {
    const { coverage, areas, limit } = store.state;
    if (!map.getSource('buildings')) return;
    map.removeFeatureState(BUILDINGS);
    const large = (coverage?.gaps.features ?? []).filter(gap => (gap.properties.households ?? 0) >= LEAST_GAP);
    (map.getSource('gaps') as GeoJSONSource).setData((limit ? EMPTY : { ...EMPTY, features: large }) as FeatureCollection);
    if (!coverage) return;
    const { names, bands } = coverage.walks;
    bands.forEach((band, id) => {
      if (band !== null && areas === 'buildings' && drawn() === 'life') map.setFeatureState({ ...BUILDINGS, id }, { band: names[band] });
    });
    for (const [source, rates] of [['communities', coverage.rates.communities], ['grids', coverage.rates.grids]] as const) {
      if (!map.getSource(source)) continue;
      for (const rate of rates) map.setFeatureState({ source, sourceLayer: source, id: rate.fid }, { cover_class: rate.denominator === null ? -1 : rate.class });
    }
  }

  private showReach(map: MapLibre): void {
    const { reach, allRoutes, view } = store.state;
    const shown = view !== 'compare' && Boolean(reach?.reached);
    const put = (name: string, data: unknown): void => void (map.getSource(name) as GeoJSONSource).setData((shown ? data : EMPTY) as FeatureCollection);
    put('areas', reach?.areas);
    put('routes', reach?.routes);
    put('origin', { type: 'Feature', properties: {}, geometry: { type: 'Point', coordinates: reach?.origin } });
    const own: FilterSpecification = ['==', ['get', 'category'], route()];
    for (const id of ['route', 'route-case']) map.setFilter(id, own);
    this.setVisible(map, 'routes', allRoutes);
    this.pills.writeWay(map, shown);
  }

  private writeGaps(): void {
    if (this.map && this.side === '') this.pills.writeGaps(this.map, this.getBoundingClientRect());
  }

  // The chosen category larger and in its own badge; in the other views every facility, when asked for.
  private showFacilities(map: MapLibre, shown: string): void {
    const id = 'facilities-0-badge';
    if (!map.getLayer(id)) return;
    const chosen = shown === 'life' ? category() : undefined;
    const offered = ['in', `;${chosen?.category};`, ['concat', ';', ['coalesce', ['get', 'categories'], ''], ';']] as FilterSpecification;
    map.setFilter(id, chosen ? offered : null);
    map.setLayoutProperty(id, 'icon-image', chosen ? `badge-${chosen.group}` : ['concat', 'badge-', ['get', 'group']]);
    map.setLayoutProperty(id, 'icon-size', chosen ? 1 : ['interpolate', ['linear'], ['zoom'], 12.5, 0.35, 13.5, 0.6, 15, 0.85]);
    map.setLayoutProperty(id, 'icon-allow-overlap', Boolean(chosen));
  }

  // The ground that changes grid on the second map; the buildings that do where the difference is shown.
  private showGround(map: MapLibre): void {
    const { comparison } = store.state;
    const shown = this.side === 'b' || this.side === 'd' ? comparison : null;
    (map.getSource('ground') as GeoJSONSource).setData((shown?.ground ?? EMPTY) as FeatureCollection);
    if (this.side !== 'd' || !map.getSource('buildings')) return;
    map.removeFeatureState(BUILDINGS);
    for (const id of shown?.moved ?? []) map.setFeatureState({ ...BUILDINGS, id }, { moved: true });
  }

  private selected: number | null = null;

  private showSelected(map: MapLibre): void {
    const fid = store.state.place?.grid?.fid ?? null;
    if (!map.getSource('grids')) return;
    if (this.selected !== null) map.setFeatureState({ ...GRIDS, id: this.selected }, { selected: false });
    if (fid !== null) map.setFeatureState({ ...GRIDS, id: fid }, { selected: true });
    this.selected = fid;
  }
}
