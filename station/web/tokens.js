/** Tokens: who may use the API without being a user of this machine. */
import {call, path, post} from './api.js';
import {confirmDialog, openDialog} from './dialog.js';
import {el, icon} from './dom.js';
import {dateNode, since} from './format.js';
import {copyButton} from './image.js';
import {actionButton, attempt, problemBox, troublePlace} from './notice.js';
import {load} from './store.js';
import {column, emptyPlace, table} from './table.js';

const LIST = '/v1/tokens';
const ROLES = [['view', 'view: sees everything, changes nothing'], ['operate', 'operate: builds, flashes, cancels'],
  ['engineer', 'engineer: also changes products, releases and tokens']];
const DAYS = [['30', '30 days'], ['90', '90 days'], ['365', 'a year'], ['', 'for ever']];

function showToken(token) {
  openDialog('The new token', close => [
    el('p', {}, 'Copy it now: it is never told again. The daemon keeps only a hash of it.'),
    el('code', {class: 'token-shown', tabindex: '0'}, token.token),
    el('div', {class: 'actions end'}, copyButton(token.token, 'the token'), el('button', {type: 'button', class: 'button primary', onclick: close}, 'I have it'))]);
}

function revokeDialog(token) {
  const trouble = troublePlace();
  confirmDialog(`Revoke ${token.name}?`, 'Whoever uses it is let in no more, at once.', 'Revoke', (close, label) => [
    actionButton(label, {name: 'trash', kind: 'danger', trouble, run: async () => {
      await call('DELETE', path('tokens', token.id));
      close();
      await load(LIST);
    }}), trouble.node]);
}

const select = (id, options, value) => el('select', {id, value}, options.map(([key, words]) => el('option', {value: key}, words)));

function createDialog() {
  const trouble = troublePlace();
  openDialog('New token', close => {
    const name = el('input', {id: 'token-name', autocomplete: 'off', required: true, maxlength: '64', autofocus: true});
    const role = select('token-role', ROLES, 'operate'), days = select('token-days', DAYS, '90');
    return el('form', {onsubmit: event => {
      event.preventDefault();
      attempt(trouble, async () => {
        const token = await post(LIST, {name: name.value.trim(), role: role.value, days: days.value ? Number(days.value) : null});
        close();
        load(LIST);
        showToken(token);
      });
    }}, el('label', {for: 'token-name'}, 'For whom or what'), name, el('label', {for: 'token-role'}, 'May'), role, el('label', {for: 'token-days'}, 'Lasts'), days,
    trouble.node, el('div', {class: 'actions end'}, el('button', {class: 'button primary'}, icon('key'), 'Make it')));
  });
}

const columns = [
  column('Name', token => token.name, {}), column('May', token => token.role, {}),
  column('Made', token => since(token.created_at), {className: 'num wide'}), column('Ends', token => token.expires_at ? dateNode(token.expires_at) : 'never', {className: 'num'}),
  column('Last used', token => token.used_at ? since(token.used_at) : 'never', {className: 'num wide'}),
  column('Action', token => el('button', {type: 'button', class: 'button small', 'aria-label': `Revoke ${token.name}`, onclick: () => revokeDialog(token)}, icon('trash'), 'Revoke'),
    {className: 'right', hidden: true}),
];

export function tokensPart(scope) {
  const trouble = el('div'), rows = table('Tokens', columns, token => token.id, emptyPlace('No token yet', 'Without one, only users of this machine’s socket get in.'));
  scope.use(LIST, (list, problem) => {
    if (list)
      rows.update(list.items);
    else if (problem)
      trouble.replaceChildren(problemBox(problem));
  });
  return el('section', {class: 'sheet'}, el('div', {class: 'sheet-head'}, el('h2', {}, 'Tokens'), el('span', {class: 'gap'}),
    el('button', {type: 'button', class: 'button small', onclick: createDialog}, icon('plus'), 'New token')), trouble, rows.node);
}
