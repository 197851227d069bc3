/**
 * A browser that uses the page as people do, and tells what it found as TAP.
 *
 *     FIRND_URL    where the daemon is: http://127.0.0.1:8350
 *     FIRND_TOKEN  of an engineer
 *     CHROMIUM     the browser, if it is not /usr/bin/chromium
 */
import {mkdirSync, readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {fileURLToPath} from 'node:url';
import {chromium} from 'playwright-core';

const {FIRND_URL, FIRND_TOKEN, CHROMIUM = '/usr/bin/chromium'} = process.env;
if (!FIRND_URL || !FIRND_TOKEN) {
  console.error('check.mjs: FIRND_URL and FIRND_TOKEN say which daemon is tested, and as whom: set them');
  process.exit(2);
}
export const base = FIRND_URL.replace(/\/$/, ''), token = FIRND_TOKEN;
const shots = fileURLToPath(new URL('../../build/web/', import.meta.url));
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
mkdirSync(shots, {recursive: true});

let count = 0, failures = 0;

export function ok(good, name, more) {
  console.log(`${good ? 'ok' : 'not ok'} ${++count} - ${name}`);
  if (good)
    return;
  failures++;
  for (const line of String(more ?? '').split('\n').filter(Boolean))
    console.log(`#   ${line}`);
}

export const is = (got, want, name) => ok(got === want, name, `got:      ${got}\nexpected: ${want}`);

/** Waits for something; what is waited for is the test. */
export async function comes(name, promise) {
  try {
    const value = await promise;
    ok(true, name);
    return value;
  } catch (error) {
    ok(false, name, error.message);
    return null;
  }
}

export const browser = await chromium.launch({executablePath: CHROMIUM, args: ['--no-sandbox']});

/* A browser tells every refused request as an error; that nobody is logged in yet, or that somebody else
 * has changed a product meanwhile, is none. */
const EXPECTED = [[/status of 401/, /^\/v1\/session$/], [/status of 412/, /^\/v1\/products\/[^/]+$/]];
const isExpected = message => message.type() === 'error' && EXPECTED.some(([words, path]) =>
  words.test(message.text()) && path.test(new URL(message.location().url).pathname));

/** A page whose errors and foreign requests are kept: page.faults, page.foreign. */
export async function newPage(options = {}) {
  const context = await browser.newContext({viewport: {width: 1366, height: 900}, acceptDownloads: true, reducedMotion: 'reduce', ...options});
  const page = await context.newPage();
  page.setDefaultTimeout(15000);
  page.faults = [];
  page.foreign = [];
  page.on('console', message => {
    if (['error', 'warning'].includes(message.type()) && !isExpected(message))
      page.faults.push(message.text());
  });
  page.on('pageerror', error => page.faults.push(error.stack));
  page.on('request', request => {
    if (new URL(request.url()).origin !== new URL(base).origin)
      page.foreign.push(request.url());
  });
  await page.goto(`${base}/`);
  return page;
}

export async function logIn(page, as = token) {
  await page.getByLabel('Token').fill(as);
  await page.getByRole('button', {name: 'Log in'}).click();
  await page.getByRole('heading', {level: 1, name: 'Products'}).waitFor();
}

export const goTo = (page, hash) => page.evaluate(to => { location.hash = to; }, hash);

/** What axe-core finds serious or critical, as text. Run in the page's own world by the tool: the page's
 *  policy forbids it to add scripts, so the text is evaluated by the debugger. */
export async function axeFaults(page) {
  if (!await page.evaluate(() => 'axe' in window))
    await page.evaluate(axe);
  const {violations} = await page.evaluate(() => window.axe.run(document));
  return violations.filter(fault => ['serious', 'critical'].includes(fault.impact))
    .map(fault => `${fault.id}: ${fault.nodes.map(node => `${node.target} ${node.failureSummary?.split('\n')[1] || ''}`).slice(0, 4).join(' | ')}`).join('\n');
}

/** How far the page is wider than its window. */
export const overflow = page => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);

export const picture = (page, name, full = true) => page.screenshot({path: `${shots}${name}.png`, fullPage: full});

/** As prove wants it. */
export async function done() {
  await browser.close();
  console.log(`1..${count}`);
  process.exitCode = failures ? 1 : 0;
}
