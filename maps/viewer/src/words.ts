// Words and figures in the reader's language.

import { store } from './store';

export function text(key: string, values: Record<string, string | number> = {}): string {
  const found = store.state.texts[key];
  if (found === undefined) throw new Error(`no text ${key}`);
  return found.replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ''));
}

export function coded(column: string, code: string): string {
  return store.state.texts[`maps.code.${column}.${code}`] ?? code;
}

export const count = (value: number | null | undefined): string =>
  value === null || value === undefined ? text('page.unknown') : Math.round(value).toLocaleString('en-US');

export const percent = (share: number): string => `${(share * 100).toFixed(1)}%`;

// Codes of walks without a length, as maps/figures.py writes them.
export const WALK = { beyond: -1, none: -2, data: -3, barrier: -4, unassessed: -5 } as const;
