/** The memories of an image as bars: RAM by what lies in it, the linker's regions, the sections. */
import {el} from './dom.js';
import {bytes, number, percent} from './format.js';

const RAM = [['data', 'initialised data'], ['bss', 'zeroed data'], ['heap', 'MicroPython’s heap'], ['stack', 'stack']];

export function ramBar(ram) {
  const whole = RAM.reduce((sum, [key]) => sum + ram[key], 0);
  const some = RAM.filter(([key]) => ram[key] > 0);
  return el('div', {class: 'ram'},
    el('div', {class: 'stack-bar', 'aria-hidden': 'true'}, some.map(([key]) =>
      el('span', {class: `ram-${key}`, style: {'flex-grow': String(ram[key] / whole)}, title: `${key}: ${bytes(ram[key])}`}))),
    el('ul', {class: 'legend big'}, some.map(([key, words]) => el('li', {title: words}, el('span', {class: `swatch ram-${key}`}),
      el('span', {}, key), el('span', {class: 'num'}, ` ${bytes(ram[key])}`), el('span', {class: 'num dim'}, ` ${percent(ram[key], whole)}`)))));
}

/* Heap and stack take all of a RAM, as they should: only what is nearly full, and not by design, stands out. */
function regionRow(region) {
  const part = region.size ? region.used / region.size : 0;
  return el('li', {class: 'region'},
    el('div', {class: 'region-head'}, el('span', {class: 'region-name'}, region.name), el('span', {class: 'dim mono'}, region.address),
      el('span', {class: 'gap'}), el('span', {class: 'num'}, `${bytes(region.used)} of ${bytes(region.size)}`)),
    el('div', {class: 'stack-bar thin', 'aria-hidden': 'true'}, el('span', {class: part > 0.95 && region.free_at_end > 0 ? 'used full' : 'used', style: {'flex-grow': String(part)}}),
      el('span', {class: 'free', style: {'flex-grow': String(Math.max(0, 1 - part))}})),
    el('div', {class: 'region-foot num dim'}, `${percent(region.used, region.size)} used, ${bytes(region.free_at_end)} free at the end`));
}

export const regionBars = regions => el('ul', {class: 'regions'}, regions.map(regionRow));

const head = (...titles) => el('thead', {}, el('tr', {}, titles.map((title, i) => el('th', {scope: 'col', class: i ? 'right' : ''}, title))));
const cells = values => values.map(value => el('td', {class: 'num right'}, typeof value === 'number' ? value ? number(value) : '–' : value));
const place = (caption, ...children) => el('div', {class: 'scroll', tabindex: '0', role: 'region', 'aria-label': caption},
  el('table', {class: 'table'}, el('caption', {class: 'unseen'}, caption), ...children));

export const sectionTable = sections => place('Sections', head('Section', 'Address', 'Bytes', 'In'),
  el('tbody', {}, sections.map(s => el('tr', {}, el('th', {scope: 'row', class: 'mono'}, s.name), el('td', {class: 'mono right'}, s.address),
    el('td', {class: 'num right'}, number(s.size)), el('td', {class: 'right'}, [s.flash && 'flash', s.ram && 'RAM'].filter(Boolean).join(', '))))));

export function moduleTable(size) {
  const modules = size.modules;
  if (!modules.length)
    return el('p', {class: 'dim'}, 'No module is frozen into this image.');
  const whole = modules.reduce((sum, m) => sum + m.flash, 0) + size.modules_shared;
  return place('Frozen modules', head('Frozen module', 'Flash', 'Bytecode', 'Constants', 'Qstrs', 'Source', 'Names'),
    el('tbody', {}, modules.map(m => el('tr', {}, el('th', {scope: 'row', class: 'mono'}, m.name),
      cells([m.flash, m.bytecode, m.constants, m.qstrs, m.source, m.names]))),
    el('tr', {}, el('th', {scope: 'row', class: 'dim'}, 'lists and qstr pool'), cells([size.modules_shared, '', '', '', '', '']))),
    el('tfoot', {}, el('tr', {}, el('th', {scope: 'row'}, `${modules.length} together`), cells([whole, '', '', '', '', '']))));
}

export const cModuleTable = modules => place('C modules', head('C module', 'Flash', 'RAM'),
  el('tbody', {}, modules.map(m => el('tr', {}, el('th', {scope: 'row', class: 'mono'}, m.name), cells([m.flash, m.ram])))));
