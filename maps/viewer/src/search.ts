// Search by name, address and code; the arrow keys walk the list, Enter goes there.

import { LitElement, html, nothing } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { api, type Found } from './api';
import { icon } from './icons';
import { store } from './store';
import { text } from './words';

const PAUSE_MS = 150;

@customElement('wangge-search')
export class WanggeSearch extends LitElement {
  @state() private found: Found[] | null = null;
  @state() private chosen = -1;
  private asked = '';
  private pause = 0;

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    store.addEventListener('change', () => this.requestUpdate());
    document.addEventListener('keydown', event => {
      if (event.key !== '/' || event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement) return;
      event.preventDefault();
      this.querySelector('input')?.focus();
    });
  }

  protected override render() {
    const open = this.found !== null;
    return html`<div class="find">${icon('search', 16)}
      <input type="search" role="combobox" autocomplete="off" aria-label=${text('viewer.search')} placeholder=${text('viewer.search')} aria-expanded=${open} aria-controls="found" aria-activedescendant=${this.chosen >= 0 ? `found-${this.chosen}` : nothing} @input=${this.type} @keydown=${this.key} @blur=${() => window.setTimeout(this.close, 150)}>
      <kbd aria-hidden="true">/</kbd></div>
      <ul id="found" class="card found" role="listbox" aria-label=${text('viewer.found')} ?hidden=${!open}>
        ${this.found?.length === 0 ? html`<li class="quiet" role="option" aria-selected="false">${text('viewer.nothing_found')}</li>` : nothing}
        ${this.found?.map((one, number) => html`<li id="found-${number}" role="option" aria-selected=${number === this.chosen} @mousedown=${() => this.go(one)}><span class="kind">${text(`viewer.kind.${one.kind}`)}</span><b lang="zh-CN">${one.name}</b><span class="quiet" lang="zh-CN">${one.detail}</span></li>`)}
      </ul>`;
  }

  private type = (event: Event): void => {
    window.clearTimeout(this.pause);
    this.asked = (event.target as HTMLInputElement).value.trim();
    this.pause = window.setTimeout(() => void this.ask(this.asked), PAUSE_MS);
  };

  private async ask(words: string): Promise<void> {
    if (!words) {
      this.close();
      return;
    }
    const { places } = await api.places(words);
    if (words !== this.asked) return;
    this.found = places;
    this.chosen = places.length ? 0 : -1;
  }

  private key = (event: KeyboardEvent): void => {
    const last = (this.found?.length ?? 0) - 1;
    if (event.key === 'Escape') this.close();
    else if (event.key === 'ArrowDown') this.chosen = Math.min(last, this.chosen + 1);
    else if (event.key === 'ArrowUp') this.chosen = Math.max(0, this.chosen - 1);
    else if (event.key === 'Enter' && this.found?.[this.chosen]) this.go(this.found[this.chosen] as Found);
    else return;
    event.preventDefault();
  };

  private close = (): void => {
    this.found = null;
    this.chosen = -1;
  };

  private go(one: Found): void {
    this.close();
    const [west, south, east, north] = one.bounds;
    store.go(one.bounds);
    store.ask((west + east) / 2, (south + north) / 2);
  }
}
