// Manners: every view is accessible in both themes and fits every width; pictures stay as they were; failures say what to do.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { open, settled, violations, visit } from './browser.mjs';
import { run } from './service.mjs';
import { scene } from './scene.mjs';

const stage = scene();
const widths = [360, 1280, 2560];
const views = ({ tokens }) => ['/tokens', `/tokens/${tokens['ci-evidence-upload'].id}`, `/tokens/${tokens['old-migration'].id}`, '/personal', '/grants', '/create', '/create?kind=personal', '/live', '/findings',
  '/findings?status=CLOSED', '/leak', `/leak?id=${tokens['ci-evidence-upload'].id}`, '/history', '/reviews', '/reports', '/reports/usage', '/reports/roll-forward', '/proof', '/proof?event=5', '/policy', '/people', '/organization', '/nowhere'];

/** What sticks out of the page. */
const sticksOut = page => page.evaluate(() => {
  const main = document.querySelector('.page') ?? document.documentElement;
  if (main.scrollWidth <= main.clientWidth + 1) return [];
  const edge = main.getBoundingClientRect().right + 1;
  return [...main.querySelectorAll('*')].filter(e => e.getBoundingClientRect().right > edge).slice(0, 5).map(e => `${e.tagName} ${e.className}`);
});

for (const theme of ['light', 'dark']) {
  stage.play(`every view is accessible and fits, ${theme}`, '/', async (page, s) => {
    for (const path of views(s)) {
      await visit(page, path);
      for (const width of widths) {
        await page.setViewportSize({ width, height: 900 });
        await settled(page);
        assert.deepEqual(await sticksOut(page), [], `${path} at ${width} px`);
        // Of the dark theme the colours are to be looked at, which no width changes.
        if (theme === 'light' || width === 1280) assert.deepEqual(await violations(page), [], `${path} at ${width} px`);
      }
    }
  }, { theme });
}

stage.play('times are the reader’s, with UTC when pointed at', s => `/tokens/${s.tokens.gateway.id}`, async page => {
  const time = page.locator('dd time').first();
  const iso = await time.getAttribute('datetime');
  const title = await time.getAttribute('title');
  assert.ok(title.endsWith('UTC') && title.startsWith(iso.slice(0, 10)), title);
  const hours = new Intl.DateTimeFormat('en-GB', { timeZone: 'Europe/Berlin', hour: '2-digit', minute: '2-digit' }).format(new Date(iso));
  assert.ok((await time.textContent()).includes(hours), `${await time.textContent()} has ${hours}`);
});

stage.play('nothing says that it is reading before 200 ms are over', '/tokens', async page => {
  await settled(page); // the inventory may have said so
  await page.evaluate(() => {
    globalThis.shown = [];
    new MutationObserver(() => { if (document.querySelector('.skeleton')) globalThis.shown.push(performance.now()); }).observe(document.body, { childList: true, subtree: true });
  });
  await page.route('**/query', async route => { await new Promise(done => setTimeout(done, 900)); await route.continue(); });
  const began = await page.evaluate(() => { const now = performance.now(); history.pushState(null, '', '/people'); dispatchEvent(new PopStateEvent('popstate')); return now; });
  await page.getByRole('status', { name: 'The members: reading' }).waitFor();
  const [first] = await page.evaluate(() => globalThis.shown);
  assert.ok(first - began >= 195, `shown after ${first - began} ms`);
  await page.getByRole('region', { name: 'Members' }).waitFor();
  assert.equal(await page.locator('.skeleton').count(), 0);
});

stage.play('a read model that is behind is asked again before anybody sees it, a command is not', s => `/tokens/${s.tokens['risk-register-sync'].id}`, async page => {
  await settled(page);
  const refuse = (route, code) => route.fulfill({ status: 503, json: { errors: [{ message: 'Not now.', extensions: { code } }] } });
  const keys = [];
  let members = 0, broken = true;
  await page.route('**/query', route => {
    const { query } = route.request().postDataJSON();
    if (/^\s*mutation/.test(query)) {
      keys.push(route.request().headers()['idempotency-key']);
      if (broken) return refuse(route, 'UNAVAILABLE');
    }
    if (query.includes('Members(') && ++members < 3) return refuse(route, members === 1 ? 'STALE_READ' : 'UNAVAILABLE');
    return route.continue();
  });
  await page.getByRole('button', { name: 'Mark as reviewed' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Record the review' }).click();
  await dialog.getByRole('alert').getByText('Not now.').waitFor();
  assert.equal(keys.length, 1, 'a command was given again by itself');
  broken = false;
  await dialog.getByRole('button', { name: 'Record the review' }).click();
  await page.getByText('Last reviewed').waitFor();
  assert.equal(keys.length, 2);
  assert.ok(keys[0] && keys[0] === keys[1], 'the same command has another key');

  await page.evaluate(() => {
    globalThis.alarms = 0;
    new MutationObserver(() => { globalThis.alarms += document.querySelectorAll('[role=alert]').length; }).observe(document.body, { childList: true, subtree: true });
  });
  await visit(page, '/people');
  await page.getByRole('region', { name: 'Members' }).waitFor();
  assert.equal(members, 3);
  assert.equal(await page.evaluate(() => globalThis.alarms), 0);
});

stage.play('a view that cannot be read says so and what to do, and is read when asked again', '/proof', async (page, s) => {
  await settled(page);
  let broken;
  await page.route('**/query', route => (broken ? route.fulfill({ status: 500, contentType: 'text/html', body: '<h1>Out of order</h1>' }) : route.continue()));
  const again = page.getByRole('button', { name: 'Try again' });
  for (const path of views(s).filter(path => !/^\/(live|leak|proof|nowhere|create\?.*)$/.test(path))) { // those that ask something
    broken = true;
    await visit(page, path);
    await page.getByText('The service could not answer (HTTP 500).').first().waitFor();
    await page.getByRole('heading', { level: 1 }).waitFor();
    if (/^\/(tokens|history|people)/.test(path)) assert.deepEqual(await violations(page), [], path); // the rest is built alike
    broken = false;
    while (await again.count()) await again.first().click();
    await settled(page);
    assert.equal(await page.getByRole('alert').count(), 0, path);
  }
});

stage.play('what a proxy answers in the service’s place is told apart from what the ledger says', s => `/tokens/${s.tokens['risk-register-sync'].id}`, async page => {
  await settled(page);
  const page502 = { status: 502, contentType: 'text/html', body: '<html><h1>502 Bad Gateway</h1></html>' };
  const login = { status: 200, contentType: 'text/html', body: '<html>Who are you?</html>' };
  let instead = page502;
  await page.route('**/query', route => (instead ? route.fulfill(instead) : route.continue()));
  const alert = page.getByRole('alert');
  // A command is kept, with what was typed, until it can be given.
  await page.getByRole('button', { name: 'Mark as reviewed' }).click();
  await page.getByRole('dialog').getByLabel('Reason, if you like').fill('In use');
  for (const [answer, says, code] of [[page502, 'The service is not there at present (HTTP 502).', 'UNAVAILABLE'], [login, 'Something else than the ledger answers here.', 'UNREACHABLE']]) {
    instead = answer;
    await page.getByRole('dialog').getByRole('button', { name: 'Record the review' }).click();
    await alert.getByText(says).waitFor();
    await alert.getByText(code).waitFor();
  }
  instead = undefined;
  await page.getByRole('dialog').getByRole('button', { name: 'Record the review' }).click();
  await page.locator('.timeline').getByText('In use').waitFor();
  // A question is asked again by the reader.
  instead = page502;
  await visit(page, '/organization');
  await alert.getByText('The service is not there at present (HTTP 502).').waitFor();
  instead = undefined;
  await alert.getByRole('button', { name: 'Try again' }).click();
  await page.getByRole('heading', { name: 'Single sign-on' }).waitFor();
});

stage.play('a view whose files are gone says so, and the others stay', '/tokens', async page => {
  await settled(page);
  await page.route('**/console/findings-*.js', route => route.fulfill({ status: 404 }));
  await page.getByRole('link', { name: 'Findings', exact: true }).click();
  await page.getByRole('heading', { name: 'This cannot be shown' }).waitFor();
  assert.deepEqual(await violations(page), []);
  await page.getByRole('link', { name: 'People', exact: true }).click();
  await page.getByRole('region', { name: 'Members' }).waitFor();
  await visit(page, '/tokens/%');
  await page.getByRole('alert').waitFor();
  page.faults = page.faults.filter(fault => !/dynamically imported module|findings-/.test(fault));
});

stage.play('a service that goes away in the middle loses nothing', s => `/tokens/${s.tokens['dashboard-readonly'].id}`, async (page, { service }) => {
  await page.getByRole('button', { name: 'Revoke' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Reason').fill('The wall is gone');
  await dialog.getByText('Nobody used it').waitFor();
  service.child.kill('SIGKILL');
  await service.ended;
  await dialog.getByRole('button', { name: 'Revoke for good' }).click();
  await dialog.getByText('The service does not answer.').waitFor();
  assert.deepEqual(await violations(page), []);
  assert.equal(await dialog.getByLabel('Reason').inputValue(), 'The wall is gone');
  await run(service);
  await dialog.getByRole('button', { name: 'Revoke for good' }).click();
  await page.getByText('Recorded at').waitFor();
  await page.locator('.topic').getByText('Revoked').waitFor();
  // The feed finds its way back, too.
  await visit(page, '/live');
  await page.getByRole('status').filter({ hasText: 'Live' }).first().waitFor();
  service.child.kill('SIGKILL');
  await Promise.all([service.ended, page.getByText('Connecting again').waitFor()]);
  await run(service);
  await page.getByRole('status').filter({ hasText: 'Live' }).first().waitFor();
  page.faults = page.faults.filter(fault => !fault.includes('ERR_'));
});

// Pictures of what shows no time and no id. `UPDATE=1 npm test` takes them anew.
const pictures = join(dirname(fileURLToPath(import.meta.url)), 'pictures');
const taken = [['/', 1280, 'light'], ['/', 360, 'dark'], ['/create', 1280, 'light'], ['/create', 360, 'dark'], ['/policy', 2560, 'light'], ['/policy', 360, 'light'], ['/leak', 1280, 'dark'], ['/reports', 1280, 'light']];

for (const [path, width, theme] of taken) {
  stage.play(`${path} looks as it did, ${width} px, ${theme}`, path, async (page, { browser, service }) => {
    if (path === '/') await page.reload(); // a pasted token is forgotten then, and the way in is shown
    await settled(page);
    await page.evaluate(() => document.fonts.ready);
    await page.locator('body').click({ position: { x: 5, y: 5 } });
    const now = await page.screenshot({ caret: 'hide', animations: 'disabled' });
    const file = join(pictures, `${path.slice(1) || 'gate'}-${width}-${theme}.png`);
    if (process.env.UPDATE) { writeFileSync(file, now); return; }
    const blank = await open(browser, service);
    const differing = await blank.evaluate(difference, [readFileSync(file).toString('base64'), now.toString('base64')]);
    await blank.context().close();
    assert.ok(differing < 0.02, `${(differing * 100).toFixed(2)} % of the picture differ from ${file}`);
  }, { width, height: 900, theme });
}

/** The share of two pictures that differs visibly; a line of text drawn by another version of the browser does not. */
async function difference([one, other]) {
  const draw = async data => {
    const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${data}`)).blob());
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext('2d');
    context.drawImage(bitmap, 0, 0);
    return context.getImageData(0, 0, bitmap.width, bitmap.height);
  };
  const [a, b] = await Promise.all([draw(one), draw(other)]);
  if (a.width !== b.width || a.height !== b.height) return 1;
  let differing = 0;
  for (let i = 0; i < a.data.length; i += 4) {
    if (Math.abs(a.data[i] - b.data[i]) + Math.abs(a.data[i + 1] - b.data[i + 1]) + Math.abs(a.data[i + 2] - b.data[i + 2]) > 96) differing++;
  }
  return differing / (a.width * a.height);
}
