/** A job's phases: a core of ice, a layer each, as thick as it took long; and as a list. */
import {el, icon, slot, swap, text} from './dom.js';
import {between, bytes, duration, number} from './format.js';
import {now} from './api.js';
import {hasEnded, progressBar, share} from './state.js';

const LEAST = 0.004; /* of the whole: a layer that can be seen */

const amount = (value, unit) => unit === 'bytes' ? bytes(value) : number(value);

/** "86 of 257 steps" */
function doneWords(phase) {
  if (!phase || (!phase.total && !phase.done))
    return '';
  const unit = phase.unit && phase.unit !== 'bytes' ? ` ${phase.unit}` : '';
  return phase.total ? `${amount(phase.done, phase.unit)} of ${amount(phase.total, phase.unit)}${unit}` : `${amount(phase.done, phase.unit)}${unit}`;
}

function phaseRow(phase) {
  const tone = phase.ok ? 'good' : 'bad';
  return el('li', {class: `phase ${tone}`}, icon(phase.ok ? 'check' : 'cross'),
    el('span', {class: 'phase-title'}, phase.title, el('span', {class: 'unseen'}, phase.ok ? ', done' : ', failed')),
    el('span', {class: 'phase-detail'}, phase.detail || ''), el('span', {class: 'num phase-time'}, duration(phase.seconds)));
}

function coreOf(job, current) {
  const layers = job.phases.map(phase => ({...phase, tone: phase.ok ? 'done' : 'bad'}));
  if (current)
    layers.push({id: current.id, title: current.title, seconds: current.seconds, tone: 'current'});
  const whole = layers.reduce((sum, layer) => sum + (layer.seconds || 0), 0) || 1;
  return layers.map(layer => el('span', {class: `layer ${layer.tone}`, title: `${layer.title}: ${duration(layer.seconds)}`,
    style: {'flex-grow': String(Math.max(LEAST, (layer.seconds || 0) / whole))}}));
}

const ended = job => (job.phases || []).filter(phase => typeof phase.seconds === 'number');

/** Seconds that the current phase has taken: what of the job's time is in no phase that ended. */
const inPhase = job => Math.max(0, between(job.started_at, null) - ended(job).reduce((sum, p) => sum + p.seconds, 0));

/** Seconds left in this phase, once enough of it is done to tell; null if that cannot be said. */
export function secondsLeft(job, began) {
  const part = share(job.phase), seconds = began ? (now() - began) / 1000 : inPhase(job);
  return part !== null && part > 0.02 && part < 1 && seconds > 1.5 ? seconds * (1 - part) / part : null;
}

/** {node, update(job)} */
export function phasesPart(scope) {
  const core = el('div', {class: 'core', 'aria-hidden': 'true'});
  const list = slot(el('ol', {class: 'phases'}), job => ended(job).map(phaseRow), ended);
  const bar = progressBar('Progress of the phase');
  const title = el('span', {class: 'now-title'}), figure = el('span', {class: 'now-figure num'}), detail = el('span', {class: 'now-detail'});
  const words = el('span', {class: 'num'}), left = el('span', {class: 'num'}), elapsed = el('span', {class: 'num'});
  const current = el('div', {class: 'now', hidden: true}, el('div', {class: 'now-head'}, title, figure), bar.node,
    el('div', {class: 'now-foot'}, words, left), detail);
  let job = null, began = 0, phaseId = null;

  function tick() {
    if (!job)
      return;
    const seconds = between(job.started_at, job.ended_at);
    text(elapsed, seconds === null ? '' : hasEnded(job) ? `Took ${duration(seconds)}` : `${duration(Math.floor(seconds) || 0)} so far`);
    const remaining = hasEnded(job) ? null : secondsLeft(job, began);
    text(left, remaining === null ? '' : `about ${duration(Math.max(1, Math.round(remaining)))} left in this phase`);
    swap(core, coreOf({...job, phases: ended(job)}, job.phase && !hasEnded(job) ? {...job.phase, seconds: inPhase(job)} : null));
  }
  function update(next) {
    job = next;
    list.update(job);
    const phase = job.state === 'running' ? job.phase : null;
    if (phase?.id !== phaseId) {
      began = phaseId !== null && phase ? now() : 0;
      phaseId = phase?.id ?? null;
    }
    current.hidden = !phase;
    if (phase) {
      const part = share(phase);
      text(title, phase.title);
      text(figure, part === null ? '' : `${Math.round(100 * part)} %`);
      text(words, doneWords(phase));
      text(detail, phase.detail || '');
      bar.update(phase);
    }
    tick();
  }
  scope.every(1000, () => job && !hasEnded(job) && tick());
  const node = el('section', {class: 'sheet phases-part'}, el('div', {class: 'sheet-head'}, el('h2', {}, 'Phases'),
    el('span', {class: 'gap'}), elapsed), core, list.node, current);
  return {node, update};
}
