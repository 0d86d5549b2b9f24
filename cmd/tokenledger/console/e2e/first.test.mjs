// The first look: signing in with a token, the inventory, one token.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { enter, launch, open, violations, without } from './browser.mjs';
import { start, stop } from './service.mjs';
import { tell } from './story.mjs';

let service, browser, tokens;
before(async () => {
  if (without) return;
  service = await start();
  tokens = await tell(service);
  browser = await launch();
});
after(async () => {
  await browser?.close();
  if (service) await stop(service);
});
const look = (name, play) => test(name, { skip: without }, play);

look('a pasted token opens the ledger and is kept nowhere', async () => {
  const page = await open(browser, service);
  await page.goto(`${service.url}/tokens?status=REVOKED`);
  await page.getByLabel('Token', { exact: true }).waitFor();
  assert.deepEqual(await violations(page), []);
  await page.getByLabel('Token', { exact: true }).fill(`tolp_${'0'.repeat(64)}`);
  await page.getByRole('button', { name: 'Open the ledger' }).click();
  await page.getByText('This token is not valid.').waitFor();
  await page.getByLabel('Token', { exact: true }).fill(service.token);
  await page.getByRole('button', { name: 'Open the ledger' }).click();
  await page.getByRole('link', { name: 'old-migration' }).waitFor(); // the link that was followed is where one lands
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href]));
  assert.ok(!kept.includes(service.token.slice(5, 40)), 'the page keeps the token');
  await page.reload();
  await page.getByLabel('Token', { exact: true }).waitFor();
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

look('the inventory filters and sorts by its address', async () => {
  const page = await open(browser, service);
  await enter(page, service, '/tokens?sort=name');
  const names = () => page.locator('.rows a.name').allTextContents();
  await page.locator('.rows [data-index="9"]').waitFor();
  const shown = await names();
  assert.deepEqual(shown, shown.toSorted());
  assert.equal(shown[0], 'ci-evidence-upload');
  assert.deepEqual(await violations(page), []);
  await page.getByRole('button', { name: 'Name' }).click();
  await page.waitForURL('**/tokens?sort=-name');
  await page.locator('.rows [data-index="0"] a.name', { hasText: 'vulnerability-scanner' }).waitFor();
  await page.getByLabel('State').selectOption('SUSPENDED');
  await page.getByText('1 token', { exact: true }).waitFor();
  await page.locator('.rows [data-index="0"] a.name', { hasText: 'contractor-export' }).waitFor();
  await page.keyboard.press('Escape');
  await page.locator('body').press('/');
  await page.keyboard.type('nobody has this name');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'No token is like that' }).waitFor();
  await page.getByRole('link', { name: 'Show all' }).click();
  await page.getByText('10 tokens').waitFor();
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

look('one token shows its state and its events', async () => {
  const page = await open(browser, service);
  await enter(page, service, `/tokens/${tokens['old-migration'].id}`);
  await page.getByText('The migration is done').first().waitFor();
  await page.getByText('Revoked', { exact: true }).first().waitFor();
  assert.deepEqual(await violations(page), []);
  assert.deepEqual(page.faults, []);
  await page.context().close();
});
