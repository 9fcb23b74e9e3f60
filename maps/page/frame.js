// The frame: views, language, clicks, and what is redrawn when one of them changes.
(() => {
  'use strict';
  const { content, features, layers, state, text, count } = wangge;
  const find = id => document.getElementById(id);
  const icon = paths => `<svg class="icon" viewBox="0 0 20 20" width="20" height="20" aria-hidden="true">${paths}</svg>`;
  const ICONS = {
    grids: icon('<path d="M3 3h14v14H3ZM3 9.5l6 1.5 2-8M9 11l1.5 6M10 12.5l7-1"/>'),
    life: icon('<circle cx="10" cy="10" r="1.8" fill="currentColor"/><circle cx="10" cy="10" r="4.6"/><circle cx="10" cy="10" r="7.6" stroke-dasharray="2.6 2"/>'),
    plus: icon('<path d="M10 4v12M4 10h12"/>'),
    minus: icon('<path d="M4 10h12"/>'),
    fit: icon('<path d="M3.5 7.5v-4h4M12.5 3.5h4v4M16.5 12.5v4h-4M7.5 16.5h-4v-4"/>'),
    layers: icon('<path d="M10 3l7.5 4-7.5 4-7.5-4ZM2.5 10.5l7.5 4 7.5-4M2.5 13.8l7.5 4 7.5-4"/>'),
  };
  let map, drawing, marks, popup, clicked;

  function start(chart) {
    map = chart;
    const [west, south, east, north] = content.town.bounds;
    state.category = content.categories.find(one => wangge.gapsOf(one).length && wangge.townRate(one).share >= 0.5) || content.categories[0] || null;
    for (const layer of Object.values(layers)) state.on[layer.id] = layer.on.includes(state.view);
    drawing = new wangge.Drawing(map);
    marks = new wangge.Marks();
    map.fitBounds([[south, west], [north, east]], { padding: [12, 12], animate: false });
    marks.addTo(map);
    map.on('click', event => ask(event.latlng, event.containerPoint));
    map.on('mousemove', event => { map.getContainer().style.cursor = marks.hit(event.containerPoint) ? 'pointer' : ''; });
    map.on('moveend zoomend', () => { scale(); legend(); });
    map.on('popupclose', () => { clicked = null; drawing.select(null); });
    document.addEventListener('click', pressed);
    document.addEventListener('change', changed);
    new ResizeObserver(() => map.invalidateSize({ pan: false })).observe(map.getContainer());
    const container = map.getContainer();
    container.setAttribute('role', 'application');
    if (window.innerHeight < 680) state.folded = true;
    speak(document.documentElement.lang);
  }

  // Writes the whole frame in a language.
  function speak(language) {
    wangge.language = content.languages.includes(language) ? language : content.languages[0];
    document.documentElement.lang = wangge.language;
    document.title = text('page.title', { town: content.town.name });
    map.getContainer().setAttribute('aria-label', text('page.map'));
    for (const one of document.querySelectorAll('[data-text]')) one.textContent = text(one.dataset.text);
    for (const one of document.querySelectorAll('[data-label]')) one.setAttribute('aria-label', text(one.dataset.label));
    find('town-name').textContent = content.town.name;
    find('synthetic').hidden = !content.town.synthetic;
    find('languages').setAttribute('aria-label', text('page.language'));
    find('languages').innerHTML = content.languages.map(one => `<button data-language="${one}" lang="${one}" aria-pressed="${one === wangge.language}">${content.texts[one]['page.language_name']}</button>`).join('');
    find('zoom').innerHTML = [['in', 'plus'], ['out', 'minus'], ['fit', 'fit'], ['layers', 'layers']].map(([act, name]) => `<button data-act="${act}" aria-label="${text(`page.${act}`)}" title="${text(`page.${act}`)}">${ICONS[name]}</button>`).join('');
    find('attribution').textContent = [content.town.synthetic ? text('page.synthetic_note') : content.town.source ? text('page.source', { source: content.town.source }) : '', content.town.licence || ''].filter(Boolean).join(' · ');
    find('status').innerHTML = `<b lang="zh-CN">${wangge.escape(content.town.name)}</b><span>${text('page.status', { communities: count(content.town.communities), estates: count(content.town.estates), buildings: count(content.town.buildings), households: count(content.town.households) })}</span><span class="right">${wangge.escape(content.town.crs)}</span><span id="ratio"></span>`;
    closeCard();
    refresh();
  }

  // Draws what the state says.
  function refresh() {
    const life = state.view === 'life';
    const areas = life ? state.areas : 'buildings';
    state.on.coverage_communities = life && areas === 'communities';
    state.on.coverage_grids = life && areas === 'grids';
    if (!life) {
      state.on.grids_today = state.drawing === 'today' && state.on.grids_shown !== false;
      state.on.grids = state.drawing === 'plan' && state.on.grids_shown !== false;
    }
    find('rail').innerHTML = ['grids', 'life'].map(view => `<button data-view="${view}" ${view === state.view ? 'aria-current="page"' : ''}>${ICONS[view]}${text(`page.view.${view}`)}</button>`).join('');
    find('panel').innerHTML = wangge.panel();
    find('layers').innerHTML = wangge.switches();
    drawing.draw();
    marks.draw();
    legend();
    marks.draw();
    scale();
  }

  function legend() {
    find('legend').innerHTML = wangge.legend(drawing, wangge.registryZoom(map));
  }

  function setView(view) {
    state.view = view;
    state.on = { facilities_other: state.on.facilities_other };
    for (const layer of Object.values(layers)) state.on[layer.id] = layer.on.includes(view);
    closeCard();
    refresh();
  }

  function pressed(event) {
    const button = event.target.closest('button');
    if (!button) return;
    const { view, language, act, zoom, community, choose, tab } = button.dataset;
    if (view) setView(view);
    if (language) speak(language);
    if (act) acts[act]();
    if (zoom) zoomTo(...zoom.split(':'));
    if (community) openCommunity(community);
    if (choose) {
      const [name, id] = choose.split(':');
      state[name] = id;
      closeCard();
      refresh();
    }
    if (tab) showTab(tab);
    if ('fold' in button.dataset) {
      state.folded = !state.folded;
      legend();
      marks.draw();
    }
  }

  const acts = {
    in: () => map.zoomIn(),
    out: () => map.zoomOut(),
    fit: () => {
      const [west, south, east, north] = content.town.bounds;
      map.fitBounds([[south, west], [north, east]], { padding: [12, 12], animate: false });
    },
    layers: () => {
      find('layers').hidden = !find('layers').hidden;
      marks.draw();
    },
  };

  function changed(event) {
    const { layer } = event.target.dataset;
    if (layer) {
      if (layer === 'grids' && state.view === 'grids') state.on.grids_shown = event.target.checked;
      state.on[layer] = event.target.checked;
      refresh();
    }
    if ('category' in event.target.dataset) {
      state.category = content.categories.find(one => one.id === event.target.value);
      closeCard();
      refresh();
    }
  }

  // ---- places ----------------------------------------------------------------------------------
  function openCommunity(id) {
    state.community = state.community === id ? null : id;
    const panel = find('panel'), at = panel.scrollTop;
    panel.innerHTML = wangge.panel();
    panel.scrollTop = at;
    const row = features.communities.rows[id];
    if (state.community) zoomTo('communities', row);
    else drawing.select(null);
  }

  function zoomTo(layer, row) {
    const shape = features[layer].shapes[Number(row)];
    if (!shape) return;
    const [south, west, north, east] = shape.box;
    map.fitBounds([[south, west], [north, east]], { padding: [60, 60], maxZoom: 17.5, animate: false });
    if (layer === 'grids' || layer === 'grids_today') state.selected = features[layer].ids[row];
    drawing.select(shape);
    marks.draw();
  }

  function inRing(lat, lon, ring) {
    let inside = false;
    for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
      const [y1, x1] = ring[i], [y2, x2] = ring[j];
      if (y1 > lat !== y2 > lat && lon < ((x2 - x1) * (lat - y1)) / (y2 - y1) + x1) inside = !inside;
    }
    return inside;
  }

  // Every feature under a point, of the layers that are on.
  function under(latlng) {
    const { lat, lng } = latlng, found = [];
    const gaps = new Set(wangge.gapsOf(state.category).map(gap => gap.row));
    for (const id of wangge.CARD_ORDER) {
      const layer = layers[id];
      if (layer.shape === 'point' || !layer.popup.length) continue;
      const grids = id === 'grids' || id === 'grids_today';
      if (grids ? id !== (state.view === 'grids' ? wangge.gridLayer() : 'grids') : !wangge.shown(layer) && id !== 'estates') continue;
      features[id].shapes.forEach((shape, row) => {
        if (!shape || shape.kind !== 'area') return;
        if (id === 'gaps' && !gaps.has(row)) return;
        const [south, west, north, east] = shape.box;
        if (lat < south || lat > north || lng < west || lng > east) return;
        if (shape.parts.some(rings => inRing(lat, lng, rings[0]) && !rings.slice(1).some(hole => inRing(lat, lng, hole)))) found.push({ layer: id, row });
      });
    }
    return found;
  }

  function ask(latlng, spot) {
    const mark = marks.hit(spot);
    const found = [...(mark ? [{ layer: mark.layer, row: mark.row }] : []), ...under(latlng)];
    if (!found.length) return closeCard();
    const first = mark ? found[0] : found.find(one => one.layer === preferred()) || found[0];
    show(latlng, found, first);
  }

  // What a click means first: the building where buildings are drawn large enough, else the grid.
  const preferred = () => (wangge.registryZoom(map) >= 15 || state.view === 'life' ? 'buildings' : state.view === 'grids' ? wangge.gridLayer() : 'grids');

  function show(latlng, found, open) {
    clicked = { latlng, found };
    const html = wangge.card(found, open);
    if (popup && popup.isOpen()) popup.setLatLng(latlng).setContent(html);
    else popup = L.popup({ maxWidth: 320, minWidth: 240, autoPanPadding: [20, 70], closeOnClick: false }).setLatLng(latlng).setContent(html).openOn(map);
    clicked = { latlng, found };
    drawing.select(features[open.layer].shapes[open.row]);
  }

  function showTab(tab) {
    const [layer, row] = tab.split(':');
    show(clicked.latlng, clicked.found, { layer, row: Number(row) });
  }

  function closeCard() {
    if (popup) popup.remove();
    drawing.select(null);
  }

  // ---- scale -----------------------------------------------------------------------------------
  function scale() {
    const size = map.getSize(), y = size.y / 2;
    const across = map.distance(map.containerPointToLatLng([0, y]), map.containerPointToLatLng([100, y]));
    const power = 10 ** Math.floor(Math.log10(across));
    const round = [5, 2, 1].map(step => step * power).find(step => step <= across);
    find('scale').firstElementChild.textContent = round >= 1000 ? `${round / 1000} km` : `${round} m`;
    find('scale').lastElementChild.style.width = `${(round / across) * 100}px`;
    // One CSS pixel is 0.2646 mm.
    find('ratio').textContent = `1:${count(Math.round((across / 100 / 0.0002646) / 100) * 100)}`;
  }

  wangge.start = start;
  wangge.drawn = () => ({ areas: drawing.counts, marks: marks.counts });
})();
