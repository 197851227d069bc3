/**
 * Requests to the daemon, as docs/api.md has them. What fails throws an Error with `problem`:
 * {status, title, detail, action}; status 0: no answer at all.
 */
let skew = 0;
let onDenied = () => {};

/** The daemon's clock, as far as its answers tell it: this machine's may be wrong. */
export const now = () => Date.now() + skew;

/** denied(): the session is over. */
export function watchAnswers(denied) {
  onDenied = denied;
}

function noteClock(response) {
  const date = Date.parse(response.headers.get('Date') || '');
  if (!Number.isFinite(date))
    return;
  const off = date + 500 - Date.now();
  skew = Math.abs(off) > 1500 ? off : 0;
}

export function failure(problem) {
  return Object.assign(new Error(problem.detail), {problem});
}

async function problemOf(response) {
  const usual = {status: response.status, title: response.statusText || `Status ${response.status}`,
    detail: `The daemon answered ${response.status}.`, action: null};
  try {
    return {...usual, ...await response.json(), status: response.status};
  } catch {
    return usual;
  }
}

const AWAY = {status: 0, title: 'No answer', detail: 'The daemon does not answer.',
  action: 'The page goes on by itself when it is back.'};

function headersOf(method, body, headers) {
  const json = method !== 'GET' && method !== 'HEAD' ? {'Content-Type': 'application/json'} : {};
  return {...json, ...headers};
}

/** The response, if it is a good one, or one of `also`. */
export async function call(method, path, {body, headers, also = [], quiet = false, signal} = {}) {
  let response;
  try {
    response = await fetch(path, {method, signal, headers: headersOf(method, body, headers), cache: 'no-cache',
      credentials: 'same-origin', body: body === undefined ? undefined : JSON.stringify(body)});
  } catch (error) {
    if (error.name === 'AbortError')
      throw error;
    throw failure(AWAY);
  }
  noteClock(response);
  if (response.ok || also.includes(response.status))
    return response;
  const problem = await problemOf(response);
  if (response.status === 401 && !quiet)
    onDenied();
  throw failure(problem);
}

export const get = async path => (await call('GET', path)).json();
export const post = async (path, body = {}, headers) => (await call('POST', path, {body, headers})).json();
export const remove = path => call('DELETE', path);

/** A key that makes a repeated request the same request. */
export const idempotencyKey = () => ({'Idempotency-Key': crypto.randomUUID?.() ||
  Array.from(crypto.getRandomValues(new Uint32Array(4)), n => n.toString(16).padStart(8, '0')).join('')});

export const path = (...parts) => '/v1/' + parts.map(encodeURIComponent).join('/');
/** A path of a file: its slashes stay. */
export const filePath = (kind, name, file) =>
  `${path(kind, name)}/files/${file.split('/').map(encodeURIComponent).join('/')}`;

export function query(base, values) {
  const given = Object.entries(values).filter(([, value]) => value !== '' && value !== null && value !== undefined);
  return given.length ? `${base}?${new URLSearchParams(given)}` : base;
}
