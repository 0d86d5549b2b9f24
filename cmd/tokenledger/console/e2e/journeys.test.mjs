// Journeys of whoever manages tokens, from the first click to what stands in the log.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { violations, visit } from './browser.mjs';
import { eventually, graphql } from './service.mjs';
import { scene } from './scene.mjs';

const stage = scene({ environment: { TOKENLEDGER_ALLOW_PRIVATE_TARGETS: '127.0.0.2/32' } }); // a target of webhooks that is never there
const dialog = page => page.getByRole('dialog');
const stateOf = async (service, id) => (await graphql(service, 'query($id: ID!) { apiToken(id: $id) { status revokedReason } }', { id })).apiToken;

stage.play('a token is created, its value shown once, used, and seen to be used', '/create', async (page, { service, tokens }) => {
  await page.getByLabel('Name').fill('deploy-bot');
  await page.getByLabel('Description').fill('Deploys on merge');
  await page.getByLabel('task:write', { exact: true }).check();
  assert.ok(await page.getByLabel('task:read', { exact: true }).isChecked(), 'write holds read');
  await page.getByRole('button', { name: '30 days' }).click();
  assert.deepEqual(await violations(page), []);
  await page.getByRole('button', { name: 'Create the token' }).click();
  await page.getByRole('heading', { name: 'deploy-bot is created' }).waitFor();
  const value = await page.getByLabel('the value', { exact: true }).textContent();
  assert.match(value, /^tola_[0-9A-Za-z]{64}$/);
  for (const [tab, text] of [['GitHub Actions', 'secrets.DEPLOY_BOT_TOKEN'], ['Kubernetes', 'kind: Secret'], ['curl', `Bearer ${value}`]]) {
    await page.getByRole('tab', { name: tab }).click();
    assert.ok((await page.getByLabel(tab, { exact: true }).textContent()).includes(text), `the piece for ${tab} has ${text}`);
  }
  assert.deepEqual(await violations(page), []);
  await page.getByRole('button', { name: 'Copy the value' }).click();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), value);
  await graphql(service, 'mutation($t: String!) { verifyToken(input: {token: $t, scope: "task:write", action: "createTask", sourceIP: "192.0.2.77"}) { allowed } }', { t: value }, tokens.gateway.token);
  const id = new URL(await page.getByRole('link', { name: 'To the token' }).getAttribute('href'), service.url).pathname.split('/').at(-1);
  await eventually(async () => assert.equal((await graphql(service, 'query($id: ID!) { apiToken(id: $id) { usage { uses } } }', { id })).apiToken.usage.uses, 1));
  await page.getByRole('link', { name: 'To the token' }).click();
  await page.getByRole('heading', { level: 1, name: 'deploy-bot' }).waitFor();
  await page.getByRole('cell', { name: 'createTask' }).waitFor();
  await page.getByText('1 use, 0 refusals in all').waitFor();
  assert.ok(!(await page.content()).includes(value), 'the value is still on the page');
});

stage.play('a faulty input says what is wrong, and nothing is lost', '/create', async (page, { service }) => {
  await graphql(service, 'mutation { updateOrganizationPolicy(input: {scopeCeiling: ["read", "evidence:write", "token:write", "policy:write", "organization:write", "user:write", "task:write", "risk:write", "scan:write", "control:write", "event:read", "report:read", "token:introspect", "admin"], maxLifetime: 7776000}) { organization { id } } }');
  await page.reload();
  await page.getByLabel('Token', { exact: true }).fill(service.token);
  await page.getByRole('button', { name: 'Open the ledger' }).click();
  await page.getByText('the policy allows 90 days at most').waitFor();
  assert.equal(await page.getByRole('button', { name: '1 year' }).count(), 0);
  await page.getByLabel('Name').fill('too-long');
  await page.getByLabel('evidence:read', { exact: true }).check();
  await page.getByRole('button', { name: 'Another' }).click();
  await page.getByLabel('Until').fill('2046-01-01T00:00');
  await page.getByRole('button', { name: 'Create the token' }).click();
  await page.getByRole('alert').first().waitFor();
  assert.equal(await page.getByLabel('Name').inputValue(), 'too-long');
  await graphql(service, 'mutation { updateOrganizationPolicy(input: {scopeCeiling: [], maxLifetime: 0}) { organization { id } } }');
});

stage.play('revoking shows who would miss it', s => `/tokens/${s.tokens['vulnerability-scanner'].id}`, async (page, { service, tokens }) => {
  await page.getByRole('button', { name: 'Revoke' }).click();
  await dialog(page).getByText('6 uses in the last 30 days').waitFor();
  await dialog(page).getByText('createScan').waitFor();
  assert.ok(await dialog(page).getByRole('button', { name: 'Revoke for good' }).isDisabled(), 'a reason is needed');
  assert.deepEqual(await violations(page), []);
  await dialog(page).getByLabel('Reason').fill('The scanner is replaced');
  // What is shown is recorded: as long as the service has not answered, the token is what it was.
  let sent, answer;
  const revoking = new Promise(done => { sent = done; });
  const answered = new Promise(done => { answer = done; });
  await page.route('**/query', async route => {
    if (route.request().postDataJSON().query.includes('revokeAPIToken(')) { sent(); await answered; }
    await route.continue();
  });
  await dialog(page).getByRole('button', { name: 'Revoke for good' }).click();
  await revoking;
  await page.locator('.topic').getByText('Active', { exact: true }).waitFor();
  assert.equal(await page.getByText('Recorded at').count(), 0);
  answer();
  await page.getByText('Recorded at').waitFor();
  await page.locator('.topic').getByText('Revoked', { exact: true }).waitFor();
  await page.getByText('The scanner is replaced').first().waitFor();
  assert.deepEqual(await stateOf(service, tokens['vulnerability-scanner'].id), { status: 'REVOKED', revokedReason: 'The scanner is replaced' });
});

stage.play('one token: its use, where it came from, why it was refused, who did what to it', s => `/tokens/${s.tokens['ci-evidence-upload'].id}`, async page => {
  const panel = title => page.locator('.panel').filter({ has: page.getByRole('heading', { name: title, exact: true }) });
  await page.getByRole('img', { name: /^By hour, over the last 7 days: 19 uses and 3 refusals$/ }).waitFor();
  await panel('Use').getByRole('row', { name: /createEvidence 14 0/ }).waitFor();
  await panel('Use').getByRole('row', { name: /updateControl 0 3/ }).waitFor();
  await panel('Sources').getByRole('row').nth(3).waitFor(); // three sources below the head
  await panel('Why it was refused').getByRole('row', { name: /SCOPE_INSUFFICIENT 3/ }).waitFor();
  const created = page.locator('.timeline li', { hasText: 'Created' });
  await created.getByText('admin@example.com').waitFor();
  await created.getByTitle('Check its proof').click();
  await page.getByRole('heading', { name: /^Position \d+$/ }).waitFor();
});

stage.play('a lineage is followed in both directions', s => `/tokens/${s.tokens['terraform-state-reader'].id}`, async (page, { tokens }) => {
  await page.getByText('both work until').waitFor();
  await page.locator('dt', { hasText: 'Replaced by' }).locator('+ dd a').click();
  await page.waitForURL(`**/tokens/${tokens.successor.id}`);
  await page.locator('dt', { hasText: 'Replaces' }).locator('+ dd a').click();
  await page.waitForURL(`**/tokens/${tokens['terraform-state-reader'].id}`);
});

stage.play('rotating gives a successor and its value', s => `/tokens/${s.tokens['ticket-bot'].id}`, async (page, { service, tokens }) => {
  await page.getByRole('button', { name: 'Rotate' }).click();
  await dialog(page).getByLabel('Both work for').selectOption('3600');
  await dialog(page).getByRole('button', { name: 'Rotate' }).click();
  const value = await page.getByLabel('the value', { exact: true }).textContent();
  assert.match(value, /^tola_/);
  assert.deepEqual(await violations(page), []);
  await page.getByRole('button', { name: 'I have it' }).click();
  await page.getByText('Replaced by').waitFor();
  assert.equal((await stateOf(service, tokens['ticket-bot'].id)).status, 'ROTATING');
});

stage.play('neither Escape nor Cancel loses a value that is shown this once', async ({ service }) => {
  const { createAPIToken } = await graphql(service, 'mutation { createAPIToken(input: {name: "shown-once", scopes: ["read"]}) { apiToken { id } } }');
  return `/tokens/${createAPIToken.apiToken.id}`;
}, async page => {
  let sent, answer;
  const rotating = new Promise(done => { sent = done; });
  const answered = new Promise(done => { answer = done; });
  await page.route('**/query', async route => {
    if (route.request().postDataJSON().query.includes('rotateAPIToken(')) { sent(); await answered; }
    await route.continue();
  });
  await page.getByRole('button', { name: 'Rotate' }).click();
  await dialog(page).getByRole('button', { name: 'Rotate' }).click();
  await rotating;
  assert.ok(await dialog(page).getByRole('button', { name: 'Cancel' }).isDisabled(), 'what is under way can be called off');
  for (let i = 0; i < 3; i++) await page.keyboard.press('Escape');
  answer();
  const value = page.getByLabel('the value', { exact: true });
  await value.waitFor();
  for (let i = 0; i < 3; i++) await page.keyboard.press('Escape');
  // Whoever presses Escape twice closes a dialog in any case; it opens again behind the browser's event.
  await page.waitForFunction(() => document.querySelector('dialog[open]'));
  await page.getByRole('button', { name: 'Copy the value' }).click();
  assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^tola_[0-9A-Za-z]{64}$/);
  await page.getByRole('button', { name: 'I have it' }).click();
  await value.waitFor({ state: 'detached' });
});

stage.play('suspended, resumed, changed, reviewed', s => `/tokens/${s.tokens['risk-register-sync'].id}`, async (page, { service, tokens }) => {
  const id = tokens['risk-register-sync'].id;
  await page.getByRole('button', { name: 'Suspend' }).click();
  await dialog(page).getByLabel('Reason, if you like').fill('A look first');
  await dialog(page).getByRole('button', { name: 'Suspend' }).click();
  await page.getByRole('button', { name: 'Resume' }).waitFor();
  assert.equal((await stateOf(service, id)).status, 'SUSPENDED');
  await page.getByRole('button', { name: 'Resume' }).click();
  await dialog(page).getByRole('button', { name: 'Resume' }).click();
  await page.getByRole('button', { name: 'Change', exact: true }).click();
  await dialog(page).getByLabel('Name').fill('risk-sync');
  await dialog(page).getByLabel('Tags').fill('grc nightly');
  await dialog(page).getByRole('button', { name: 'Record 2 changes' }).click();
  await page.getByRole('heading', { level: 1, name: 'risk-sync' }).waitFor();
  await page.getByRole('button', { name: 'Mark as reviewed' }).click();
  await dialog(page).getByRole('button', { name: 'Record the review' }).click();
  await page.getByText('Last reviewed').waitFor();
});

stage.play('the leak box hashes a value before it leaves the page', '/leak', async (page, { service, tokens }) => {
  const { token, id } = tokens['ci-evidence-upload'];
  const sent = [];
  page.on('request', request => sent.push(`${request.url()} ${request.postData() ?? ''} ${JSON.stringify(request.headers())}`));
  await page.getByLabel('What was found').fill(`level=info auth="Bearer ${token}" path=/evidence`);
  await page.getByRole('button', { name: 'Look it up' }).click();
  await page.getByRole('region', { name: 'Rows of Leak report' }).waitFor();
  await page.getByRole('cell', { name: /createEvidence/ }).first().waitFor();
  assert.ok(!sent.some(text => text.includes(token)), 'the value left the page');
  const hash = createHash('sha256').update(token).digest('base64');
  assert.ok(sent.some(text => text.includes(hash)), 'its hash was asked for');
  assert.ok(!(await page.content()).includes(token) && await page.getByLabel('What was found').inputValue() === '');
  assert.deepEqual(await violations(page), []);
  await page.getByRole('button', { name: 'End it' }).click();
  await dialog(page).getByLabel('Reason').fill('Found in a log');
  await dialog(page).getByRole('button', { name: 'End it for good' }).click();
  await page.getByText('Recorded at').waitFor();
  assert.equal((await stateOf(service, id)).status, 'REVOKED');
});

stage.play('the leak box takes a hash and an id, too, and says when it is neither', '/leak', async (page, { tokens }) => {
  const { id, token } = tokens['contractor-export'];
  const asked = async words => {
    await page.getByLabel('What was found').fill(words);
    await page.getByRole('button', { name: 'Look it up' }).click();
  };
  for (const words of [createHash('sha256').update(token).digest('hex'), id]) {
    await asked(words);
    await page.waitForURL(`**/leak?id=${words}`);
    await page.getByRole('region', { name: 'Rows of Leak report' }).getByRole('link', { name: 'contractor-export' }).first().waitFor();
  }
  await asked('hello');
  await page.getByText('That is no value, hash or id of a token.').waitFor();
});

stage.play('a finding is triaged', '/findings', async (page, { service }) => {
  await page.getByRole('button', { name: 'Triage' }).first().click();
  await dialog(page).getByLabel('False positive').check();
  await dialog(page).getByLabel('Note').fill('The new runner');
  assert.deepEqual(await violations(page), []);
  await dialog(page).getByRole('button', { name: 'Record' }).click();
  await page.getByText('Recorded at').waitFor();
  await page.getByRole('button', { name: 'False positive' }).click();
  await page.getByText('The new runner').waitFor();
  const { findings } = await graphql(service, '{ findings(status: FALSE_POSITIVE) { edges { node { note } } } }');
  assert.equal(findings.edges[0].node.note, 'The new runner');
});

stage.play('a policy is tried on what was used, then recorded', '/policy', async (page, { service }) => {
  await page.getByLabel('Networks that uses may come from').fill('198.51.100.0/24 127.0.0.0/8');
  await page.getByText(/It would have refused \d+ of/).waitFor();
  assert.deepEqual(await violations(page), []);
  await page.getByRole('button', { name: 'Back to what holds' }).click();
  await page.getByLabel('Review every, in days').fill('90');
  await page.getByText('it would have refused none').waitFor();
  await page.getByRole('button', { name: 'Record 1 change' }).click();
  await dialog(page).getByRole('button', { name: 'Record' }).click();
  await page.getByText('Recorded at').waitFor();
  const { organization } = await graphql(service, '{ organization { policy { reviewEvery allowedSources } } }');
  assert.deepEqual(organization.policy, { reviewEvery: 90 * 86_400, allowedSources: [] });
});

stage.play('people are invited, added, changed and removed', '/people', async (page, { service }) => {
  await page.getByRole('button', { name: 'Invite somebody' }).click();
  await dialog(page).getByLabel('E-mail address').fill('auditor@example.com');
  await dialog(page).getByLabel('Auditor').check();
  await dialog(page).getByRole('button', { name: 'Invite' }).click();
  assert.match(await page.getByLabel('the link', { exact: true }).textContent(), /\/v1\/invitation#/);
  await page.getByRole('button', { name: 'I have it' }).click();
  await page.getByRole('cell', { name: 'auditor@example.com', exact: true }).waitFor();
  await page.getByRole('button', { name: 'Add somebody' }).click();
  await dialog(page).getByLabel('E-mail address').fill('sam@example.com');
  await dialog(page).getByLabel('Name').fill('Sam');
  await dialog(page).getByRole('button', { name: 'Add' }).click();
  await page.getByRole('button', { name: 'Change the role of Sam' }).click();
  await dialog(page).getByLabel('Admin').check();
  await dialog(page).getByRole('button', { name: 'Record' }).click();
  await page.getByRole('row', { name: /Sam/ }).getByText('Admin').waitFor();
  assert.deepEqual(await violations(page), []);
  await page.getByRole('button', { name: 'Remove Sam' }).click();
  await dialog(page).getByRole('button', { name: 'Remove' }).click();
  await page.getByRole('button', { name: 'Remove Sam' }).waitFor({ state: 'detached' });
  const { organization } = await graphql(service, '{ organization { members { edges { node { user { displayName } isActive } } } } }');
  assert.ok(!organization.members.edges.some(({ node }) => node.user.displayName === 'Sam' && node.isActive));
});

stage.play('an access review is opened, decided and closed', '/reviews', async page => {
  await page.getByRole('button', { name: 'Open a review' }).click();
  await dialog(page).getByLabel('Name').fill('Autumn');
  await dialog(page).getByRole('button', { name: 'Open' }).click();
  await page.getByRole('link', { name: /Autumn/ }).click();
  await page.getByRole('heading', { level: 1, name: 'Autumn' }).waitFor();
  // Whoever made a token is taken for its owner, and does not decide on it.
  await page.getByText('yours: somebody else decides').first().waitFor();
  assert.deepEqual(await violations(page), []);
  await page.getByRole('button', { name: 'Close it' }).click();
  await dialog(page).getByRole('button', { name: 'Close it' }).click();
  await page.getByText(/closed/).first().waitFor();
});

stage.play('the organization’s name, single sign-on, objects and webhooks', '/organization', async (page, { service }) => {
  await page.getByRole('button', { name: 'Rename' }).click();
  await dialog(page).getByLabel('Name', { exact: true }).fill('Example Works');
  await dialog(page).getByRole('button', { name: 'Record' }).click();
  await page.getByRole('heading', { name: 'Example Works' }).waitFor();
  await page.getByRole('button', { name: 'Set up' }).click();
  assert.deepEqual(await violations(page), []);
  await dialog(page).getByLabel('Issuer').fill('https://id.invalid');
  await dialog(page).getByLabel('Client').fill('ledger');
  await dialog(page).getByRole('button', { name: 'Record' }).click();
  await dialog(page).getByRole('alert').getByText('cannot be found').waitFor(); // the service's own words
  await dialog(page).getByLabel('Issuer').fill('https://127.0.0.2');
  await dialog(page).getByRole('button', { name: 'Record' }).click();
  await page.getByText('https://127.0.0.2').waitFor();
  const { organization } = await graphql(service, '{ organization { displayName ssoProvider { issuer clientID } } }');
  assert.deepEqual(organization, { displayName: 'Example Works', ssoProvider: { issuer: 'https://127.0.0.2', clientID: 'ledger' } });
  await page.getByRole('button', { name: 'Register one' }).click();
  await dialog(page).getByLabel('Name').fill('invoice');
  await dialog(page).getByLabel('Actions, each with its verb').fill('listInvoices=read payInvoice=write');
  await dialog(page).getByRole('button', { name: 'Register' }).click();
  await page.getByRole('cell', { name: 'payInvoice write' }).waitFor();
  await page.getByRole('button', { name: 'Add one' }).click();
  await dialog(page).getByLabel('URL').fill('http://127.0.0.1/hook');
  await dialog(page).getByRole('button', { name: 'Add' }).click();
  await dialog(page).getByRole('alert').waitFor(); // no private address, and the service's words say so
  await page.keyboard.press('Escape');
});

stage.play('a webhook is removed once that was confirmed', async ({ service }) => {
  await graphql(service, 'mutation { addWebhook(input: {url: "http://127.0.0.2:9/tokens", types: ["finding"]}) { webhook { id } } }');
  return '/organization';
}, async (page, { service }) => {
  const left = async () => (await graphql(service, '{ webhooks { url } }')).webhooks.length;
  const remove = page.getByRole('button', { name: 'Remove http://127.0.0.2:9/tokens' });
  await remove.click();
  await dialog(page).getByText('http://127.0.0.2:9/tokens').waitFor();
  assert.deepEqual(await violations(page), []);
  await dialog(page).getByRole('button', { name: 'Cancel' }).click();
  await dialog(page).waitFor({ state: 'detached' });
  assert.equal(await left(), 1);
  await remove.click();
  await dialog(page).getByRole('button', { name: 'Remove for good' }).click();
  await remove.waitFor({ state: 'detached' });
  assert.equal(await left(), 0);
});

stage.play('lists that are longer than a page are read to their end', async ({ service }) => {
  const { organization } = await graphql(service, '{ organization { id } }');
  for (let i = 0; i < 5; i++) {
    await graphql(service, 'mutation($input: InviteMemberInput!) { inviteMember(input: $input) { invitation { id } } }', { input: { email: `guest-${i}@example.com`, role: 'MEMBER' } });
    await graphql(service, 'mutation($input: CreateUserInput!) { createUser(input: $input) { user { id } } }', { input: { email: `staff-${i}@example.com`, displayName: `Staff ${i}`, role: 'MEMBER' } });
    await graphql(service, 'mutation($input: CreatePersonalAccessTokenInput!) { createPersonalAccessToken(input: $input) { receipt { position } } }', { input: { name: `own-${i}`, scopes: ['read'], organizationIDs: [organization.id] } });
  }
  return '/tokens';
}, async page => {
  // A page is made two entries long on its way, so that five are more than one.
  await page.route('**/query', route => {
    const asked = route.request().postDataJSON();
    if (asked.variables.first === 100) asked.variables.first = 2;
    return route.continue({ postData: JSON.stringify(asked) });
  });
  for (const [path, region, entry] of [['/people', 'Members', /Staff \d/], ['/people', 'Invitations', /guest-\d/], ['/grants', 'Personal access', /own-\d/], ['/personal', 'Your tokens', /own-\d/]]) {
    await visit(page, path);
    const panel = page.locator('.panel').filter({ has: page.getByRole('region', { name: region }) });
    const more = panel.getByRole('button', { name: 'More' });
    await more.waitFor();
    const rows = panel.locator('tbody tr');
    const total = Number(/ of (\d+)/.exec(await panel.getByText(/^\d+ of \d+$/).textContent())[1]);
    assert.equal(await rows.count(), 2);
    for (let shown = 2; shown < total; ) {
      await more.click();
      shown = Math.min(shown + 2, total);
      await rows.nth(shown - 1).waitFor();
      assert.equal(await rows.count(), shown);
    }
    await more.waitFor({ state: 'detached' });
    const found = new Set((await rows.allTextContents()).flatMap(text => entry.exec(text)?.[0] ?? []));
    assert.equal(found.size, 5, `${region}: ${[...found]}`);
  }
});

stage.play('a personal token is made, suspended and revoked', '/personal', async page => {
  await visit(page, '/create?kind=personal');
  await page.getByLabel('Name').fill('my-laptop');
  await page.getByRole('button', { name: 'Create the token' }).click();
  assert.match(await page.getByLabel('the value', { exact: true }).textContent(), /^tolp_/);
  await page.getByRole('link', { name: 'To your tokens' }).click();
  await page.getByRole('button', { name: 'Suspend my-laptop' }).click();
  await dialog(page).getByRole('button', { name: 'Suspend' }).click();
  await page.getByRole('button', { name: 'Resume my-laptop' }).waitFor();
  await page.getByRole('button', { name: 'Revoke my-laptop' }).click();
  await dialog(page).getByLabel('Reason').fill('Sold it');
  await dialog(page).getByRole('button', { name: 'Revoke for good' }).click();
  await page.getByText('Sold it').waitFor();
  assert.deepEqual(await violations(page), []);
});

stage.play('a timeline has no gap, also when more is recorded while older events are looked at', async ({ service }) => {
  const { createAPIToken: { apiToken: { id } } } = await graphql(service, 'mutation { createAPIToken(input: {name: "long-lived", scopes: ["read"]}) { apiToken { id } } }');
  for (let i = 0; i < 34; i++) await graphql(service, 'mutation($id: ID!, $d: String!) { updateAPIToken(id: $id, input: {description: $d}) { apiToken { id } } }', { id, d: `Turn ${i}` });
  return `/tokens/${id}`;
}, async page => {
  const entries = page.locator('.timeline li .at');
  const older = page.getByRole('button', { name: 'Older' });
  await page.getByText('30 of 35 events').waitFor();
  await older.click();
  await older.waitFor({ state: 'detached' });
  assert.equal(await entries.count(), 35);
  await page.getByRole('button', { name: 'Mark as reviewed' }).click();
  await dialog(page).getByRole('button', { name: 'Record the review' }).click();
  await page.getByText('30 of 36 events').waitFor();
  await older.click();
  await older.waitFor({ state: 'detached' });
  assert.equal(await entries.count(), 36);
});

// The last, because the policy that it switches on is the whole organization's.
stage.play('personal access is let in, declined, ended', async ({ service }) => {
  const { organization } = await graphql(service, '{ organization { id tokenGrants(first: 100) { edges { node { tokenID status } } } } }');
  for (const { node } of organization.tokenGrants.edges.filter(({ node }) => node.status === 'ACTIVE')) {
    await graphql(service, 'mutation($id: ID!) { approveTokenGrant(id: $id) { tokenGrant { tokenID } } }', { id: node.tokenID });
  }
  await graphql(service, 'mutation { updateOrganizationPolicy(input: {approvalRequired: true}) { organization { id } } }');
  for (const name of ['let-in', 'kept-out']) {
    await graphql(service, 'mutation($input: CreatePersonalAccessTokenInput!) { createPersonalAccessToken(input: $input) { receipt { position } } }', { input: { name, scopes: ['read'], organizationIDs: [organization.id] } });
  }
  return '/grants';
}, async (page, { service }) => {
  const row = name => page.getByRole('row', { name: new RegExp(name) });
  await row('let-in').getByText('Pending').waitFor();
  assert.deepEqual(await violations(page), []);
  await page.getByRole('button', { name: 'Approve let-in' }).click();
  await dialog(page).getByRole('button', { name: 'Let it in' }).click();
  await row('let-in').getByText('Active', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Decline kept-out' }).click();
  assert.ok(await dialog(page).getByRole('button', { name: 'Decline for good' }).isDisabled(), 'a reason is needed');
  await dialog(page).getByLabel('Reason').fill('Nobody asked for it');
  await dialog(page).getByRole('button', { name: 'Decline for good' }).click();
  await row('kept-out').getByText('Ended', { exact: true }).waitFor();
  const states = async () => Object.fromEntries((await graphql(service, '{ organization { tokenGrants(first: 100) { edges { node { name status approvedAt } } } } }')).organization.tokenGrants.edges.map(({ node }) => [node.name, node]));
  const { 'let-in': one, 'kept-out': other } = await states();
  assert.ok(one.status === 'ACTIVE' && one.approvedAt, JSON.stringify(one));
  assert.ok(other.status === 'ENDED' && !other.approvedAt, JSON.stringify(other));
  await page.getByRole('button', { name: 'End the access of let-in' }).click();
  await dialog(page).getByLabel('Reason').fill('The project is over');
  await dialog(page).getByRole('button', { name: 'End its access' }).click();
  await row('let-in').getByText('Ended', { exact: true }).waitFor();
  assert.equal((await states())['let-in'].status, 'ENDED');
});
