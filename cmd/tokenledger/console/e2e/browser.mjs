// A real Chromium, and what every test of a view does in it: sign in, look for faults, check accessibility.
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
/** Why there is no browser; undefined where there is one. */
export const without = existsSync(executablePath) ? undefined : `no browser at ${executablePath} (Debian: apt-get install chromium)`;

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** Where pictures go. */
export const shots = join(dirname(fileURLToPath(import.meta.url)), '..', 'shots');
mkdirSync(shots, { recursive: true });

export async function launch() {
  return chromium.launch({
    executablePath, headless: true,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
}

/** A page that notes every fault: errors, refused content, requests to anybody else. */
export async function open(browser, service, { width = 1280, height = 860, theme = 'light', others = [], ...options } = {}) {
  const context = await browser.newContext({
    viewport: { width, height }, colorScheme: theme, locale: 'en-GB', timezoneId: 'Europe/Berlin', reducedMotion: 'reduce', ...options,
  });
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: service.url });
  context.setDefaultTimeout(120_000); // only a test that hangs takes as long, also on a busy machine
  const page = await context.newPage();
  page.faults = [];
  page.on('pageerror', error => page.faults.push(`error: ${error.message}`));
  page.on('console', message => { if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) page.faults.push(`console: ${message.text()}`); });
  page.on('request', request => {
    const from = request.isNavigationRequest() ? service.url : request.frame().url();
    const elsewhere = !request.url().startsWith(service.url) && !/^(blob|data):/.test(request.url()) && !others.some(o => request.url().startsWith(o));
    if (from.startsWith(service.url) && elsewhere) page.faults.push(`request to ${request.url()}`);
  });
  // What is asked for and not answered yet; a feed, and a redirect that is only looked at, are never answered whole.
  page.underway = new Set();
  page.on('request', request => { if (!request.headers().accept?.includes('event-stream') && !request.url().includes('/v1/login')) page.underway.add(request); });
  for (const over of ['requestfinished', 'requestfailed']) page.on(over, request => page.underway.delete(request));
  // Nobody else's page, such as a provider's, brings in the network either.
  await context.route(url => !/^(127\.0\.0\.1|localhost)$/.test(url.hostname) && url.protocol.startsWith('http'), route => route.abort());
  return page;
}

/** Opens a place of the console and signs in with a token. */
export async function enter(page, service, path = '/', token = service.token) {
  await page.goto(service.url + path);
  await page.getByLabel('Token', { exact: true }).fill(token);
  await page.getByRole('button', { name: 'Open the ledger' }).click();
  await page.locator('.shell').waitFor();
}

/** Moves within the page, so that the pasted token stays. */
export async function visit(page, path) {
  await page.evaluate(to => { history.pushState(null, '', to); dispatchEvent(new PopStateEvent('popstate')); }, path);
}

/** What axe finds against WCAG 2.2 AA. */
export async function violations(page) {
  if (!await page.evaluate(() => 'axe' in globalThis)) await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
  }));
  return violations.map(v => `${v.id}: ${v.help}\n${v.nodes.slice(0, 3).map(n => `    ${n.target.join(' ')}  ${n.html.slice(0, 160)}\n      ${n.failureSummary?.replaceAll('\n', ' ')}`).join('\n')}`);
}

/** Waits until a view has what it asked for: its heading is there, nothing is under way, nothing says that it waits. */
export async function settled(page) {
  await page.locator('h1').waitFor();
  for (let quiet = 0; quiet < 2; quiet = page.underway.size === 0 ? quiet + 1 : 0) await page.waitForTimeout(60);
  await page.locator('.skeleton, [aria-busy=true]').first().waitFor({ state: 'detached' });
}
