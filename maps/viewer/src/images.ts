// Images of the map: hatches in a token's colour, badges of facility groups.

import type { Map as MapLibre } from 'maplibre-gl';
import { GLYPHS } from './icons';

export const token = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const SCALE = 2;

function canvas(size: number): [OffscreenCanvas, OffscreenCanvasRenderingContext2D] {
  const sheet = new OffscreenCanvas(size * SCALE, size * SCALE);
  const pen = sheet.getContext('2d') as OffscreenCanvasRenderingContext2D;
  pen.scale(SCALE, SCALE);
  return [sheet, pen];
}

function pixels(sheet: OffscreenCanvas): ImageData {
  return (sheet.getContext('2d') as OffscreenCanvasRenderingContext2D).getImageData(0, 0, sheet.width, sheet.height);
}

// Diagonal lines; the size is a power of two, as the renderer repeats the image.
function hatch(name: string, size = 8, width = 1.1): ImageData {
  const [sheet, pen] = canvas(size);
  pen.strokeStyle = token(name);
  pen.lineWidth = width;
  for (const shift of [-size, 0, size]) {
    pen.beginPath();
    pen.moveTo(shift - 1, size + 1);
    pen.lineTo(shift + size + 1, -1);
    pen.stroke();
  }
  return pixels(sheet);
}

async function badge(group: string): Promise<ImageData> {
  const size = 24, edge = 1.5;
  const [sheet, pen] = canvas(size);
  const glyph = new Image();
  glyph.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent((GLYPHS[group] as string).replaceAll('currentColor', token('--surface')))}`;
  await glyph.decode();
  pen.beginPath();
  pen.roundRect(edge, edge, size - 2 * edge, size - 2 * edge, 4);
  pen.fillStyle = token(`--fac-${group}`);
  pen.fill();
  pen.strokeStyle = token('--surface');
  pen.lineWidth = edge;
  pen.stroke();
  pen.drawImage(glyph, 4, 4, size - 8, size - 8);
  return pixels(sheet);
}

const HATCHES = ['--special-hatch', '--ink-disabled', '--moved'];

export async function addImages(map: MapLibre): Promise<void> {
  for (const name of HATCHES) map.addImage(`hatch${name}`, hatch(name, 8, name === '--moved' ? 1.3 : 1), { pixelRatio: SCALE });
  for (const group of Object.keys(GLYPHS)) map.addImage(`badge-${group}`, await badge(group), { pixelRatio: SCALE });
}
