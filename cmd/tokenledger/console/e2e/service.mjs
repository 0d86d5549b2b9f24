// The real service, for the tests of the console: built once, started on a data directory of its own, ended with the tests.
import { execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
let built;

/** A directory that the service's Postgres, which runs as another user, can reach. */
export function directory(name) {
  const dir = mkdtempSync(join(tmpdir(), `console-${name}-`));
  chmodSync(dir, 0o711);
  return dir;
}

/** The program, built once. */
export function binary() {
  if (!built) {
    built = join(directory('bin'), 'tokenledger');
    execFileSync('go', ['build', '-o', built, '.'], { cwd: join(here, '../..'), stdio: 'inherit' });
    process.on('exit', () => rmSync(dirname(built), { recursive: true, force: true }));
  }
  return built;
}

/** Starts the service; environment adds to what it is told. */
export async function start(environment = {}) {
  const service = { data: directory('data'), environment };
  await run(service);
  service.token = readFileSync(join(service.data, 'admin.token'), 'utf8').trim();
  return service;
}

/** Runs it, again after it was killed: on the same data and at the same address. */
export async function run(service) {
  service.output = '';
  const child = spawn(binary(), ['serve'], {
    env: {
      PATH: process.env.PATH, HOME: service.data, TOKENLEDGER_DATA: service.data, TOKENLEDGER_ADMIN_LISTEN: '127.0.0.1:0',
      TOKENLEDGER_LISTEN: service.url ? new URL(service.url).host : '127.0.0.1:0', TOKENLEDGER_NATS_LISTEN: 'off', ...service.environment,
    },
  });
  service.child = child;
  service.ended = new Promise(done => child.once('exit', done));
  await new Promise((ready, failed) => {
    const heard = chunk => {
      service.output += chunk;
      const url = /URL +(\S+)/.exec(service.output);
      if (url && service.output.includes('Try:')) { service.url = url[1]; ready(); }
    };
    child.stdout.on('data', heard);
    child.stderr.on('data', heard);
    child.once('exit', code => failed(new Error(`the service ended with ${code}:\n${service.output}`)));
  });
}

/** Ends it in order, and takes its data away. */
export async function stop(service) {
  service.child.kill('SIGTERM');
  await service.ended;
  rmSync(service.data, { recursive: true, force: true });
}

const soon = new Set(['STALE_READ', 'UNAVAILABLE']);
const pause = milliseconds => new Promise(done => setTimeout(done, milliseconds));
const patience = 120_000; // only a test that hangs takes as long, also on a busy machine

/** Asks the API as a program does. What it cannot do yet it is asked again, a command under the same key. */
export async function graphql(service, query, variables = {}, token = service.token) {
  const key = randomUUID();
  for (const until = Date.now() + patience; ;) {
    const answer = await fetch(`${service.url}/query`, {
      method: 'POST', body: JSON.stringify({ query, variables }),
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}`, 'Idempotency-Key': key },
    });
    const { data, errors } = await answer.json();
    if (!errors) return data;
    if (!errors.every(e => soon.has(e.extensions?.code)) || Date.now() > until) throw new Error(`${query}\n${JSON.stringify(errors)}`);
    await pause(50);
  }
}

/** Waits until what was recorded is seen to hold: a read model follows what others did at its own pace. */
export async function eventually(holds) {
  for (const until = Date.now() + patience; ;) {
    try {
      return await holds();
    } catch (error) {
      if (Date.now() > until) throw error;
      await pause(50);
    }
  }
}
