/** One image: what it is, its files, where its flash and RAM go. */
import {filePath, path as apiPath, post} from './api.js';
import {el, fillView, icon, slot, swap} from './dom.js';
import {flashDialog} from './flash.js';
import {bytes, moment} from './format.js';
import {cModuleTable, moduleTable, ramBar, regionBars, sectionTable} from './memory.js';
import {attempt, note, problemBox, say, troublePlace} from './notice.js';
import {sizePlot} from './plot.js';
import {setTitle} from './router.js';
import {may} from './session.js';
import {load} from './store.js';
import {treemap} from './treemap.js';

const LEADING = ['.dfu', '.hex', '.bin', '.elf'];
const rank = name => (at => at < 0 ? LEADING.length : at)(LEADING.findIndex(end => name.endsWith(end))) + (/\.(app|pack)\.dfu$/.test(name) ? 0.5 : 0);

export function copyButton(value, what) {
  const words = el('span', {}, 'Copy');
  return el('button', {type: 'button', class: 'button small', 'aria-label': `Copy ${what}`, onclick: async () => {
    const done = await navigator.clipboard?.writeText(value).then(() => true, () => false);
    words.textContent = done ? 'Copied' : 'Select and copy it';
    say(words.textContent);
    setTimeout(() => (words.textContent = 'Copy'), 2000);
  }}, icon('copy'), words);
}

function fileLinks(image) {
  if (!image.here)
    return note('idle', 'minus', el('p', {}, 'Its files are not here: they were cleaned away, or lie at another station. Build it again to have them.'));
  const files = image.files.slice().sort((a, b) => rank(a.name) - rank(b.name) || a.name.localeCompare(b.name, 'en'));
  return el('ul', {class: 'downloads'}, files.map((file, i) => el('li', {}, el('a', {class: `button ${i ? '' : 'primary'}`, download: file.name,
    href: filePath('images', image.digest, file.name)}, icon('download'), el('span', {class: 'file-path'}, file.name), el('span', {class: 'num file-size'}, bytes(file.bytes))))));
}

function releaseSwitch(image, trouble) {
  const release = event => attempt(trouble, async () => {
    const box = event.target;
    try {
      await post(`${apiPath('images', image.digest)}/release`, {released: box.checked});
    } catch (error) {
      box.checked = image.released;
      throw error;
    }
    await load(apiPath('images', image.digest));
  });
  if (!may('engineer'))
    return image.released ? el('p', {class: 'badge good'}, icon('pin'), 'Released') : null;
  return el('label', {class: 'check switch-box'}, el('input', {type: 'checkbox', role: 'switch', checked: image.released, onchange: release}),
    el('span', {}, 'Released', el('span', {class: 'help'}, 'A released image is never cleaned away.')));
}

const fact = (name, value) => value ? el('div', {}, el('dt', {}, name), el('dd', {class: 'num'}, value)) : null;

function facts(image) {
  const car = image.sidecar || {};
  const source = car.source && [car.source.ref, car.source.commit && car.source.commit.slice(0, 12)].filter(Boolean).join(', ');
  return el('dl', {class: 'facts'}, fact('Board', image.board), fact('Flash', bytes(image.bytes)), fact('RAM', bytes(image.ram)),
    fact('Built', moment(image.built_at)), fact('Job', image.job && el('a', {href: `#/jobs/${image.job}`}, String(image.job))),
    fact('Product', image.product && el('a', {href: `#/products/${encodeURIComponent(image.product)}`}, image.product)),
    fact('Station', image.station), fact('Source', source),
    fact('Toolchain', car.toolchain && [car.toolchain.name, car.toolchain.version].filter(Boolean).join(' ')));
}

const unreleasable = image => (why => why && (!Array.isArray(why) || why.length) ? note('warn', 'alert', el('p', {class: 'notice-title'}, 'Not fit for a release'),
  [why].flat().map(words => el('p', {}, typeof words === 'string' ? words : JSON.stringify(words)))) : [])(image.sidecar?.unreleasable);

const sheet = (title, ...children) => el('section', {class: 'sheet'}, el('h2', {}, title), ...children);

function sizeParts(scope, size) {
  const map = treemap(scope);
  const node = el('section', {class: 'sheet map-part'}, el('h2', {}, 'Where the memory goes'), map.node);
  requestAnimationFrame(() => map.update(size));
  return [node, el('div', {class: 'halves'}, sheet('RAM', ramBar(size.ram)), sheet('Memories', regionBars(size.regions))),
    sheet('Frozen modules', moduleTable(size)), size.c_modules.length ? sheet('C modules', cModuleTable(size.c_modules)) : null,
    sheet('Sections', sectionTable(size.sections))];
}

function imageParts(scope, first) {
  const trouble = troublePlace(), plot = sizePlot(scope);
  const buttons = slot(el('div', {class: 'actions'}), image => may('operate') && image.here ? el('button', {type: 'button', class: 'button primary', id: 'flash-button',
    onclick: () => flashDialog({image: image.digest}, `${image.name} ${image.version}`)}, icon('flash'), 'Flash') : [], image => image.here);
  const about = slot(el('div'), facts, i => [i.digest, i.built_at, i.job, i.station]);
  const files = slot(el('div'), fileLinks, i => [i.files, i.here]);
  const release = slot(el('div'), image => releaseSwitch(image, trouble), i => i.released);
  const warning = slot(el('div', {class: 'warning-place'}), unreleasable, i => i.sidecar?.unreleasable);
  const size = slot(el('div', {class: 'size-parts'}), image => image.size ? sizeParts(scope, image.size) :
    el('p', {class: 'dim'}, 'Of this image it is not known what its size is made of.'), i => i.digest);
  const node = el('div', {}, el('div', {class: 'view-head'}, el('div', {}, el('p', {class: 'crumbs'}, el('a', {href: '#/images'}, 'Images')),
    el('h1', {tabindex: '-1'}, `${first.name} ${first.version}`), el('p', {class: 'lead'}, `for ${first.board}`)), buttons.node), trouble.node, warning.node,
  el('div', {class: 'image-grid'}, el('section', {class: 'sheet'}, el('h2', {class: 'unseen'}, 'About'), about.node,
    el('div', {class: 'digest'}, el('span', {class: 'dim'}, 'SHA-256'), el('code', {}, first.digest), copyButton(first.digest, 'the digest')), release.node),
  el('section', {class: 'sheet'}, el('h2', {}, 'Files'), files.node)),
  size.node, el('section', {class: 'sheet'}, el('h2', {}, 'Size from image to image'), plot.node));
  let shown = null;
  return {node, update: image => {
    [buttons, about, files, release, warning, size].forEach(part => part.update(image));
    const signature = JSON.stringify(image.history);
    if (signature !== shown)
      plot.update(image.history, image.digest);
    shown = signature;
  }};
}

export function imageView(scope, digest) {
  const place = el('div', {}, el('h1', {class: 'unseen', tabindex: '-1'}, 'Image'));
  let parts = null;
  scope.use(apiPath('images', digest), (image, problem) => {
    if (!image)
      return problem && swap(place, el('h1', {tabindex: '-1'}, 'Image'), problemBox(problem));
    if (!parts) {
      parts = imageParts(scope, image);
      fillView(place, parts.node);
      setTitle(`${image.name} ${image.version}`);
    }
    parts.update(image);
  });
  return {title: 'Image', node: place};
}
