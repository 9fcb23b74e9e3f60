// What is written over the map as elements: gaps by rank and households, the length of a way.

import { html, render } from 'lit';
import { Marker, type Map as MapLibre } from 'maplibre-gl';
import type { Gap } from './api';
import { icon } from './icons';
import { route, store } from './store';
import { count, text } from './words';

// So many gaps are named until the map is this near.
const MOST_PILLS = 12, NEAR_ZOOM = 15;
export const LEAST_GAP = 20;

function isShown(): boolean {
  const { coverage, view, areas, limit, on } = store.state;
  return Boolean(coverage) && view === 'life' && areas === 'buildings' && !limit && on.life.has('gaps');
}

function pill(gap: Gap): HTMLElement {
  const button = document.createElement('button');
  button.className = 'pill';
  button.addEventListener('click', event => {
    event.stopPropagation();
    store.go(gap.bounds);
  });
  render(html`<i class="disc gap-disc">${gap.rank}</i>${text('page.gap_pill', { count: count(gap.households) })}`, button);
  return button;
}

export class Pills {
  private gaps: Marker[] = [];
  private way?: Marker | undefined;

  // Gaps in boxes beside which nothing is drawn; few when the town is seen whole.
  writeGaps(map: MapLibre, frame: DOMRect): void {
    for (const one of this.gaps) one.remove();
    this.gaps = [];
    if (!isShown()) return;
    const whole = map.getZoom() < NEAR_ZOOM;
    const boxes = [...document.querySelectorAll('.map-area .card, .map-area .scale, .panel, .rail')].map(one => one.getBoundingClientRect());
    const hidden = (x: number, y: number): boolean =>
      x < 48 || x > frame.width - 48 || boxes.some(box => x + 48 > box.left - frame.left && x - 48 < box.right - frame.left && y + 12 > box.top - frame.top && y - 12 < box.bottom - frame.top);
    const taken: [number, number][] = [];
    for (const { properties: gap } of store.state.coverage?.gaps.features ?? []) {
      if ((gap.households ?? 0) < LEAST_GAP || (whole && gap.rank > MOST_PILLS)) continue;
      const spot = map.project(gap.label);
      if (hidden(spot.x, spot.y) || taken.some(([x, y]) => Math.abs(x - spot.x) < 96 && Math.abs(y - spot.y) < 24)) continue;
      taken.push([spot.x, spot.y]);
      this.gaps.push(new Marker({ element: pill(gap) }).setLngLat(gap.label).addTo(map));
    }
  }

  // The length of the way that is shown, at its middle.
  writeWay(map: MapLibre, shown: boolean): void {
    this.way?.remove();
    this.way = undefined;
    const found = store.state.reach?.routes.features.find(one => one.properties.category === route());
    if (!shown || !found) return;
    const element = document.createElement('div');
    element.className = 'way';
    const { walk, minutes, middle } = found.properties;
    render(html`${icon('walk', 14)}${text('viewer.way', { metres: count(walk), minutes })}`, element);
    this.way = new Marker({ element }).setLngLat(middle).addTo(map);
  }

  remove(): void {
    for (const one of [...this.gaps, this.way]) one?.remove();
  }
}
