/** Keys: g and a letter goes to a page, / searches, ? tells them. They can be turned off. */
import {el} from './dom.js';
import {openDialog} from './dialog.js';
import {go} from './router.js';

const PAGES = {p: ['#/products', 'products'], j: ['#/jobs', 'jobs'], i: ['#/images', 'images'],
  d: ['#/devices', 'devices'], r: ['#/records', 'records'], s: ['#/status', 'status']};
const SEQUENCE_MS = 1500;
const STORED = 'firn.keys';
let pending = 0;

const enabled = () => localStorage.getItem(STORED) !== 'off';
const types = node => node.closest?.('input, textarea, select, [contenteditable]');

function search() {
  const field = document.querySelector('main [data-search]');
  if (field)
    return field.focus(), field.select();
  go('#/products');
  document.querySelector('main [data-search]')?.focus();
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || !enabled() || types(event.target) ||
      document.querySelector('dialog[open]'))
    return;
  const key = event.key, isSecond = Date.now() - pending < SEQUENCE_MS;
  pending = 0;
  if (isSecond && PAGES[key])
    go(PAGES[key][0]);
  else if (key === 'g')
    pending = Date.now();
  else if (key === '/')
    search();
  else if (key === '?')
    showKeys();
  else
    return;
  event.preventDefault();
}

const row = (keys, what) => el('tr', {}, el('td', {}, keys.map(key => el('kbd', {}, key))), el('td', {}, what));

export function showKeys() {
  openDialog('Keys', () => [
    el('table', {class: 'keys'}, el('tbody', {},
      Object.entries(PAGES).map(([key, [, name]]) => row(['g', key], `go to ${name}`)),
      row(['/'], 'search on this page'), row(['?'], 'this list'), row(['Esc'], 'close a dialog'),
      row(['Ctrl', 'Enter'], 'in the editor: submit'),
      row(['←', '→', '↑', '↓'], 'in the picture of an image: to the part beside'),
      row(['Enter'], 'in the picture: into a part'), row(['Backspace'], 'in the picture: out of it'))),
    el('label', {class: 'check'}, el('input', {type: 'checkbox', checked: enabled(),
      onchange: event => localStorage.setItem(STORED, event.target.checked ? 'on' : 'off')}),
    'Single keys do this (when no field is being typed in)'),
  ]);
}

export function listenToKeys() {
  document.addEventListener('keydown', pressed);
}
