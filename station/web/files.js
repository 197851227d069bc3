/**
 * A product's files while they are changed here: a draft. It begins as what the daemon has; each
 * file is fetched when it is looked at, or at the latest when all are submitted. Drafts stay
 * while the page is open, so that looking elsewhere loses nothing.
 */
import {call, filePath} from './api.js';

const drafts = new Map();

export const fileText = (path, text) => ({path, text, dirty: true, size: new TextEncoder().encode(text).length});

/** base64 of bytes, in pieces: a call with a million arguments is too many. */
function base64(bytes) {
  let binary = '';
  for (let at = 0; at < bytes.length; at += 8192)
    binary += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(binary);
}

/** A file from bytes: as text if it is some. */
function fileOfBytes(path, bytes) {
  try {
    const text = new TextDecoder('utf-8', {fatal: true, ignoreBOM: true}).decode(bytes);
    if (!text.includes('\0'))
      return {path, text, size: bytes.length};
  } catch {
    /* no text */
  }
  return {path, base64: base64(bytes), size: bytes.length};
}

export const isLoaded = file => file.text !== undefined || file.base64 !== undefined;

export async function loadFile(name, file) {
  if (!isLoaded(file)) {
    const response = await call('GET', filePath('products', name, file.path));
    Object.assign(file, fileOfBytes(file.path, new Uint8Array(await response.arrayBuffer())));
    file.original = file.text;
  }
  return file;
}

export async function uploaded(file, path) {
  return {...fileOfBytes(path, new Uint8Array(await file.arrayBuffer())), dirty: true};
}

/** The draft of a product that is there, or one of these files for one that is to be. */
export function draftOf(name, product, files) {
  if (!drafts.has(name))
    drafts.set(name, {name, bundle: product?.bundle ?? null, isNew: !product, changed: Boolean(files),
      files: files || product.files.map(({path, size}) => ({path, size}))});
  return drafts.get(name);
}

export const dropDraft = name => drafts.delete(name);
export const isDirty = draft => draft.changed || draft.files.some(file => file.dirty);

export function setText(file, text) {
  file.text = text;
  file.dirty = text !== file.original;
}

/** Adds it, or takes the place of the one with its path. */
export function putFile(draft, file) {
  const at = draft.files.findIndex(other => other.path === file.path);
  if (at >= 0)
    draft.files[at] = file;
  else
    draft.files.push(file);
  draft.files.sort(byPath);
  draft.changed = true;
}

/* The manifest first, then by name. */
const byPath = (a, b) => (b.path === 'manifest.yaml') - (a.path === 'manifest.yaml') || a.path.localeCompare(b.path, 'en');

export function dropFile(draft, path) {
  draft.files = draft.files.filter(file => file.path !== path);
  draft.changed = true;
}

/** What PUT /v1/products/NAME takes: all files at once. */
export async function bodyOf(draft, build) {
  for (const file of draft.files)
    await loadFile(draft.name, file);
  return {build, files: draft.files.map(({path, text, base64: binary}) =>
    binary === undefined ? {path, text} : {path, base64: binary})};
}

/** Why a path cannot be one of a product's; null if it can. */
export function pathTrouble(path) {
  if (!path || path.startsWith('/') || path.endsWith('/') || path.length > 255)
    return 'A path is relative to the manifest, as lib/snow.py.';
  if (path.split('/').some(part => part === '' || part.startsWith('.')))
    return 'A path has no empty, hidden or .. parts.';
  return null;
}

window.addEventListener('beforeunload', event => {
  if ([...drafts.values()].some(isDirty))
    event.preventDefault();
});
