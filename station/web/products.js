/** All products: what each is at, and its build button. */
import {api, build, newProductDialog} from './product_actions.js';
import {el, icon, slot, text} from './dom.js';
import {ago, bytes, count, since} from './format.js';
import {actionButton, troublePlace} from './notice.js';
import {may} from './session.js';
import {badge, condition, progressBar, share} from './state.js';
import {column, emptyPlace, liveColumn, table} from './table.js';

const href = product => `#/products/${encodeURIComponent(product.name)}`;

function nameCell(product) {
  return [el('a', {href: href(product), class: 'row-title'}, product.name),
    product.title && product.title !== product.name ? el('span', {class: 'row-note'}, product.title) : null,
    (product.moved || []).map(words => el('span', {class: 'row-note moved'}, icon('move'), words))];
}

function stateWords(product) {
  const state = condition(product);
  return state === 'invalid' ? count(product.error_count, 'error') : undefined;
}

function phaseWords(phase) {
  const part = share(phase);
  return phase ? `${phase.title}${part === null ? '' : ` ${Math.round(100 * part)} %`}` : '';
}

function stateMark(product) {
  const state = condition(product);
  const mark = badge(state, stateWords(product));
  if (product.job && ['building', 'failed', 'queued', 'interrupted'].includes(state))
    return el('a', {href: `#/jobs/${product.job.id}`, class: 'state-link'}, mark,
      state === 'failed' && product.job.reason ? el('span', {class: 'row-note clip'}, product.job.reason) : null);
  return mark;
}

/** The state, and below it while it is built a bar that moves without anything being drawn anew. */
function stateCell() {
  const mark = slot(el('div'), stateMark, p => [condition(p), p.error_count, p.job?.id, p.job?.reason]);
  const words = el('span', {class: 'row-note num'}), bar = progressBar('Progress of the build');
  const progress = el('div', {class: 'state-progress', hidden: true}, bar.node, words);
  return {node: el('div', {}, mark.node, progress), update: product => {
    mark.update(product);
    progress.hidden = condition(product) !== 'building';
    bar.update(product.job?.phase);
    text(words, phaseWords(product.job?.phase));
  }};
}

function columns(trouble) {
  const list = [
    column('Product', nameCell, {pick: p => [p.name, p.title, p.moved]}),
    liveColumn('State', stateCell),
    column('Version', p => p.version || '–', {pick: p => p.version, className: 'num wide'}),
    column('Board', p => p.board || '–', {pick: p => p.board, className: 'wide'}),
    column('Flash', p => p.image ? bytes(p.image.bytes) : '–', {pick: p => p.image?.bytes, className: 'num right'}),
    column('RAM', p => p.image ? bytes(p.image.ram) : '–', {pick: p => p.image?.ram, className: 'num right wide'}),
    column('Last image', p => p.image ? el('a', {href: `#/images/${p.image.digest}`}, since(p.image.built_at)) : '–',
      {pick: p => [p.image?.digest, p.image && ago(p.image.built_at)], className: 'num wide'}),
  ];
  if (may('operate'))
    list.push(column('Build', p => actionButton('Build', {name: 'build', kind: 'small', trouble, aria: `Build ${p.name}`,
      disabled: p.state !== 'valid' || condition(p) === 'building', run: () => build(p.name)}),
    {pick: p => [p.state, condition(p) === 'building'], className: 'right', hidden: true}));
  return list;
}

function summary(products) {
  const counts = {};
  for (const product of products)
    counts[condition(product)] = (counts[condition(product)] || 0) + 1;
  return [count(products.length, 'product'), ...['building', 'queued', 'checking', 'invalid', 'failed', 'interrupted']
    .filter(state => counts[state]).map(state => `${counts[state]} ${state}`)].join(' · ');
}

const fits = (product, words) => [product.name, product.title, product.board, product.version, condition(product)]
  .some(value => String(value || '').toLowerCase().includes(words));

export function productsView(scope) {
  const trouble = troublePlace(), line = slot(el('p', {class: 'lead num'}), products => summary(products), p => summary(p));
  const nothing = emptyPlace('No product yet',
    'A product is a manifest.yaml: which board, which modules are frozen in. firnd also takes those that lie in its directory of manifests.');
  const grid = table('Products', columns(trouble), p => p.name, nothing);
  const search = el('input', {type: 'search', 'data-search': true, 'aria-label': 'Search products', placeholder: 'Search',
    oninput: () => draw()});
  let products = null;
  function draw() {
    if (!products)
      return;
    const words = search.value.trim().toLowerCase();
    line.update(products);
    grid.update(products.filter(product => !words || fits(product, words)));
  }
  scope.use(api, (list, problem) => {
    if (!list)
      return problem && trouble.show(problem);
    if (!products)
      trouble.clear();
    products = list.items.slice().sort((a, b) => a.name.localeCompare(b.name, 'en'));
    draw();
  });
  scope.every(30000, draw);
  const node = el('div', {}, el('div', {class: 'view-head'}, el('div', {}, el('h1', {tabindex: '-1'}, 'Products'), line.node),
    el('div', {class: 'actions'}, el('span', {class: 'search'}, icon('search'), search),
      may('engineer') ? el('button', {type: 'button', class: 'button primary', onclick: newProductDialog}, icon('plus'), 'New product') : null)),
  trouble.node, grid.node);
  return {title: 'Products', node};
}
