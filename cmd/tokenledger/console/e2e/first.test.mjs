// The first look: signing in with a token, the inventory with its filter, order, keys, views and bulk commands.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { enter, open, violations, without } from './browser.mjs';
import { graphql } from './service.mjs';
import { scene } from './scene.mjs';

const stage = scene();

test('a pasted token opens the ledger and is kept nowhere', { skip: without }, async () => {
  const { service } = stage;
  const page = await open(stage.browser, service);
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

test('a token whose sign-in breaks off says why', { skip: without }, async () => {
  const { service } = stage;
  const page = await open(stage.browser, service);
  await page.goto(service.url);
  await page.route('**/query', route => (route.request().postData().includes('personalAccessToken(')
    ? route.fulfill({ status: 500, json: { errors: [{ message: 'Out of order.', extensions: { code: 'INTERNAL_SERVER_ERROR' } }] } }) : route.continue()));
  await page.getByLabel('Token', { exact: true }).fill(service.token);
  await page.getByRole('button', { name: 'Open the ledger' }).click();
  await page.getByRole('alert').getByText('Out of order.').waitFor();
  await page.unrouteAll();
  await page.getByRole('button', { name: 'Open the ledger' }).click();
  await page.locator('.shell').waitFor();
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

test('a pasted token that ends elsewhere ends here, and another goes on at the same place', { skip: without }, async () => {
  const { service } = stage;
  const { createAPIToken: { apiToken } } = await graphql(service, 'mutation { createAPIToken(input: {name: "ends-soon", scopes: ["read"]}) { apiToken { id token } } }');
  const page = await open(stage.browser, service);
  await enter(page, service, '/tokens', apiToken.token);
  await page.getByText(/^\d+ tokens$/).waitFor();
  await graphql(service, 'mutation($id: ID!) { revokeAPIToken(id: $id, reason: "over") { apiToken { id } } }', { id: apiToken.id });
  await page.getByRole('link', { name: 'Create', exact: true }).click();
  await page.getByRole('alert').getByText('Your session or token has ended.').waitFor();
  await page.getByRole('alert').getByRole('button', { name: 'Sign in' }).click();
  await page.getByLabel('Token', { exact: true }).fill(service.token);
  await page.getByRole('button', { name: 'Open the ledger' }).click();
  await page.getByRole('heading', { level: 1, name: 'Create a token' }).waitFor();
  await graphql(service, 'mutation($id: ID!) { deleteAPIToken(id: $id) { deletedID } }', { id: apiToken.id }); // it is no part of the story
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

const names = page => page.locator('.rows a.name').allTextContents();

stage.play('the inventory filters and sorts by its address', '/tokens?sort=name', async page => {
  await page.locator('.rows [data-index="9"]').waitFor();
  const shown = await names(page);
  assert.deepEqual(shown, shown.toSorted());
  assert.equal(shown[0], 'ci-evidence-upload');
  await page.getByRole('button', { name: 'Name', exact: true }).click();
  await page.waitForURL('**/tokens?sort=-name');
  await page.locator('.rows [data-index="0"] a.name', { hasText: 'vulnerability-scanner' }).waitFor();
  await page.getByLabel('State', { exact: true }).selectOption('SUSPENDED');
  await page.getByText('1 token', { exact: true }).waitFor();
  await page.locator('.rows [data-index="0"] a.name', { hasText: 'contractor-export' }).waitFor();
  await page.goBack();
});

stage.play('keys search, move, select and open', '/', async page => {
  await page.locator('.rows [data-index="9"]').waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('nobody has this name');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'No token is like that' }).waitFor();
  await page.getByRole('link', { name: 'Show all' }).click();
  await page.locator('.rows [data-index="9"]').waitFor();
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keys' }).waitFor();
  assert.deepEqual(await violations(page), []);
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await page.locator('.rows [data-index="1"] a.name:focus').waitFor();
  await page.keyboard.press('x');
  await page.getByText('1 token selected').waitFor();
  await page.keyboard.press('Escape');
  await page.getByText('1 token selected').waitFor({ state: 'detached' });
  // A key of the list is none on a button: Enter presses what has the focus.
  await page.keyboard.press('x');
  await page.getByRole('button', { name: 'Clear' }).press('Enter');
  await page.getByText('1 token selected').waitFor({ state: 'detached' });
  await page.keyboard.press('k');
  await page.keyboard.press('j');
  await page.locator('.rows [data-index="1"] a.name:focus').waitFor();
  const second = await page.locator('.rows [data-index="1"] a.name').textContent();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: second }).waitFor();
  await page.keyboard.press('g');
  await page.keyboard.press('f');
  await page.getByRole('heading', { level: 1, name: 'Findings' }).waitFor();
});

stage.play('a value in the search is not searched for', '/', async (page, { tokens }) => {
  const asked = [];
  page.on('request', request => asked.push(request.url() + (request.postData() ?? '')));
  await page.keyboard.press('/');
  await page.keyboard.type(`Authorization: Bearer ${tokens['ticket-bot'].token}`);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Leak box' }).waitFor();
  assert.ok(!asked.some(text => text.includes(tokens['ticket-bot'].token.slice(30))), 'the value left the page');
  await page.keyboard.press('Escape');
  await page.locator('.top input').fill(tokens['ticket-bot'].id);
  await page.locator('.top input').press('Enter');
  await page.getByRole('heading', { level: 1, name: 'ticket-bot' }).waitFor();
});

stage.play('a view is named, linked to and forgotten', '/tokens?tag=grc&sort=name', async page => {
  await page.getByRole('button', { name: 'Name this view' }).click();
  await page.getByRole('dialog').getByLabel('Name').fill('The register');
  await page.getByRole('button', { name: 'Keep it' }).click();
  await page.getByRole('link', { name: 'All', exact: true }).click();
  await page.getByRole('link', { name: 'The register' }).click();
  await page.waitForURL('**/tokens?tag=grc&sort=name');
  await page.getByText('1 token', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Forget the view The register' }).click();
  assert.equal(await page.getByRole('link', { name: 'The register' }).count(), 0);
});

stage.play('bulk commands say first what they would touch', '/tokens?sort=name', async (page, { service, tokens }) => {
  await page.getByLabel('Select dashboard-readonly').check();
  await page.getByLabel('Select risk-register-sync').check();
  await page.getByRole('button', { name: 'Tag', exact: true }).click();
  await page.getByRole('dialog').getByLabel('Tags').fill('quarterly');
  await page.getByRole('button', { name: 'Add the tags' }).click();
  await page.getByRole('heading', { name: '2 tokens changed' }).waitFor();
  await page.getByRole('button', { name: 'Close' }).click();
  await page.getByRole('link', { name: 'quarterly' }).first().waitFor();

  await page.getByLabel('Select dashboard-readonly').check();
  await page.getByLabel('Select old-migration').check();
  await page.getByRole('region', { name: 'Selected tokens' }).getByRole('button', { name: 'Revoke' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('It would end 1 token, for good.').waitFor();
  await dialog.getByRole('link', { name: 'old-migration' }).waitFor(); // it is revoked already, and the dialog says so
  assert.deepEqual(await violations(page), []);
  const before = await graphql(service, '{ apiTokens(where: {status: REVOKED}) { totalCount } }');
  assert.equal(before.apiTokens.totalCount, 1, 'looking ended something');
  await dialog.getByLabel('Reason').fill('Nobody looks at the wall');
  await dialog.getByRole('button', { name: 'Revoke 1 for good' }).click();
  await page.getByRole('heading', { name: '1 token revoked' }).waitFor();
  await page.getByRole('button', { name: 'Close' }).click();
  const { apiToken } = await graphql(service, 'query($id: ID!) { apiToken(id: $id) { status revokedReason } }', { id: tokens['dashboard-readonly'].id });
  assert.deepEqual(apiToken, { status: 'REVOKED', revokedReason: 'Nobody looks at the wall' });
});
