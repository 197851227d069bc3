/** Flashing: which board? Then a job. */
import {idempotencyKey, post} from './api.js';
import {openDialog} from './dialog.js';
import {el, icon, slot} from './dom.js';
import {sawJob} from './live.js';
import {actionButton, troublePlace} from './notice.js';
import {go} from './router.js';
import {newScope} from './scope.js';

export async function flash(what, path) {
  const job = await post('/v1/jobs', {kind: 'flash', ...what, path}, idempotencyKey());
  sawJob(job);
  return job;
}

/** Why a board cannot be chosen; null if it can. */
const obstacle = device => device.unusable ? [device.unusable.reason, device.unusable.hint].filter(Boolean).join('. ') :
  device.job ? `Job ${device.job} works on it` : device.in_use ? 'Another program has it' : null;

export const deviceName = device => device.name || device.dialect || `${device.vendor}:${device.product}`;

function deviceOption(device, chosen, choose) {
  const why = obstacle(device);
  return el('label', {class: 'device-option'},
    el('input', {type: 'radio', name: 'device', id: `device-${device.path}`, value: device.path, checked: device.path === chosen, disabled: Boolean(why),
      onchange: () => choose(device.path)}),
    el('span', {class: 'device-path num'}, device.path),
    el('span', {class: 'device-words'}, el('span', {}, deviceName(device)),
      el('span', {class: 'row-note num'}, [device.mode, device.serial, device.state].filter(Boolean).join(' · ')),
      why ? el('span', {class: 'row-note'}, icon('alert'), why) : null));
}

const none = () => el('div', {class: 'empty'}, el('p', {class: 'empty-title'}, 'No board is there'),
  el('p', {}, 'Connect one by USB and bring it into its boot loader. It appears here by itself.'));

/** what: {image: DIGEST} or {job: ID}; name: for people. preferred: the board that is chosen at first. */
export function flashDialog(what, name, preferred = null) {
  const scope = newScope(), trouble = troublePlace();
  let chosen = preferred, devices = [];
  const list = slot(el('fieldset', {class: 'device-options'}), items => [el('legend', {class: 'unseen'}, 'Board'),
    items.length ? items.map(device => deviceOption(device, chosen, choose)) : none()],
  items => items.map(({layout, targets, ...rest}) => rest));
  const start = actionButton('Flash', {name: 'flash', kind: 'primary', trouble, disabled: true, run: async () => {
    const job = await flash(what, chosen);
    dialog.close();
    go(`#/jobs/${job.id}`);
  }});
  function choose(path) {
    chosen = path;
    start.disabled = !devices.some(device => device.path === chosen && !obstacle(device));
  }
  const dialog = openDialog(name ? `Flash ${name}` : 'Flash', close => [
    el('p', {class: 'help'}, 'The board’s flash is compared, what differs is written, and all of it is read back.'),
    list.node, trouble.node, el('div', {class: 'actions end'}, el('button', {type: 'button', class: 'button', onclick: close}, 'Cancel'), start)],
  {onclose: scope.end});
  scope.use('/v1/devices', (found, problem) => {
    if (!found)
      return problem && trouble.show(problem);
    devices = found.items;
    const free = devices.filter(device => !obstacle(device));
    if (!free.some(device => device.path === chosen))
      chosen = free.length === 1 ? free[0].path : null;
    list.update(devices);
    choose(chosen);
  });
}
