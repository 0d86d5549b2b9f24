// A hundred thousand tokens: the first paint, the ends of the list, its middle, an order, a search.
import assert from 'node:assert/strict';
import { eventually, graphql } from './service.mjs';
import { scene } from './scene.mjs';

const total = 100_000, bulk = 1000;
const stage = scene({
  prepare: async service => {
    for (let start = 0; start < total; start += bulk) {
      await graphql(service, 'mutation($input: [CreateAPITokenInput!]!) { createBulkAPIToken(input: $input) { receipt { position } } }', {
        input: Array.from({ length: bulk }, (_, i) => ({ name: name(start + i), scopes: ['evidence:read'] })),
      });
    }
    await eventually(async () => assert.equal((await graphql(service, '{ apiTokens { totalCount } }')).apiTokens.totalCount, total)); // the one that asks is personal
  },
});

function name(i) { return `program-${String(i).padStart(6, '0')}`; }

/** How long an interaction keeps the page from drawing: from the event to the picture after it. */
const interactions = page => page.evaluate(() => new Promise(done => {
  const seen = [];
  new PerformanceObserver(list => seen.push(...list.getEntries().map(e => Math.round(e.duration)))).observe({ type: 'event', durationThreshold: 16, buffered: true });
  setTimeout(() => done(seen), 500);
}));

stage.play('the list stays quick at 100,000 tokens', '/tokens?sort=name', async page => {
  await page.getByText('100,000 tokens').waitFor();
  await page.locator('.rows a.name', { hasText: name(0) }).waitFor();
  assert.ok(await page.locator('.rows > .line').count() < 120, 'rows out of sight are drawn');

  await page.keyboard.press('End');
  await page.locator('.rows a.name', { hasText: name(total - 1) }).waitFor();
  await page.keyboard.press('Home');
  await page.locator('.rows a.name', { hasText: name(0) }).waitFor();
  for (let i = 0; i < 30; i++) await page.mouse.wheel(0, 900);
  await page.keyboard.press('j');
  await page.locator('.top input').fill(name(54_321));
  await page.locator('.top input').press('Enter');
  await page.getByText('1 token', { exact: true }).waitFor();
  await page.locator('.rows a.name', { hasText: name(54_321) }).waitFor();
  await page.getByRole('button', { name: /Remove the filter/ }).click();
  await page.getByText('100,000 tokens').waitFor();
  await page.getByRole('button', { name: 'Name', exact: true }).click();
  await page.locator('.rows a.name', { hasText: name(total - 1) }).waitFor();

  const slow = (await interactions(page)).sort((a, b) => b - a);
  console.log(`interactions of 16 ms or more, slowest first: ${slow.slice(0, 8).join(', ') || 'none'}`);
});

stage.play('the first paint does not wait for the list', '/tokens', async (page, { service }) => {
  await page.goto(service.url);
  await page.getByLabel('Token', { exact: true }).waitFor();
  let paint; // the entry is written a moment after the picture
  for (let tries = 0; !paint && tries < 600; tries++) {
    paint = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime);
    if (!paint) await page.waitForTimeout(50);
  }
  console.log(`first contentful paint: ${Math.round(paint)} ms`);
  assert.ok(paint > 0);
});
