// People sign in with a real OpenID provider; their session opens the console, gives commands, and ends.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Provider } from 'oidc-provider';
import { launch, open, violations, without } from './browser.mjs';
import { eventually, graphql, start, stop } from './service.mjs';

let service, browser, server, secrets;
const secret = 'known to the provider and to the service';

before(async () => {
  if (without) return;
  let answer = (_, response) => response.writeHead(502).end();
  server = createServer((request, response) => answer(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${server.address().port}`;
  secrets = mkdtempSync(join(tmpdir(), 'console-secret-'));
  writeFileSync(join(secrets, 'client'), secret, { mode: 0o600 });
  service = await start({ TOKENLEDGER_OIDC_ISSUER: issuer, TOKENLEDGER_OIDC_CLIENT_ID: 'ledger', TOKENLEDGER_OIDC_CLIENT_SECRET_FILE: join(secrets, 'client') });
  service.issuer = issuer;
  const provider = new Provider(issuer, {
    clients: [{ client_id: 'ledger', client_secret: secret, redirect_uris: [`${service.url}/v1/login/callback`] }],
    claims: { email: ['email', 'email_verified'] }, conformIdTokenClaims: false, cookies: { keys: ['of this test'] },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, email: id, email_verified: true }) }),
  });
  answer = provider.callback();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  if (service) await stop(service);
  server?.close();
  if (secrets) rmSync(secrets, { recursive: true });
});

async function signIn(page, path, who) {
  await page.goto(service.url + path);
  await page.getByRole('link', { name: 'Sign in with your organization’s account' }).click();
  await page.waitForURL(`${service.issuer}/**`);
  await page.locator('[name=login]').fill(who);
  await page.locator('[name=password]').fill('anything');
  await page.locator('[type=submit]').click();
  await page.locator('[type=submit]', { hasText: 'Continue' }).click();
}

test('a person signs in, lands where the link led, gives a command, and signs out', { skip: without }, async () => {
  const page = await open(browser, service, { others: [service.issuer] });
  await page.goto(`${service.url}/people`);
  await page.getByRole('link', { name: 'Sign in with your organization’s account' }).waitFor();
  assert.deepEqual(await violations(page), []);
  await signIn(page, '/people', 'admin@example.com');
  await page.getByRole('heading', { level: 1, name: 'People' }).waitFor();
  assert.equal(new URL(page.url()).pathname, '/people');
  assert.equal(await page.evaluate(() => document.cookie), '', 'a script can read the session');
  const [cookie] = (await page.context().cookies(service.url)).filter(c => c.name.startsWith('tokenledger'));
  assert.ok(cookie.httpOnly && cookie.sameSite === 'Lax', JSON.stringify(cookie));

  await page.reload(); // a session, unlike a pasted token, outlives the page
  await page.getByRole('heading', { level: 1, name: 'People' }).waitFor();
  await page.getByRole('link', { name: 'Create', exact: true }).click();
  await page.getByLabel('Name').fill('by-a-person');
  await page.getByLabel('risk:read', { exact: true }).check();
  await page.getByRole('button', { name: 'Create the token' }).click();
  await page.getByRole('heading', { name: 'by-a-person is created' }).waitFor();
  await eventually(async () => {
    const { apiTokens } = await graphql(service, '{ apiTokens(where: {name: "by-a-person"}) { edges { node { events(first: 1) { edges { node { actor { kind } } } } } } } }');
    assert.equal(apiTokens.edges[0].node.events.edges[0].node.actor.kind, 'PERSON');
  });

  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('button', { name: 'Open the ledger' }).waitFor();
  await page.reload();
  await page.getByRole('button', { name: 'Open the ledger' }).waitFor();
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

test('a session that ended elsewhere ends here, and one comes back to the same place', { skip: without }, async () => {
  const page = await open(browser, service, { others: [service.issuer] });
  await signIn(page, '/reports', 'admin@example.com');
  await page.getByRole('heading', { level: 1, name: 'Reports' }).waitFor();
  const ended = await page.request.post(`${service.url}/v1/logout`, { headers: { 'X-Tokenledger-CSRF': '1' } });
  assert.equal(ended.status(), 204);
  await page.getByRole('link', { name: 'Findings', exact: true }).click();
  await page.getByRole('alert').getByText(/Your session is over|needs a token/).first().waitFor();
  await page.getByRole('button', { name: 'Sign in' }).first().click();
  await page.getByRole('link', { name: 'Sign in with your organization’s account' }).waitFor();
  assert.equal(new URL(page.url()).pathname, '/findings');
  await page.context().close();
});

test('the address keeps the organization that was picked, also in links that are opened elsewhere', { skip: without }, async () => {
  const { createOrganization: { organization: second } } = await graphql(service, 'mutation($input: CreateOrganizationInput!) { createOrganization(input: $input) { organization { id } } }',
    { input: { name: 'second', displayName: 'The second', ownerEmail: 'admin@example.com' } });
  const page = await open(browser, service, { others: [service.issuer] });
  await signIn(page, '/people', 'admin@example.com');
  const picked = page => page.getByLabel('Organization', { exact: true });
  const org = page => new URL(page.url()).searchParams.get('org');
  await picked(page).waitFor();
  const first = await picked(page).inputValue();
  assert.equal(org(page), first);
  const other = first === second.id ? (await picked(page).locator('option').evaluateAll(all => all.map(o => o.value))).find(id => id !== first) : second.id;
  await picked(page).selectOption(other);
  await page.waitForURL(`**/people?org=${other}`);

  await page.getByRole('link', { name: 'Organization', exact: true }).click();
  await page.locator('dd', { hasText: other }).waitFor(); // what is shown is the picked one's
  assert.equal(org(page), other);
  await page.reload();
  await page.locator('dd', { hasText: other }).waitFor();
  assert.equal(await picked(page).inputValue(), other);

  const [elsewhere] = await Promise.all([page.context().waitForEvent('page'), page.getByRole('link', { name: 'Reports', exact: true }).click({ modifiers: ['Control'] })]);
  await elsewhere.getByRole('heading', { level: 1, name: 'Reports' }).waitFor();
  assert.equal(org(elsewhere), other);
  assert.equal(await picked(elsewhere).inputValue(), other);

  // A link that went to one organization goes to the other as soon as that is picked; Back leads to the one before.
  await picked(page).selectOption(first);
  await page.getByRole('link', { name: 'Organization', exact: true }).click();
  await page.locator('dd', { hasText: first }).waitFor();
  assert.equal(org(page), first);
  await page.goBack();
  await page.locator('dd', { hasText: other }).waitFor();
  assert.equal(await picked(page).inputValue(), other);
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

test('every view opens by its address, and one that is empty says what to do', { skip: without }, async () => {
  await graphql(service, 'mutation($input: CreateOrganizationInput!) { createOrganization(input: $input) { organization { id } } }',
    { input: { name: 'empty', displayName: 'The empty one', ownerEmail: 'admin@example.com' } });
  const page = await open(browser, service, { others: [service.issuer] });
  await signIn(page, '/tokens?org=empty', 'admin@example.com');
  for (const [path, title, ...says] of [
    ['/tokens', 'Inventory', 'No tokens yet', 'Create the first one'], ['/personal', 'Your tokens'], ['/grants', 'Personal access', 'No personal token reaches the organization', 'Create one of yours'],
    ['/create', 'Create a token', 'Choose at least one scope.'], ['/live?type=review', 'Live', 'Quiet so far', 'appears here by itself'], ['/findings', 'Findings', 'Nothing is open', 'Show all there ever were'],
    ['/leak', 'Leak box', 'A value never leaves this page'], ['/history', 'Then and now', 'There were no tokens yet.'], ['/reviews', 'Access reviews', 'No review yet', 'Open the first'],
    ['/reports', 'Reports'], ['/proof', 'Proof', 'Drop a pack here'], ['/policy', 'Policy', 'Change something, and you see'], ['/people', 'People', 'You are alone here', 'Nobody is invited'],
    ['/organization', 'Organization', 'Register what your systems have', 'can be sent to a URL of yours'], ['/reviews/none', 'Access review', 'There is no such review'],
    ['/tokens?q=none', 'Inventory', 'No token is like that', 'Show all'], ['/nowhere', 'Not here', 'To the inventory'],
  ]) {
    await page.goto(service.url + path + (path.includes('?') ? '&' : '?') + 'org=empty');
    if (path === '/nowhere') { // the service knows its views, and says so of others
      await page.getByText(/not found/i).waitFor();
      continue;
    }
    await page.getByRole('heading', { level: 1, name: title, exact: true }).waitFor();
    for (const text of says) await page.getByText(text).first().waitFor();
    assert.deepEqual(await violations(page), [], path);
  }
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

test('somebody else decides what was made by one', { skip: without }, async () => {
  const made = async name => (await graphql(service, 'mutation($name: String!) { createAPIToken(input: {name: $name, scopes: ["read"]}) { apiToken { id } } }', { name })).createAPIToken.apiToken.id;
  const kept = await made('still-needed'), ended = await made('forgotten');
  await graphql(service, 'mutation { createUser(input: {email: "second@example.com", role: ADMIN}) { user { id } } }');
  const page = await open(browser, service, { others: [service.issuer] });
  await signIn(page, '/reviews', 'second@example.com');
  const dialog = page.getByRole('dialog');
  await page.getByRole('button', { name: 'Open a review' }).click();
  await dialog.getByLabel('Name').fill('By two');
  await dialog.getByRole('button', { name: 'Open', exact: true }).click();
  await page.getByRole('link', { name: /By two/ }).click();
  await page.getByRole('button', { name: 'Keep still-needed' }).click();
  await dialog.getByLabel('Reason, if you like').fill('The nightly run');
  await dialog.getByRole('button', { name: 'Keep it' }).click();
  await page.getByRole('button', { name: 'Revoke forgotten' }).click();
  assert.ok(await dialog.getByRole('button', { name: 'Revoke for good' }).isDisabled(), 'a reason is needed');
  await dialog.getByLabel('Reason').fill('Nobody knows it');
  await dialog.getByRole('button', { name: 'Revoke for good' }).click();
  await page.getByRole('button', { name: 'Revoke forgotten' }).waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'All', exact: true }).click();
  await page.getByRole('row', { name: /forgotten/ }).getByText('Nobody knows it').waitFor();
  await page.getByRole('row', { name: /still-needed/ }).getByText('Kept').waitFor();
  assert.deepEqual(await violations(page), []);
  await page.getByRole('button', { name: 'Close it' }).click();
  await dialog.getByText(/stay undecided/).waitFor();
  await dialog.getByRole('button', { name: 'Close it' }).click();
  await page.getByText(/, closed/).waitFor();
  const { accessReviews: [{ closedAt, items }] } = await graphql(service, '{ accessReviews { closedAt items { token decision reason } } }');
  assert.ok(closedAt);
  const of = id => items.find(i => i.token === id);
  assert.deepEqual([of(kept).decision, of(kept).reason, of(ended).decision, of(ended).reason], ['KEEP', 'The nightly run', 'REVOKE', 'Nobody knows it']);
  const { apiToken } = await graphql(service, 'query($id: ID!) { apiToken(id: $id) { status revokedReason } }', { id: ended });
  assert.deepEqual(apiToken, { status: 'REVOKED', revokedReason: 'Nobody knows it' });
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

test('whoever the ledger does not know is told what to do', { skip: without }, async () => {
  const page = await open(browser, service, { others: [service.issuer] });
  await signIn(page, '/', 'stranger@example.com');
  await page.getByText(/administrator/).waitFor();
  await page.context().close();
});
