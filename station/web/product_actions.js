/** What is done with a product, from wherever it is shown. */
import {call, idempotencyKey, path, post} from './api.js';
import {confirmDialog, openDialog} from './dialog.js';
import {el, icon} from './dom.js';
import {fileText} from './files.js';
import {sawJob, sawProduct} from './live.js';
import {actionButton, troublePlace} from './notice.js';
import {go} from './router.js';
import {peek} from './store.js';

/* There are hundreds at most, and the page searches in them itself. */
export const api = '/v1/products?limit=500';
const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;

export async function build(name) {
  const job = await post('/v1/jobs', {kind: 'build', product: name}, idempotencyKey());
  sawJob(job);
  return job;
}

/** In the editor until it is submitted: {name, text}. */
let begun = null;
export const takeBegun = name => begun?.name === name ? begun : null;
export const forgetBegun = () => (begun = null);

export const template = name => `firn: 1
product: ${name.replace(/[.]/g, '-')}
version: 0.1.0

firmware:
  git: https://github.com/micropython/micropython.git
  ref: v1.25.0

board: PYBV11

frozen:
  - module: main.py
`;

const FIRST_MODULE = 'print("ready")\n';

function begin(name, trouble, close) {
  if (!NAME.test(name))
    return trouble.show({detail: `'${name}' cannot be the name of a product.`,
      action: 'Up to 64 of a-z, 0-9, dot, _ and -, beginning with a letter or digit.'});
  if (peek(api)?.items.some(product => product.name === name))
    return trouble.show({detail: `There is a product '${name}' already.`, action: 'Choose another name, or change that one.'});
  begun = {name, files: [fileText('manifest.yaml', template(name)), fileText('main.py', FIRST_MODULE)]};
  close();
  go(`#/products/${encodeURIComponent(name)}`);
}

export function newProductDialog() {
  const trouble = troublePlace();
  openDialog('New product', close => {
    const field = el('input', {id: 'new-name', autocomplete: 'off', spellcheck: 'false', autocapitalize: 'off', autofocus: true,
      'aria-describedby': 'new-help'});
    return el('form', {onsubmit: event => {
      event.preventDefault();
      begin(field.value.trim(), trouble, close);
    }}, el('label', {for: 'new-name'}, 'Name'), field,
    el('p', {class: 'help', id: 'new-help'}, 'Lower-case letters, digits, dot, _ and -. A first manifest is written for you to change.'),
    trouble.node, el('div', {class: 'actions end'}, el('button', {class: 'button primary'}, icon('plus'), 'Write its manifest')));
  });
}

export function removeDialog(name) {
  const trouble = troublePlace();
  confirmDialog(`Remove ${name}?`, 'Its files are removed here. Its images, jobs and records stay.', 'Remove', (close, label) => [
    actionButton(label, {name: 'trash', kind: 'danger', trouble, run: async () => {
      await call('DELETE', path('products', name));
      sawProduct({name, state: 'removed'});
      close();
      go('#/products');
    }}), trouble.node]);
}
