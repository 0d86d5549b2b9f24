// The pictures of the documents: views of the demo, as they are shown. `npm run pictures` makes them anew.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { enter, launch, open, settled, visit } from './browser.mjs';
import { binary, directory, run, stop } from './service.mjs';

const to = join(dirname(fileURLToPath(import.meta.url)), '../../../../docs/pictures');
const most = 150 * 1024; // bytes of one
mkdirSync(to, { recursive: true });

// The story is told first, by the program that serves it; then the service of every other test goes on with it.
const service = { data: join(directory('pictures'), 'demo'), environment: {} };
await new Promise((ready, failed) => {
  const teller = spawn(binary(), ['demo', '--seed', '1'], {
    env: { PATH: process.env.PATH, HOME: dirname(service.data), TOKENLEDGER_DATA: service.data, TOKENLEDGER_LISTEN: '127.0.0.1:0', TOKENLEDGER_ADMIN_LISTEN: '127.0.0.1:0', TOKENLEDGER_NATS_LISTEN: 'off' },
  });
  let heard = '';
  for (const stream of [teller.stdout, teller.stderr]) stream.on('data', chunk => { heard += chunk; if (heard.includes('Try:')) teller.kill('SIGTERM'); });
  teller.once('exit', code => (code === 0 && heard.includes('Try:') ? ready() : failed(new Error(heard))));
});
await run(service);
service.token = readFileSync(join(service.data, 'admin.token'), 'utf8').trim();

const browser = await launch();
const page = await open(browser, service, { width: 1160, height: 700 });
await enter(page, service, '/');
const picture = async (name, path) => {
  if (path) await visit(page, path);
  await settled(page);
  for (const plot of await page.locator('.uplot canvas').all()) await plot.waitFor(); // drawn behind the answer
  await page.waitForTimeout(300); // and so are the marks of a plot
  const file = join(to, `${name}.png`);
  await page.screenshot({ path: file });
  const size = statSync(file).size;
  console.log(`${name}: ${size} bytes`);
  if (size > most) throw new Error(`${file} has ${size} bytes; at most ${most} are wanted`);
};
try {
  await picture('inventory', '/tokens');
  await page.getByRole('link', { name: 'ci-evidence' }).first().click();
  await picture('token');
  await picture('findings', '/findings');
  await picture('reviews', '/reviews');
  await picture('usage', '/reports/usage');
  await picture('history', '/history');
} finally {
  await browser.close();
  await stop(service);
}
