// What auditors do: then and now, reports and their files, the live feed, proofs that the browser checks by itself.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { enter, open, violations, visit } from './browser.mjs';
import { binary, eventually, graphql } from './service.mjs';
import { downloaded, scene } from './scene.mjs';

const stage = scene();
const keysOf = service => execFileSync(binary(), ['keys', 'list', '--public'], { env: { ...process.env, TOKENLEDGER_DATA: service.data }, encoding: 'utf8' }).trim();

stage.play('then and now marks what has changed', async ({ tokens, service }) => {
  const { createAPIToken: { receipt } } = await graphql(service, 'mutation { createAPIToken(input: {name: "made-later", scopes: ["read"]}) { receipt { recordedAt } } }');
  await graphql(service, 'mutation($id: ID!) { revokeAPIToken(id: $id, reason: "gone by now") { apiToken { id } } }', { id: tokens['gateway'].id });
  return `/history?at=${encodeURIComponent(new Date(Date.parse(receipt.recordedAt) - 1).toISOString())}`;
}, async page => {
  const then = page.getByRole('region', { name: 'Then' });
  await then.locator('.line.ended', { hasText: 'gateway' }).getByText('ended since').waitFor();
  assert.equal(await then.locator('.line', { hasText: 'made-later' }).count(), 0);
  await page.getByRole('region', { name: 'Changes' }).getByRole('link', { name: 'made-later' }).waitFor();
  assert.deepEqual(await violations(page), []);
  await page.getByLabel('Moment', { exact: true }).fill('1000'); // the end of the slider is now
  await then.locator('.line', { hasText: 'made-later' }).waitFor();
  await page.getByText('Nothing about who has access differs').waitFor();
  // The field leads elsewhere, too.
  const field = page.getByLabel('At');
  await field.fill(await field.getAttribute('min'));
  await then.locator('.line', { hasText: 'made-later' }).waitFor({ state: 'detached' });
  await page.getByRole('region', { name: 'Changes' }).getByRole('link', { name: 'made-later' }).waitFor();
});

stage.play('a report has its plot, its rows and its files', '/reports', async page => {
  await page.getByRole('link', { name: 'Lifecycle roll-forward' }).click();
  await page.getByText('organization tokens: issued').waitFor();
  assert.deepEqual(await violations(page), []);
  const csv = await downloaded(page, () => page.getByRole('button', { name: 'CSV' }).click());
  assert.equal(csv.name, 'roll-forward.csv');
  assert.match(csv.bytes.toString(), /opening/);
  const pdf = await downloaded(page, () => page.getByRole('button', { name: 'PDF' }).click());
  assert.equal(pdf.bytes.subarray(0, 5).toString(), '%PDF-');
  await page.getByRole('button', { name: '7 days' }).click();
  await page.waitForURL('**/reports/roll-forward?from=*');
  await page.getByText('What it cannot know').waitFor();
});

stage.play('every report can be looked at', '/reports', async page => {
  await page.locator('a.card').first().waitFor();
  const titles = await page.locator('a.card strong').allTextContents();
  assert.ok(titles.length >= 11);
  for (const title of titles.filter(t => t !== 'Leak report')) {
    await page.locator('a.card', { hasText: title }).first().click();
    await page.getByRole('heading', { level: 1, name: title }).waitFor();
    await page.getByText('About this report').waitFor();
    await page.getByRole('link', { name: 'All reports' }).click();
    await page.getByRole('heading', { level: 1, name: 'Reports' }).waitFor();
  }
});

stage.play('the live feed shows what is recorded, and can be paused', '/live', async (page, { service, browser }) => {
  await page.getByText('Live', { exact: true }).last().waitFor();
  const make = name => graphql(service, 'mutation($name: String!) { createAPIToken(input: {name: $name, scopes: ["read"]}) { receipt { position } } }', { name });
  await make('seen-live');
  await page.locator('.timeline li', { hasText: 'seen-live' }).first().waitFor();
  assert.deepEqual(await violations(page), []);
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.getByText('Paused').waitFor();
  await make('while-paused');
  const other = await open(browser, service); // a feed that is not paused has it
  await enter(other, service, '/live');
  await other.locator('.timeline li', { hasText: 'while-paused' }).first().waitFor();
  await other.context().close();
  assert.equal(await page.locator('.timeline li', { hasText: 'while-paused' }).count(), 0);
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.locator('.timeline li', { hasText: 'while-paused' }).first().waitFor();
  await page.getByRole('button', { name: 'membership' }).click();
  await page.getByText('Member joined').waitFor();
});

stage.play('a feed that is empty misses nothing of what is recorded while it is opened', '/tokens', async (page, { service }) => {
  const followed = page.waitForRequest(request => request.headers().accept?.includes('event-stream'));
  let open;
  const held = new Promise(done => { open = done; });
  await page.route('**/query', async route => {
    if (route.request().headers().accept?.includes('event-stream')) await held;
    await route.continue();
  });
  await visit(page, '/live?type=invitation');
  await followed; // the list was read, and nothing was in it
  await graphql(service, 'mutation { inviteMember(input: {email: "in-between@example.com", role: MEMBER}) { invitation { id } } }');
  open();
  await page.locator('.timeline li', { hasText: 'Invitation issued' }).waitFor();
  await page.getByText('1 event', { exact: true }).waitFor();
});

stage.play('the proof of an event is checked in the browser', async ({ service }) => {
  await eventually(() => graphql(service, '{ eventProof(position: 7) { checkpoint } }')); // once it is sealed
  return '/proof?event=5';
}, async (page, { service }) => {
  await page.getByText('Give the ledger’s verifier key').waitFor();
  await page.getByLabel('Verifier keys, one a line').fill(keysOf(service));
  await page.getByText('Verified.', { exact: true }).waitFor();
  await page.getByText('The event is at position 5 of the log, unaltered').waitFor();
  assert.deepEqual(await violations(page), []);

  // An answer that was altered on its way is found out, whatever the service says.
  await page.route('**/query', async route => {
    const answer = await route.fetch();
    const body = await answer.text();
    await route.fulfill({ response: answer, body: body.includes('eventProof') ? body.replace('\\"version\\":1', '\\"version\\":2') : body });
  });
  await page.getByLabel('Position').fill('7');
  await page.getByRole('button', { name: 'Check it' }).click();
  await page.getByText('Not verified: altered').waitFor();
  await page.unrouteAll();

  // And so is a signature by another key.
  const [name, hash] = keysOf(service).split('+'); // the key behind them may hold a + itself
  const other = `${name}+${hash}+${Buffer.concat([Buffer.from([1]), Buffer.alloc(32, 7)]).toString('base64')}`;
  await page.getByLabel('Verifier keys, one a line').fill(other);
  await page.getByText('has another hash than it says').waitFor();
});

const dropped = (page, buffer, name = 'pack.zip') => page.getByLabel('Evidence pack').setInputFiles({ name, mimeType: 'application/zip', buffer });

stage.play('a pack is made, checked in the browser, and every alteration is found', '/proof', async (page, { service }) => {
  const pack = await downloaded(page, () => page.getByRole('button', { name: 'Make and save it' }).click());
  const drop = (bytes, name) => dropped(page, bytes, name);
  const file = await page.evaluateHandle(bytes => { // dropped, as from a file manager
    const held = new DataTransfer();
    held.items.add(new File([Uint8Array.from(atob(bytes), c => c.charCodeAt(0))], 'dropped.zip', { type: 'application/zip' }));
    return held;
  }, pack.bytes.toString('base64'));
  await page.locator('.drop').dispatchEvent('drop', { dataTransfer: file });
  await page.getByRole('heading', { name: 'dropped.zip' }).waitFor();
  await page.getByText('trust is not pinned').waitFor();
  await page.getByLabel('Verifier keys, one a line').fill(keysOf(service));
  const sent = [];
  page.on('request', request => { if (request.method() !== 'GET') sent.push(request.url()); });
  await drop(pack.bytes);
  await page.getByText('Verified complete.').waitFor();
  assert.deepEqual(sent, [], 'the pack left the page');
  assert.deepEqual(await violations(page), []);
  // The command line comes to the same.
  execFileSync(binary(), ['audit', 'verify', pack.path, '--key', keysOf(service)]);

  const altered = (find, replace) => {
    const text = pack.bytes.toString('latin1');
    assert.ok(text.includes(find), `the pack has ${find}`);
    return Buffer.from(text.replace(find, replace), 'latin1');
  };
  for (const [find, replace, verdict] of [
    ['The migration is done', 'The migration is dona', 'altered'],
    ['"type":"token.revoked"', '"type":"token.resumed"', 'altered'],
    ['\u00e2\u0080\u0094 tokenledger', '\u00e2\u0080\u0094 tokenledgex', 'signature'],
    ['README.txt', 'REEDME.txt', 'malformed'],
  ]) {
    await drop(altered(find, replace), `${verdict}.zip`);
    await page.getByRole('heading', { name: `${verdict}.zip` }).waitFor();
    await page.getByText(`Not verified: ${verdict}`).waitFor();
    await drop(pack.bytes, 'whole.zip');
    await page.getByText('Verified complete.').waitFor();
  }
  assert.ok(readFileSync(pack.path).equals(pack.bytes));
});

stage.play('an auditor’s pack discloses values, each of which is checked', async ({ service }) => {
  const { me } = await graphql(service, '{ me { id } }');
  await graphql(service, 'mutation { createUser(input: {email: "owner@example.com", role: OWNER}) { user { id } } }');
  await graphql(service, 'mutation($id: ID!) { updateMember(input: {userID: $id, role: AUDITOR}) { membership { role } } }', { id: me.id });
  return '/proof';
}, async (page, { service }) => {
  await page.getByLabel('with network addresses and agents in clear').check();
  const pack = await downloaded(page, () => page.getByRole('button', { name: 'Make and save it' }).click());
  await page.getByLabel('Verifier keys, one a line').fill(keysOf(service));
  await dropped(page, pack.bytes);
  await page.getByText(/^\d+ disclosed values are those that events committed to$/).waitFor();
  await page.getByText('Verified complete.').waitFor();
  const text = pack.bytes.toString('latin1');
  assert.ok(text.includes('"value":"198.51.100.7"'));
  await dropped(page, Buffer.from(text.replace('"value":"198.51.100.7"', '"value":"198.51.100.9"'), 'latin1'), 'altered.zip');
  await page.getByText('Not verified: altered').waitFor();
  await page.getByText('the value is not the one that the event committed to').waitFor();
  // An auditor reads everything and is offered no command.
  await page.getByRole('link', { name: 'Inventory' }).click();
  await page.locator('.rows a.name').first().click();
  await page.getByRole('heading', { name: 'Timeline' }).waitFor();
  assert.equal(await page.getByRole('button', { name: 'Revoke' }).count(), 0);
});
