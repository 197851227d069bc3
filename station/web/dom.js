/**
 * Elements. Text is only ever set as text: what came over the network cannot become markup.
 */
const SVG = 'http://www.w3.org/2000/svg';
const FOCUSABLE = 'a[href], button, input, select, textarea, summary, [tabindex]';

function setStyle(node, style) {
  for (const [name, value] of Object.entries(style))
    node.style.setProperty(name, value);
}

function set(node, name, value) {
  if (value === null || value === undefined || value === false)
    return;
  if (name.startsWith('on'))
    node.addEventListener(name.slice(2), value);
  else if (name === 'style')
    setStyle(node, value);
  else if (name === 'value')
    node.value = value;
  else
    node.setAttribute(name, value === true ? '' : value);
}

function build(node, props, children) {
  node.append(...flat(children));
  for (const [name, value] of Object.entries(props || {}))
    set(node, name, value);
  return node;
}

const flat = children => children.flat(Infinity).filter(c => c !== null && c !== undefined && c !== false);

/** el('a', {href: '#/jobs', onclick: f}, 'Jobs', icon('jobs')); null and false children are left out. */
export const el = (tag, props, ...children) => build(document.createElement(tag), props, children);
export const svg = (tag, props, ...children) => build(document.createElementNS(SVG, tag), props, children);

/** A picture beside text, never instead of it: screen readers do not see it. */
export const icon = (name, className = '') =>
  svg('svg', {class: `icon ${className}`, 'aria-hidden': 'true', focusable: 'false', viewBox: '0 0 24 24'},
    svg('use', {href: `/web/icons.svg#${name}`}));

export const unseen = text => el('span', {class: 'unseen'}, text);

const focusables = node => [...node.querySelectorAll(FOCUSABLE)];

/** Other children; the focus stays on the same id, or on the one at the same place. */
export function swap(node, ...children) {
  const active = node.contains(document.activeElement) && document.activeElement !== node && document.activeElement;
  const index = active ? focusables(node).indexOf(active) : -1;
  node.replaceChildren(...flat(children));
  if (!active)
    return node;
  const heir = (active.id && document.getElementById(active.id)) || focusables(node)[index] || focusables(node).pop();
  heir?.focus({preventScroll: true});
  return node;
}

/** A part that is drawn anew only when what it shows has changed: {node, update(value)}. */
export function slot(node, draw, pick = value => value) {
  let last;
  const update = value => {
    const signature = JSON.stringify(pick(value)) ?? 'undefined';
    if (signature === last)
      return;
    last = signature;
    swap(node, draw(value));
  };
  return {node, update};
}

/** Children of `parent`, one an item, kept by key: make(item) gives {node, update(item)}. */
export function keyed(parent, keyOf, make) {
  const parts = new Map();
  return items => {
    const seen = new Set();
    let at = parent.firstElementChild;
    for (const item of items) {
      const key = keyOf(item);
      if (seen.has(key))
        continue;
      seen.add(key);
      if (!parts.has(key))
        parts.set(key, make(item));
      const part = parts.get(key);
      part.update(item);
      if (part.node === at)
        at = at.nextElementSibling;
      else
        parent.insertBefore(part.node, at);
    }
    for (const [key, part] of parts)
      if (!seen.has(key)) {
        part.node.remove();
        parts.delete(key);
      }
  };
}

/** Sets text only where it differs, so that nothing is drawn for nothing. */
export function text(node, value) {
  if (node.textContent !== value)
    node.textContent = value;
}

/** The first content of a view: the focus goes to its heading if it was on what stood there. */
export function fillView(place, node) {
  const had = place.contains(document.activeElement);
  place.replaceChildren(node);
  if (had)
    node.querySelector('h1')?.focus({preventScroll: true});
}
