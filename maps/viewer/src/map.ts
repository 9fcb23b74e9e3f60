// The map: the service's style, shown as the state says.

import { LitElement, html } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { FeatureCollection } from 'geojson';
import {
  Map as MapLibre, Marker, setWorkerUrl,
  type FilterSpecification, type GeoJSONSource, type LayerSpecification, type MapMouseEvent, type StyleSpecification, type VectorTileSource,
} from 'maplibre-gl';
import worker from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url';
import { api, type Bounds, type Plan } from './api';
import { addImages, token } from './images';
import { category, drawn, plan, store } from './store';
import { text } from './words';

setWorkerUrl(new URL(worker, document.baseURI).href);

const MOST_PILLS = 12;
const LEAST_GAP = 20;
const EMPTY = { type: 'FeatureCollection', features: [] } as FeatureCollection;

interface Meta {
  layer: string;
  views: string[];
  legend: string;
}

const meta = (layer: LayerSpecification): Meta | undefined => layer.metadata as Meta | undefined;
const absolute = (address: string): string => decodeURI(new URL(address, document.baseURI).href);

let styleOf: Promise<StyleSpecification> | undefined;

// The style with addresses made whole, gaps taken as GeoJSON (those of one category), and what a page adds.
async function loadStyle(): Promise<StyleSpecification> {
  styleOf ??= api.style() as unknown as Promise<StyleSpecification>;
  const style = structuredClone(await styleOf);
  for (const source of Object.values(style.sources)) {
    if (source.type === 'vector' && source.tiles) source.tiles = source.tiles.map(absolute);
  }
  style.sources['gaps'] = { type: 'geojson', data: EMPTY };
  style.sources['ground'] = { type: 'geojson', data: EMPTY };
  style.sources['marked'] = { type: 'geojson', data: EMPTY };
  const added: LayerSpecification[] = [
    { id: 'ground', type: 'fill', source: 'ground', paint: { 'fill-pattern': 'hatch--moved' } },
    { id: 'ground-line', type: 'line', source: 'ground', paint: { 'line-color': token('--moved'), 'line-width': 1 } },
    {
      id: 'broken', type: 'line', source: 'grids', 'source-layer': 'grids',
      paint: { 'line-color': token('--bad-map'), 'line-width': 2.4, 'line-opacity': ['case', ['boolean', ['feature-state', 'broken'], false], 1, 0] },
    },
    {
      id: 'selected-case', type: 'line', source: 'grids', 'source-layer': 'grids',
      paint: { 'line-color': token('--surface'), 'line-width': 6, 'line-opacity': ['case', ['boolean', ['feature-state', 'selected'], false], 1, 0] },
    },
    {
      id: 'selected', type: 'line', source: 'grids', 'source-layer': 'grids',
      paint: { 'line-color': token('--select-line'), 'line-width': 3, 'line-opacity': ['case', ['boolean', ['feature-state', 'selected'], false], 1, 0] },
    },
  ];
  const layers = style.layers.map(layer => {
    if (!('source' in layer) || layer.source !== 'gaps') return layer;
    const { 'source-layer': _, ...own } = layer as LayerSpecification & { 'source-layer'?: string };
    return own as LayerSpecification;
  });
  const labels = layers.findIndex(layer => layer.type === 'symbol');
  style.layers = [...layers.slice(0, labels), ...added, ...layers.slice(labels)];
  return style;
}

@customElement('wangge-map')
export class WanggeMap extends LitElement {
  @property({ attribute: false }) plan?: Plan;
  @property() side: '' | 'a' | 'b' = '';

  map?: MapLibre;
  private pills: Marker[] = [];
  private drawnPlan = '';
  private drawnCoverage: unknown = null;
  private drawnGround: unknown = null;

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
    const map = new MapLibre({
      container: this.querySelector('.canvas') as HTMLElement,
      style: await loadStyle(),
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
    map.on('click', (event: MapMouseEvent) => this.dispatchEvent(new CustomEvent('ask', { detail: event.lngLat, bubbles: true })));
    map.on('move', () => this.dispatchEvent(new CustomEvent('moved', { bubbles: true })));
    map.on('moveend', () => {
      const { lng, lat } = map.getCenter();
      if (this.side !== 'b') store.position = { at: [lng.toFixed(6), lat.toFixed(6), map.getZoom().toFixed(2)].join(',') };
      this.dispatchEvent(new CustomEvent('settled', { bubbles: true }));
      this.writePills();
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
    this.map?.remove();
  }

  protected override updated(): void {
    this.follow();
  }

  private go = (event: Event): void => {
    const bounds = (event as CustomEvent<Bounds>).detail;
    this.map?.fitBounds(bounds, { padding: 60, maxZoom: 16.5, animate: false });
  };

  fit(): void {
    const { town } = store.state;
    if (town) this.map?.fitBounds(town.bounds, { padding: 16, animate: false });
  }

  // Brings the map to what the state says.
  private follow = (): void => {
    const map = this.map;
    if (!map || !map.getLayer('selected') || !map.hasImage('hatch--moved')) return;
    this.toggleAttribute('idle', false);
    const { view, areas, on: switched, coverage } = store.state;
    const shown = drawn();
    const own = this.plan ?? plan();
    if (own && own.plan_id !== this.drawnPlan) this.showPlan(map, own);
    for (const layer of map.getStyle().layers) {
      const about = meta(layer);
      if (!about) continue;
      let on = about.views.includes(shown) && switched[shown].has(about.layer);
      if (about.layer === 'coverage_grids') on = shown === 'life' && areas === 'grids';
      if (about.layer === 'coverage_communities') on = shown === 'life' && areas === 'communities';
      if (about.layer === 'gaps') on &&= areas === 'buildings';
      map.setLayoutProperty(layer.id, 'visibility', on ? 'visible' : 'none');
    }
    for (const id of ['ground', 'ground-line']) map.setLayoutProperty(id, 'visibility', view === 'compare' && store.state.showMoved ? 'visible' : 'none');
    map.setLayoutProperty('broken', 'visibility', view === 'compare' ? 'visible' : 'none');
    if (coverage !== this.drawnCoverage || areas !== this.drawnAreas) this.showCoverage(map);
    else if (store.state.language !== this.drawnLanguage) this.writePills();
    this.showFacilities(map, shown);
    this.showGround(map);
    this.showSelected(map, own);
  };

  private drawnAreas = '';
  private drawnLanguage = '';

  private showPlan(map: MapLibre, own: Plan): void {
    const address = own.tiles['grids'];
    if (address) (map.getSource('grids') as VectorTileSource).setTiles([absolute(address)]);
    map.removeFeatureState({ source: 'grids', sourceLayer: 'grids' });
    for (const grid of own.grids) {
      if (grid.in_range === false) map.setFeatureState({ source: 'grids', sourceLayer: 'grids', id: grid.fid }, { broken: true });
    }
    this.drawnPlan = own.plan_id;
    this.drawnCoverage = null;
  }

  private showCoverage(map: MapLibre): void {
    const { coverage, areas } = store.state;
    map.removeFeatureState({ source: 'buildings', sourceLayer: 'buildings' });
    const gaps = map.getSource('gaps') as GeoJSONSource;
    gaps.setData(EMPTY);
    if (coverage && this.side === '') {
      const { names, bands } = coverage.walks;
      bands.forEach((band, id) => {
        if (band !== null && areas === 'buildings') map.setFeatureState({ source: 'buildings', sourceLayer: 'buildings', id }, { band: names[band] });
      });
      for (const [source, rates] of [['communities', coverage.rates.communities], ['grids', coverage.rates.grids]] as const) {
        for (const rate of rates) map.setFeatureState({ source, sourceLayer: source, id: rate.fid }, { cover_class: rate.denominator === null ? -1 : rate.class });
      }
      const large = coverage.gaps.features.filter(gap => (gap.properties.households ?? 0) >= LEAST_GAP);
      gaps.setData({ type: 'FeatureCollection', features: large } as unknown as FeatureCollection);
    }
    this.drawnCoverage = coverage;
    this.drawnAreas = areas;
    this.writePills();
  }

  // Gaps by rank and households, in boxes beside which nothing is drawn; few when the town is seen whole.
  private writePills(): void {
    for (const pill of this.pills) pill.remove();
    this.pills = [];
    const { coverage, view, areas, on } = store.state;
    if (!this.map || !coverage || view !== 'life' || areas !== 'buildings' || !on.life.has('gaps') || this.side) return;
    const whole = this.map.getZoom() < 14;
    this.drawnLanguage = store.state.language;
    const frame = this.getBoundingClientRect();
    const boxes = [...document.querySelectorAll('.map-area .card, .map-area .scale')].map(one => one.getBoundingClientRect());
    const hidden = (x: number, y: number): boolean =>
      boxes.some(box => x + 48 > box.left - frame.left && x - 48 < box.right - frame.left && y + 12 > box.top - frame.top && y - 12 < box.bottom - frame.top);
    const taken: [number, number][] = [];
    for (const { properties: gap } of coverage.gaps.features) {
      if ((gap.households ?? 0) < LEAST_GAP || (whole && gap.rank > MOST_PILLS)) continue;
      const spot = this.map.project(gap.label);
      if (hidden(spot.x, spot.y) || taken.some(([x, y]) => Math.abs(x - spot.x) < 96 && Math.abs(y - spot.y) < 24)) continue;
      taken.push([spot.x, spot.y]);
      const button = document.createElement('button');
      button.className = 'pill';
      button.innerHTML = `<i class="disc gap-disc">${gap.rank}</i>${text('page.gap_pill', { count: (gap.households ?? 0).toLocaleString('en-US') })}`;
      button.addEventListener('click', event => {
        event.stopPropagation();
        store.go(gap.bounds);
      });
      this.pills.push(new Marker({ element: button }).setLngLat(gap.label).addTo(this.map));
    }
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

  private showGround(map: MapLibre): void {
    const { comparison, view } = store.state;
    const ground = view === 'compare' && this.side === 'b' ? comparison?.ground : null;
    if (ground === this.drawnGround) return;
    (map.getSource('ground') as GeoJSONSource).setData((ground ?? EMPTY) as FeatureCollection);
    this.drawnGround = ground;
  }

  private selected: number | null = null;

  private showSelected(map: MapLibre, own: Plan | undefined): void {
    const asked = own ? store.state.place?.grids[own.plan_id] : null;
    const fid = asked ? asked.fid : null;
    if (fid === this.selected) return;
    const source = { source: 'grids', sourceLayer: 'grids' };
    if (this.selected !== null) map.setFeatureState({ ...source, id: this.selected }, { selected: false });
    if (fid !== null) map.setFeatureState({ ...source, id: fid }, { selected: true });
    this.selected = fid;
  }
}
