/** Events, put into what the page knows. */
import {on} from './events.js';
import {hasEnded} from './state.js';
import {change, known, loadAnew, loadSoon, peek, reloadAll} from './store.js';

const params = path => new URL(path, location.origin).searchParams;
const isList = (path, base) => path === base || path.startsWith(`${base}?`);

function matches(path, item) {
  for (const [name, value] of params(path))
    if (['state', 'kind', 'product'].includes(name) && item[name] !== value)
      return false;
  return true;
}

/** A list with the item in it, at its place, or without it. */
function put(path, key, item, gone) {
  change(path, list => {
    const at = list.items.findIndex(other => other[key] === item[key]);
    const items = list.items.slice();
    if (gone || !matches(path, item)) {
      if (at < 0)
        return list;
      items.splice(at, 1);
    } else if (at >= 0) {
      items[at] = {...items[at], ...item};
    } else if (params(path).has('cursor') || params(path).has('q')) {
      return list;
    } else {
      items.unshift(item);
    }
    return {...list, items};
  });
}

const lists = base => known(base).filter(path => isList(path, base));

function jobChanged(job) {
  lists('/v1/jobs').forEach(path => put(path, 'id', job));
  const path = `/v1/jobs/${job.id}`, before = peek(path);
  change(path, old => ({...old, ...job}));
  /* The event has neither the phases that ended nor the result: the whole job has. */
  if (before?.state !== job.state)
    loadAnew(path);
  else if (before.phase?.id !== job.phase?.id)
    loadSoon(path);
  if (hasEnded(job))
    newRecords();
  if (job.kind === 'build')
    inProducts(job, old => !old || job.id >= old.id);
}

/* No event tells of records: each thing that ends makes one. */
const newRecords = () => lists('/v1/records').forEach(loadSoon);

function inProducts(job, isNewer) {
  const update = product => product.name === job.product && isNewer(product.job) ?
    {...product, job: {...product.job, ...job}} : product;
  known('/v1/products').forEach(path => change(path, value => value.items ? mapItems(value, update) : update(value)));
}

function mapItems(list, update) {
  let changed = false;
  const items = list.items.map(item => {
    const next = update(item);
    changed ||= next !== item;
    return next;
  });
  return changed ? {...list, items} : list;
}

function progressed({job: id, phase, log_bytes}) {
  const update = job => job.id === id ? {...job, phase, log_bytes} : job;
  lists('/v1/jobs').forEach(path => change(path, list => mapItems(list, update)));
  change(`/v1/jobs/${id}`, update);
  const inProduct = product => product.job?.id === id ? {...product, job: update(product.job)} : product;
  known('/v1/products').forEach(path =>
    change(path, value => value.items ? mapItems(value, inProduct) : inProduct(value)));
}

function productChanged(product) {
  newRecords();
  const gone = product.state === 'removed';
  lists('/v1/products').forEach(path => put(path, 'name', product, gone));
  const path = `/v1/products/${encodeURIComponent(product.name)}`, before = peek(path);
  if (gone) {
    change(path, old => ({...old, state: 'removed'}));
    return;
  }
  change(path, old => ({...old, ...product}));
  if (!before || ['state', 'bundle', 'changed_at', 'error_count'].some(key => before[key] !== product[key]))
    loadSoon(path);
}

function imageChanged(image) {
  newRecords();
  lists('/v1/images').forEach(path => put(path, 'digest', image));
  for (const path of known('/v1/images/'))
    if (peek(path)?.product === image.product)
      loadSoon(path);
  const update = product => product.name === image.product &&
    (!product.image || product.image.built_at <= image.built_at) ? {...product, image} : product;
  known('/v1/products').forEach(path => change(path, value => value.items ? mapItems(value, update) : update(value)));
}

export function followEvents() {
  on('job', jobChanged);
  on('progress', progressed);
  on('product', productChanged);
  on('image', imageChanged);
  on('devices', devices => change('/v1/devices', () => devices));
  on('status', status => change('/v1/status', () => status));
  on('reset', reloadAll);
}

/** After a write of ours: do not wait for the event. */
export const sawJob = jobChanged;
export const sawProduct = productChanged;
