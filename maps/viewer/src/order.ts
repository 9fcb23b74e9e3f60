// The drawing order that a reader chooses: moves of layers, replayed on the registry's order.

export interface Move {
  layer: string;
  other: string;
  above: boolean;
}

interface Part {
  id: string;
  layer: string;
}

// The layers from top to bottom.
export function listed(layers: string[], moves: Move[]): string[] {
  let order = [...layers];
  for (const { layer, other, above } of moves) {
    if (!order.includes(layer) || !order.includes(other)) continue;
    order = order.filter(one => one !== layer);
    order.splice(order.indexOf(other) + (above ? 0 : 1), 0, layer);
  }
  return order;
}

// The parts of the style from bottom to top: a layer that is moved over another is drawn over all of it.
export function arranged(parts: Part[], moves: Move[]): string[] {
  let order = [...parts];
  for (const { layer, other, above } of moves) {
    const places = order.flatMap((part, place) => (part.layer === other ? [place] : []));
    const edge = above ? places.at(-1) : places[0];
    if (edge === undefined) continue;
    const wrong = (part: Part, place: number): boolean => part.layer === layer && (above ? place < edge : place > edge);
    const moved = order.filter(wrong);
    const rest = order.filter((part, place) => !wrong(part, place));
    rest.splice(rest.indexOf(order[edge] as Part) + (above ? 1 : 0), 0, ...moved);
    order = rest;
  }
  return order.map(part => part.id);
}
