/** Dialogs: the browser's own <dialog>, so that focus stays in, and Escape closes. */
import {el, icon} from './dom.js';

let number = 0;

/** {node, close()}; content(close) gives the children. The focus goes back to where it was. */
export function openDialog(title, content, {wide = false, onclose} = {}) {
  const id = `dialog-${++number}`;
  const back = document.activeElement;
  const node = el('dialog', {class: wide ? 'dialog wide' : 'dialog', 'aria-labelledby': id});
  const close = () => node.close();
  node.append(el('header', {class: 'dialog-head'}, el('h2', {id}, title),
    el('button', {type: 'button', class: 'button quiet square', 'aria-label': 'Close', onclick: close}, icon('cross'))),
  el('div', {class: 'dialog-body'}, ...[content(close)].flat()));
  node.addEventListener('close', () => {
    node.remove();
    onclose?.();
    if (back?.isConnected && document.activeElement === document.body)
      back.focus({preventScroll: true});
  });
  node.addEventListener('click', event => {
    if (event.target === node)
      close();
  });
  document.body.append(node);
  node.showModal();
  node.querySelector('[autofocus]')?.focus();
  return {node, close};
}

/** Asks before something that cannot be taken back. run() does it. */
export function confirmDialog(title, message, label, button) {
  return openDialog(title, close => [
    el('p', {}, message),
    el('div', {class: 'actions end'},
      el('button', {type: 'button', class: 'button', autofocus: true, onclick: close}, 'Keep it'),
      button(close, label)),
  ]);
}
