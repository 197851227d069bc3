/** States in words and pictures: never by colour alone. */
import {el, icon} from './dom.js';

const LOOKS = {
  queued: ['clock', 'idle', 'Queued'], running: ['run', 'busy', 'Running'], done: ['check', 'good', 'Done'],
  failed: ['cross', 'bad', 'Failed'], cancelled: ['minus', 'idle', 'Cancelled'],
  interrupted: ['alert', 'warn', 'Interrupted'], checking: ['clock', 'busy', 'Checking'],
  valid: ['check', 'good', 'Valid'], invalid: ['alert', 'bad', 'Invalid'], building: ['run', 'busy', 'Building'],
  removed: ['minus', 'idle', 'Removed'], ready: ['devices', 'ready', 'Ready'], runtime: ['run', 'idle', 'Runtime'],
  used: ['clock', 'idle', 'In use'], unusable: ['alert', 'warn', 'Unusable'], pass: ['check', 'good', 'PASS'], fail: ['cross', 'bad', 'FAIL'],
};
const UNKNOWN = ['alert', 'idle'];

export const look = state => {
  const [name, tone, word] = LOOKS[state] || UNKNOWN;
  return {name, tone, word: word || String(state)};
};

/** A small mark with its word. */
export function badge(state, words) {
  const {name, tone, word} = look(state);
  return el('span', {class: `badge ${tone}`}, icon(name), words || word);
}

/** Readable from across the workshop. */
export function bigState(state, words) {
  const {name, tone, word} = look(state);
  return el('p', {class: `big-state ${tone}`}, icon(name), el('span', {}, words || word));
}

/** A flash is a test of a board: it passes or fails. */
export const jobLook = job => job.kind === 'flash' && job.state === 'done' ? 'pass' :
  job.kind === 'flash' && job.state === 'failed' ? 'fail' : job.state;

export const hasEnded = job => !['queued', 'running'].includes(job.state);

/** What a product is at: its files', or its latest build's state. */
export function condition(product) {
  if (product.state !== 'valid')
    return product.state;
  if (product.job && !hasEnded(product.job))
    return product.job.state === 'running' ? 'building' : 'queued';
  return ['failed', 'interrupted'].includes(product.job?.state) ? product.job.state : 'valid';
}

/** 0.33, or null where the total is not known. */
export const share = phase => phase && phase.total > 0 ? Math.min(1, phase.done / phase.total) : null;

/** A bar that is kept and moved: {node, update(phase)}. */
export function progressBar(label) {
  const fill = el('span', {class: 'bar-fill'});
  const node = el('div', {class: 'bar', role: 'progressbar', 'aria-label': label, 'aria-valuemin': '0',
    'aria-valuemax': '100'}, fill);
  const update = phase => {
    const part = share(phase);
    node.classList.toggle('unsure', part === null);
    fill.style.transform = part === null ? '' : `scaleX(${part})`;
    if (part === null)
      node.removeAttribute('aria-valuenow');
    else
      node.setAttribute('aria-valuenow', String(Math.round(100 * part)));
    node.setAttribute('aria-valuetext', phase ? `${phase.title}${part === null ? '' : `, ${Math.round(100 * part)} %`}` : '');
  };
  return {node, update};
}
