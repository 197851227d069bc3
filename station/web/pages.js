/** A list that is longer than a page: the first page is live, older ones come with a button. */
import {el, icon} from './dom.js';
import {problemBox} from './notice.js';
import {query} from './api.js';

/** show(items, complete) is called whenever something changed. Returns the node below the list. */
export function pagedList(scope, base, filters, key, show) {
  const pages = [], ends = [];
  const node = el('div', {class: 'more'});
  const more = el('button', {type: 'button', class: 'button', onclick: () => add(pages.at(-1).next)}, icon('down'), 'Older');

  function draw(problem) {
    const seen = new Set(), items = [];
    for (const item of pages.flatMap(page => page?.items || []))
      if (!seen.has(item[key]) && seen.add(item[key]))
        items.push(item);
    if (pages[0])
      show(items);
    const next = pages.at(-1)?.next;
    const children = problem && !pages[0] ? [problemBox(problem)] : next ? [more] : [];
    if (node.firstChild !== (children[0] || null))
      node.replaceChildren(...children);
  }

  function add(cursor) {
    const at = pages.push(null) - 1;
    const end = scope.use(query(base, {...filters, cursor}), (page, problem) => {
      pages[at] = page || pages[at];
      draw(problem);
    });
    ends.push(end);
  }
  add();
  return {node, end: () => ends.forEach(end => end())};
}
