// The panel: what the view says in figures; and the card of a place that was clicked.
(() => {
  'use strict';
  const { content, features, layers, state, text, count, percent, escape, value, standing } = wangge;

  const icon = paths => `<svg class="icon" viewBox="0 0 20 20" width="18" height="18" aria-hidden="true">${paths}</svg>`;
  const ZOOM = icon('<circle cx="9" cy="9" r="5"/><path d="M13 13l4 4M9 7v4M7 9h4"/>');
  const CHECK = '<svg class="icon" viewBox="0 0 20 20" width="14" height="14" aria-hidden="true"><path d="M4.5 10.5l3.6 3.6L15.5 6.5" stroke-width="2.2"/></svg>';

  const isBasic = (layer, row) => value(layer, 'kind', row) !== 'special';
  const gridLayer = () => (state.drawing === 'plan' ? 'grids' : 'grids_today');
  const tones = { optimal: 'ok', bounded: 'ok', not_proven: 'unknown', infeasible: 'bad', none_found: 'warn' };

  function households(layer, row) {
    const known = value(layer, 'households', row);
    const estimated = value(layer, 'estimated_households', row);
    const unknown = value(layer, 'unknown_buildings', row);
    let shown = known === null ? text('page.unknown') : text('page.households', { count: count(known) });
    if (estimated) {
      const all = layer === 'buildings';
      shown += ` <span class="tag unknown">${all ? text('page.estimated') : text('page.estimated_of', { count: count(estimated) })}</span>`;
    }
    if (unknown && layer !== 'buildings') shown += `<br><span class="quiet">${text('page.unknown_buildings', { count: count(unknown) })}</span>`;
    return shown;
  }

  // ---- grids view ------------------------------------------------------------------------------
  function gridsPanel() {
    const layer = gridLayer(), source = features[layer];
    const rows = source.ids.map((_, row) => row);
    const basic = rows.filter(row => isBasic(layer, row));
    const inRange = basic.filter(row => standing(layer, row) === 'in').length;
    const unknown = basic.filter(row => standing(layer, row) === null).length;
    const { lower, upper } = content.plan;
    const drawn = state.drawing === 'plan';
    const faults = basic.filter(row => ['above', 'below'].includes(standing(layer, row)));
    const statuses = Object.values(content.plan.certificates);
    const proven = statuses.filter(one => one.status === 'optimal').length;
    const today = features.grids_today.ids.length > 0;
    return `
      <div class="head"><h1>${text('page.grids.title')}</h1><span class="right">${text('page.grids.window', { lower, upper })}</span></div>
      ${today ? `<div class="section">${choice('drawing', [['plan', text('page.grids.plan')], ['today', text('page.grids.today')]], state.drawing)}</div>` : ''}
      <div class="section">
        <div class="figure"><b>${count(inRange)}<small> / ${count(basic.length)}</small></b><span>${text('page.grids.in_range')}</span></div>
        <div class="facts">
          <span>${text('page.grids.special', { count: count(rows.length - basic.length) })}</span>
          ${unknown ? `<span>${text('page.grids.unknown', { count: count(unknown) })}</span>` : ''}
          ${drawn && content.plan.extra_pieces !== null ? `<span>${text('page.grids.extra_pieces', { count: count(content.plan.extra_pieces) })}</span>` : ''}
          ${drawn ? `<span>${text('page.grids.proven', { count: proven, all: statuses.length })}</span>` : ''}
        </div>
        ${estimatedNote()}
      </div>
      ${faults.length ? `<div class="section"><h2>${text('page.grids.out_of_range')}<span class="right">${text('page.places', { count: faults.length })}</span></h2>${faults.slice(0, 5).map((row, i) => faultRow(layer, row, i + 1)).join('')}${faults.length > 5 ? `<p class="quiet">${text('page.more', { count: faults.length - 5 })}</p>` : ''}</div>` : ''}
      <div class="section grow"><h2>${text('page.grids.communities')}<span class="right">${text('page.grids.columns')}</span></h2>
        ${features.communities.ids.map((id, row) => communityRow(id, row, layer)).join('')}
      </div>`;
  }

  const reasonOf = (layer, row) =>
    layer === 'grids' ? content.plan.reasons[features.grids.ids[row]]?.[wangge.language] : null;

  function faultRow(layer, row, number) {
    const households = value(layer, 'households', row), above = standing(layer, row) === 'above';
    const { lower, upper } = content.plan;
    const reason = reasonOf(layer, row);
    const figure = text(above ? 'page.above' : 'page.below', { households: count(households), difference: count(above ? households - upper : lower - households) });
    return `<div class="fault"><i class="disc">${number}</i><div><p><span lang="zh-CN">${escape(value(layer, 'title', row))}</span></p><p class="quiet" title="${escape(reason || '')}">${figure}${reason ? ` · ${escape(reason)}` : ''}</p></div>${zoomButton(layer, row)}</div>`;
  }

  const zoomButton = (layer, row) => `<button class="zoom-to" data-zoom="${layer}:${row}" aria-label="${text('page.zoom_to')}" title="${text('page.zoom_to')}">${ZOOM}</button>`;

  function communityRow(id, row, layer) {
    const certificate = state.drawing === 'plan' ? content.plan.certificates[id] : null;
    const grids = features[layer].ids.map((_, one) => one).filter(one => value(layer, 'community', one) === value('communities', 'name', row));
    const basic = grids.filter(one => isBasic(layer, one));
    const bad = basic.filter(one => ['above', 'below'].includes(standing(layer, one))).length;
    const open = state.community === id;
    const tag = certificate
      ? `<span class="tag ${tones[certificate.status]}">${certificate.tag[wangge.language]}</span>`
      : `<span class="tag ${bad ? 'bad' : 'ok'}">${bad ? text('page.grids.bad', { count: bad }) : text('page.grids.all_in_range')}</span>`;
    return `<div class="community ${open ? 'open' : ''}"><button data-community="${escape(id)}" aria-expanded="${open}"><span class="name" lang="zh-CN">${escape(value('communities', 'name', row))}</span>${tag}<span class="number">${count(basic.length)}</span><span class="number">${count(value('communities', 'households', row))}</span></button>
      ${open ? `<div class="inside">${certificate ? `<p>${escape(certificate.sentence[wangge.language])}</p>` : ''}${basic.map(one => gridRow(layer, one)).join('')}</div>` : ''}</div>`;
  }

  function gridRow(layer, row) {
    const known = value(layer, 'households', row), at = standing(layer, row);
    const { lower, upper } = content.plan, most = upper * 1.4;
    const share = known === null ? 0 : Math.min(100, (known / most) * 100);
    const mark = at === 'in' ? CHECK : at === 'above' ? '▲' : at === 'below' ? '▼' : '';
    return `<button class="grid-row" data-zoom="${layer}:${row}"><b>${escape(value(layer, 'short_code', row))}</b><span class="bar"><i class="window" style="left:${(lower / most) * 100}%;width:${((upper - lower) / most) * 100}%"></i><i class="fill ${at === 'in' || at === null ? '' : 'bad'}" style="width:${share}%"></i></span><span class="number">${count(known)}</span><span class="mark ${at === 'in' ? 'ok' : 'bad'}">${mark}</span></button>`;
  }

  function estimatedNote() {
    const { estimated_households: estimated, unknown_buildings: unknown } = content.town;
    const notes = [];
    if (estimated) notes.push(text('page.includes_estimated', { count: count(estimated) }));
    if (unknown) notes.push(text('page.unknown_buildings', { count: count(unknown) }));
    return notes.length ? `<p class="quiet">${notes.join(' · ')}</p>` : '';
  }

  // ---- life-circle view ------------------------------------------------------------------------
  function lifePanel() {
    const category = state.category;
    if (!category) return `<div class="head"><h1>${text('page.life.title')}</h1></div><div class="section"><p>${text('page.life.nothing')}</p></div>`;
    return `
      <div class="head"><h1>${text('page.life.title')}</h1><span class="right">${text('page.life.basis')}</span></div>
      <div class="section fields">
        <label>${text('page.life.category')}<span class="select"><i class="badge" style="background:var(--fac-${category.group})">${content.glyphs[category.group]}</i><select data-category>${content.categories.map(one => `<option value="${escape(one.id)}" ${one === category ? 'selected' : ''}>${escape(one.names[wangge.language])} ${one.limit} m</option>`).join('')}</select></span></label>
        ${choice('areas', [['buildings', text('page.life.by_building')], ['grids', text('page.life.by_grid')], ['communities', text('page.life.by_community')]], state.areas)}
      </div>
      ${lifeFigures(category)}
      ${gapsSection(category)}
      ${ratesSection(category)}`;
  }

  function lifeFigures(category) {
    const found = wangge.townRate(category);
    if (!found) {
      const why = category.facilities ? text('page.life.not_assessed_network') : text('page.life.not_assessed_data', { category: escape(category.names[wangge.language]) });
      return `<div class="section"><div class="figure unknown"><b>${text('page.not_assessed')}</b></div><p class="quiet">${why}</p></div>`;
    }
    const parts = walkingParts(category);
    const total = parts.reduce((sum, part) => sum + part.households, 0);
    const width = part => (total ? (part.households / total) * 100 : 0);
    const spread = found.low !== null && found.high !== null && (found.low !== found.numerator || found.high !== found.numerator);
    return `<div class="section">
      <div class="figure"><b>${percent(found.share)}</b><span>${text('page.life.of', { numerator: count(found.numerator), denominator: count(found.denominator) })}<br>${text('page.life.within', { limit: category.limit })}</span></div>
      <div class="stack" role="img" aria-label="${parts.map(part => `${part.words} ${count(part.households)}`).join(', ')}">${parts.filter(part => part.households).map(part => `<i class="${part.unknown ? 'unknown' : ''}" style="width:${width(part)}%;background-color:var(${part.token})"></i>`).join('')}</div>
      <table class="bands">${parts.map(part => `<tr><td><i class="${part.unknown ? 'unknown' : ''}" style="background-color:var(${part.token})"></i>${part.words}</td><td class="number">${text('page.households', { count: count(part.households) })}</td><td class="number">${total ? percent(part.households / total) : ''}</td></tr>`).join('')}</table>
      <p class="quiet">${[
        spread ? text('page.life.spread', { low: percent(found.low / found.denominator), high: percent(found.high / found.denominator) }) : '',
        found.estimated ? text('page.life.estimated', { share: percent(found.estimated) }) : '',
        found.undetermined ? text('page.life.undetermined', { count: count(found.undetermined) }) : '',
      ].filter(Boolean).join(' · ')}</p>
    </div>`;
  }

  // Households by how far they walk: the bands within the limit, beyond it, and undetermined.
  function walkingParts(category) {
    const sums = {};
    features.buildings.ids.forEach((_, row) => {
      const band = wangge.band(category, row), households = value('buildings', 'households', row);
      if (band !== null && households !== null) sums[band] = (sums[band] || 0) + households;
    });
    const bounds = [0, ...content.bands];
    const parts = content.bands.flatMap((limit, i) => {
      if (bounds[i] >= category.limit) return [];
      const to = Math.min(limit, category.limit);
      const words = i === 0 ? text('page.life.band_first', { to, minutes: 5 }) : text('page.life.band', { from: bounds[i], to, minutes: [5, 10, 15][i] });
      return [{ token: `--band-${[5, 10, 15][i]}`, words, households: sums[`band-${[5, 10, 15][i]}`] || 0 }];
    });
    parts.push({ token: '--band-over', words: text('page.life.over', { from: category.limit, to: 2 * category.limit }), households: sums.over || 0 });
    parts.push({ token: '--band-beyond', words: text('page.life.beyond', { from: 2 * category.limit }), households: sums.beyond || 0 });
    if (sums.unknown) parts.push({ token: '--band-unknown', words: text('page.life.unknown'), households: sums.unknown, unknown: true });
    return parts;
  }

  function gapsSection(category) {
    const gaps = wangge.gapsOf(category);
    if (!gaps.length) return '';
    const most = 6;
    return `<div class="section"><h2>${text('page.life.gaps')}<span class="right">${text('page.places', { count: gaps.length })}</span></h2>
      ${gaps.slice(0, most).map(({ row, rank }) => `<div class="gap"><i class="disc gap-disc">${rank}</i><span lang="zh-CN">${escape(value('gaps', 'title', row) || '')}</span><span class="quiet">${text('page.buildings', { count: count(value('gaps', 'buildings', row)) })}</span><b class="number">${text('page.households', { count: count(value('gaps', 'households', row)) })}</b>${zoomButton('gaps', row)}</div>`).join('')}
      ${gaps.length > most ? `<p class="quiet">${text('page.more', { count: gaps.length - most })}</p>` : ''}</div>`;
  }

  function ratesSection(category) {
    return `<div class="section grow"><h2>${text('page.life.communities')}<span class="right">${text('page.life.columns')}</span></h2>
      ${features.communities.ids.map((id, row) => {
        const found = wangge.rate(category, 'community', id), known = wangge.coverClass(found);
        return `<button class="rate-row" data-zoom="communities:${row}"><span class="name" lang="zh-CN">${escape(value('communities', 'name', row))}</span><span class="track">${known ? `<i style="width:${found.share * 100}%"></i>` : '<i class="unknown"></i>'}</span><span class="number">${known ? percent(found.share) : text('page.not_assessed')}</span><span class="number quiet">${found ? `${count(found.numerator)} / ${count(found.denominator)}` : ''}</span></button>`;
      }).join('')}</div>`;
  }

  // ---- shared parts ----------------------------------------------------------------------------
  function choice(name, options, chosen) {
    return `<div class="choice" role="group">${options.map(([id, words]) => `<button data-choose="${name}:${id}" aria-pressed="${id === chosen}">${words}</button>`).join('')}</div>`;
  }

  // ---- the card of a place ---------------------------------------------------------------------
  const CARD_ORDER = ['facilities', 'gates', 'gaps', 'buildings', 'estates', 'special_areas', 'grids', 'grids_today', 'communities'];

  function card(found, open) {
    const ordered = CARD_ORDER.flatMap(id => found.filter(one => one.layer === id).slice(0, 1));
    const tabs = ordered.length > 1 ? `<div class="tabs" role="group">${ordered.map(one => `<button data-tab="${one.layer}:${one.row}" aria-pressed="${one.layer === open.layer}">${text(`page.tab.${one.layer}`)}</button>`).join('')}</div>` : '';
    return `${tabs}<div class="place"><h2 lang="zh-CN">${escape(headingOf(open))}</h2><dl>${layers[open.layer].popup.map(field => line(field, open)).join('')}${coverageLine(open)}</dl></div>`;
  }

  const headingOf = one => (one.layer === 'gaps' ? text('page.gap_of', { place: value('gaps', 'title', one.row) || '' }) : value(one.layer, layers[one.layer].heading, one.row) || text(`page.tab.${one.layer}`));

  function line(field, { layer, row }) {
    if (field.column === 'walks') return walksLine(row);
    if (field.column === 'verdict') return verdictLine(layer, row);
    if (field.column === 'certificate') return certificateLine(row);
    const raw = value(layer, field.column, row);
    if (raw === null && !['households'].includes(field.format)) return '';
    const label = text(`maps.field.${field.column}`);
    const shown = {
      text: () => escape(wangge.coded(field.column, raw)),
      code: () => `<span class="code">${escape(raw)}</span>`,
      count: () => count(raw),
      metres: () => wangge.metres(raw),
      area: () => text('page.hectares', { area: (raw / 10000).toFixed(1) }),
      share: () => percent(raw),
      flag: () => text(raw ? 'page.yes' : 'page.no'),
      households: () => households(layer, row),
      list: () => raw.split(';').map(one => escape(wangge.categoryName(one))).join('<br>'),
    }[field.format]();
    return `<dt>${label}</dt><dd>${shown}</dd>`;
  }

  function verdictLine(layer, row) {
    const at = standing(layer, row);
    const { lower, upper } = content.plan;
    if (at === null) return isBasic(layer, row) ? '' : `<dd class="wide quiet">${text('page.special_note')}</dd>`;
    const reason = reasonOf(layer, row);
    if (at === 'in') return `<dd class="wide"><span class="tag ok">${CHECK}${text('page.in_range', { lower, upper })}</span></dd>`;
    const known = value(layer, 'households', row);
    const words = text(at === 'above' ? 'page.above_limit' : 'page.below_limit', { difference: count(at === 'above' ? known - upper : lower - known) });
    return `<dd class="wide"><span class="tag bad">${at === 'above' ? '▲' : '▼'} ${words}</span>${reason ? `<br>${escape(reason)}` : ''}</dd>`;
  }

  function certificateLine(row) {
    const found = content.plan.certificates[features.communities.ids[row]];
    if (!found) return '';
    return `<dd class="wide"><span class="tag ${tones[found.status]}">${found.tag[wangge.language]}</span><br>${escape(found.sentence[wangge.language])}</dd>`;
  }

  // Coverage of a community or grid for the chosen category.
  function coverageLine({ layer, row }) {
    if (state.view !== 'life' || !state.category || !['communities', 'grids'].includes(layer)) return '';
    const found = wangge.rate(state.category, layer === 'grids' ? 'grid' : 'community', features[layer].ids[row]);
    const shown = wangge.coverClass(found)
      ? `<b>${percent(found.share)}</b> ${text('page.life.of', { numerator: count(found.numerator), denominator: count(found.denominator) })}${found.undetermined ? `<br><span class="quiet">${text('page.life.undetermined', { count: count(found.undetermined) })}</span>` : ''}`
      : `<span class="tag unknown">${text('page.not_assessed')}</span>`;
    return `<dt>${escape(state.category.names[wangge.language])}</dt><dd>${shown}</dd>`;
  }

  function walksLine(row) {
    const lines = content.categories.map(category => {
      const walk = content.walks[category.id][row];
      if (walk === null) return '';
      const within = walk >= 0 && walk <= category.limit;
      const words = walk >= 0 ? wangge.metres(walk) : text(`page.walk.${walk === wangge.WALK.beyond ? 'beyond' : walk === wangge.WALK.barrier ? 'barrier' : walk === wangge.WALK.data ? 'data' : 'none'}`, { limit: count(3 * category.limit) });
      const tone = within ? 'ok' : walk >= 0 || walk === wangge.WALK.beyond || walk === wangge.WALK.barrier ? 'bad' : 'unknown';
      return `<tr class="${category === state.category ? 'current' : ''}"><td>${escape(category.names[wangge.language])}</td><td class="number quiet">${category.limit} m</td><td class="number ${tone}">${words}</td></tr>`;
    }).join('');
    return lines ? `<dd class="wide walks"><table><thead><tr><th>${text('page.walk.category')}</th><th>${text('page.walk.limit')}</th><th>${text('page.walk.walk')}</th></tr></thead><tbody>${lines}</tbody></table></dd>` : '';
  }

  // ---- legend and layer switches ---------------------------------------------------------------
  function swatch(symbol, layer) {
    const css = name => `var(${name})`;
    if (layer.id === 'facilities') {
      const group = state.view === 'life' && state.category ? state.category.group : 'service';
      return `<span class="badge small" style="background:var(--fac-${group})">${content.glyphs[group]}</span>`;
    }
    if (layer.shape === 'point') return `<svg width="22" height="14"><circle cx="11" cy="7" r="4" fill="${css(symbol.fill)}" stroke="${css(symbol.line)}" stroke-width="1.5"/></svg>`;
    const dash = symbol.dash.length ? `stroke-dasharray="${symbol.dash.map(one => one * 0.6).join(' ')}"` : '';
    if (symbol.fill || symbol.hatch) {
      const line = symbol.line ? `stroke="${css(symbol.line)}" stroke-width="1.5" ${dash}` : symbol.where === 'hue' ? 'stroke="var(--grid-line)" stroke-width="1.5"' : '';
      const lines = symbol.hatch ? `<path d="M1 9l8-8M5 13L17 1M13 13l8-8" stroke="${css(symbol.hatch)}" stroke-width="1.2"/>` : '';
      return `<svg width="22" height="14"><rect x="1" y="1" width="20" height="12" rx="2" fill="${symbol.fill ? css(symbol.fill) : 'none'}" fill-opacity="${Math.max(symbol.fill_opacity, 0.15)}" ${line}/>${lines}</svg>`;
    }
    const casing = symbol.casing && symbol.casing !== '--halo' ? `<path d="M0 7h22" stroke="${css(symbol.casing)}" stroke-width="5"/>` : '';
    return `<svg width="22" height="14">${casing}<path d="M0 7h22" stroke="${css(symbol.line)}" stroke-width="${casing ? 3 : 2}" ${dash}/></svg>`;
  }

  // Only what is on the map now, in drawing order, areas before lines before symbols.
  function legend(drawing, zoom) {
    const rank = (layer, symbol) => (layer.shape === 'point' ? 2 : layer.shape === 'area' && (symbol.fill || symbol.hatch) ? 0 : 1);
    const entries = [];
    for (const stratum of content.strata) {
      for (const layer of Object.values(layers)) {
        for (const symbol of layer.symbols) {
          const drawn = drawing.used.has(symbol) || (stratum === 'point' && wangge.shown(layer) && features[layer.id].ids.length);
          if (symbol.stratum === stratum && symbol.legend && drawn && zoom >= symbol.from_zoom) entries.push([rank(layer, symbol), layer, symbol]);
        }
      }
    }
    entries.sort((one, other) => one[0] - other[0]);
    const seen = new Set();
    const words = (layer, symbol) => {
      const limit = state.category ? state.category.limit : '';
      if (layer.id === 'facilities' && state.view === 'life' && state.category) return escape(state.category.names[wangge.language]);
      return text(`maps.legend.${symbol.legend}`, { limit, twice: 2 * limit });
    };
    const rows = entries.filter(([, layer, symbol]) => !seen.has(words(layer, symbol)) && seen.add(words(layer, symbol)))
      .map(([, layer, symbol]) => `<div>${swatch(symbol, layer)}${words(layer, symbol)}</div>`).join('');
    const note = content.town.estimated_households ? `<p>${text('page.legend_estimated')}</p>` : '';
    return `<h2><button data-fold aria-expanded="${!state.folded}">${text('page.legend')}<svg class="icon" viewBox="0 0 20 20" width="14" height="14" aria-hidden="true"><path d="M5.5 8l4.5 4.5L14.5 8"/></svg></button></h2>${state.folded ? '' : rows + note}`;
  }

  function switches() {
    const offered = Object.values(layers).filter(layer => layer.views.includes(state.view) && features[layer.id].ids.length && !layer.id.startsWith('coverage_') && layer.id !== 'grids_today');
    const isOn = layer => (layer.id === 'grids' && state.view === 'grids' ? state.on[wangge.gridLayer()] : state.on[layer.id]);
    const rows = offered.map(layer => `<label><input type="checkbox" data-layer="${layer.id}" ${isOn(layer) ? 'checked' : ''}>${text(`maps.layer.${layer.id}`)}</label>`);
    if (state.view === 'life') rows.push(`<label><input type="checkbox" data-layer="facilities_other" ${state.on.facilities_other ? 'checked' : ''}>${text('page.facilities_other')}</label>`);
    return `<h2>${text('page.layers')}</h2>${rows.join('')}`;
  }

  Object.assign(wangge, { card, CARD_ORDER, gridLayer, legend, switches, panel: () => (state.view === 'grids' ? gridsPanel() : lifePanel()) });
})();
