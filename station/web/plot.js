/** How the size went from image to image: flash and RAM, each with its own axis, and as a table. */
import {el, svg, swap} from './dom.js';
import {bytes, date, dateNode, number} from './format.js';

const HEIGHT = 130, LEFT = 66, RIGHT = 18, TOP = 22, BOTTOM = 26;
const SHOWN = 40;

/** Round values about as many as wanted, in whole units of what people read. */
function ticks(low, high, wanted) {
  const unit = high >= 10240 ? 1024 : 1, span = Math.max((high - low) / unit, 1 / unit);
  const raw = span / wanted, power = 10 ** Math.floor(Math.log10(raw));
  const step = Math.max([1, 2, 5, 10].find(m => m * power >= raw) * power, unit === 1 ? 1 : 0.1) * unit;
  const first = Math.ceil(low / step - 1e-9) * step, list = [];
  for (let at = first; at <= high + step * 1e-6; at += step)
    list.push(at);
  return list;
}

function range(values) {
  const low = Math.min(...values), high = Math.max(...values), pad = Math.max((high - low) * 0.25, high * 0.002, 4);
  return [Math.max(0, low - pad), high + pad];
}

function change(history, i, key) {
  const by = i ? history[i][key] - history[i - 1][key] : 0;
  return by ? ` (${by > 0 ? '+' : '−'}${number(Math.abs(by))})` : '';
}

function pointOf(history, i, key, x, y, digest) {
  const entry = history[i], words = `${entry.version}, ${date(entry.built_at)}: ${number(entry[key])} bytes of ${key === 'flash' ? 'flash' : 'RAM'}${change(history, i, key)}`;
  return svg('a', {href: `#/images/${entry.digest}`, 'aria-label': words, class: entry.digest === digest ? 'point here' : 'point'},
    svg('title', {}, words), svg('circle', {cx: x, cy: y, r: 11, class: 'point-reach'}), svg('circle', {cx: x, cy: y, r: 4.5, class: 'point-dot'}));
}

/* Versions below the axis, as many as fit. */
function versionLabels(history, x, width) {
  const every = Math.max(1, Math.ceil(history.length * 62 / (width - LEFT - RIGHT)));
  return history.map((entry, i) => (history.length - 1 - i) % every ? null :
    svg('text', {x: x(i), y: TOP + HEIGHT + 18, class: 'axis-text', 'text-anchor': 'middle'}, entry.version.length > 9 ? `${entry.version.slice(0, 8)}…` : entry.version));
}

function panel(history, key, title, width, digest) {
  const [low, high] = range(history.map(entry => entry[key]));
  const x = i => history.length === 1 ? (LEFT + width - RIGHT) / 2 : LEFT + 10 + i * (width - LEFT - RIGHT - 20) / (history.length - 1);
  const y = value => TOP + HEIGHT * (1 - (value - low) / (high - low));
  const points = history.map((entry, i) => `${x(i)},${y(entry[key])}`);
  return svg('svg', {class: `plot ${key}`, width, height: TOP + HEIGHT + BOTTOM, viewBox: `0 0 ${width} ${TOP + HEIGHT + BOTTOM}`, role: 'group',
    'aria-label': `${title} by version, from ${bytes(Math.round(low))} to ${bytes(Math.round(high))}`},
  svg('text', {x: 0, y: 12, class: 'axis-title'}, title),
  ticks(low, high, 3).map(value => [svg('line', {x1: LEFT, x2: width - RIGHT, y1: y(value), y2: y(value), class: 'grid'}),
    svg('text', {x: LEFT - 8, y: y(value) + 4, class: 'axis-text', 'text-anchor': 'end'}, bytes(Math.round(value)))]),
  svg('polyline', {points: points.join(' '), class: 'line'}), versionLabels(history, x, width),
  history.map((entry, i) => pointOf(history, i, key, x(i), y(entry[key]), digest)));
}

function asTable(history) {
  return el('details', {class: 'as-table'}, el('summary', {}, 'As a table'), el('table', {class: 'table'}, el('caption', {class: 'unseen'}, 'Size by version'),
    el('thead', {}, el('tr', {}, ['Version', 'Built', 'Flash', 'RAM'].map((title, i) => el('th', {scope: 'col', class: i > 1 ? 'right' : ''}, title)))),
    el('tbody', {}, history.map((entry, i) => el('tr', {}, el('th', {scope: 'row'}, el('a', {href: `#/images/${entry.digest}`}, entry.version)),
      el('td', {class: 'num'}, dateNode(entry.built_at)), el('td', {class: 'num right'}, number(entry.flash), change(history, i, 'flash')),
      el('td', {class: 'num right'}, number(entry.ram), change(history, i, 'ram')))).reverse())));
}

/** {node, update(history, digest)}: the oldest first; digest: of the image that is looked at. */
export function sizePlot(scope) {
  const pictures = el('div', {class: 'plots'}), below = el('div');
  let history = [], digest = null, drawnAt = 0;
  function draw() {
    const width = Math.floor(pictures.clientWidth);
    if (width < 120 || history.length < 2)
      return;
    drawnAt = width;
    const shown = history.slice(-SHOWN);
    swap(pictures, panel(shown, 'flash', 'Flash', width, digest), panel(shown, 'ram', 'RAM (data and bss)', width, digest));
  }
  scope.resize(pictures, () => Math.floor(pictures.clientWidth) !== drawnAt && draw());
  return {node: el('div', {}, pictures, below), update: (next, current) => {
    history = (next || []).filter(entry => entry.flash !== null && entry.ram !== null);
    digest = current;
    pictures.hidden = history.length < 2;
    draw();
    swap(below, history.length > 1 ? asTable(history) : el('p', {class: 'dim'}, 'The only image so far: nothing to compare it with.'));
  }};
}
