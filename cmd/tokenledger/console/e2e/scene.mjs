// What every test file begins with: one service with the story, one browser, and pages that are closed without a fault.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { enter, launch, open, without } from './browser.mjs';
import { start, stop } from './service.mjs';
import { tell } from './story.mjs';

/** A scene; `play(name, path, act)` opens the path, signed in with the first token, and plays. */
export function scene({ environment, prepare = tell } = {}) {
  const stage = {};
  before(async () => {
    if (without) return;
    stage.service = await start(environment);
    stage.tokens = await prepare(stage.service);
    stage.browser = await launch();
  }, { timeout: 600_000 });
  after(async () => {
    await stage.browser?.close();
    if (stage.service) await stop(stage.service);
  });
  stage.play = (name, path, act, options) => test(name, { skip: without }, async () => {
    const at = typeof path === 'function' ? await path(stage) : path;
    const page = await open(stage.browser, stage.service, options);
    try {
      await enter(page, stage.service, at);
      await act(page, stage);
      assert.deepEqual(page.faults, []);
    } catch (error) {
      await page.screenshot({ path: `${(await import('./browser.mjs')).shots}/failed.png` }).catch(() => undefined);
      throw error;
    } finally {
      await page.context().close();
    }
  });
  return stage;
}

/** What a download holds. */
export async function downloaded(page, click) {
  const [download] = await Promise.all([page.waitForEvent('download'), click()]);
  const { readFile } = await import('node:fs/promises');
  return { name: download.suggestedFilename(), path: await download.path(), bytes: await readFile(await download.path()) };
}
