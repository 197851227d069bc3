/** The editor of a product: its files, the errors at their lines, submitting them. */
import {call, idempotencyKey, path as apiPath} from './api.js';
import {openDialog} from './dialog.js';
import {el, icon, slot, swap, text} from './dom.js';
import {errorList, newEditor} from './editor.js';
import {bodyOf, draftOf, dropDraft, dropFile, fileText, isDirty, loadFile, pathTrouble, putFile, setText, uploaded} from './files.js';
import {bytes, count} from './format.js';
import {actionButton, attempt, note, say, troublePlace} from './notice.js';
import {forgetBegun} from './product_actions.js';
import {may} from './session.js';
import {load} from './store.js';

const MANIFEST = 'manifest.yaml';
const isAt = (error, path) => error.file === path || (error.file || MANIFEST).endsWith(`/${path}`) ||
  (!error.file && path === MANIFEST);

function fileButton(file, chosen, errors, choose) {
  const own = errors.filter(error => isAt(error, file.path)).length;
  return el('li', {}, el('button', {type: 'button', class: 'file', 'aria-current': file.path === chosen ? 'true' : null,
    onclick: () => choose(file.path)}, icon('file'), el('span', {class: 'file-path'}, file.path),
  own ? el('span', {class: 'badge bad'}, icon('alert'), count(own, 'error')) : null,
  file.dirty ? el('span', {class: 'file-changed'}, 'changed') : el('span', {class: 'num dim'}, bytes(file.size))));
}

function newFileDialog(draft, done) {
  const trouble = troublePlace();
  openDialog('New file', close => {
    const field = el('input', {id: 'new-file', autocomplete: 'off', spellcheck: 'false', autocapitalize: 'off', autofocus: true});
    return el('form', {onsubmit: event => {
      event.preventDefault();
      const path = field.value.trim(), why = draft.files.some(file => file.path === path) ? 'There is a file of this path already.' : pathTrouble(path);
      if (why)
        return trouble.show({detail: why, action: 'Choose another path.'});
      putFile(draft, fileText(path, ''));
      close();
      done(path);
    }}, el('label', {for: 'new-file'}, 'Path, from the manifest on'), field, trouble.node,
    el('div', {class: 'actions end'}, el('button', {class: 'button primary'}, icon('plus'), 'Add')));
  });
}

function uploadButton(draft, trouble, done) {
  const input = el('input', {type: 'file', multiple: true, hidden: true, tabindex: '-1', 'aria-label': 'Files to add', onchange: async () => {
    let last = null;
    trouble.clear();
    for (const file of input.files) {
      const path = file.webkitRelativePath || file.name, why = pathTrouble(path);
      if (why)
        trouble.show({detail: `${path}: ${why}`, action: 'Rename it and add it again.'});
      else
        putFile(draft, await uploaded(file, last = path));
    }
    input.value = '';
    if (last)
      done(last);
  }});
  return [input, el('button', {type: 'button', class: 'button small', onclick: () => input.click()}, icon('upload'), 'Upload')];
}

/* Somebody else has changed the files: say so, and let the user choose. */
function conflict(trouble, takeTheirs, overwrite) {
  swap(trouble.node, note('warn', 'alert',
    el('p', {class: 'notice-title'}, 'Somebody else has changed this product meanwhile.'),
    el('p', {}, 'Your text is still here. Take theirs, or put yours in its place.'),
    el('div', {class: 'actions', role: 'alert'}, el('button', {type: 'button', class: 'button small', onclick: takeTheirs}, 'Take theirs'),
      el('button', {type: 'button', class: 'button small danger', onclick: overwrite}, 'Put mine in its place'))));
}

/* Only over the files that were changed here; false: somebody else has changed them meanwhile. */
async function putDraft(draft, body, force) {
  const match = !force && draft.bundle ? {'If-Match': `"${draft.bundle}"`} : {};
  const response = await call('PUT', apiPath('products', draft.name), {body, also: [412], headers: {...idempotencyKey(), ...match}});
  return response.status !== 412;
}

function verdictOf(product) {
  if (product.state === 'checking')
    return ['idle', 'clock', 'Checking…'];
  if (product.state === 'invalid')
    return ['bad', 'alert', count(product.error_count, 'error')];
  return product.state === 'valid' ? ['good', 'check', 'Valid'] : ['idle', 'minus', product.state];
}

/** {node, update(product or null)}; `begun`: files of one that is not there yet; submitted(): now it is. */
export function filesPart(name, {begun, submitted} = {}) {
  let product = null, draft = null, chosen = MANIFEST, showing = null;
  const trouble = troublePlace(), editable = () => may('engineer') && product?.source !== 'directory';
  const editor = newEditor({onchange: edited, onsubmit: () => submit(false)});
  const list = el('ul', {class: 'files'}), errorsNode = el('div', {class: 'errors-place'});
  const binary = el('p', {class: 'binary dim', hidden: true});
  const verdict = slot(el('span', {class: 'verdict', role: 'status'}), p => p ? verdictNode(p) : [], p => p && [p.state, p.error_count]);
  const build = el('input', {type: 'checkbox'});
  const tools = el('div', {class: 'file-tools'}), bar = el('div', {class: 'submit-bar'});
  const changed = el('span', {class: 'dim'});

  function verdictNode(p) {
    const [tone, name, words] = verdictOf(p);
    return el('span', {class: `badge large ${tone}`}, icon(name), words);
  }
  const fileAt = path => draft.files.find(file => file.path === path);
  const errorsNow = () => product?.errors || [];

  function edited(value) {
    const file = fileAt(chosen), was = file.dirty;
    setText(file, value);
    if (was !== file.dirty)
      drawList();
    text(changed, isDirty(draft) ? 'Not submitted yet' : '');
  }
  function drawList() {
    swap(list, draft.files.map(file => fileButton(file, chosen, errorsNow(), choose)));
    text(changed, isDirty(draft) ? 'Not submitted yet' : '');
  }
  async function choose(path) {
    chosen = path;
    drawList();
    await attempt(trouble, async () => {
      const file = await loadFile(name, fileAt(path));
      if (chosen === path)
        showFile(file);
    });
  }
  function showFile(file) {
    showing = file;
    binary.hidden = file.text !== undefined;
    editor.node.hidden = !binary.hidden;
    text(binary, `${file.path} is no text: ${bytes(file.size)}. Upload another of the same name to replace it.`);
    if (binary.hidden)
      editor.show(file.text, file.path, !editable());
    markErrors();
    drawTools();
  }
  function markErrors() {
    editor.setErrors(errorsNow().filter(error => isAt(error, chosen)));
    swap(errorsNode, errorList(errorsNow(), toError), (product?.warnings || []).map(warning =>
      note('warn', 'alert', el('p', {}, warning.message || warning.text || String(warning)))));
  }
  async function toError(error) {
    const file = draft.files.find(other => isAt(error, other.path)) || fileAt(MANIFEST);
    if (file.path !== chosen || showing !== file)
      await choose(file.path);
    editor.caret(error.line, error.column);
  }
  function drawTools() {
    swap(tools, !editable() ? [] : [
      el('button', {type: 'button', class: 'button small', id: 'new-file-button', onclick: () => newFileDialog(draft, choose)}, icon('plus'), 'New file'),
      uploadButton(draft, trouble, choose),
      chosen !== MANIFEST ? el('button', {type: 'button', class: 'button small', onclick: () => {
        dropFile(draft, chosen);
        choose(MANIFEST);
      }}, icon('trash'), `Remove ${chosen.split('/').pop()}`) : null]);
  }
  async function submit(force) {
    if (!editable())
      return;
    await attempt(trouble, async () => {
      if (!await putDraft(draft, await bodyOf(draft, build.checked), force))
        return conflict(trouble, takeTheirs, () => submit(true));
      forgetBegun();
      dropDraft(name);
      draft = null;
      say('Submitted, and being checked');
      return submitted ? submitted() : load(apiPath('products', name));
    });
  }
  async function takeTheirs() {
    trouble.clear();
    dropDraft(name);
    draft = null;
    await load(apiPath('products', name));
  }
  function drawBar() {
    if (product?.source === 'directory')
      return swap(bar, note('idle', 'file', el('p', {}, 'These files lie in the daemon’s directory of manifests: change them there. firnd sees it and checks them.')));
    if (!may('engineer'))
      return swap(bar, verdict.node);
    swap(bar, actionButton('Submit', {name: 'upload', kind: 'primary', run: () => submit(false)}),
      el('label', {class: 'check'}, build, 'Build when valid'), verdict.node, changed);
  }
  /* Files that the daemon has are taken over unless somebody is changing them here. */
  function update(next) {
    const fresh = !draft || (next && draft.bundle !== next.bundle && !isDirty(draft));
    product = next;
    if (fresh) {
      if (draft)
        dropDraft(name);
      const before = draft;
      draft = draftOf(name, product, begun);
      if (!fileAt(chosen))
        chosen = MANIFEST;
      drawBar();
      choose(chosen);
      if (before)
        say(`The files of ${name} have changed`);
    }
    verdict.update(product);
    drawList();
    if (showing)
      markErrors();
  }
  const node = el('section', {class: 'sheet editor-part', 'aria-label': 'Files'},
    el('div', {class: 'files-place'}, list, tools), trouble.node, el('div', {class: 'editor-place'}, editor.node, binary), errorsNode, bar);
  return {node, update};
}
