/** The page of firnd, used once by mouse and once by keyboard alone; then each view is looked at. */
import {axeFaults, base, comes, done, goTo, is, logIn, newPage, ok, overflow, picture, token} from './browser.mjs';
import {byKeyboard} from './keyboard.mjs';
import {product, removeProducts} from './product.mjs';

const BUILD_MS = 300000, FLASH_MS = 60000;

async function wrongToken() {
  const page = await newPage();
  await page.getByLabel('Token').fill('firn_0000000000000000_' + '0'.repeat(64));
  await page.getByRole('button', {name: 'Log in'}).click();
  await comes('a wrong token is told in place', page.getByRole('alert').filter({hasText: 'token'}).waitFor());
  is(await page.getByLabel('Token').evaluate(node => node === document.activeElement), true, 'the field has the focus again');
  ok(await axeFaults(page) === '', 'log in: nothing serious for axe', await axeFaults(page));
  await picture(page, 'log-in-refused');
  await page.context().close();
}

async function writesManifest(page, name) {
  await page.getByRole('button', {name: 'New product'}).click();
  await page.getByLabel('Name').fill(name);
  await page.getByRole('button', {name: 'Write its manifest'}).click();
  const area = page.locator('#editor-area');
  await area.waitFor();
  await area.fill(product.broken(name));
  await page.getByRole('button', {name: 'Submit'}).click();
  const fault = page.locator('button.error').first();
  await comes('an error of the manifest is shown', fault.waitFor());
  const line = product.brokenLine(name);
  ok((await fault.textContent()).includes(`manifest.yaml:${line}`), 'with its place', await fault.textContent());
  is(await page.locator('.gutter-line.marked').first().textContent(), String(line), 'its line is marked');
  await fault.click();
  is(await area.evaluate(node => node.value.slice(0, node.selectionStart).split('\n').length), line, 'a click puts the caret there');
  is(await page.locator('.editor').evaluate(node => [node.scrollLeft, node.querySelector('textarea').scrollLeft].join()), '0,0', 'with the beginning of the line in sight');
  ok(await axeFaults(page) === '', 'product with an error: nothing serious for axe', await axeFaults(page));
  await picture(page, 'product-error');
  await area.fill(product.good(name));
  await page.getByRole('button', {name: 'Submit'}).click();
  await comes('mended, it is valid', page.locator('.verdict .badge.good').waitFor());
}

/* Two who change the same product: the second is told, and nothing is lost. */
async function conflicts(page, name) {
  const files = [{path: 'manifest.yaml', text: product.good(name)}, {path: 'main.py', text: 'print("theirs")\n'}];
  await page.locator('#editor-area').fill(`${product.good(name)}# mine\n`);
  await asEngineer('PUT', `/v1/products/${name}`, {files, build: false});
  await page.waitForTimeout(1500);
  ok((await page.locator('#editor-area').inputValue()).endsWith('# mine\n'), 'what is being typed is not taken away by another’s change');
  await page.getByRole('button', {name: 'Submit'}).click();
  await comes('another’s change is told', page.getByText('Somebody else has changed this product').waitFor());
  await picture(page, 'product-conflict');
  await page.getByRole('button', {name: 'Take theirs'}).click();
  await comes('theirs can be taken', page.waitForFunction(() => !document.querySelector('#editor-area').value.includes('# mine')));
  await page.locator('.verdict .badge.good').waitFor();
}

async function builds(page) {
  await page.locator('.view-head').getByRole('button', {name: 'Build'}).click();
  await comes('the job is shown', page.waitForURL(/#\/jobs\/\d+$/));
  const bar = page.locator('.now [role=progressbar]');
  await comes('progress is shown as it happens', page.waitForFunction(() => Number(document.querySelector('.now [role=progressbar]')?.getAttribute('aria-valuenow')) > 0, null, {timeout: BUILD_MS}));
  const before = Number(await bar.getAttribute('aria-valuenow'));
  await comes('it moves without a reload', page.waitForFunction(was => {
    const now = document.querySelector('.now [role=progressbar]')?.getAttribute('aria-valuenow');
    return (now !== null && now !== undefined && Number(now) !== was) || document.querySelector('.big-state.good');
  }, before, {timeout: BUILD_MS}));
  await picture(page, 'job-running', false);
  await comes('the log has begun', page.locator('.log-line').first().waitFor({timeout: BUILD_MS}));
  await comes('the build ends well', page.locator('.big-state.good').waitFor({timeout: BUILD_MS}));
  ok(await page.locator('.phase').count() > 1, 'its phases are listed');
  await page.getByRole('link', {name: 'Image', exact: true}).click();
  await comes('its image is shown', page.waitForURL(/#\/images\/[0-9a-f]{64}$/));
}

/* Groups with room in which less than nine tenths of the place is covered by boxes of their parts, on top of them. */
const emptyGroups = page => page.evaluate(() => {
  const place = node => node.getBoundingClientRect(), boxes = [...document.querySelectorAll('.treemap .box')];
  const groups = boxes.filter(node => node.tagName === 'BUTTON' && !node.classList.contains('inner') && place(node).width > 74 && place(node).height > 52);
  const covered = group => {
    const {left, top, right, bottom} = place(group);
    let hits = 0, points = 0;
    for (let x = left + 8; x < right - 8; x += 12)
      for (let y = top + 26; y < bottom - 8; y += 12, points++)
        hits += boxes.some((box, i) => i > boxes.indexOf(group) && box.classList.contains('inner') && place(box).left <= x + 1 && place(box).right >= x - 1 &&
          place(box).top <= y + 1 && place(box).bottom >= y - 1);
    return points ? hits / points : 0;
  };
  return groups.length ? groups.filter(group => covered(group) < 0.9).map(group => group.getAttribute('aria-label')) : ['no group at all'];
});

async function looksAtImage(page) {
  await page.locator('.treemap .box').first().waitFor();
  const boxes = await page.locator('.treemap .box').count();
  ok(boxes > 20, 'the picture has many parts', `${boxes}`);
  const empty = await emptyGroups(page);
  is(empty.join(', '), '', 'each large group in the picture shows its parts');
  const [download] = await Promise.all([page.waitForEvent('download'), page.locator('.downloads a').first().click()]);
  ok(download.suggestedFilename().endsWith('.dfu'), 'the first download is the .dfu', download.suggestedFilename());
  is(await download.failure(), null, 'it is downloaded');
  await page.locator('.treemap .box.head').first().click({position: {x: 20, y: 8}});
  is(await page.locator('.trail button').count(), 1, 'a click goes into a part');
  await page.locator('.trail button').first().click();
  is(await page.locator('.trail button').count(), 0, 'and out of it');
  await picture(page, 'image-made');
}

async function flashes(page) {
  await page.locator('#flash-button').click();
  const dialog = page.getByRole('dialog');
  const board = dialog.getByRole('radio', {disabled: false}).first();
  await comes('the dialog lists boards', board.waitFor());
  ok(await axeFaults(page) === '', 'flash dialog: nothing serious for axe', await axeFaults(page));
  await picture(page, 'flash-dialog', false);
  await board.check();
  await dialog.getByRole('button', {name: 'Flash'}).click();
  await page.waitForURL(/#\/jobs\/\d+$/);
  await comes('the board passes', page.locator('.big-state', {hasText: 'PASS'}).waitFor({timeout: FLASH_MS}));
  const size = await page.locator('.big-state').evaluate(node => parseFloat(getComputedStyle(node).fontSize));
  ok(size >= 64, 'readable from far away', `${size} px`);
  const moment = page.locator('.job-about time').first();
  ok(/^(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d$/.test(await moment.textContent()), 'times are short', await moment.textContent());
  ok(/^\d{4}-.*T/.test(await moment.getAttribute('datetime')) && /\d{4}/.test(await moment.getAttribute('title')), 'and tell all of it when pointed at');
  await comes('after PASS its phases are listed', page.locator('.phase').nth(1).waitFor());
  await comes('and its result', page.getByRole('heading', {name: 'Result'}).waitFor());
  await picture(page, 'flash-pass', false);
}

async function byMouse() {
  const page = await newPage();
  await logIn(page);
  await writesManifest(page, product.mouse);
  await conflicts(page, product.mouse);
  await builds(page);
  await looksAtImage(page);
  await flashes(page);
  const hashes = {job: new URL(page.url()).hash, image: await page.evaluate(async () =>
    `#/images/${(await (await fetch('/v1/images?limit=1')).json()).items[0].digest}`)};
  is(page.faults.join('\n'), '', 'by mouse: no errors on the console');
  is(page.foreign.join('\n'), '', 'by mouse: no requests to others');
  await page.context().close();
  return hashes;
}

/* Text from outside stays text, wherever it is shown. */
async function staysText(page) {
  is(await page.evaluate(() => document.querySelectorAll('main script, main img, main iframe').length), 0, 'no markup came from data');
}

async function eachView(hashes) {
  const views = {products: '#/products', product: `#/products/${product.mouse}`, jobs: '#/jobs', job: hashes.job, images: '#/images',
    image: hashes.image, devices: '#/devices', records: '#/records', status: '#/status'};
  for (const [look, options] of [['light', {colorScheme: 'light'}], ['dark', {colorScheme: 'dark'}],
    ['phone', {colorScheme: 'light', viewport: {width: 390, height: 844}}], ['narrow', {colorScheme: 'dark', viewport: {width: 360, height: 740}}]]) {
    const page = await newPage(options);
    await picture(page, `log-in-${look}`);
    await logIn(page);
    for (const [name, hash] of Object.entries(views)) {
      await goTo(page, hash);
      await page.waitForLoadState('networkidle', {timeout: 2000}).catch(() => {}); /* the stream of events never ends */
      await page.locator('main h1').first().waitFor();
      await page.waitForTimeout(300);
      const faults = await axeFaults(page);
      ok(faults === '', `${name}, ${look}: nothing serious for axe`, faults);
      ok(await overflow(page) <= 0, `${name}, ${look}: no wider than the window`, `${await overflow(page)} px`);
      await picture(page, `${name}-${look}`);
      await staysText(page);
    }
    is(page.faults.join('\n'), '', `${look}: no errors on the console`);
    is(page.foreign.join('\n'), '', `${look}: no requests to others`);
    await page.context().close();
  }
}

/* The stream of events is refused for a while: said calmly, and over by itself. */
async function comesBack() {
  const page = await newPage();
  const away = route => route.fulfill({status: 503, contentType: 'text/plain', body: 'away'});
  await page.route('**/v1/events**', away);
  await logIn(page);
  await comes('a daemon that is away is told', page.getByText('The daemon does not answer at the moment').waitFor());
  ok(await page.locator('.indicator[data-state=away]').isVisible(), 'the indicator says so, too');
  await picture(page, 'away');
  await page.unroute('**/v1/events**', away);
  await comes('the page goes on by itself', page.locator('.indicator[data-state=connected]').waitFor());
  is(await page.getByText('The daemon does not answer at the moment').count(), 0, 'and says no more that it is away');
  await page.getByRole('button', {name: 'Log out'}).click();
  await comes('log out', page.getByLabel('Token').waitFor());
  await page.context().close();
}

const asEngineer = (method, path, body) => fetch(`${base}${path}`, {method, body: body && JSON.stringify(body),
  headers: {Authorization: `Bearer ${token}`, 'Content-Type': 'application/json'}});

/* One who may only look is offered nothing else; a name that is markup stays text; a revoked token ends the session. */
async function mayOnlyLook() {
  const name = '<img src=x><b>wall</b>';
  const made = await (await asEngineer('POST', '/v1/tokens', {name, role: 'view', days: 1})).json();
  const engineer = await newPage();
  await logIn(engineer);
  await goTo(engineer, '#/status');
  await comes('a name that is markup is shown as text', engineer.getByRole('rowheader', {name}).waitFor());
  await staysText(engineer);
  await engineer.context().close();
  const page = await newPage();
  await logIn(page, made.token);
  is(await page.getByRole('button', {name: /^(Build|New product)/}).count(), 0, 'view: no builds, no new products');
  await goTo(page, `#/products/${product.mouse}`);
  await page.locator('.editor .line').first().waitFor();
  is(await page.getByRole('button', {name: /^(Submit|Build|Remove|New file)/}).count(), 0, 'view: a product cannot be changed');
  ok(await page.locator('#editor-area').evaluate(node => node.readOnly), 'view: its text is to be read only');
  await asEngineer('DELETE', `/v1/tokens/${made.id}`);
  await goTo(page, '#/jobs?state=failed');
  await comes('a revoked token leads to the log-in', page.getByLabel('Token').waitFor());
  await page.context().close();
}

try {
  await removeProducts(base, token);
  await wrongToken();
  const hashes = await byMouse();
  await byKeyboard();
  await eachView(hashes);
  await mayOnlyLook();
  await comesBack();
} catch (error) {
  ok(false, 'the tests went through', error.stack);
} finally {
  await removeProducts(base, token).catch(() => {});
  await done();
}
