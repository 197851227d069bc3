/**
 * The one stream of events. The browser reconnects by itself and says what it has seen last; only
 * where the daemon refused (and the browser gives up) a new stream is opened here.
 */
const NAMES = ['job', 'progress', 'product', 'image', 'devices', 'status', 'reset'];
const AGAIN_MS = 3000;
let source = null, lastId = null, timer = 0;
const listeners = new Map(NAMES.map(name => [name, new Set()]));
const watchers = new Set();
let state = 'connecting';

function become(next) {
  if (state === next)
    return;
  const before = state;
  state = next;
  watchers.forEach(watcher => watcher(state, before));
}

function receive(name, event) {
  if (event.lastEventId)
    lastId = event.lastEventId;
  const data = JSON.parse(event.data);
  listeners.get(name).forEach(listener => listener(data));
}

function failed() {
  become('away');
  if (source?.readyState !== EventSource.CLOSED)
    return;
  clearTimeout(timer);
  timer = setTimeout(open, AGAIN_MS);
}

function open() {
  source?.close();
  source = new EventSource(lastId === null ? '/v1/events' : `/v1/events?last_event_id=${encodeURIComponent(lastId)}`);
  source.onopen = () => become('connected');
  source.onerror = failed;
  for (const name of NAMES)
    source.addEventListener(name, event => receive(name, event));
}

/** From the event after `after` on (GET /v1/status: last_event), or from now on. */
export function connect(after) {
  lastId = after === undefined || after === null ? null : String(after);
  open();
}

export function disconnect() {
  clearTimeout(timer);
  source?.close();
  source = null;
  state = 'connecting';
}

export const connection = () => state;

/** Returns the end. */
export function on(name, listener) {
  listeners.get(name).add(listener);
  return () => listeners.get(name).delete(listener);
}

/** watcher(state, before): connecting, connected, away. Returns the end. */
export function onConnection(watcher) {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}
