// Marks: labels, facility badges, gates and gap pills on one canvas above the map, none over another.
(() => {
  'use strict';
  const { content, features, layers, state, token } = wangge;
  const MOST_LABELS = 120;
  const LEAST_GAP = 20;
  const images = {};

  function glyphImage(group, done) {
    if (!images[group]) {
      const image = new Image();
      image.onload = done;
      image.src = 'data:image/svg+xml;charset=utf-8,' + encodeURIComponent(content.glyphs[group].replaceAll('currentColor', token('--surface')));
      images[group] = image;
    }
    return images[group];
  }

  class Marks extends L.Layer {
    onAdd(map) {
      this.map = map;
      map.createPane('marks').style.zIndex = 450;
      this.canvas = L.DomUtil.create('canvas', 'marks leaflet-zoom-hide', map.getPane('marks'));
      map.on('moveend zoomend resize', this.draw, this);
      this.draw();
    }

    // Writes everything anew; marks that would lie on one another or on a control give way by rank.
    draw() {
      const map = this.map, size = map.getSize(), scale = window.devicePixelRatio || 1;
      const pad = 80, origin = map.containerPointToLayerPoint([-pad, -pad]);
      L.DomUtil.setPosition(this.canvas, origin);
      Object.assign(this.canvas, { width: (size.x + 2 * pad) * scale, height: (size.y + 2 * pad) * scale });
      Object.assign(this.canvas.style, { width: `${size.x + 2 * pad}px`, height: `${size.y + 2 * pad}px` });
      this.pen = this.canvas.getContext('2d');
      this.pen.scale(scale, scale);
      this.pen.translate(pad, pad);
      this.taken = this.controls();
      this.hits = [];
      this.counts = {};
      this.zoom = wangge.registryZoom(map);
      this.font = style('--font');
      const marks = [...this.gaps(), ...this.badges(), ...this.labels(), ...this.gates()];
      marks.sort((one, other) => one.rank - other.rank || other.weight - one.weight);
      let labels = 0;
      for (const mark of marks) {
        if (mark.label && labels >= MOST_LABELS) continue;
        if (this.place(mark)) labels += mark.label ? 1 : 0;
      }
    }

    controls() {
      const frame = this.map.getContainer().getBoundingClientRect();
      return [...document.querySelectorAll('.card:not([hidden]), .scale, .attribution')].map(one => {
        const box = one.getBoundingClientRect();
        return [box.left - frame.left, box.top - frame.top, box.right - frame.left, box.bottom - frame.top];
      });
    }

    free(box) {
      return !this.taken.some(one => box[0] < one[2] && box[2] > one[0] && box[1] < one[3] && box[3] > one[1]);
    }

    place(mark) {
      const at = this.map.latLngToContainerPoint(mark.at), size = this.map.getSize();
      at.y += mark.down || 0;
      if (at.x < -40 || at.y < -40 || at.x > size.x + 40 || at.y > size.y + 40) return false;
      for (const form of mark.forms) {
        const [w, h] = form.size;
        const box = [at.x - w / 2, at.y - h / 2, at.x + w / 2, at.y + h / 2];
        if (!mark.always && !this.free(box)) continue;
        if (!mark.under) this.taken.push([box[0] - 2, box[1], box[2] + 2, box[3]]);
        form.draw(at);
        this.counts[mark.layer] = (this.counts[mark.layer] || 0) + 1;
        if (mark.hit) this.hits.push({ box, layer: mark.layer, row: mark.row });
        return true;
      }
      return false;
    }

    // ---- text ----------------------------------------------------------------------------------
    write(line, x, y) {
      const pen = this.pen;
      pen.font = `${line.strong ? 600 : 400} ${line.px}px ${this.font}`;
      pen.textAlign = 'center';
      pen.textBaseline = 'middle';
      pen.lineJoin = 'round';
      if ('letterSpacing' in pen) pen.letterSpacing = line.spaced ? '1px' : '0px';
      if (!line.plain) {
        pen.strokeStyle = token('--halo');
        pen.lineWidth = 3.5;
        pen.strokeText(line.text, x, y);
      }
      pen.fillStyle = token(line.colour);
      pen.fillText(line.text, x, y);
    }

    width(line) {
      this.pen.font = `${line.strong ? 600 : 400} ${line.px}px ${this.font}`;
      return this.pen.measureText(line.text).width + (line.spaced ? line.text.length : 0);
    }

    lines(lines) {
      const heights = lines.map(line => line.px + 2);
      const height = heights.reduce((sum, one) => sum + one, 0);
      return {
        size: [Math.max(...lines.map(line => this.width(line))) + 4, height],
        draw: at => {
          let y = at.y - height / 2;
          lines.forEach((line, i) => {
            this.write(line, at.x, y + heights[i] / 2);
            y += heights[i];
          });
        },
      };
    }

    labels() {
      const marks = [];
      for (const layer of Object.values(layers)) {
        const label = layer.label;
        if (!label || !wangge.shown(layer)) continue;
        const from = state.view === 'life' ? Math.max(label.from_zoom, label.life_from_zoom) : label.from_zoom;
        if (this.zoom < from || this.zoom > label.to_zoom) continue;
        const source = features[layer.id];
        source.ids.forEach((id, row) => {
          const text = wangge.value(layer.id, label.column, row);
          if (text === null || !source.labels[row]) return;
          marks.push(...this[`${label.style}Labels`](layer, label, row, text));
        });
      }
      return marks;
    }

    communityLabels(layer, label, row, text) {
      const name = { text, px: 13, strong: true, spaced: true, colour: '--community-line' };
      const forms = [this.lines([name])];
      if (state.view === 'life' && state.areas === 'communities' && state.category) {
        const found = wangge.rate(state.category, 'community', features.communities.ids[row]);
        const unknown = !wangge.coverClass(found);
        const figure = unknown ? wangge.text('page.not_assessed') : wangge.percent(found.share);
        forms.unshift(this.lines([name, { text: figure, px: 12, strong: !unknown, colour: unknown ? '--unknown' : '--ink' }]));
      } else if (state.view === 'life' && state.category && !wangge.coverClass(wangge.rate(state.category, 'community', features.communities.ids[row]))) {
        forms.unshift(this.lines([name, { text: wangge.text('page.not_assessed'), px: 12, colour: '--unknown' }]));
      }
      return [{ rank: 4, weight: 0, at: features.communities.labels[row], forms, label: true, layer: layer.id }];
    }

    // The code and, under it, the households: two marks, since a crowded map drops households first.
    gridLabels(layer, label, row, text) {
      const special = wangge.value(layer.id, 'kind', row) === 'special';
      const households = wangge.value(layer.id, 'households', row);
      const selected = state.selected === features[layer.id].ids[row];
      const small = this.zoom < 14.6;
      const sign = { above: '▲', below: '▼' }[wangge.standing(layer.id, row)] || '';
      const counted = !special && this.zoom >= label.second_from_zoom && households !== null;
      const code = { text, px: special || small ? 13 : 16, strong: !special, colour: special ? '--special-line' : '--ink' };
      const common = { weight: households || 0, at: features[layer.id].labels[row], label: true, layer: layer.id };
      const marks = [{ ...common, rank: selected ? 1 : special ? 6 : 3, down: counted ? -7 : 0, forms: [this.lines([code])] }];
      if (counted) {
        const figure = `${sign}${small ? wangge.count(households) : wangge.text('page.households_short', { count: wangge.count(households) })}`;
        const line = { text: figure, px: 12, strong: Boolean(sign), colour: sign ? '--bad' : '--ink' };
        marks.push({ ...common, label: false, rank: selected ? 1.1 : sign ? 3.1 : 5, down: small ? 8.5 : 9.5, forms: [this.lines([line])] });
      }
      return marks;
    }

    estateLabels(layer, label, row, text) {
      const form = this.lines([{ text, px: 12, colour: '--ink-2' }]);
      return [{ rank: 7, weight: wangge.value(layer.id, 'households', row) || 0, at: features.estates.labels[row], forms: [form], label: true, layer: layer.id }];
    }

    // ---- symbols -------------------------------------------------------------------------------
    badges() {
      if (!wangge.shown(layers.facilities)) return [];
      const source = features.facilities, category = state.view === 'life' ? state.category : null;
      return source.ids.flatMap((id, row) => {
        const offered = (wangge.value('facilities', 'categories', row) || '').split(';');
        const group = wangge.value('facilities', 'group', row);
        const at = wangge.centreOf(source.shapes[row]);
        if (!group || !at) return [];
        const own = Boolean(category) && offered.includes(category.id);
        if (category && !own && !state.on.facilities_other) return [];
        const shownAs = own ? category.group : group;
        const size = own ? 24 : category ? 16 : 20;
        const faded = category && !own;
        const badge = { size: [size, size], draw: spot => this.badge(spot, shownAs, size, faded ? 0.6 : 1) };
        const dot = { size: [6, 6], draw: spot => this.dot(spot, `--fac-${shownAs}`, 3, '--surface') };
        const large = own || this.zoom >= 14.2;
        return [{ rank: own ? 2 : 4.5, weight: 0, at, forms: large ? [badge, dot] : [dot], always: own, hit: true, layer: 'facilities', row }];
      });
    }

    badge(at, group, size, opacity) {
      const pen = this.pen, half = size / 2;
      pen.globalAlpha = opacity;
      pen.beginPath();
      pen.roundRect(at.x - half, at.y - half, size, size, size / 5);
      pen.fillStyle = token(`--fac-${group}`);
      pen.fill();
      pen.strokeStyle = token('--surface');
      pen.lineWidth = 1.5;
      pen.stroke();
      const image = glyphImage(group, () => this.draw()), inner = size * 0.68;
      if (image.complete) pen.drawImage(image, at.x - inner / 2, at.y - inner / 2, inner, inner);
      pen.globalAlpha = 1;
    }

    dot(at, fill, radius, line) {
      const pen = this.pen;
      pen.beginPath();
      pen.arc(at.x, at.y, radius, 0, 7);
      pen.fillStyle = token(fill);
      pen.fill();
      pen.lineWidth = 1.2;
      pen.strokeStyle = token(line);
      pen.stroke();
    }

    gates() {
      if (!wangge.shown(layers.gates)) return [];
      return features.gates.ids.flatMap((id, row) => {
        const closed = wangge.value('gates', 'open', row) === false;
        const symbol = layers.gates.symbols.find(one => one.among.includes(false) === closed);
        if (this.zoom < symbol.from_zoom || !features.gates.shapes[row]) return [];
        const form = { size: [7, 7], draw: at => this.dot(at, symbol.fill, closed ? 4 : 3, symbol.line) };
        return [{ rank: 0, weight: 0, at: features.gates.shapes[row].parts[0], forms: [form], always: true, under: true, hit: true, layer: 'gates', row }];
      });
    }

    gaps() {
      if (!wangge.shown(layers.gaps)) return [];
      const most = this.zoom < 14 ? 12 : Infinity;
      return wangge.gapsOf(state.category).filter(({ rank }) => rank <= most).map(({ row, rank }) => {
        const households = wangge.value('gaps', 'households', row);
        const label = { text: wangge.text('page.gap_pill', { count: wangge.count(households) }), px: 12, strong: true, colour: '--bad-map', plain: true };
        const width = 22 + this.width(label) + 10;
        const pill = { size: [width, 22], draw: at => this.pill(at, width, String(rank), label) };
        const disc = { size: [18, 18], draw: at => this.disc(at, String(rank)) };
        return { rank: 2 + rank / 1000, weight: 0, at: features.gaps.labels[row], forms: [pill, disc], hit: true, layer: 'gaps', row };
      });
    }

    pill(at, width, rank, label) {
      const pen = this.pen;
      pen.beginPath();
      pen.roundRect(at.x - width / 2, at.y - 11, width, 22, 11);
      pen.fillStyle = token('--surface');
      pen.fill();
      pen.strokeStyle = token('--bad-map');
      pen.lineWidth = 1.4;
      pen.stroke();
      this.disc({ x: at.x - width / 2 + 11, y: at.y }, rank);
      this.write(label, at.x + 8, at.y + 0.5);
    }

    disc(at, rank) {
      this.dot(at, '--bad-map', 8, '--bad-map');
      this.write({ text: rank, px: rank.length > 2 ? 9 : 12, strong: true, colour: '--surface', plain: true }, at.x, at.y + 0.5);
    }

    hit(spot) {
      return this.hits.find(({ box }) => spot.x >= box[0] - 3 && spot.x <= box[2] + 3 && spot.y >= box[1] - 3 && spot.y <= box[3] + 3);
    }
  }

  const style = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  wangge.Marks = Marks;
  wangge.centreOf = shape => {
    if (!shape) return null;
    if (shape.kind === 'point') return shape.parts[0];
    return [(shape.box[0] + shape.box[2]) / 2, (shape.box[1] + shape.box[3]) / 2];
  };

  // Gaps of a category by households, with their rank; smaller ones show as buildings only.
  wangge.gapsOf = category => {
    if (!category) return [];
    const rows = features.gaps.ids.map((_, row) => row)
      .filter(row => content.gap_categories[row] === category.id && wangge.value('gaps', 'households', row) >= LEAST_GAP);
    rows.sort((one, other) => wangge.value('gaps', 'households', other) - wangge.value('gaps', 'households', one));
    return rows.map((row, i) => ({ row, rank: i + 1 }));
  };
})();
