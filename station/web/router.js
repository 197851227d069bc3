/** '#/products/greeter' -> the view of a product. The daemon serves one page, so the hash it is. */
import {newScope} from './scope.js';
import {el} from './dom.js';

let routes = [], outlet = null, scope = null, onChange = () => {}, first = true;

/** [[/^#\/jobs\/(\d+)$/, view]]: view(scope, ...matched) gives {title, node}. changed(hash): afterwards. */
export function start(table, node, changed) {
  routes = table;
  outlet = node;
  onChange = changed;
  window.addEventListener('hashchange', show);
  first = true;
  show();
}

export function stop() {
  window.removeEventListener('hashchange', show);
  scope?.end();
  scope = null;
}

export function go(hash) {
  if (location.hash === hash)
    show();
  else
    location.hash = hash;
}

const lost = () => ({title: 'Nothing here', node: el('div', {},
  el('h1', {tabindex: '-1'}, 'Nothing here'),
  el('p', {}, 'This address names no page. ', el('a', {href: '#/products'}, 'Go to the products'), '.'))});

function match(hash) {
  for (const [pattern, view] of routes) {
    const found = pattern.exec(hash);
    if (found)
      return {view, parts: found.slice(1).map(part => part === undefined ? part : decodeURIComponent(part))};
  }
  return {view: lost, parts: []};
}

function show() {
  const hash = location.hash || '#/products';
  scope?.end();
  scope = newScope();
  const {view, parts} = match(hash);
  const page = view(scope, ...parts);
  outlet.replaceChildren(page.node);
  setTitle(page.title);
  onChange(hash);
  if (!first) {
    window.scrollTo(0, 0);
    (page.focus || outlet.querySelector('h1') || outlet).focus({preventScroll: true});
  }
  first = false;
}

export function setTitle(title) {
  document.title = `${title} · firn`;
}
