/** Tables that are kept by key: a cell is drawn anew only when what it shows has changed. */
import {el, keyed, slot} from './dom.js';

/** A column: draw(item) gives the cell's content; pick(item): all that it depends on. */
export const column = (title, draw, {pick, className = '', hidden = false} = {}) => ({title, draw, pick, className, hidden});
/** A column whose cells update themselves: make() gives {node, update(item)}. */
export const liveColumn = (title, make, className = '') => ({title, make, className});

function cellOf(c, first) {
  const cell = el(first ? 'th' : 'td', {class: c.className, scope: first ? 'row' : null, role: first ? 'rowheader' : 'cell',
    'data-title': c.title});
  if (!c.make)
    return slot(cell, c.draw, c.pick);
  const part = c.make();
  cell.append(part.node);
  return {node: cell, update: part.update};
}

function row(columns) {
  const cells = columns.map((c, i) => cellOf(c, i === 0));
  return {node: el('tr', {role: 'row'}, cells.map(cell => cell.node)), update: next => cells.forEach(cell => cell.update(next))};
}

const heading = c => el('th', {scope: 'col', role: 'columnheader', class: c.className}, el('span', {class: c.hidden ? 'unseen' : ''}, c.title));

/* The roles are said, as a phone shows rows as cards, and some browsers then forget what a table is. */
/** {node, update(items)}; `empty`: what stands there instead of an empty table. */
export function table(caption, columns, keyOf, empty) {
  const body = el('tbody', {role: 'rowgroup'});
  const node = el('div', {class: 'table-place'});
  const grid = el('table', {class: 'table cards', role: 'table'}, el('caption', {class: 'unseen'}, caption),
    el('thead', {role: 'rowgroup'}, el('tr', {role: 'row'}, columns.map(heading))), body);
  const fill = keyed(body, keyOf, () => row(columns));
  const update = items => {
    fill(items);
    const content = items.length ? grid : empty;
    if (content && node.firstChild !== content)
      node.replaceChildren(content);
  };
  return {node, update};
}

/** What an empty place says: why, and what to do. */
export const emptyPlace = (title, ...children) => el('div', {class: 'empty'}, el('p', {class: 'empty-title'}, title),
  ...children.map(child => typeof child === 'string' ? el('p', {}, child) : child));
