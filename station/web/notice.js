/** What went wrong, in place; and what is said to screen readers, not too often. */
import {el, icon, swap} from './dom.js';

const SAY_MS = 2500;
let queued = '', timer = 0, saidAt = 0;

/** The last of what came meanwhile is said when some time has passed. */
export function say(message) {
  queued = message;
  if (timer)
    return;
  timer = setTimeout(() => {
    timer = 0;
    saidAt = Date.now();
    const node = document.getElementById('say');
    if (node)
      node.textContent = queued;
  }, Math.max(100, saidAt + SAY_MS - Date.now()));
}

/** A problem (RFC 9457) as people read it: what, why, the next step. */
export const problemBox = problem => el('div', {class: 'notice bad', role: 'alert'},
  icon('alert'),
  el('div', {},
    el('p', {class: 'notice-title'}, problem.detail || problem.title),
    problem.action ? el('p', {}, problem.action) : null));

export const note = (kind, name, ...children) =>
  el('div', {class: `notice ${kind}`}, icon(name), el('div', {}, ...children));

/** Where a view shows what its actions ran into. */
export function troublePlace() {
  const node = el('div', {class: 'trouble'});
  return {node, show: problem => swap(node, problemBox(problem)), clear: () => node.replaceChildren()};
}

/** Runs it; a problem is shown there. True: it went well. */
export async function attempt(trouble, run) {
  trouble?.clear();
  try {
    await run();
    return true;
  } catch (error) {
    if (!error.problem)
      throw error;
    trouble?.show(error.problem);
    return false;
  }
}

/** A button for something that takes a moment; it cannot be pressed twice meanwhile. */
export function actionButton(label, {run, trouble, name, kind = '', title, aria, disabled} = {}) {
  const button = el('button', {type: 'button', class: `button ${kind}`, title, 'aria-label': aria, disabled},
    name ? icon(name) : null, el('span', {}, label));
  button.addEventListener('click', async () => {
    if (button.getAttribute('aria-busy') === 'true')
      return;
    button.setAttribute('aria-busy', 'true');
    try {
      await attempt(trouble, run);
    } finally {
      button.removeAttribute('aria-busy');
    }
  });
  return button;
}
