/** One product: its files, its builds, how its size went, its images. */
import {path as apiPath, query} from './api.js';
import {el, fillView, icon, slot, swap} from './dom.js';
import {bytes, since} from './format.js';
import {imageRows} from './images.js';
import {jobRows} from './jobs.js';
import {actionButton, note, problemBox, troublePlace} from './notice.js';
import {sizePlot} from './plot.js';
import {build, removeDialog, takeBegun} from './product_actions.js';
import {filesPart} from './product_files.js';
import {go} from './router.js';
import {may} from './session.js';
import {badge, condition} from './state.js';

const FEW = 6;

function facts(product) {
  const list = [['Board', product.board], ['Version', product.version],
    ['Flash', product.image && bytes(product.image.bytes)], ['RAM', product.image && bytes(product.image.ram)],
    ['Changed', since(product.changed_at)], ['Built', product.auto_build ? 'by itself when it changes' : 'when asked for'],
    ['Follows its ref', product.follow === 'never' ? 'no' : product.follow]];
  return el('dl', {class: 'facts'}, list.filter(([, value]) => value).map(([name, value]) =>
    el('div', {}, el('dt', {}, name), el('dd', {class: 'num'}, value))));
}

function actions(product, trouble) {
  if (!may('operate') || product.state === 'removed')
    return [];
  const busy = condition(product) === 'building';
  return [actionButton('Build', {name: 'build', kind: 'primary', trouble, disabled: product.state !== 'valid' || busy,
    title: product.state === 'valid' ? null : 'Only a valid product can be built', run: async () => {
      const job = await build(product.name);
      go(`#/jobs/${job.id}`);
    }}),
  may('engineer') && product.source !== 'directory' ? el('button', {type: 'button', class: 'button',
    onclick: () => removeDialog(product.name)}, icon('trash'), 'Remove') : null];
}

function stateLine(product) {
  const job = product.job, state = condition(product);
  const mark = badge(state);
  return [job && state !== 'valid' && state !== 'invalid' ? el('a', {href: `#/jobs/${job.id}`, class: 'state-link'}, mark) : mark,
    job ? el('a', {href: `#/jobs/${job.id}`}, `Latest build: job ${job.id}`) : null,
    product.image ? el('a', {href: `#/images/${product.image.digest}`}, 'Latest image') : null];
}

const movedNotes = product => (product.moved || []).map(words => note('idle', 'move', el('p', {}, words)));

/** How its size went: from the history that its latest image has. */
function historyPart(scope) {
  const node = el('section', {class: 'sheet', hidden: true}, el('h2', {}, 'Size'));
  const plot = sizePlot(scope);
  node.append(plot.node);
  let shown = null;
  return {node, update: product => {
    const digest = product?.image?.digest;
    if (!digest || digest === shown)
      return;
    shown = digest;
    scope.use(apiPath('images', digest), image => {
      if (!image || digest !== shown)
        return;
      node.hidden = image.history.length === 0;
      plot.update(image.history, digest);
    });
  }};
}

function listPart(scope, title, path, rows, more) {
  const node = el('section', {class: 'sheet'}, el('h2', {}, title), rows.node);
  const link = el('p', {hidden: true}, more);
  node.append(link);
  scope.use(path, list => {
    if (!list)
      return;
    rows.update(list.items.slice(0, FEW));
    link.hidden = list.items.length <= FEW && !list.next;
  });
  return node;
}

/** A name that was chosen and has nothing submitted yet. */
function newView(name, begun, submitted) {
  const files = filesPart(name, {begun: begun.files, submitted});
  files.update(null);
  return el('div', {}, el('div', {class: 'view-head'}, el('div', {}, crumbs(), el('h1', {tabindex: '-1'}, name),
    el('p', {class: 'lead'}, 'New: nothing of it is submitted yet.'))), el('div', {class: 'product-grid'}, files.node));
}

const crumbs = () => el('p', {class: 'crumbs'}, el('a', {href: '#/products'}, 'Products'));

export function productView(scope, name) {
  const begun = takeBegun(name), place = el('div', {}, begun ? newView(name, begun, watch) : el('h1', {tabindex: '-1'}, name));
  let parts = null;
  if (!begun)
    watch();
  return {title: name, node: place};

  function watch() {
    scope.use(apiPath('products', name), show);
  }
  function show(product, problem) {
    if (!product)
      return problem && swap(place, el('h1', {tabindex: '-1'}, name), problemBox(problem));
    if (!parts) {
      const wrote = document.activeElement?.id === 'editor-area';
      parts = productParts(scope, name);
      fillView(place, parts.node);
      if (wrote)
        parts.node.querySelector('#editor-area').focus({preventScroll: true});
    }
    parts.update(product);
  }
}

function productParts(scope, name) {
  const trouble = troublePlace();
  const line = slot(el('div', {class: 'state-line'}), stateLine, p => [condition(p), p.job?.id, p.image?.digest]);
  const buttons = slot(el('div', {class: 'actions'}), p => actions(p, trouble), p => [p.state, p.source, condition(p)]);
  const about = slot(el('div'), facts), moved = slot(el('div', {class: 'banners'}), movedNotes, p => p.moved);
  const title = slot(el('p', {class: 'lead'}), p => p.title !== p.name ? p.title || '' : '', p => p.title);
  const files = filesPart(name), history = historyPart(scope);
  const jobs = listPart(scope, 'Latest jobs', query('/v1/jobs', {product: name}), jobRows(scope, {few: true, trouble}),
    el('a', {href: `#/jobs?product=${encodeURIComponent(name)}`}, 'All its jobs'));
  const images = listPart(scope, 'Images', query('/v1/images', {product: name}), imageRows({few: true}),
    el('a', {href: '#/images'}, 'All images'));
  const node = el('div', {},
    el('div', {class: 'view-head'}, el('div', {}, crumbs(), el('h1', {tabindex: '-1'}, name), title.node, line.node), buttons.node),
    trouble.node, moved.node,
    el('div', {class: 'product-grid'}, el('div', {class: 'side'}, files.node, history.node),
      el('div', {class: 'side'}, el('section', {class: 'sheet'}, el('h2', {class: 'unseen'}, 'About'), about.node), jobs, images)));
  const all = [line, buttons, about, moved, title, files, history];
  return {node, update: product => all.forEach(part => part.update(product))};
}
