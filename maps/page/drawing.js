// Drawing: every symbol of the registry as paths on one canvas, in the order of the strata.
(() => {
  'use strict';
  const { content, features, layers, state } = wangge;
  const style = getComputedStyle(document.documentElement);
  const token = name => style.getPropertyValue(name).trim();
  const patterns = {};

  // Leaflet's zooms are those of 256 px tiles, one above the registry's.
  const registryZoom = map => map.getZoom() - 1;

  function widthAt(stops, zoom) {
    if (!stops.length) return 0;
    let before = stops[0];
    for (const stop of stops) {
      if (zoom < stop[0]) {
        const share = stop[0] > before[0] ? (zoom - before[0]) / (stop[0] - before[0]) : 0;
        return before[1] + share * (stop[1] - before[1]);
      }
      before = stop;
    }
    return before[1];
  }

  // Diagonal lines in a token's colour; a canvas takes a pattern where a colour is asked.
  function hatch(name) {
    if (patterns[name]) return patterns[name];
    const size = 9, scale = 2, tile = document.createElement('canvas');
    tile.width = tile.height = size * scale;
    const pen = tile.getContext('2d');
    pen.scale(scale, scale);
    pen.strokeStyle = token(name);
    pen.lineWidth = 1.1;
    for (const shift of [-size, 0, size]) {
      pen.beginPath();
      pen.moveTo(shift - 1, size + 1);
      pen.lineTo(shift + size + 1, -1);
      pen.stroke();
    }
    const pattern = pen.createPattern(tile, 'repeat');
    pattern.setTransform(new DOMMatrix().scale(1 / scale));
    return (patterns[name] = pattern);
  }

  // The features one symbol draws: rows whose column holds one of its values.
  function rowsOf(layer, symbol) {
    const all = features[layer.id].ids.map((_, row) => row);
    if (!symbol.where) return layer.id === 'buildings' ? all.filter(row => bandOf(row) === null) : all;
    const held = columnOf(layer, symbol.where);
    if (symbol.among.length) return all.filter(row => symbol.among.includes(held(row)));
    const taken = new Set(layer.symbols.filter(one => one.where === symbol.where).flatMap(one => one.among));
    return all.filter(row => !taken.has(held(row)));
  }

  const byBuilding = () => state.view === 'life' && state.areas === 'buildings';
  const bandOf = row => (byBuilding() && state.category ? wangge.band(state.category, row) : null);

  function columnOf(layer, column) {
    if (column === 'band') return bandOf;
    if (column === 'cover_class') {
      const kind = layer.id === 'coverage_grids' ? 'grid' : 'community';
      return row => {
        if (!state.category || (kind === 'grid' && wangge.value('grids', 'kind', row) === 'special')) return null;
        return wangge.coverClass(wangge.rate(state.category, kind, features[layer.id].ids[row]));
      };
    }
    return row => wangge.value(layer.id, column, row);
  }

  // Gaps are those of the chosen category.
  function chosen(layer, rows) {
    if (layer.id !== 'gaps') return rows;
    const own = new Set(wangge.gapsOf(state.category).map(gap => gap.row));
    return rows.filter(row => own.has(row));
  }

  function shown(layer) {
    // Gaps are outlines round buildings; over areas in coverage colours they would only confuse.
    if (layer.id === 'gaps' && !byBuilding()) return false;
    return layer.views.includes(state.view) && Boolean(state.on[layer.id]);
  }

  class Drawing {
    constructor(map) {
      this.map = map;
      this.renderer = L.canvas({ padding: 0.25 });
      this.paths = [];
      this.counts = {};
      map.on('zoomend', () => this.fit());
    }

    // Draws anew everything that is on; called when a view, layer, category or language changes.
    draw() {
      for (const { path } of this.paths) path.remove();
      this.paths = [];
      this.counts = {};
      this.used = new Set();
      for (const stratum of content.strata) {
        if (stratum === 'point') continue;
        const drawn = [];
        for (const layer of Object.values(layers)) {
          if (!shown(layer)) continue;
          layer.symbols.forEach(symbol => {
            if (symbol.stratum !== stratum || (symbol.views.length && !symbol.views.includes(state.view))) return;
            const rows = chosen(layer, rowsOf(layer, symbol));
            if (!rows.length) return;
            this.counts[layer.id] = (this.counts[layer.id] || 0) + rows.length;
            this.used.add(symbol);
            drawn.push([layer, symbol, rows]);
          });
        }
        // All casings lie under all cores, so that lines of one stratum join.
        for (const part of ['casing', 'core']) {
          for (const [layer, symbol, rows] of drawn) this.add(layer, symbol, rows, part);
        }
      }
      this.fit();
    }

    add(layer, symbol, rows, part) {
      const source = features[layer.id];
      const lined = symbol.line && !symbol.fill && !symbol.hatch;
      const shapes = (lined && layer.once ? source.lines : rows.map(row => source.shapes[row])).filter(Boolean);
      const spots = shapes.filter(shape => shape.kind === 'point');
      const lines = shapes.filter(shape => shape.kind !== 'point').flatMap(shape => (shape.kind === 'area' ? shape.parts.flat().map(ring => [...ring, ring[0]]) : shape.parts));
      const areas = shapes.filter(shape => shape.kind === 'area').flatMap(shape => shape.parts);
      const base = { renderer: this.renderer, interactive: false, smoothFactor: 0.6, fillRule: 'nonzero' };
      if (part === 'casing') {
        if (symbol.casing && symbol.line) {
          this.put(symbol, 'casing', L.polyline(lines, { ...base, color: token(symbol.casing), lineCap: 'butt' }));
        }
        return;
      }
      const edge = symbol.line ? { stroke: true, color: token(symbol.line), dashArray: symbol.dash.join(' ') || null } : { stroke: false };
      if (areas.length && symbol.fill) {
        this.put(symbol, 'line', L.polygon(areas, { ...base, ...edge, fill: true, fillColor: token(symbol.fill), fillOpacity: symbol.fill_opacity }));
      }
      if (areas.length && symbol.hatch) {
        this.put(symbol, 'line', L.polygon(areas, { ...base, ...edge, fill: true, fillColor: hatch(symbol.hatch), fillOpacity: 1 }));
      }
      for (const spot of symbol.fill ? spots : []) {
        this.put(symbol, 'line', L.circleMarker(spot.parts[0], { ...base, ...edge, radius: 3, fill: true, fillColor: token(symbol.fill), fillOpacity: 1 }));
      }
      if (symbol.line && lines.length && (lined || !areas.length)) {
        this.put(symbol, 'line', L.polyline(lines, { ...base, color: token(symbol.line), opacity: symbol.opacity, dashArray: symbol.dash.join(' ') || null, lineCap: symbol.dash.length ? 'butt' : 'round' }));
      }
    }

    put(symbol, part, path) {
      this.paths.push({ symbol, part, path });
    }

    // Sets widths for the zoom, and takes off what is not drawn at it.
    fit() {
      const zoom = registryZoom(this.map);
      for (const { path } of this.paths) path.remove();
      for (const { symbol, part, path } of this.paths) {
        if (zoom < symbol.from_zoom) continue;
        path.options.weight = widthAt(part === 'casing' ? symbol.casing_width : symbol.width, zoom);
        path.addTo(this.map);
      }
      if (this.mark) this.select(this.mark);
    }

    // Outlines a shape as selected: dark on white.
    select(shape) {
      for (const path of this.outline || []) path.remove();
      this.mark = shape;
      this.outline = [];
      if (!shape || shape.kind !== 'area') return;
      const rings = shape.parts.flat().map(ring => [...ring, ring[0]]);
      for (const [name, weight] of [['--surface', 6], ['--select-line', 3]]) {
        this.outline.push(L.polyline(rings, { renderer: this.renderer, interactive: false, color: token(name), weight }).addTo(this.map));
      }
    }
  }

  Object.assign(wangge, { Drawing, token, registryZoom, shown, widthAt });
})();
