// The state of the page: one object, changed in one place, kept in the address.

import type { Bounds, Category, Comparison, Features, Gap, Place, Plan, PlanTitle, Rates, Reach, Town, Walks } from './api';
import type { Move } from './order';

export type View = 'town' | 'life' | 'compare';
// The registry knows two ways to draw a town: by grids, and by walks.
export type Drawn = 'grids' | 'life';
export type Areas = 'buildings' | 'grids' | 'communities';
export type Mode = 'side' | 'swipe' | 'difference';
export type Subject = 'grids' | 'communities';

export interface Coverage {
  rates: Rates;
  walks: Walks;
  gaps: Features<Gap>;
}

export interface State {
  language: string;
  texts: Record<string, string>;
  town: Town | null;
  view: View;
  plans: Record<string, Plan>;
  plan: string;
  before: string;
  category: string;
  // Walking band in metres; 0 is the category's own limit.
  limit: number;
  areas: Areas;
  on: Record<Drawn, ReadonlySet<string>>;
  opacity: Record<string, number>;
  moves: Record<Drawn, Move[]>;
  coverage: Coverage | null;
  comparison: Comparison | null;
  mode: Mode;
  swipe: number;
  showMoved: boolean;
  place: Place | null;
  reach: Reach | null;
  // Category whose way is shown, '' for the chosen one; and whether all ways are.
  route: string;
  allRoutes: boolean;
  allGaps: boolean;
  tab: string;
  community: string;
  table: boolean;
  subject: Subject;
  sort: { column: string; down: boolean };
  folded: boolean;
  layersOpen: boolean;
  busy: boolean;
  error: string;
}

const kept = new URLSearchParams(location.hash.slice(1));
const one = <T extends string>(name: string, otherwise: T): T => (kept.get(name) as T | null) ?? otherwise;

class Store extends EventTarget {
  state: State = {
    language: one('language', document.documentElement.lang),
    texts: {},
    town: null,
    view: one<View>('view', 'town'),
    plans: {},
    plan: one('plan', ''),
    before: one('before', ''),
    category: one('category', ''),
    limit: Number(one('limit', '0')),
    areas: one<Areas>('areas', 'buildings'),
    on: { grids: new Set(), life: new Set() },
    opacity: {},
    moves: { grids: [], life: [] },
    coverage: null,
    comparison: null,
    mode: one<Mode>('mode', 'side'),
    swipe: 50,
    showMoved: true,
    place: null,
    reach: null,
    route: '',
    allRoutes: false,
    allGaps: false,
    tab: '',
    community: '',
    table: false,
    subject: 'grids',
    sort: { column: '', down: false },
    folded: window.innerHeight < 680 || window.innerWidth < 1100,
    layersOpen: false,
    busy: false,
    error: '',
  };

  set(change: Partial<State>): void {
    this.state = { ...this.state, ...change };
    const { language, view, plan, before, category, areas, limit, mode } = this.state;
    const address = new URLSearchParams({ language, view, plan, before, category, limit: String(limit), areas, mode, ...this.position });
    history.replaceState(null, '', `#${address}`);
    this.dispatchEvent(new Event('change'));
  }

  // Where the map is, kept with the rest so that an address restores a view.
  position: Record<string, string> = kept.has('at') ? { at: kept.get('at') as string } : {};

  // Asks the maps to go somewhere; they listen, nobody else does.
  go(bounds: Bounds): void {
    this.dispatchEvent(new CustomEvent('go', { detail: bounds }));
  }

  // Asks what lies at a place.
  ask(lng: number, lat: number): void {
    this.dispatchEvent(new CustomEvent('ask', { detail: { lng, lat } }));
  }
}

export const store = new Store();

export const drawn = (): Drawn => (store.state.view === 'life' ? 'life' : 'grids');

// Coverage is told by the grids of the newest plan.
export function planTitle(): PlanTitle | undefined {
  const { town, plan: chosen, view } = store.state;
  if (view === 'life') return town?.plans[0];
  return town?.plans.find(other => other.plan_id === chosen) ?? town?.plans[0];
}

export function beforeTitle(): PlanTitle | undefined {
  const { town, before: chosen } = store.state;
  return town?.plans.find(other => other.plan_id === chosen) ?? town?.plans.find(other => other !== planTitle());
}

export const loaded = (title: PlanTitle | undefined): Plan | undefined => (title ? store.state.plans[title.plan_id] : undefined);

export const plan = (): Plan | undefined => loaded(planTitle());

export function category(): Category | undefined {
  const { town, category: chosen } = store.state;
  return town?.coverage?.categories.find(other => other.category === chosen);
}

// The limit that coverage is shown at, metres.
export const limit = (): number => store.state.limit || (category()?.limit_m ?? 0);

// The category whose way is shown.
export const route = (): string => store.state.route || store.state.category;
