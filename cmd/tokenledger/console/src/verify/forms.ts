// The written forms of the sealed log: checkpoints, epochs, heads, proofs, frontiers. Each has one spelling.
import { type Bytes, Failure, same, textOf } from './bytes';
import { emptyRoot, Frontier, hashOf } from './merkle';
import { type Key, openNote } from './note';

const hash = '([A-Za-z0-9+/]{43}=)', size = '(0|[1-9][0-9]{0,15})';
const time = '([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{6}Z)', name = '([!-~]+?)';
const epochForm = new RegExp(`^\\{"v":1,"epoch":${size},"time":"${time}","size":${size},"root":"${hash}","organizations":${size},"heads":"${hash}"(?:,"continues":\\{"origin":"${name}","size":${size},"root":"${hash}"\\})?\\}$`);
const headForm = new RegExp(`^\\{"v":1,"organization":${size},"size":${size},"root":"${hash}","salt":"${hash}"\\}$`);

export type Checkpoint = { origin: string; size: number; root: Bytes; rootText: string };
export type Epoch = { number: number; time: bigint; at: string; size: number; root: Bytes; organizations: number; heads: Bytes };
export type Head = { index: number; size: number; root: Bytes };

export function sizeOf(text: string): number {
  const n = Number(text);
  if (!Number.isSafeInteger(n)) throw new Failure('malformed', `${text} is out of range`);
  return n;
}

/** An instant in nanoseconds, to compare. */
export function timeOf(text: string): bigint {
  const m = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/.exec(text);
  const seconds = m ? Date.parse(`${m[1]}Z`) : NaN;
  if (!m || Number.isNaN(seconds)) throw new Failure('malformed', `“${text.slice(0, 60)}” is no time in UTC`);
  return BigInt(seconds / 1000) * 1_000_000_000n + BigInt((m[2] ?? '').padEnd(9, '0'));
}

const emptyFits = (size: number, root: Bytes) => (size === 0) === same(root, emptyRoot);

export function parseEpoch(raw: Bytes): Epoch {
  const m = epochForm.exec(textOf(raw, 'an epoch'));
  if (!m) throw new Failure('malformed', 'an epoch is not in its form');
  const [, number, at, events, root, organizations, heads, continues] = m as unknown as string[];
  const e = { number: sizeOf(number!), time: timeOf(at!), at: at!, size: sizeOf(events!), root: hashOf(root!), organizations: sizeOf(organizations!), heads: hashOf(heads!) };
  if (!emptyFits(e.size, e.root) || !emptyFits(e.organizations, e.heads)) throw new Failure('malformed', 'the root of an empty tree goes with size 0 and with no other');
  if (continues !== undefined && e.number !== 0) throw new Failure('malformed', 'only the first epoch can continue another log');
  return e;
}

export function parseHead(raw: Bytes): Head {
  const m = headForm.exec(textOf(raw, 'a head'));
  if (!m) throw new Failure('malformed', 'a head is not in its form');
  const [, index, events, root, salt] = m as unknown as string[];
  const h = { index: sizeOf(index!), size: sizeOf(events!), root: hashOf(root!) };
  hashOf(salt!);
  if (!emptyFits(h.size, h.root)) throw new Failure('malformed', 'the root of an empty tree goes with size 0 and with no other');
  return h;
}

/** A checkpoint that the log's own key has signed; signatures of witnesses are passed over. */
export async function openCheckpoint(signed: Bytes, keys: Key[]): Promise<Checkpoint> {
  const { body, names } = await openNote(signed, keys);
  const lines = body.split('\n');
  const [origin = '', count = '', root = ''] = lines;
  if (lines.length !== 4 || lines[3] !== '' || !/^[!#-*,-[\]-~]+$/.test(origin) || !new RegExp(`^${size}$`).test(count)) {
    throw new Failure('malformed', 'a checkpoint is not in its form');
  }
  const c = { origin, size: sizeOf(count), root: hashOf(root), rootText: root };
  if (!emptyFits(c.size, c.root)) throw new Failure('malformed', 'the root of an empty log goes with size 0 and with no other');
  if (!names.includes(origin)) throw new Failure('signature', 'the key of another log has signed this checkpoint');
  return c;
}

export function parseProof(raw: Bytes): Bytes[] {
  const text = textOf(raw, 'a proof');
  if (text && !text.endsWith('\n')) throw new Failure('malformed', 'a proof has no end');
  const hashes = text.split('\n').slice(0, -1).map(hashOf);
  if (hashes.length > 64) throw new Failure('malformed', 'a proof is too long');
  return hashes;
}

export function parseFrontier(raw: Bytes): Frontier {
  const lines = textOf(raw, 'the frontier').split('\n');
  if (lines.at(-1) !== '' || !new RegExp(`^${size}$`).test(lines[0] ?? '')) throw new Failure('malformed', 'the frontier is not in its form');
  const total = sizeOf(lines[0]!), hashes = lines.slice(1, -1).map(hashOf);
  const levels: number[] = [];
  for (let level = 0, n = total; n > 0; level++, n = Math.floor(n / 2)) if (n % 2 === 1) levels.unshift(level);
  if (levels.length !== hashes.length) throw new Failure('malformed', 'the frontier is not in its form');
  return new Frontier(total, new Map(levels.map((level, i) => [level, hashes[i]!])));
}
