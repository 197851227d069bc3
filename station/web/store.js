/**
 * What the page knows: one resource for each path of the API. A view uses a resource, gets it
 * (again) whenever it changes, and lets go of it when it is left. Events change resources in place
 * (live.js); only what they do not carry is loaded anew.
 */
import {call} from './api.js';

const KEPT = 60; /* resources that nobody uses, so that going back shows something at once */
const resources = new Map();

function resource(path) {
  if (!resources.has(path))
    resources.set(path, {value: undefined, problem: null, listeners: new Set(), loading: null,
      again: false, timer: 0});
  return resources.get(path);
}

const tell = r => r.listeners.forEach(listener => listener(r.value, r.problem));

async function fetchInto(r, path) {
  try {
    const response = await call('GET', path);
    r.value = await response.json();
    r.problem = null;
  } catch (error) {
    if (!error.problem)
      throw error;
    r.problem = error.problem;
    if (error.problem.status === 404)
      r.value = undefined;
  }
}

async function loadLoop(r, path) {
  do {
    r.again = false;
    await fetchInto(r, path);
  } while (r.again);
  r.loading = null;
  tell(r);
}

/** Loads it; one that is asked for while it is on its way is loaded once more after that. */
export function load(path) {
  const r = resource(path);
  if (r.loading)
    r.again = true;
  else
    r.loading = loadLoop(r, path);
  return r.loading;
}

/** At once if somebody looks at it; what is on its way already may be older, and is loaded again. */
export function loadAnew(path) {
  if (resources.get(path)?.listeners.size)
    load(path);
}

/** Soon, and once for many calls. */
export function loadSoon(path) {
  const r = resources.get(path);
  if (!r || !r.listeners.size || r.timer)
    return;
  r.timer = setTimeout(() => {
    r.timer = 0;
    load(path);
  }, 150);
}

function prune() {
  for (const [path, r] of resources) {
    if (resources.size <= KEPT)
      return;
    if (!r.listeners.size && !r.loading)
      resources.delete(path);
  }
}

/** listener(value, problem), now if something is there, and after each change. Returns the end. */
export function use(path, listener) {
  const r = resource(path);
  r.listeners.add(listener);
  if (r.value !== undefined)
    listener(r.value, null);
  load(path);
  return () => {
    r.listeners.delete(listener);
    prune();
  };
}

export const peek = path => resources.get(path)?.value;

/** change(value) gives the new value, or the same for none. */
export function change(path, how) {
  const r = resources.get(path);
  if (!r || r.value === undefined)
    return;
  const value = how(r.value);
  if (value === r.value)
    return;
  r.value = value;
  tell(r);
}

export const known = prefix => [...resources.keys()].filter(path => path.startsWith(prefix));

/** Everything that is shown is loaded anew, everything else forgotten. */
export function reloadAll() {
  for (const [path, r] of resources)
    if (r.listeners.size)
      load(path);
    else
      resources.delete(path);
}

export function forgetAll() {
  resources.clear();
}
