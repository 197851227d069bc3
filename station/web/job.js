/** One job: where it is, what it says, how it ended. */
import {path as apiPath} from './api.js';
import {el, fillView, icon, slot, swap} from './dom.js';
import {bytes, duration, moment, number} from './format.js';
import {flashDialog} from './flash.js';
import {jobButtons} from './job_actions.js';
import {jobTitle} from './jobs.js';
import {logPart} from './log.js';
import {note, problemBox, say, troublePlace} from './notice.js';
import {phasesPart} from './phases.js';
import {setTitle} from './router.js';
import {may} from './session.js';
import {bigState, hasEnded, jobLook, look} from './state.js';

function headOf(job) {
  const words = job.state === 'running' && job.phase ? job.phase.title : undefined;
  return [bigState(jobLook(job), words), job.kind === 'flash' && job.path ?
    el('p', {class: 'big-place'}, el('span', {class: 'dim'}, 'Board at '), el('span', {class: 'num'}, job.path)) : null];
}

function reasonOf(job) {
  if (!job.reason && !job.hint)
    return [];
  const tone = job.state === 'failed' ? 'bad' : job.state === 'interrupted' ? 'warn' : 'idle';
  return note(tone, job.state === 'queued' ? 'clock' : 'alert', job.reason ? el('p', {class: 'notice-title pre'}, job.reason) : null,
    job.hint ? el('p', {class: 'pre'}, job.hint) : null);
}

const jobLink = id => el('a', {href: `#/jobs/${id}`}, `job ${id}`);

function facts(job) {
  const list = [
    ['Product', job.product && el('a', {href: `#/products/${encodeURIComponent(job.product)}`}, job.product)],
    ['Image', job.image && el('a', {href: `#/images/${job.image}`, class: 'mono'}, job.image.slice(0, 12))],
    ['Submitted', [moment(job.submitted_at), job.submitted_by ? ` by ${job.submitted_by}` : null]],
    ['Started', job.started_at && moment(job.started_at)], ['Ended', job.ended_at && moment(job.ended_at)],
    ['Station', job.station], ['Attempt', job.attempt > 1 && String(job.attempt)], ['Priority', job.priority ? String(job.priority) : null],
    ['Needs', job.kind === 'build' && job.need && `${bytes(job.need.memory)}, ${job.need.cores} ${job.need.cores === 1 ? 'core' : 'cores'}`],
    ['Waits for', job.waits_for && jobLink(job.waits_for)], ['Retry of', job.retry_of && jobLink(job.retry_of)],
    ['Exit status', job.exit === null || job.exit === undefined ? null : String(job.exit)]];
  return el('dl', {class: 'facts'}, list.filter(([, value]) => value).map(([name, value]) =>
    el('div', {}, el('dt', {}, name), el('dd', {class: 'num'}, value))));
}

const yes = value => value ? 'yes' : 'no';

function boardRow(board) {
  const words = [['Written', bytes(board.bytes_written)], ['Unchanged', bytes(board.bytes_unchanged)], ['Compared', bytes(board.bytes_compared)],
    ['Sectors erased', number(board.sectors_erased)], ['Verified', yes(board.verified)], ['Runs again', yes(board.returned)],
    ['Took', duration(board.seconds)]];
  return [el('h3', {class: 'num'}, board.path, board.serial ? el('span', {class: 'dim'}, ` ${board.serial}`) : null),
    board.message ? el('p', {}, board.message) : null,
    el('dl', {class: 'facts'}, words.map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {class: 'num'}, value))))];
}

function imageRow(image) {
  return el('p', {class: 'num'}, el('a', {href: `#/images/${image.digest}`}, `${image.product} ${image.version}`),
    ` for ${image.board}, ${bytes(image.size)}${image.unchanged ? ', the same as before' : ''}`);
}

function resultOf(job) {
  const images = job.result?.images || [], boards = job.result?.boards || [];
  if (!images.length && !boards.length)
    return [];
  return el('section', {class: 'sheet'}, el('h2', {}, 'Result'), images.map(imageRow), boards.map(boardRow));
}

function buttons(job, trouble) {
  const image = job.image && job.state === 'done';
  return [
    image ? el('a', {href: `#/images/${job.image}`, class: 'button primary'}, icon('images'), 'Image') : null,
    job.kind === 'build' && may('operate') && (image || !hasEnded(job)) ? el('button', {type: 'button', class: 'button', onclick: () =>
      flashDialog(image ? {image: job.image} : {job: job.id}, job.product)}, icon('flash'), image ? 'Flash' : 'Flash when built') : null,
    job.kind === 'flash' && job.state === 'done' && may('operate') ? el('button', {type: 'button', class: 'button', onclick: () =>
      flashDialog({image: job.image}, job.product)}, icon('flash'), 'Flash the next') : null,
    ...jobButtons(job, trouble, {follow: true})];
}

function announcer() {
  let last = null;
  return job => {
    const words = `${jobTitle(job)}: ${job.state === 'running' && job.phase ? job.phase.title : look(jobLook(job)).word}`;
    if (last !== null && words !== last)
      say(words);
    last = words;
  };
}

function jobParts(scope, id) {
  const trouble = troublePlace(), announce = announcer();
  const parts = [
    slot(el('div', {class: 'job-state'}), headOf, job => [jobLook(job), job.phase?.title, job.path]),
    slot(el('div', {class: 'actions'}), job => buttons(job, trouble), job => [job.state, job.image]),
    slot(el('div'), reasonOf, job => [job.state, job.reason, job.hint]),
    slot(el('div'), facts, job => ({...job, phase: null, phases: null, log_bytes: null, result: null})),
    slot(el('div'), resultOf, job => job.result),
    phasesPart(scope)];
  const [state, actions, reason, about, result, phases] = parts.map(part => part.node);
  const title = slot(el('h1', {tabindex: '-1'}), jobTitle, jobTitle);
  const log = logPart(scope, `${apiPath('jobs', id)}/log`);
  let before = null;
  const node = el('div', {},
    el('div', {class: 'view-head'}, el('div', {}, el('p', {class: 'crumbs'}, el('a', {href: '#/jobs'}, 'Jobs'), ` / ${id}`), title.node), actions),
    trouble.node, state, reason,
    el('div', {class: 'job-grid'}, el('div', {class: 'side'}, phases, result, el('section', {class: 'sheet job-about'}, el('h2', {}, 'About'), about)), log.node));
  return {node, update: job => {
    parts.forEach(part => part.update(job));
    title.update(job);
    setTitle(`${look(jobLook(job)).word}: ${jobTitle(job)}`);
    announce(job);
    log.grown(before?.state === job.state ? job.log_bytes ?? -1 : undefined);
    before = job;
  }};
}

export function jobView(scope, id) {
  const place = el('div', {}, el('h1', {class: 'unseen', tabindex: '-1'}, `Job ${id}`));
  let parts = null;
  scope.use(apiPath('jobs', id), (job, problem) => {
    if (!job)
      return problem && swap(place, el('h1', {tabindex: '-1'}, `Job ${id}`), problemBox(problem));
    if (!parts) {
      parts = jobParts(scope, id);
      fillView(place, parts.node);
    }
    parts.update(job);
  });
  return {title: `Job ${id}`, node: place};
}
