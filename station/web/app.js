/** The page: who are you, then the frame and its views. */
import {call, watchAnswers} from './api.js';
import {devicesView} from './devices.js';
import {el, swap} from './dom.js';
import {connect, disconnect, onConnection} from './events.js';
import {imageView} from './image.js';
import {imagesView} from './images.js';
import {jobView} from './job.js';
import {jobsView} from './jobs.js';
import {keepMoments} from './format.js';
import {listenToKeys} from './keys.js';
import {followEvents} from './live.js';
import {problemBox} from './notice.js';
import {productView} from './product.js';
import {productsView} from './products.js';
import {recordsView} from './records.js';
import {start, stop} from './router.js';
import {logInView, resume} from './session.js';
import {frameOf} from './shell.js';
import {statusView} from './status.js';
import {forgetAll, reloadAll} from './store.js';

const ROUTES = [
  [/^#?\/?$/, productsView],
  [/^#\/products$/, productsView],
  [/^#\/products\/([^/]+)$/, productView],
  [/^#\/jobs(?:\?(.*))?$/, jobsView],
  [/^#\/jobs\/(\d+)$/, jobView],
  [/^#\/images$/, imagesView],
  [/^#\/images\/([0-9a-f]+)$/, imageView],
  [/^#\/devices$/, devicesView],
  [/^#\/records(?:\?(.*))?$/, recordsView],
  [/^#\/status$/, statusView],
];
const RETRY_MS = 3000;
const root = document.getElementById('frame');
let frame = null;

function close() {
  stop();
  disconnect();
  forgetAll();
  frame?.end();
  frame = null;
  document.querySelectorAll('dialog').forEach(dialog => dialog.remove());
}

function showDoor() {
  close();
  const door = logInView(enter);
  document.title = 'Log in · firn';
  root.className = '';
  root.replaceChildren(door.node);
  door.focus.focus();
}

async function enter() {
  const status = await (await call('GET', '/v1/status')).json();
  connect(status.last_event);
  frame = frameOf(showDoor);
  root.className = 'frame';
  root.replaceChildren(...frame.nodes);
  start(ROUTES, frame.main, frame.changed);
}

function denied() {
  if (frame)
    showDoor();
}

/* A stream that was refused, and nothing more: has the session ended meanwhile? */
function connectionChanged(state, before) {
  if (state === 'connected' && before === 'away')
    reloadAll();
  else if (state === 'away')
    resume().then(me => me || denied(), () => {});
}

async function begin() {
  try {
    if (await resume())
      await enter();
    else
      showDoor();
  } catch (error) {
    if (!error.problem)
      throw error;
    root.className = '';
    swap(root, el('main', {class: 'door', id: 'main', tabindex: '-1'}, el('h1', {class: 'unseen'}, 'firn'),
      problemBox(error.problem)));
    setTimeout(begin, RETRY_MS);
  }
}

document.getElementById('skip').addEventListener('click', event => {
  event.preventDefault(); /* the address is the view's */
  document.getElementById('main')?.focus();
});
watchAnswers(denied);
followEvents();
onConnection(connectionChanged);
listenToKeys();
keepMoments();
begin();
