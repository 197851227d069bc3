/**
 * A text editor: a textarea with line numbers, light colouring of YAML, and errors at their lines.
 * What is seen is drawn behind the textarea; what is read, selected and typed is the textarea's.
 */
import {el, icon, unseen} from './dom.js';

const KEY = /^(\s*(?:- )?)([A-Za-z_][\w.-]*)(:)(?=\s|$)/;

function span(kind, words) {
  return words ? el('span', {class: kind}, words) : null;
}

/* A # begins a comment at the line's beginning or behind white space, outside of quotes. */
function commentAt(line) {
  let quote = '';
  for (let i = 0; i < line.length; i++) {
    const c = line[i];
    if (quote)
      quote = c === quote ? '' : quote;
    else if ((c === '"' || c === '\'') && (i === 0 || /[\s[{,:]/.test(line[i - 1])))
      quote = c;
    else if (c === '#' && (i === 0 || /\s/.test(line[i - 1])))
      return i;
  }
  return line.length;
}

function yamlLine(line) {
  const at = commentAt(line), code = line.slice(0, at), key = KEY.exec(code);
  const rest = key ? code.slice(key[0].length) : code;
  return [key ? [key[1], span('y-key', key[2]), key[3]] : null, rest, span('y-comment', line.slice(at))];
}

const plainLine = line => [line];

function keepIndent(event, area) {
  if (event.key !== 'Enter' || event.ctrlKey || event.metaKey || event.isComposing)
    return;
  const before = area.value.slice(0, area.selectionStart);
  const indent = /^ */.exec(before.slice(before.lastIndexOf('\n') + 1))[0];
  if (!indent)
    return;
  event.preventDefault();
  document.execCommand('insertText', false, `\n${indent}`); /* the only way that undo knows of */
}

/** Where a line and column (both from 1, in characters) are in the text. */
export function offsetOf(text, line, column) {
  let at = 0;
  for (let n = 1; n < line; n++) {
    const next = text.indexOf('\n', at);
    if (next < 0)
      return text.length;
    at = next + 1;
  }
  const end = text.indexOf('\n', at);
  const characters = [...text.slice(at, end < 0 ? text.length : end)];
  return at + characters.slice(0, Math.max(0, (column || 1) - 1)).join('').length;
}

/* Where in the window a drawn line's first `count` characters end. */
function rightOf(mark, count) {
  const walker = document.createTreeWalker(mark, NodeFilter.SHOW_TEXT), range = document.createRange();
  range.setStart(mark, 0);
  range.collapse(true);
  for (let left = count; walker.nextNode() && left > 0; left -= walker.currentNode.length)
    range.setEnd(walker.currentNode, Math.min(left, walker.currentNode.length));
  return count > 0 ? range.getBoundingClientRect().right : mark.getBoundingClientRect().left;
}

function lensOf(errors) {
  return el('span', {class: 'lens'}, icon('alert'), errors[0].message,
    errors.length > 1 ? ` and ${errors.length - 1} more` : '');
}

function gutterLine(n, errors) {
  return el('div', {class: errors ? 'gutter-line marked' : 'gutter-line'}, errors ? icon('alert') : null, String(n));
}

/** onchange(text), onsubmit(). {node, area, show(text, path, readonly), setErrors(errors), caret(line, column)} */
export function newEditor({onchange, onsubmit}) {
  const area = el('textarea', {class: 'editor-area', spellcheck: 'false', autocapitalize: 'off', autocomplete: 'off',
    wrap: 'off', id: 'editor-area', 'aria-describedby': 'editor-help'});
  const back = el('div', {class: 'editor-back', 'aria-hidden': 'true'});
  const gutter = el('div', {class: 'editor-gutter', 'aria-hidden': 'true'});
  const sheet = el('div', {class: 'editor-sheet'}, back, area);
  const node = el('div', {class: 'editor'}, gutter, sheet);
  const help = unseen('Tab leaves the editor. Control and Enter submits.');
  help.id = 'editor-help';
  node.append(help);
  let errors = [], lineOf = plainLine;

  const drawn = [];
  /* Only lines that differ are drawn: typing in a long file stays quick. */
  function draw() {
    const lines = area.value.split('\n');
    const byLine = new Map();
    for (const error of errors)
      if (error.line)
        byLine.set(error.line, [...byLine.get(error.line) || [], error]);
    lines.forEach((line, i) => {
      const marks = byLine.get(i + 1), signature = JSON.stringify([line, marks?.map(e => e.message), lineOf === yamlLine]);
      if (drawn[i] === signature)
        return;
      drawn[i] = signature;
      const fresh = el('div', {class: marks ? 'line marked' : 'line'}, lineOf(line), marks ? lensOf(marks) : null, line ? null : '​');
      const number = gutterLine(i + 1, marks);
      if (back.children[i]) {
        back.children[i].replaceWith(fresh);
        gutter.children[i].replaceWith(number);
      } else {
        back.append(fresh);
        gutter.append(number);
      }
    });
    while (back.children.length > lines.length) {
      back.lastChild.remove();
      gutter.lastChild.remove();
    }
    drawn.length = lines.length;
    const longest = lines.reduce((most, line) => Math.max(most, line.length), 0);
    sheet.style.setProperty('--columns', String(longest + 2));
    sheet.style.setProperty('--lines', String(lines.length));
  }

  area.addEventListener('input', () => {
    draw();
    onchange(area.value);
  });
  area.addEventListener('keydown', event => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      onsubmit();
    }
    keepIndent(event, area);
  });

  return {
    node, area,
    show(text, path, readonly) {
      lineOf = /[.]ya?ml$/.test(path) ? yamlLine : plainLine;
      area.readOnly = readonly;
      area.setAttribute('aria-label', readonly ? `${path}, read only` : path);
      if (area.value !== text)
        area.value = text;
      draw();
    },
    setErrors(list) {
      errors = list;
      area.setAttribute('aria-invalid', list.length ? 'true' : 'false');
      draw();
    },
    caret(line, column) {
      const at = offsetOf(area.value, line || 1, column);
      area.focus({preventScroll: true});
      area.setSelectionRange(at, at);
      /* In the middle of the editor, and with the beginning of the line in sight if it can be. */
      const mark = back.children[(line || 1) - 1];
      (mark || node).scrollIntoView({block: 'nearest', inline: 'nearest'});
      node.scrollTop = mark ? mark.offsetTop - node.clientHeight / 2 : 0;
      /* Sideways only if the caret would be out of sight without. */
      area.scrollLeft = node.scrollLeft = 0;
      const x = mark ? rightOf(mark, at - area.value.lastIndexOf('\n', at - 1) - 1) - node.getBoundingClientRect().left : 0;
      if (x > node.clientWidth - 16)
        node.scrollLeft = x - node.clientWidth / 2;
    },
  };
}

/** The errors as a list; each goes to its place. go(error). */
export function errorList(errors, go) {
  if (!errors.length)
    return [];
  return el('ul', {class: 'errors'}, errors.map(error => el('li', {},
    el('button', {type: 'button', class: 'error', onclick: () => go(error)},
      icon('alert'),
      el('span', {class: 'error-words'}, el('span', {class: 'error-message'}, error.message || error.text),
        error.hint ? el('span', {class: 'error-hint'}, error.hint) : null),
      el('span', {class: 'error-place num'}, placeOf(error))))));
}

const placeOf = error => [(error.file || '').split('/').pop(), error.line, error.line && error.column].filter(Boolean).join(':');
