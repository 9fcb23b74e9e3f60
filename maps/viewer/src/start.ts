// Starts the page, or says plainly that this browser cannot draw it.

import { api } from './api';

function canDraw(): boolean {
  return Boolean(document.createElement('canvas').getContext('webgl2'));
}

async function refuse(): Promise<void> {
  const kept = new URLSearchParams(location.hash.slice(1)).get('language');
  const texts = await api.texts(kept ?? document.documentElement.lang);
  const message = document.createElement('main');
  message.className = 'message';
  const words = document.createElement('p');
  words.textContent = texts['viewer.no_webgl'] ?? '';
  message.append(words);
  document.body.replaceChildren(message);
}

if (canDraw()) {
  await Promise.all([import('./map'), import('./search'), import('./app')]);
} else {
  await refuse();
}
