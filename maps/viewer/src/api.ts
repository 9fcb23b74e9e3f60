// What the service answers (maps/view.py); addresses are relative, so the page works under any prefix.

import type { Geometry } from 'geojson';

export type Bounds = [number, number, number, number];

export interface Community {
  fid: number;
  community_id: string;
  name: string;
  subdistrict: string | null;
  households: number | null;
  bounds: Bounds;
}

export interface Grid {
  fid: number;
  grid_id: string;
  code: string | null;
  short_code: string | null;
  title: string | null;
  community_id: string;
  kind: string;
  households: number | null;
  in_range: boolean | null;
  reason: string | null;
  bounds: Bounds;
}

export interface Certificate {
  community_id: string;
  status: string;
  tag: string;
  sentence: string;
}

export interface PlanTitle {
  plan_id: string;
  kind: 'drawn' | 'today';
  title: string;
  tiles: Record<string, string>;
}

export interface Plan {
  plan_id: string;
  rules: { lower: number; upper: number };
  totals: {
    grids: number;
    special: number;
    in_range: number;
    out_of_range: number;
    households: number | null;
    extra_pieces: number | null;
    proven: number | null;
  };
  certificates: Certificate[];
  grids: Grid[];
}

export interface Category {
  category: string;
  name: string;
  group: string;
  limit_m: number;
  facilities: number;
  rate: number | null;
  gaps: number;
}

export interface Layer {
  id: string;
  title: string;
  views: string[];
  on: string[];
  heading: string;
  popup: { column: string; format: string }[];
}

export interface Town {
  name: string;
  synthetic: boolean;
  crs: string;
  bounds: Bounds;
  totals: Record<string, number | null>;
  provenance: Record<string, string>;
  communities: Community[];
  layers: Layer[];
  bands: { limit_m: number; minutes: number }[];
  drawn: Record<string, string[]>;
  plans: PlanTitle[];
  coverage: { categories: Category[] } | null;
  tiles: Record<string, string>;
}

export interface Rate {
  numerator: number | null;
  numerator_low: number | null;
  numerator_high: number | null;
  denominator: number | null;
  undetermined: number | null;
  estimated_share: number | null;
  rate: number | null;
  class: number;
}

export interface SubjectRate extends Rate {
  fid: number;
  id: string;
  name: string | null;
}

export interface Rates {
  category: string;
  limit_m: number;
  town: Rate | null;
  bands: (number | null)[];
  communities: SubjectRate[];
  grids: SubjectRate[];
}

export interface Walks {
  category: string;
  limit_m: number;
  names: string[];
  bands: (number | null)[];
  households: number[];
}

export interface Gap {
  gap_id: string;
  rank: number;
  households: number | null;
  buildings: number;
  nearest_m: number | null;
  cause: string | null;
  community: string | null;
  bounds: Bounds;
  label: [number, number];
}

export interface Features<P> {
  type: 'FeatureCollection';
  features: { type: 'Feature'; id?: number; geometry: Geometry; properties: P }[];
}

export interface Asked {
  layer: string;
  fid: number;
  id: string;
  heading: string | null;
  properties: Record<string, string | number | boolean | null>;
  bounds: Bounds;
}

export interface Walk {
  category: string;
  name: string;
  group: string;
  limit_m: number;
  walk: number | null;
  facility: string | null;
}

export interface Place {
  building: Asked | null;
  estate: Asked | null;
  community: Asked | null;
  special_area: Asked | null;
  grid: Asked | null;
  walks: Walk[];
}

export interface Route {
  category: string;
  name: string;
  group: string;
  limit_m: number;
  walk: number;
  minutes: number;
  facility: string | null;
  middle: [number, number];
}

export interface Reach {
  origin: [number, number];
  reached: boolean;
  areas: Features<{ limit_m: number; minutes: number }>;
  routes: Features<Route>;
}

export interface Found {
  kind: string;
  id: string;
  name: string;
  detail: string;
  bounds: Bounds;
}

export interface Score {
  key: string;
  a: number | null;
  b: number | null;
  better: 'a' | 'b' | 'same' | null;
}

export interface Flow {
  community: string | null;
  from_code: string | null;
  to_code: string | null;
  households: number | null;
  buildings: number;
  bounds: Bounds | null;
}

export interface Comparison {
  before: string;
  after: string;
  scores: Score[];
  households: number;
  buildings: number;
  moved: number[];
  flows: Flow[];
  ground: Features<Record<string, never>>;
}

export interface LegendEntry {
  layer: string;
  key: string;
  text: string;
  shape: 'area' | 'line' | 'point';
  where: string;
  among: unknown[];
  fill: string;
  fill_opacity: number;
  hatch: string;
  line: string;
  dash: number[];
  casing: string;
  badge: string;
  from_zoom: number;
  views: string[];
}

async function ask<T>(address: string, parameters: Record<string, string | number> = {}): Promise<T> {
  const url = new URL(address, document.baseURI);
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, String(value));
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${answer.status} ${url.pathname}`);
  return (await answer.json()) as T;
}

export const api = {
  texts: (language: string) => ask<Record<string, string>>('api/texts', { language }),
  town: (language: string) => ask<Town>('api/town', { language }),
  style: () => ask<Record<string, unknown>>('api/style.json'),
  plan: (plan: string, language: string) => ask<Plan>('api/plan', { plan, language }),
  legend: (language: string) => ask<LegendEntry[]>('api/legend', { language }),
  rates: (category: string, limit: number) => ask<Rates>('api/rates', { category, ...(limit ? { limit } : {}) }),
  walks: (category: string, limit: number) => ask<Walks>('api/walks', { category, ...(limit ? { limit } : {}) }),
  gaps: (category: string) => ask<Features<Gap>>('api/gaps', { category }),
  at: (lon: number, lat: number, language: string, plan: string) => ask<Place>('api/at', { lon, lat, language, ...(plan ? { plan } : {}) }),
  reach: (lon: number, lat: number, language: string) => ask<Reach>('api/reach', { lon, lat, language }),
  places: (q: string) => ask<{ places: Found[] }>('api/places', { q }),
  compare: (a: string, b: string) => ask<Comparison>('api/compare', { a, b }),
};
