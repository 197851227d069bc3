/** Where the flash goes: a treemap that one can go into, by mouse and by keys, and the same as a table. */
import {el, swap, text} from './dom.js';
import {bytes, number, percent} from './format.js';
import {say} from './notice.js';
import {sizeTree, squarify} from './size_tree.js';

const HEAD = 20, GAP = 1;
const ARROWS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};
const LEGEND = [['frozen', 'frozen modules'], ['c', 'C modules'], ['code', 'interpreter and libraries'], ['other', 'heap, stack, padding']];
const TABLE_ROWS = 400;

const center = box => [box.x + box.w / 2, box.y + box.h / 2];

/** The nearest box in a direction: what lies beside counts more than what lies across. */
function neighbour(boxes, from, [dx, dy]) {
  const [x, y] = center(from);
  let best = null, least = Infinity;
  for (const box of boxes) {
    const [bx, by] = center(box), along = (bx - x) * dx + (by - y) * dy, across = Math.abs((bx - x) * dy) + Math.abs((by - y) * dx);
    if (box !== from && along > 1 && along + 2 * across < least) {
      best = box;
      least = along + 2 * across;
    }
  }
  return best;
}

/** Boxes of parts, with those of their parts in them where there is room. */
function boxesOf(here, w, h) {
  const result = [];
  squarify(here.parts, 0, 0, w, h).forEach((box, i) => {
    box.shade = here.parts.length > 1 ? (i % 6) / 5 : 0;
    const inside = box.part.parts?.length && box.w > 74 && box.h > 52;
    result.push({...box, isHead: inside});
    if (inside)
      squarify(box.part.parts, box.x + 3, box.y + HEAD, box.w - 6, box.h - HEAD - 3).forEach((inner, n) =>
        result.push({...inner, parent: box.part, shade: box.shade, step: n}));
  });
  return result;
}

/* It begins with what is seen in the box, so that it can be told to one who speaks to a computer. */
const labelOf = (box, whole) => `${box.part.name} ${bytes(box.part.bytes)}, ${percent(box.part.bytes, whole)}${box.parent ? `, in ${box.parent.name}` : ''}`;

/** {node, update(size)} */
export function treemap(scope) {
  const map = el('div', {class: 'treemap', role: 'group', 'aria-label': 'Parts by size. Arrow keys move, Enter goes into a part, Backspace out of it.'});
  const trail = el('nav', {class: 'trail', 'aria-label': 'Part of the image'});
  const tellName = el('span', {class: 'tell-name'}), tellBytes = el('span', {class: 'num'});
  const tell = el('p', {class: 'tell', 'aria-hidden': 'true'}, tellName, tellBytes);
  const rows = el('tbody'), buttons = ['flash', 'ram'].map(memory => el('button', {type: 'button', class: 'button small',
    onclick: () => setMemory(memory)}, memory === 'flash' ? 'Flash' : 'RAM'));
  const legend = el('ul', {class: 'legend'});
  let size = null, memory = 'flash', path = [], boxes = [], nodes = new Map();
  const here = () => path[path.length - 1];
  const whole = () => path[0].bytes;

  function setMemory(next) {
    memory = next;
    path = [sizeTree(size, memory)];
    draw();
  }
  function enter(part, focus) {
    if (!part.parts?.length)
      return;
    path.push(part);
    draw();
    say(`In ${part.name}, ${number(part.bytes)} bytes`);
    if (focus)
      focusBox(boxes[0]);
  }
  function out(focus) {
    if (path.length < 2)
      return;
    const left = path.pop();
    draw();
    if (focus)
      focusBox(boxes.find(box => box.part === left) || boxes[0]);
  }
  function focusBox(box) {
    nodes.forEach(node => (node.tabIndex = -1));
    const node = nodes.get(box);
    node.tabIndex = 0;
    node.focus();
  }
  function show(box) {
    text(tellName, box ? `${box.parent ? `${box.parent.name} / ` : ''}${box.part.name}` : here().name);
    const part = box ? box.part : here();
    text(tellBytes, `${number(part.bytes)} bytes (${bytes(part.bytes)}), ${percent(part.bytes, whole())} of ${memory === 'flash' ? 'the flash used' : 'the RAM'}`);
  }
  function pressed(event) {
    const box = boxes.find(other => nodes.get(other) === event.target);
    if (!box)
      return;
    if (ARROWS[event.key]) {
      const next = neighbour(boxes, box, ARROWS[event.key]);
      if (next)
        focusBox(next);
    } else if (event.key === 'Backspace' || (event.key === 'Escape' && path.length > 1)) {
      out(true);
    } else if (event.key === 'Enter' && box.parent && !box.part.parts?.length) {
      enter(box.parent, true);
    } else if (event.key === 'Home' || event.key === 'End') {
      focusBox(event.key === 'Home' ? boxes[0] : boxes.at(-1));
    } else {
      return;
    }
    event.preventDefault();
  }
  function boxNode(box, first) {
    const opens = Boolean(box.part.parts?.length), big = box.w > 46 && box.h > 17;
    const name = big ? el('span', {class: 'box-name'}, box.part.name) : null;
    const amount = big && (box.isHead ? box.w > 150 : box.h > 34) ? el('span', {class: 'box-bytes num'}, bytes(box.part.bytes)) : null;
    return el(opens ? 'button' : 'div', {type: opens ? 'button' : null, role: opens ? null : 'img', tabindex: first ? '0' : '-1',
      class: `box ${box.part.kind}${box.isHead ? ' head' : ''}${box.parent ? ' inner' : ''}`, 'aria-label': labelOf(box, whole()),
      style: {left: `${box.x}px`, top: `${box.y}px`, width: `${Math.max(1, box.w - GAP)}px`, height: `${Math.max(1, box.h - GAP)}px`,
        '--shade': box.shade.toFixed(2)},
      onclick: opens || box.parent ? event => enter(opens ? box.part : box.parent, event.detail === 0) : null,
      onmouseenter: () => show(box), onfocus: () => show(box)}, name, name && amount ? ' ' : null, amount);
  }
  function drawTable() {
    swap(rows, here().parts.slice(0, TABLE_ROWS).map(part => el('tr', {},
      el('th', {scope: 'row'}, part.parts?.length ? el('button', {type: 'button', class: 'link', onclick: () => enter(part)}, part.name) : part.name),
      el('td', {class: 'num right'}, number(part.bytes)), el('td', {class: 'num right'}, percent(part.bytes, here().bytes)))));
  }
  function drawTrail() {
    swap(trail, path.map((part, i) => i === path.length - 1 ? el('span', {'aria-current': 'true'}, part.name) :
      [el('button', {type: 'button', class: 'link', onclick: () => {
        path = path.slice(0, i + 1);
        draw();
      }}, part.name), el('span', {class: 'dim', 'aria-hidden': 'true'}, ' / ')]));
  }
  function drawMap() {
    if (!here() || !map.clientWidth)
      return;
    boxes = boxesOf(here(), map.clientWidth, map.clientHeight);
    nodes = new Map(boxes.map((box, i) => [box, boxNode(box, i === 0)]));
    map.replaceChildren(...nodes.values());
  }
  function draw() {
    drawMap();
    drawTrail();
    drawTable();
    show(null);
    const kinds = new Set(boxes.map(box => box.part.kind));
    swap(legend, LEGEND.filter(([kind]) => kinds.has(kind)).map(([kind, words]) => el('li', {}, el('span', {class: `swatch ${kind}`}), words)));
    buttons.forEach((button, i) => button.setAttribute('aria-pressed', String((i === 0) === (memory === 'flash'))));
  }
  map.addEventListener('keydown', pressed);
  map.addEventListener('mouseleave', () => path.length && show(null));
  scope.resize(map, () => size && drawMap());
  const node = el('div', {}, el('div', {class: 'treemap-head'}, trail, el('span', {class: 'gap'}),
    el('div', {class: 'switch', role: 'group', 'aria-label': 'Which memory'}, buttons)), map, tell, legend,
  el('details', {class: 'as-table'}, el('summary', {}, 'As a table'), el('table', {class: 'table'}, el('caption', {class: 'unseen'}, 'Parts by size'),
    el('thead', {}, el('tr', {}, el('th', {scope: 'col'}, 'Part'), el('th', {scope: 'col', class: 'right'}, 'Bytes'), el('th', {scope: 'col', class: 'right'}, 'Share'))), rows)));
  return {node, update: next => {
    size = next;
    setMemory(memory);
  }};
}
