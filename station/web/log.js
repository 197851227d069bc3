/**
 * A log that follows: fetched from where it ended last time, whenever the daemon says that it has
 * grown. It stays at its end until somebody scrolls up.
 */
import {call} from './api.js';
import {el, icon} from './dom.js';
import {bytes, plain} from './format.js';

const LINES = 5000;
const FIRST = 1 << 20; /* of a long log, only its end is fetched at first */
const NEAR = 40;

function lineNode(words) {
  const kind = /\b(error|fatal|failed)\b:?/i.test(words) ? 'log-line bad' : /\bwarning\b:/i.test(words) ? 'log-line warn' : 'log-line';
  return el('div', {class: kind}, words || '​');
}

/** path: of the log. {node, grown(size)}; without a size it looks */
export function logPart(scope, path) {
  const box = el('div', {class: 'log', role: 'log', 'aria-live': 'off', 'aria-label': 'Log', tabindex: '0'});
  const about = el('span', {class: 'dim num'}), follow = el('button', {type: 'button', class: 'button small', 'aria-pressed': 'true'}, icon('down'), 'Follow');
  const decoder = new TextDecoder();
  let offset = 0, partial = '', sticks = true, busy = false, unsure = false, wanted = 0, tail = null, dropped = 0, stopped = false;
  scope.add(() => (stopped = true));

  const setSticks = on => {
    sticks = on;
    follow.setAttribute('aria-pressed', String(on));
    if (on)
      box.scrollTop = box.scrollHeight;
  };
  follow.addEventListener('click', () => setSticks(!sticks));
  box.addEventListener('scroll', () => {
    const near = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR;
    if (near !== sticks)
      setSticks(near);
  }, {passive: true});

  function add(text) {
    const lines = (partial + text).split('\n');
    partial = lines.pop();
    tail?.remove();
    const part = document.createDocumentFragment();
    const shown = lines.slice(-LINES);
    dropped += lines.length - shown.length;
    shown.forEach(line => part.append(lineNode(plain(line.replace(/\r$/, '').replace(/^.*\r/, '')))));
    tail = partial ? lineNode(plain(partial.replace(/^.*\r/, ''))) : null;
    if (tail)
      part.append(tail);
    box.append(part);
    for (let over = box.children.length - LINES; over > 0; over--, dropped++)
      box.firstChild.remove();
    if (sticks)
      box.scrollTop = box.scrollHeight;
    about.textContent = `${bytes(offset)}${dropped ? `; the last ${LINES.toLocaleString('en')} lines` : ''}`;
  }

  async function look() {
    const head = await call('HEAD', path, {also: [404]});
    const size = head.ok ? Number(head.headers.get('Content-Length') ?? offset + 1) : 0;
    wanted = Math.max(wanted, size);
    if (!offset && size > FIRST) {
      offset = size - FIRST;
      dropped = 1;
    }
  }

  async function fetchRest() {
    const response = await call('GET', path, {also: [416, 404], headers: {Range: `bytes=${offset}-`}});
    if (response.status === 416 || response.status === 404)
      return 0;
    const data = new Uint8Array(await response.arrayBuffer());
    const fresh = response.status === 206 ? data : data.subarray(offset);
    offset += fresh.length;
    if (fresh.length)
      add(decoder.decode(fresh, {stream: true}));
    return fresh.length;
  }

  async function run() {
    if (busy)
      return;
    busy = true;
    try {
      while (!stopped && (unsure || wanted > offset)) {
        if (unsure) {
          unsure = false;
          await look();
        } else if (!await fetchRest()) {
          wanted = offset; /* it is not there, whatever was said */
        }
      }
    } catch (error) {
      if (!error.problem)
        throw error;
      unsure = true; /* the daemon is away: the next event brings the rest */
    } finally {
      busy = false;
    }
  }

  const head = el('div', {class: 'sheet-head'}, el('h2', {}, 'Log'), about, el('span', {class: 'gap'}), follow,
    el('a', {href: path, class: 'button small', download: ''}, icon('download'), 'All of it'));
  return {node: el('section', {class: 'sheet log-part'}, head, box), grown: size => {
    unsure ||= size === undefined;
    wanted = Math.max(wanted, size ?? 0);
    if (unsure || wanted > offset)
      run();
  }};
}
