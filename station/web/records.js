/** Records: what was done, by whom, each with the hash of the one before it. */
import {el, icon} from './dom.js';
import {moment, number} from './format.js';
import {pagedList} from './pages.js';
import {column, emptyPlace, table} from './table.js';

const KINDS = ['product', 'build', 'image', 'device', 'flash', 'release', 'token'];
const DIGEST = /^[0-9a-f]{64}$/;
const SHOWN = 10;

/* What was done to what is read first; phases and sums of files are for those who look closer. */
const FIRST = ['product', 'name', 'title', 'version', 'state', 'reason', 'path', 'serial', 'image', 'job', 'by', 'submitted_by', 'board', 'role', 'flash', 'ram', 'verified', 'bundle'];

function inOrder(fields) {
  const place = ([name]) => FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length + (name.includes('.') ? 1 : 0);
  return fields.filter(([, value]) => value !== null).sort((a, b) => place(a) - place(b));
}

/** {a: {b: 1}} -> [['a.b', 1]] */
function flatten(value, name = '') {
  if (value === null || typeof value !== 'object')
    return [[name, value]];
  return Object.entries(value).flatMap(([key, inner]) => flatten(inner, name ? `${name}.${key}` : key));
}

function valueOf(name, value) {
  const words = value === null ? '–' : String(value);
  if (DIGEST.test(words)) {
    const short = el('code', {title: words}, words.slice(0, 12));
    return /image|digest/.test(name) && !/bundle|manifest|segment/.test(name) ? el('a', {href: `#/images/${words}`}, short) : short;
  }
  if (typeof value === 'number' && /bytes|size|flash|ram/.test(name))
    return number(value);
  return name === 'job' ? el('a', {href: `#/jobs/${words}`}, words) : words;
}

function bodyOf(record) {
  const fields = inOrder(flatten(record.body));
  const field = ([name, value]) => el('div', {}, el('dt', {}, name.replace(/_/g, ' ')), el('dd', {class: 'num'}, valueOf(name, value)));
  return [el('dl', {class: 'fields'}, fields.slice(0, SHOWN).map(field)),
    fields.length > SHOWN ? el('details', {}, el('summary', {}, `${fields.length - SHOWN} more`), el('dl', {class: 'fields'}, fields.slice(SHOWN).map(field))) : null];
}

const columns = [
  column('Number', record => String(record.seq), {className: 'num'}),
  column('When', record => [moment(record.at), el('span', {class: 'row-note narrow'}, record.kind)], {className: 'num when'}),
  column('Kind', record => record.kind, {className: 'wide'}),
  column('What', bodyOf, {className: 'record-body'}),
  column('Hash', record => el('code', {title: `${record.hash}\nbefore it: ${record.previous}`}, record.hash.slice(0, 12)), {className: 'wide'}),
];

export function recordsView(scope, search) {
  const filters = Object.fromEntries(new URLSearchParams(search || ''));
  const place = el('div');
  let list = null, timer = 0;
  function show() {
    list?.end();
    const words = new URLSearchParams(Object.entries(filters).filter(([, value]) => value)).toString();
    history.replaceState(null, '', words ? `#/records?${words}` : '#/records');
    const rows = table('Records', columns, record => record.seq, emptyPlace(words ? 'No record is like that' : 'No record yet'));
    list = pagedList(scope, '/v1/records', filters, 'seq', items => rows.update(items));
    place.replaceChildren(rows.node, list.node);
  }
  const field = el('input', {type: 'search', 'data-search': true, 'aria-label': 'Search records', placeholder: 'Search', value: filters.q || '', oninput: () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      filters.q = field.value.trim();
      show();
    }, 300);
  }});
  scope.add(() => clearTimeout(timer));
  const kind = el('select', {id: 'record-kind', onchange: () => {
    filters.kind = kind.value;
    show();
  }}, el('option', {value: ''}, 'any'), KINDS.map(value => el('option', {value}, value)));
  kind.value = filters.kind || '';
  show();
  const download = (end, words) => el('a', {class: 'button', href: `/v1/records${end}`, download: `records${end}`}, icon('download'), words);
  return {title: 'Records', node: el('div', {}, el('div', {class: 'view-head'}, el('div', {}, el('h1', {tabindex: '-1'}, 'Records'),
    el('p', {class: 'lead'}, 'Only ever added to. Each holds the hash of the one before it.')),
  el('div', {class: 'actions filters'}, el('span', {class: 'search'}, icon('search'), field),
    el('div', {class: 'filter'}, el('label', {for: 'record-kind'}, 'Kind'), kind), download('.csv', 'CSV'), download('.jsonl', 'JSON Lines'))), place)};
}
