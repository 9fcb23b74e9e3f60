// The page's content: features with their coordinates added up, figures, texts and formats.
window.wangge = (() => {
  'use strict';
  const content = window.wanggeContent;
  const DEGREE = 1e-6;
  let language = content.languages[0];

  const point = steps => [steps[1] * DEGREE, steps[0] * DEGREE];

  function path(steps) {
    const out = [];
    let x = 0, y = 0;
    for (let i = 0; i < steps.length; i += 2) {
      x += steps[i];
      y += steps[i + 1];
      out.push([y * DEGREE, x * DEGREE]);
    }
    return out;
  }

  // A shape becomes {kind, parts, box}: parts are points, lines, or polygons as lists of rings.
  function decode(shape) {
    if (!shape.length) return null;
    if (typeof shape[0] === 'number') return { kind: 'point', parts: [point(shape)] };
    const areal = Array.isArray(shape[0][0]);
    const parts = areal ? shape.map(rings => rings.map(path)) : shape.map(path);
    const box = [Infinity, Infinity, -Infinity, -Infinity];
    for (const line of areal ? parts.flat() : parts) {
      for (const [lat, lon] of line) {
        if (lat < box[0]) box[0] = lat;
        if (lon < box[1]) box[1] = lon;
        if (lat > box[2]) box[2] = lat;
        if (lon > box[3]) box[3] = lon;
      }
    }
    return { kind: areal ? 'area' : 'line', parts, box };
  }

  const features = {};
  for (const [name, raw] of Object.entries(content.features)) {
    features[name] = {
      ids: raw.ids,
      columns: raw.columns,
      community: raw.community,
      shapes: raw.shapes.map(decode),
      labels: (raw.labels || []).map(steps => (steps.length ? point(steps) : null)),
      lines: (raw.lines || []).map(decode),
      rows: Object.fromEntries(raw.ids.map((id, row) => [id, row])),
    };
  }
  features.coverage_communities = features.communities;
  features.coverage_grids = features.grids;

  const layers = Object.fromEntries(content.layers.map(layer => [layer.id, layer]));

  const value = (layer, column, row) => {
    const found = features[layer].columns[column];
    return found && found[row] !== undefined ? found[row] : null;
  };

  // ---- texts and figures ---------------------------------------------------------------------
  function has(key) {
    return key in content.texts[language];
  }

  function text(key, values) {
    const found = content.texts[language][key];
    if (found === undefined) throw new Error(`no text ${key}`);
    return values ? found.replace(/\{(\w+)\}/g, (_, name) => values[name]) : found;
  }

  const count = number => (number === null ? text('page.unknown') : Math.round(number).toLocaleString('en-US'));
  const metres = number => (number === null ? text('page.unknown') : `${count(number)} m`);
  const percent = share => `${(share * 100).toFixed(1)}%`;
  const escape = raw => String(raw).replace(/[&<>"]/g, one => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[one]);

  // A code in words: special kinds, estate classes, causes. A code without words is shown as it is.
  function coded(column, code) {
    const key = `maps.code.${column}.${code}`;
    return has(key) ? text(key) : code;
  }

  const categoryName = id => {
    const found = content.categories.find(one => one.id === id);
    return found ? found.names[language] : id;
  };

  // Whether a grid is in range, above or below; null for a special grid and where households are not known.
  function standing(layer, row) {
    const households = value(layer, 'households', row);
    if (value(layer, 'kind', row) === 'special' || households === null) return null;
    if (layer === 'grids' ? content.plan.in_range[features.grids.ids[row]] === null : value(layer, 'unknown_buildings', row)) return null;
    const { lower, upper } = content.plan;
    return households > upper ? 'above' : households < lower ? 'below' : 'in';
  }

  // ---- coverage of one category --------------------------------------------------------------
  const WALK = { beyond: -1, none: -2, data: -3, barrier: -4, unassessed: -5 };

  // Band of a building for a category: what the symbols of the layer `buildings` ask for.
  function band(category, row) {
    const walk = content.walks[category.id][row];
    if (walk === null) return null;
    if (walk >= 0) {
      if (walk > category.limit) return walk > 2 * category.limit ? 'beyond' : 'over';
      const place = content.bands.findIndex(limit => walk <= limit);
      return `band-${[5, 10, 15][place < 0 ? 2 : place]}`;
    }
    return walk === WALK.beyond || walk === WALK.barrier ? 'beyond' : 'unknown';
  }

  // {numerator, low, high, denominator, undetermined, estimated, share} of a subject; null where not assessed.
  function rate(category, kind, id) {
    const found = content.rates[category.id][kind][id];
    if (!found || found[0] === null || !found[3] || found[4] >= found[3]) return null;
    const [numerator, low, high, denominator, undetermined, estimated] = found;
    return { numerator, low, high, denominator, undetermined: undetermined || 0, estimated, share: numerator / denominator };
  }

  function townRate(category) {
    const id = Object.keys(content.rates[category.id].town)[0];
    return id === undefined ? null : rate(category, 'town', id);
  }

  // Class 1 to 5 of a share; 0 where nothing was assessed or most of it could not be determined.
  function coverClass(found) {
    if (!found || found.undetermined * 2 > found.denominator) return 0;
    return 1 + content.cover.filter(limit => found.share >= limit).length;
  }

  return {
    content, features, layers, value, decode, has, text, count, metres, percent, escape, coded, categoryName,
    standing, band, rate, townRate, coverClass, WALK,
    get language() { return language; },
    set language(one) { language = one; },
    state: {
      view: 'grids', drawing: 'plan', areas: 'buildings', category: null, on: {}, community: null, selected: null,
    },
  };
})();
