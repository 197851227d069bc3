/** Images: everything that was built and is kept. */
import {el, icon} from './dom.js';
import {ago, bytes, since} from './format.js';
import {pagedList} from './pages.js';
import {column, emptyPlace, table} from './table.js';

const nameCell = image => [el('a', {href: `#/images/${image.digest}`, class: 'row-title'}, `${image.name} ${image.version}`),
  el('span', {class: 'row-note mono'}, image.digest.slice(0, 12)),
  image.released ? el('span', {class: 'row-note'}, icon('pin'), 'Released') : null,
  image.here ? null : el('span', {class: 'row-note'}, icon('minus'), 'Its files are not here')];

/** {node, update(images)} */
export function imageRows({few = false, empty} = {}) {
  const columns = [column('Image', nameCell, {pick: i => [i.digest, i.name, i.version, i.released, i.here]})];
  if (!few)
    columns.push(column('Board', i => i.board, {className: 'wide', pick: i => i.board}));
  columns.push(column('Flash', i => bytes(i.bytes), {className: 'num right', pick: i => i.bytes}));
  if (!few)
    columns.push(column('RAM', i => bytes(i.ram), {className: 'num right wide', pick: i => i.ram}),
      column('Job', i => i.job ? el('a', {href: `#/jobs/${i.job}`}, String(i.job)) : '–', {className: 'num right wide', pick: i => i.job}));
  columns.push(column('Built', i => since(i.built_at), {className: 'num right', pick: i => ago(i.built_at)}));
  return table('Images', columns, i => i.digest, empty || emptyPlace('No image yet'));
}

export function imagesView(scope) {
  const place = el('div');
  let list = null, timer = 0;
  const search = el('input', {type: 'search', 'data-search': true, 'aria-label': 'Search images', placeholder: 'Search', oninput: () => {
    clearTimeout(timer);
    timer = setTimeout(show, 250);
  }});
  scope.add(() => clearTimeout(timer));
  function show() {
    list?.end();
    const q = search.value.trim();
    const rows = imageRows({empty: q ? emptyPlace('No image is like that') : emptyPlace('No image yet', 'Each build that goes well makes one.')});
    list = pagedList(scope, '/v1/images', {q}, 'digest', items => rows.update(items));
    place.replaceChildren(rows.node, list.node);
  }
  show();
  return {title: 'Images', node: el('div', {}, el('div', {class: 'view-head'}, el('h1', {tabindex: '-1'}, 'Images'),
    el('div', {class: 'actions'}, el('span', {class: 'search'}, icon('search'), search))), place)};
}
