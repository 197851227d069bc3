/** Boards on this daemon's USB: a tile each, readable from across the workshop. */
import {openDialog} from './dialog.js';
import {el, icon, keyed, slot, text} from './dom.js';
import {ago, between} from './format.js';
import {deviceName, flashDialog} from './flash.js';
import {may} from './session.js';
import {bigState, hasEnded, jobLook, progressBar, share} from './state.js';
import {use} from './store.js';
import {emptyPlace} from './table.js';

const RECENT_S = 600; /* a board that was flashed runs its program and may be gone from the list */

/** The devices, each with its latest flash; and the ports of those that were flashed and left. */
function tilesOf(devices, jobs) {
  const latest = new Map();
  for (const job of jobs)
    if (job.path && !latest.has(job.path))
      latest.set(job.path, job);
  const tiles = devices.map(device => ({path: device.path, device, job: latest.get(device.path) || null}));
  for (const [path, job] of latest)
    if (!devices.some(device => device.path === path) && (!hasEnded(job) || between(job.ended_at, null) < RECENT_S))
      tiles.push({path, device: null, job});
  return tiles.sort((a, b) => a.path.localeCompare(b.path, 'en', {numeric: true}));
}

/* A result counts for a while; after that the port is just what it is. */
const shownJob = tile => tile.job && (!hasEnded(tile.job) || between(tile.job.ended_at, null) < RECENT_S) ? tile.job : null;

function stateOf(tile) {
  const job = shownJob(tile);
  if (job)
    return bigState(jobLook(job), job.state === 'running' && job.phase ? job.phase.title : undefined);
  if (tile.device.unusable)
    return bigState('unusable');
  if (tile.device.in_use)
    return bigState('used');
  return bigState(tile.device.mode === 'DFU' ? 'ready' : 'runtime');
}

function aboutOf({device, job}) {
  if (!device)
    return el('p', {class: 'dim'}, 'Not in the list of boards now: it restarts, or was unplugged.');
  const words = [device.mode, device.dialect, device.state, `${device.vendor}:${device.product}`].filter(Boolean).join(' · ');
  return [el('p', {class: 'tile-name'}, deviceName(device)), device.serial ? el('p', {class: 'mono dim'}, device.serial) : null, el('p', {class: 'dim'}, words),
    device.unusable ? el('p', {}, device.unusable.reason, device.unusable.hint ? ` ${device.unusable.hint}` : '') : null,
    job && hasEnded(job) ? el('p', {class: 'dim'}, el('a', {href: `#/jobs/${job.id}`}, `Job ${job.id}`), ` ${ago(job.ended_at)}`) : null];
}

function tileActions(scope, tile) {
  const job = shownJob(tile), running = tile.job && !hasEnded(tile.job);
  return [running ? el('a', {href: `#/jobs/${tile.job.id}`, class: 'button small'}, icon('jobs'), `Job ${tile.job.id}`) : null,
    tile.device && !running && !tile.device.unusable && may('operate') ? [
      job?.image ? el('button', {type: 'button', class: 'button small', onclick: () => flashDialog({image: job.image}, job.product || 'the same', tile.path)}, icon('flash'), 'Same again') : null,
      el('button', {type: 'button', class: 'button small', 'aria-label': `Flash the board at ${tile.path}`, onclick: () => chooseImage(tile.path)}, icon('flash'), 'Flash')] : null];
}

/* First which image, then the usual dialog with this board chosen. */
function chooseImage(path) {
  let end = null;
  openDialog(`Flash the board at ${path}`, close => {
    const list = el('ul', {class: 'choices'}, el('li', {class: 'dim'}, 'Loading'));
    const choice = image => el('li', {}, el('button', {type: 'button', class: 'file', onclick: () => {
      close();
      flashDialog({image: image.digest}, `${image.name} ${image.version}`, path);
    }}, icon('images'), el('span', {class: 'file-path'}, `${image.name} ${image.version}`), el('span', {class: 'dim'}, `${image.board}, ${ago(image.built_at)}`)));
    end = use('/v1/images', images => {
      const here = (images?.items || []).filter(image => image.here);
      if (images)
        list.replaceChildren(...here.length ? here.map(choice) : [el('li', {class: 'dim'}, 'There is no image yet: build a product first.')]);
    });
    return [el('p', {class: 'help'}, 'Which image?'), list];
  }, {onclose: () => end?.()});
}

function tilePart(scope) {
  const state = slot(el('div'), stateOf, tile => [shownJob(tile)?.state, shownJob(tile)?.phase?.title, tile.device?.mode, tile.device?.in_use, Boolean(tile.device?.unusable)]);
  const about = slot(el('div', {class: 'tile-about'}), aboutOf, tile => [tile.device, tile.job?.id, tile.job?.state, tile.job?.ended_at && ago(tile.job.ended_at)]);
  const actions = slot(el('div', {class: 'actions'}), tile => tileActions(scope, tile), tile => [tile.job?.id, tile.job?.state, Boolean(tile.device), shownJob(tile)?.id]);
  const bar = progressBar('Progress of the flash'), heading = el('h2', {class: 'tile-path num'});
  const node = el('li', {class: 'tile'}, heading, state.node, bar.node, about.node, actions.node);
  return {node, update: tile => {
    text(heading, tile.path);
    [state, about, actions].forEach(part => part.update(tile));
    const running = tile.job?.state === 'running';
    bar.node.hidden = !running;
    bar.update(running ? tile.job.phase : null);
    node.dataset.tone = shownJob(tile) ? jobLook(shownJob(tile)) : '';
    node.setAttribute('aria-busy', String(running && share(tile.job.phase) !== null));
  }};
}

export function devicesView(scope) {
  const lead = el('p', {class: 'lead num'}), grid = el('ul', {class: 'tiles'}), empty = emptyPlace('No board is there',
    'Connect one by USB and bring it into its boot loader. It appears here by itself.');
  const fill = keyed(grid, tile => tile.path, () => tilePart(scope));
  const place = el('div');
  let found = null, jobs = [];
  function draw() {
    if (!found)
      return;
    const tiles = tilesOf(found.items, jobs);
    fill(tiles);
    const content = tiles.length ? grid : empty;
    if (place.firstChild !== content)
      place.replaceChildren(content);
    text(lead, `${found.items.length === 1 ? '1 board' : `${found.items.length} boards`} on USB${found.scanning ? '' : ', not looked for at the moment'}`);
  }
  scope.use('/v1/devices', devices => {
    found = devices || found;
    draw();
  });
  scope.use('/v1/jobs?kind=flash&limit=100', list => {
    jobs = list?.items || jobs;
    draw();
  });
  scope.every(15000, draw);
  return {title: 'Devices', node: el('div', {}, el('div', {class: 'view-head'}, el('div', {}, el('h1', {tabindex: '-1'}, 'Devices'), lead)), place)};
}
