/** Jobs: what waits, what runs, what was. */
import {el, slot, text} from './dom.js';
import {ago, between, duration, since} from './format.js';
import {jobButtons} from './job_actions.js';
import {troublePlace} from './notice.js';
import {pagedList} from './pages.js';
import {api as productsApi} from './product_actions.js';
import {badge, hasEnded, jobLook, progressBar, share} from './state.js';
import {column, emptyPlace, liveColumn, table} from './table.js';

const STATES = ['queued', 'running', 'done', 'failed', 'cancelled', 'interrupted'];
const KINDS = ['build', 'flash', 'follow'];

export const subject = job => job.product || (job.image ? `image ${job.image.slice(0, 12)}` : '');

/** "Build of greeter", "Flash of greeter to 1-1.4" */
export const jobTitle = job => {
  const of = subject(job) ? ` of ${subject(job)}` : '';
  return {build: `Build${of}`, flash: `Flash${of}${job.path ? ` to ${job.path}` : ''}`,
    follow: `Look whether the ref${of} has moved`}[job.kind] || `${job.kind}${of}`;
};

/* Beside its product, a job needs no more than what it does. */
const shortTitle = job => ({build: 'Build', flash: job.path ? `Flash to ${job.path}` : 'Flash', follow: 'Follow'})[job.kind] || job.kind;

const titleCell = few => job => [el('a', {href: `#/jobs/${job.id}`, class: 'row-title'}, few ? shortTitle(job) : jobTitle(job)),
  el('span', {class: 'row-note num'}, [`Job ${job.id}`, !few && job.submitted_by && `by ${job.submitted_by}`,
    job.attempt > 1 && `attempt ${job.attempt}`].filter(Boolean).join(' · '))];

function stateCell() {
  const mark = slot(el('div'), job => [badge(jobLook(job)), job.reason && job.state !== 'done' ?
    el('span', {class: 'row-note clip', title: job.reason}, job.reason) : null], job => [jobLook(job), job.reason]);
  const bar = progressBar('Progress of the job'), words = el('span', {class: 'row-note num'});
  const progress = el('div', {class: 'state-progress', hidden: true}, bar.node, words);
  return {node: el('div', {}, mark.node, progress), update: job => {
    mark.update(job);
    progress.hidden = job.state !== 'running' || !job.phase;
    bar.update(job.phase);
    const part = share(job.phase);
    text(words, job.phase ? `${job.phase.title}${part === null ? '' : ` ${Math.round(100 * part)} %`}` : '');
  }};
}

const took = job => duration(between(job.started_at, job.ended_at));

/* How long a job takes moves by itself while it runs: one clock for all rows that are still there. */
function tookCell(scope) {
  const running = new Map();
  const draw = (node, job) => text(node, job.started_at ? took(job) : '–');
  scope.every(1000, () => running.forEach((job, node) => node.isConnected ? draw(node, job) : running.delete(node)));
  return () => {
    const node = el('span', {class: 'num'});
    return {node, update: job => {
      draw(node, job);
      if (hasEnded(job))
        running.delete(node);
      else
        running.set(node, job);
    }};
  };
}

/** {node, update(jobs)}; few: beside something else, with what matters most. */
export function jobRows(scope, {few = false, trouble, empty} = {}) {
  const columns = [
    column('Job', titleCell(few), {pick: job => [job.id, job.kind, job.product, job.image, job.path, job.submitted_by, job.attempt]}),
    liveColumn('State', stateCell)];
  if (!few)
    columns.push(liveColumn('Took', tookCell(scope), 'right wide line'),
      column('Station', job => job.station || '–', {pick: job => job.station, className: 'wide line'}));
  columns.push(column('Submitted', job => since(job.submitted_at), {pick: job => ago(job.submitted_at), className: few ? 'num right' : 'num wide'}));
  if (!few)
    columns.push(column('Action', job => jobButtons(job, trouble, {kind: 'small'}), {pick: job => job.state, className: 'right', hidden: true}));
  return table('Jobs', columns, job => job.id, empty || emptyPlace('No job yet'));
}

function choice(label, name, values, filters, changed) {
  const select = el('select', {id: `filter-${name}`, onchange: () => changed(name, select.value)},
    el('option', {value: ''}, 'any'), values.map(value => el('option', {value}, value)));
  select.value = filters[name] || '';
  return {node: el('div', {class: 'filter'}, el('label', {for: `filter-${name}`}, label), select), select};
}

export function jobsView(scope, search) {
  const filters = Object.fromEntries(new URLSearchParams(search || ''));
  const trouble = troublePlace(), place = el('div');
  let list = null;
  function show() {
    list?.end();
    const rows = jobRows(scope, {trouble, empty: emptyPlace(Object.values(filters).some(Boolean) ? 'No job is like that' : 'No job yet',
      'Jobs begin with Build on a product, or Flash on an image.')});
    list = pagedList(scope, '/v1/jobs', filters, 'id', items => rows.update(items));
    place.replaceChildren(rows.node, list.node);
  }
  function changed(name, value) {
    filters[name] = value;
    const words = new URLSearchParams(Object.entries(filters).filter(([, v]) => v)).toString();
    history.replaceState(null, '', words ? `#/jobs?${words}` : '#/jobs');
    show();
  }
  const product = choice('Product', 'product', filters.product ? [filters.product] : [], filters, changed);
  scope.use(productsApi, products => {
    const names = (products?.items || []).map(p => p.name).sort();
    const chosen = product.select.value;
    product.select.replaceChildren(el('option', {value: ''}, 'any'), ...[...new Set([...names, chosen].filter(Boolean))].map(value => el('option', {value}, value)));
    product.select.value = chosen;
  });
  show();
  return {title: 'Jobs', node: el('div', {}, el('div', {class: 'view-head'}, el('h1', {tabindex: '-1'}, 'Jobs'),
    el('div', {class: 'actions filters', role: 'search', 'aria-label': 'Filter jobs'}, choice('State', 'state', STATES, filters, changed).node,
      choice('Kind', 'kind', KINDS, filters, changed).node, product.node)), trouble.node, place)};
}
