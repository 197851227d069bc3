/** The daemon itself: how it is, what it has to do, and who may use it. */
import {el, icon, slot, swap} from './dom.js';
import {ago, bytes, moment, number} from './format.js';
import {note, problemBox} from './notice.js';
import {may, who} from './session.js';
import {load} from './store.js';
import {tokensPart} from './tokens.js';

function lane(name, running, limit, queued) {
  const slots = Math.min(limit, 32);
  return el('div', {class: 'lane'}, el('h3', {}, name),
    el('p', {class: 'lane-figure num'}, el('strong', {}, String(running)), ` of ${limit} running`),
    el('div', {class: 'slots', 'aria-hidden': 'true'}, Array.from({length: slots}, (_, i) => el('span', {class: i < running ? 'slot used' : 'slot'}))),
    el('p', {class: 'num dim'}, queued ? `${number(queued)} queued` : 'Nothing waits'));
}

const lanes = status => Object.entries(status.station_jobs).map(([kind, {running, limit}]) =>
  lane({build: 'Builds', flash: 'Flashes'}[kind] || kind, running, limit, status.queued[kind] || 0));

function diskPart({free, floor}) {
  const low = free < 2 * floor, whole = Math.max(free, 4 * floor);
  return [el('p', {class: 'lane-figure num'}, el('strong', {}, bytes(free)), ' free'),
    el('div', {class: 'stack-bar thin', 'aria-hidden': 'true'}, el('span', {class: low ? 'used full' : 'used', style: {'flex-grow': String(free / whole)}}),
      el('span', {class: 'free', style: {'flex-grow': String(1 - free / whole)}})),
    el('p', {class: 'dim num'}, `No new work below ${bytes(floor)}.`), low ? note('warn', 'alert', el('p', {}, 'Close to the floor. firn clean, or fewer images kept, makes room.')) : null];
}

const facts = status => el('dl', {class: 'facts'}, [['Name', status.name], ['Version', status.version], ['Started', [moment(status.started_at), `, ${ago(status.started_at)}`]],
  ['Store', status.store], ['Takes work', status.refusing || status.stopping ? 'no' : 'yes'], ['You are', `${who().name}, ${who().role}`]].map(([name, value]) =>
  el('div', {}, el('dt', {}, name), el('dd', {class: 'num'}, value))));

export function statusView(scope) {
  const about = slot(el('div'), facts, s => [s.name, s.version, s.started_at, s.store, s.refusing, s.stopping]);
  const work = slot(el('div', {class: 'lanes'}), lanes, s => [s.station_jobs, s.queued]), disk = slot(el('div'), s => diskPart(s.disk), s => s.disk);
  const trouble = el('div');
  const parts = [about, work, disk];
  scope.use('/v1/status', (status, problem) => status ? (swap(trouble), parts.forEach(part => part.update(status))) : problem && swap(trouble, problemBox(problem)));
  /* Events do not tell how many jobs there are. */
  scope.every(5000, () => document.visibilityState === 'visible' && load('/v1/status'));
  const sheet = (title, node) => el('section', {class: 'sheet'}, el('h2', {}, title), node);
  return {title: 'Status', node: el('div', {}, el('div', {class: 'view-head'}, el('h1', {tabindex: '-1'}, 'Status'), el('div', {class: 'actions'},
    el('a', {class: 'button', href: '/v1/openapi.json'}, icon('file'), 'OpenAPI'), el('a', {class: 'button', href: '/v1/metrics'}, icon('status'), 'Metrics'))), trouble,
  el('div', {class: 'halves'}, sheet('Work', work.node), sheet('Disk', disk.node)), sheet('Daemon', about.node), may('engineer') ? tokensPart(scope) : null)};
}
