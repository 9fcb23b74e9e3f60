// The service's style, and what the page adds to it: what moves, what is broken, where one walks.

import type { FeatureCollection } from 'geojson';
import type { ExpressionSpecification, LayerSpecification, StyleSpecification } from 'maplibre-gl';
import { api } from './api';
import { token } from './images';

export const EMPTY = { type: 'FeatureCollection', features: [] } as FeatureCollection;

interface Meta {
  layer: string;
  views: string[];
  legend: string;
}

export const meta = (layer: LayerSpecification): Meta | undefined => layer.metadata as Meta | undefined;
export const absolute = (address: string): string => decodeURI(new URL(address, document.baseURI).href);
export const isLabel = (layer: LayerSpecification): boolean => 'source-layer' in layer && Boolean(layer['source-layer']?.endsWith('_labels'));

// What makes a layer of a type transparent.
const OPACITIES: Record<string, string[]> = {
  fill: ['fill-opacity'],
  line: ['line-opacity'],
  circle: ['circle-opacity', 'circle-stroke-opacity'],
  symbol: ['icon-opacity', 'text-opacity'],
};

// The properties that draw a layer at an opacity, over what the style says of it.
export function faded(layer: LayerSpecification, opacity: number): [string, unknown][] {
  const paint = (layer.paint ?? {}) as Record<string, unknown>;
  return (OPACITIES[layer.type] ?? []).map(name => {
    const own = paint[name] ?? 1;
    return [name, opacity === 1 ? own : typeof own === 'number' ? own * opacity : ['*', opacity, own]];
  });
}

const when = (state: string): ExpressionSpecification => ['case', ['boolean', ['feature-state', state], false], 1, 0];

// Where one walks, drawn under the buildings.
const areas = (): LayerSpecification => ({ id: AREAS, type: 'fill', source: 'areas', paint: { 'fill-color': token('--band-5'), 'fill-opacity': 0.1 } });

// Drawn under the first label, in this order.
function added(): LayerSpecification[] {
  const accent = token('--accent'), band = token('--band-5');
  const round = { 'line-cap': 'round', 'line-join': 'round' } as const;
  return [
    { id: 'areas-line', type: 'line', source: 'areas', layout: round, paint: { 'line-color': band, 'line-width': 1.6, 'line-dasharray': [0.1, 2] } },
    { id: 'ground', type: 'fill', source: 'ground', paint: { 'fill-pattern': 'hatch--moved' } },
    { id: 'ground-line', type: 'line', source: 'ground', paint: { 'line-color': token('--moved'), 'line-width': 1 } },
    { id: 'moved', type: 'fill', source: 'buildings', 'source-layer': 'buildings', paint: { 'fill-color': token('--moved'), 'fill-opacity': when('moved') } },
    { id: 'broken', type: 'line', source: 'grids', 'source-layer': 'grids', paint: { 'line-color': token('--bad-map'), 'line-width': 2.4, 'line-opacity': when('broken') } },
    { id: 'selected-case', type: 'line', source: 'grids', 'source-layer': 'grids', paint: { 'line-color': token('--surface'), 'line-width': 6, 'line-opacity': when('selected') } },
    { id: 'selected', type: 'line', source: 'grids', 'source-layer': 'grids', paint: { 'line-color': token('--select-line'), 'line-width': 3, 'line-opacity': when('selected') } },
    { id: 'routes', type: 'line', source: 'routes', layout: round, paint: { 'line-color': accent, 'line-width': 2, 'line-opacity': 0.45 } },
    { id: 'route-case', type: 'line', source: 'routes', layout: round, paint: { 'line-color': token('--surface'), 'line-width': 7 } },
    { id: 'route', type: 'line', source: 'routes', layout: round, paint: { 'line-color': accent, 'line-width': 4 } },
    { id: 'origin', type: 'circle', source: 'origin', paint: { 'circle-radius': 6, 'circle-color': accent, 'circle-stroke-color': token('--surface'), 'circle-stroke-width': 2.5 } },
  ];
}

export const AREAS = 'areas';
export const FIRST_ADDED = 'areas-line';

let styleOf: Promise<StyleSpecification> | undefined;

// The style with addresses made whole, and gaps taken as GeoJSON (those of one category).
export async function loadStyle(): Promise<StyleSpecification> {
  styleOf ??= api.style() as unknown as Promise<StyleSpecification>;
  const style = structuredClone(await styleOf);
  for (const source of Object.values(style.sources)) {
    if (source.type === 'vector' && source.tiles) source.tiles = source.tiles.map(absolute);
  }
  for (const name of ['gaps', 'ground', 'areas', 'routes', 'origin']) style.sources[name] = { type: 'geojson', data: EMPTY };
  const layers = style.layers.map(layer => {
    if (!('source' in layer) || layer.source !== 'gaps') return layer;
    const { 'source-layer': _, ...own } = layer as LayerSpecification & { 'source-layer'?: string };
    return own as LayerSpecification;
  });
  const more = added().filter(layer => !('source' in layer) || typeof layer.source !== 'string' || layer.source in style.sources);
  const labels = layers.findIndex(isLabel);
  const place = labels < 0 ? layers.length : labels;
  const drawn = layers.slice(0, place);
  const buildings = drawn.findIndex(layer => meta(layer)?.layer === 'buildings');
  drawn.splice(buildings < 0 ? drawn.length : buildings, 0, areas());
  style.layers = [...drawn, ...more, ...layers.slice(place)];
  return style;
}
