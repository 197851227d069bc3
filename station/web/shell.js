/** The frame around all views: navigation, connection, banners, theme. */
import {el, icon, slot, swap, text} from './dom.js';
import {connection, onConnection} from './events.js';
import {showKeys} from './keys.js';
import {note} from './notice.js';
import {newScope} from './scope.js';
import {logOut, who} from './session.js';

const PAGES = [['products', 'Products'], ['jobs', 'Jobs'], ['images', 'Images'], ['devices', 'Devices'],
  ['records', 'Records'], ['status', 'Status']];
const THEMES = {system: ['theme', 'as the system'], light: ['sun', 'light'], dark: ['moon', 'dark']};
const PATIENCE_MS = 1500;

const currentTheme = () => document.documentElement.dataset.theme || 'system';

function setTheme(theme) {
  if (theme === 'system')
    delete document.documentElement.dataset.theme;
  else
    document.documentElement.dataset.theme = theme;
  localStorage.setItem('firn.theme', theme);
}

function themeButton() {
  const button = el('button', {type: 'button', class: 'button quiet square'});
  const draw = () => {
    const [name, words] = THEMES[currentTheme()];
    button.setAttribute('aria-label', `Theme: ${words}`);
    button.title = `Theme: ${words}`;
    swap(button, icon(name));
  };
  button.addEventListener('click', () => {
    const names = Object.keys(THEMES);
    setTheme(names[(names.indexOf(currentTheme()) + 1) % names.length]);
    draw();
  });
  draw();
  return button;
}

const WORDS = {connecting: 'Connecting', connected: 'Live', away: 'Reconnecting'};

function indicator(scope) {
  const words = el('span', {}, '');
  const node = el('p', {class: 'indicator', role: 'status'}, el('span', {class: 'lamp', 'aria-hidden': 'true'}), words);
  const draw = state => {
    node.dataset.state = state;
    text(words, WORDS[state]);
  };
  scope.add(onConnection(draw));
  draw(connection());
  return node;
}

function navigation() {
  const links = PAGES.map(([name, title]) => el('a', {href: `#/${name}`, class: 'nav-link'}, icon(name), el('span', {}, title)));
  const node = el('nav', {'aria-label': 'Pages', class: 'nav'}, links);
  const mark = hash => links.forEach(link => {
    const here = hash.startsWith(link.getAttribute('href'));
    if (here)
      link.setAttribute('aria-current', 'page');
    else
      link.removeAttribute('aria-current');
  });
  return {node, mark};
}

function banners(scope) {
  const away = el('div', {role: 'status'}), refusing = slot(el('div', {role: 'status'}), reason => reason ?
    note('warn', 'alert', el('p', {class: 'notice-title'}, 'No new work is taken.'), el('p', {}, reason)) : []);
  let timer = 0;
  const show = state => {
    clearTimeout(timer);
    if (state !== 'away')
      return away.replaceChildren();
    timer = setTimeout(() => swap(away, note('idle', 'clock',
      el('p', {class: 'notice-title'}, 'The daemon does not answer at the moment.'),
      el('p', {}, 'What is shown is the last that is known. The page goes on by itself when it is back.'))), PATIENCE_MS);
  };
  scope.add(onConnection(show));
  scope.add(() => clearTimeout(timer));
  scope.use('/v1/status', status => refusing.update(status?.refusing ?? (status?.stopping ? 'The daemon is stopping.' : null)));
  return el('div', {class: 'banners'}, away, refusing.node);
}

/** leave(): to the log-in. {nodes, main, changed(hash), end()} */
export function frameOf(leave) {
  const scope = newScope(), nav = navigation();
  const station = el('span', {class: 'station'}, ' ');
  const name = slot(station, status => status?.name || ' ', status => status?.name);
  scope.use('/v1/status', status => name.update(status));
  const me = who();
  const account = el('p', {class: 'account', title: `by ${me.via}`}, el('span', {class: 'account-name'}, me.name),
    el('span', {class: 'account-role'}, me.role));
  const out = me.via === 'cookie' ? el('button', {type: 'button', class: 'button quiet square', 'aria-label': 'Log out',
    title: 'Log out', onclick: () => logOut().finally(leave)}, icon('leave')) : null;
  const head = el('header', {class: 'rail'},
    el('a', {href: '#/products', class: 'brand'}, icon('strata'),
      el('span', {class: 'brand-name'}, 'firn'), station),
    nav.node,
    el('div', {class: 'rail-foot'}, indicator(scope), account,
      el('div', {class: 'rail-buttons'}, themeButton(),
        el('button', {type: 'button', class: 'button quiet square keys-button', 'aria-label': 'Keys', title: 'Keys (?)',
          onclick: showKeys}, icon('keyboard')), out)));
  const main = el('main', {id: 'main', class: 'main', tabindex: '-1'});
  return {nodes: [head, el('div', {class: 'page'}, banners(scope), main)], main, changed: nav.mark,
    end: scope.end};
}
