// The state of the page: one object, changed in one place, kept in the address.

import type { Bounds, Category, Gap, Features, Place, Plan, Rates, Town, Walks, Comparison } from './api';

export type View = 'town' | 'life' | 'compare';
// The registry knows two ways to draw a town: by grids, and by walks.
export type Drawn = 'grids' | 'life';
export type Areas = 'buildings' | 'grids' | 'communities';

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
  plan: string;
  before: string;
  category: string;
  areas: Areas;
  on: Record<Drawn, ReadonlySet<string>>;
  coverage: Coverage | null;
  comparison: Comparison | null;
  showMoved: boolean;
  place: Place | null;
  tab: string;
  community: string;
  folded: boolean;
  layersOpen: boolean;
  busy: boolean;
  error: string;
}

const kept = new URLSearchParams(location.hash.slice(1));

class Store extends EventTarget {
  state: State = {
    language: kept.get('language') ?? document.documentElement.lang,
    texts: {},
    town: null,
    view: (kept.get('view') as View | null) ?? 'town',
    plan: kept.get('plan') ?? '',
    before: kept.get('before') ?? '',
    category: kept.get('category') ?? '',
    areas: (kept.get('areas') as Areas | null) ?? 'buildings',
    on: { grids: new Set(), life: new Set() },
    coverage: null,
    comparison: null,
    showMoved: true,
    place: null,
    tab: '',
    community: '',
    folded: window.innerHeight < 680,
    layersOpen: false,
    busy: false,
    error: '',
  };

  set(change: Partial<State>): void {
    this.state = { ...this.state, ...change };
    const { language, view, plan, before, category, areas } = this.state;
    const address = new URLSearchParams({ language, view, plan, before, category, areas, ...this.position });
    history.replaceState(null, '', `#${address}`);
    this.dispatchEvent(new Event('change'));
  }

  // Where the map is, kept with the rest so that an address restores a view.
  position: Record<string, string> = kept.has('at') ? { at: kept.get('at') as string } : {};

  // Asks the maps to go somewhere; they listen, nobody else does.
  go(bounds: Bounds): void {
    this.dispatchEvent(new CustomEvent('go', { detail: bounds }));
  }
}

export const store = new Store();

export const drawn = (): Drawn => (store.state.view === 'life' ? 'life' : 'grids');

export function plan(): Plan | undefined {
  const { town, plan: chosen } = store.state;
  return town?.plans.find(one => one.plan_id === chosen) ?? town?.plans[0];
}

export function before(): Plan | undefined {
  const { town, before: chosen } = store.state;
  return town?.plans.find(one => one.plan_id === chosen) ?? town?.plans.find(one => one !== plan());
}

export function category(): Category | undefined {
  const { town, category: chosen } = store.state;
  return town?.coverage?.categories.find(one => one.category === chosen);
}
