/** The same way without a mouse: Tab, Enter, arrows and typing, nothing else. */
import {comes, is, newPage, ok, token} from './browser.mjs';
import {product} from './product.mjs';

const BUILD_MS = 300000, FLASH_MS = 60000, TABS = 120;

const focused = page => page.evaluate(() => {
  const node = document.activeElement;
  return {name: node.getAttribute('aria-label') || node.labels?.[0]?.textContent || node.textContent.trim().slice(0, 80), id: node.id,
    tag: node.tagName, type: node.type || '', className: String(node.className.baseVal ?? node.className)};
});

/* Whoever has the focus shows it. */
const shows = page => page.evaluate(() => {
  const style = getComputedStyle(document.activeElement), around = document.activeElement.closest('.editor-place');
  return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 || around !== null && getComputedStyle(around).outlineStyle !== 'none' ||
    document.activeElement.matches('.point');
});

let unseen = [];

/** Tab until it has the focus; key: Tab or Shift+Tab. */
async function tabTo(page, what, fits, key = 'Tab') {
  for (let i = 0; i < TABS; i++) {
    await page.keyboard.press(key);
    const at = await focused(page);
    if (!await shows(page) && at.tag !== 'BODY')
      unseen.push(`${at.tag} ${at.name}`);
    if (fits(at))
      return at;
  }
  throw new Error(`by keyboard, ${TABS} times Tab do not lead to ${what}`);
}

const named = (name, tag) => at => at.name.startsWith(name) && (!tag || at.tag === tag);

async function keysGo(page, keys, title) {
  for (const key of keys)
    await page.keyboard.press(key);
  await comes(`${keys.join(' ')} goes to ${title}`, page.getByRole('heading', {level: 1, name: title}).waitFor());
}

async function submits(page, text) {
  await page.keyboard.press('Control+a');
  await page.keyboard.insertText(text);
  await page.keyboard.press('Control+Enter');
}

async function mends(page) {
  const name = product.keyboard;
  await tabTo(page, 'New product', named('New product', 'BUTTON'));
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  is((await focused(page)).id, 'new-name', 'the dialog has the focus in its field');
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({state: 'detached'});
  ok(named('New product')(await focused(page)), 'Escape closes it, and the focus is back', JSON.stringify(await focused(page)));
  await page.keyboard.press('Enter');
  await page.keyboard.type(name);
  await page.keyboard.press('Enter');
  await page.locator('#editor-area').waitFor();
  await tabTo(page, 'the editor', at => at.id === 'editor-area');
  await submits(page, product.broken(name));
  await page.locator('button.error').first().waitFor();
  await tabTo(page, 'the error', at => at.className === 'error');
  await page.keyboard.press('Enter');
  const at = await page.locator('#editor-area').evaluate(node => ({has: node === document.activeElement, line: node.value.slice(0, node.selectionStart).split('\n').length}));
  is(at.has && at.line, product.brokenLine(name), 'by keyboard: Enter on an error puts the caret there');
  await submits(page, product.good(name));
  await comes('by keyboard: mended, it is valid', page.locator('.verdict .badge.good').waitFor());
}

async function buildsAndFlashes(page) {
  await tabTo(page, 'Build', named('Build', 'BUTTON'), 'Shift+Tab');
  await page.keyboard.press('Enter');
  await page.waitForURL(/#\/jobs\/\d+$/);
  await comes('by keyboard: the build ends well', page.locator('.big-state.good').waitFor({timeout: BUILD_MS}));
  await tabTo(page, 'Image', named('Image', 'A'));
  while (!/^Image$/.test((await focused(page)).name))
    await tabTo(page, 'the image', named('Image', 'A'));
  await page.keyboard.press('Enter');
  await page.locator('.treemap .box').first().waitFor();
  await tabTo(page, 'the picture', at => /\bbox\b/.test(at.className));
  const first = (await focused(page)).name;
  await page.keyboard.press('ArrowRight');
  ok((await focused(page)).name !== first, 'an arrow goes to another part', first);
  await page.keyboard.press('Home');
  await page.keyboard.press('Enter');
  is(await page.locator('.trail button').count(), 1, 'Enter goes into a part');
  ok(/\bbox\b/.test((await focused(page)).className), 'the focus goes in, too');
  await page.keyboard.press('Backspace');
  is(await page.locator('.trail button').count(), 0, 'Backspace goes out');
  await tabTo(page, 'Flash', at => at.id === 'flash-button', 'Shift+Tab');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').getByRole('radio', {disabled: false}).first().waitFor();
  await tabTo(page, 'a board', at => at.type === 'radio');
  await page.keyboard.press('Space');
  await tabTo(page, 'Flash in the dialog', named('Flash', 'BUTTON'));
  await page.keyboard.press('Enter');
  await page.waitForURL(/#\/jobs\/\d+$/);
  await comes('by keyboard: the board passes', page.locator('.big-state', {hasText: 'PASS'}).waitFor({timeout: FLASH_MS}));
}

export async function byKeyboard() {
  const page = await newPage();
  unseen = [];
  await page.getByLabel('Token').waitFor();
  is((await focused(page)).id, 'token', 'the token’s field has the focus');
  await page.keyboard.type(token);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', {level: 1, name: 'Products'}).waitFor();
  await keysGo(page, ['g', 'j'], 'Jobs');
  await keysGo(page, ['g', 'i'], 'Images');
  await keysGo(page, ['g', 'r'], 'Records');
  await keysGo(page, ['g', 'p'], 'Products');
  await page.keyboard.press('/');
  ok((await focused(page)).type === 'search', '/ goes to the search');
  await page.keyboard.press('Tab');
  await page.keyboard.press('?');
  await comes('? shows the keys', page.getByRole('dialog', {name: 'Keys'}).waitFor());
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({state: 'detached'});
  await page.reload();
  await page.getByRole('heading', {level: 1, name: 'Products'}).waitFor();
  await page.keyboard.press('Tab');
  is((await focused(page)).id, 'skip', 'the first Tab is the way past the navigation');
  await page.keyboard.press('Enter');
  is((await focused(page)).id, 'main', 'it leads to the content');
  await mends(page);
  await buildsAndFlashes(page);
  is([...new Set(unseen)].join('\n'), '', 'whatever had the focus showed it');
  is(page.faults.join('\n'), '', 'by keyboard: no errors on the console');
  await page.context().close();
}
