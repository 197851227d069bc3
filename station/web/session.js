/** Who uses the page, and what they may do. Logging in. */
import {call} from './api.js';
import {el, icon, swap} from './dom.js';
import {problemBox} from './notice.js';

const ROLES = ['view', 'operate', 'engineer'];
let me = null;

export const who = () => me;
export const may = role => me !== null && ROLES.indexOf(me.role) >= ROLES.indexOf(role);

/** Who I am, or null: then a token is needed. */
export async function resume() {
  const response = await call('GET', '/v1/session', {also: [401], quiet: true});
  me = response.ok ? await response.json() : null;
  return me;
}

export async function logIn(token) {
  await call('POST', '/v1/session', {body: {token}, quiet: true});
  return resume();
}

export async function logOut() {
  await call('DELETE', '/v1/session', {also: [401], quiet: true});
  me = null;
}

const wrongToken = {detail: 'This token is not known to the daemon, or it has expired.',
  action: 'Check that all of it was pasted: it begins with firn_. An engineer makes new ones under Status, ' +
    'or firn token create on the daemon’s machine.'};

async function submit(field, button, trouble, done) {
  const token = field.value.trim();
  if (!token) {
    swap(trouble, problemBox({detail: 'There is no token in the field.', action: 'Paste the one that you were given.'}));
    return field.focus();
  }
  button.setAttribute('aria-busy', 'true');
  try {
    await logIn(token);
    done();
  } catch (error) {
    if (!error.problem)
      throw error;
    swap(trouble, problemBox(error.problem.status === 401 ? wrongToken : error.problem));
    field.setAttribute('aria-invalid', 'true');
    field.focus();
    field.select();
  } finally {
    button.removeAttribute('aria-busy');
  }
}

/** The only view without a session. done(): somebody is logged in. */
export function logInView(done) {
  const trouble = el('div', {class: 'trouble', id: 'log-in-trouble'});
  const field = el('input', {id: 'token', name: 'token', type: 'password', autocomplete: 'current-password',
    spellcheck: 'false', autocapitalize: 'off', required: true, 'aria-describedby': 'token-help log-in-trouble'});
  const button = el('button', {class: 'button primary', type: 'submit'}, icon('key'), 'Log in');
  const form = el('form', {class: 'log-in', novalidate: true, onsubmit: event => {
    event.preventDefault();
    submit(field, button, trouble, done);
  }}, el('label', {for: 'token'}, 'Token'), field,
  el('p', {class: 'help', id: 'token-help'}, 'It begins with firn_. The browser may keep it as a password.'), trouble, button);
  return {focus: field, node: el('main', {class: 'door', id: 'main', tabindex: '-1'},
    el('div', {class: 'door-sheet'}, icon('strata', 'door-mark'),
      el('h1', {}, 'firn'), el('p', {class: 'dim'}, 'Firmware with your modules frozen in: built, kept and flashed here.'), form))};
}
