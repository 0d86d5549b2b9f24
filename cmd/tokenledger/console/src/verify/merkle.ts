// Merkle trees of RFC 6962 and their proofs (RFC 9162, sections 2.1.3 and 2.1.4), hashed by WebCrypto.
import { type Bytes, Failure, fromBase64, same, sha256 } from './bytes';

const zero = Uint8Array.of(0), one = Uint8Array.of(1);
export const mostEntries = Number.MAX_SAFE_INTEGER;

export const leafHash = (leaf: Bytes) => sha256(zero, leaf);
const nodeHash = (left: Bytes, right: Bytes) => sha256(one, left, right);
export const emptyRoot = fromBase64('47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=') as Bytes;

const half = (n: number) => Math.floor(n / 2);
const odd = (n: number) => n % 2 === 1;

export async function inTree(index: number, size: number, leaf: Bytes, root: Bytes, proof: Bytes[]): Promise<boolean> {
  if (index < 0 || index >= size || size > mostEntries) return false;
  let at = index, last = size - 1, hash = leaf;
  for (const next of proof) {
    if (last === 0) return false;
    if (odd(at) || at === last) {
      hash = await nodeHash(next, hash);
      while (!odd(at) && at !== 0) { at = half(at); last = half(last); }
    } else {
      hash = await nodeHash(hash, next);
    }
    at = half(at);
    last = half(last);
  }
  return last === 0 && same(hash, root);
}

export async function goesOn(older: number, newer: number, olderRoot: Bytes, newerRoot: Bytes, proof: Bytes[]): Promise<boolean> {
  if (older < 0 || older > newer || newer > mostEntries) return false;
  if (older === 0) return proof.length === 0 && same(olderRoot, emptyRoot) && (newer > 0 || same(newerRoot, emptyRoot));
  if (older === newer) return proof.length === 0 && same(olderRoot, newerRoot);
  const power = Number.isInteger(Math.log2(older)) && 2 ** Math.log2(older) === older;
  const [start, ...path] = power ? [olderRoot, ...proof] : proof;
  if (!start) return false;
  let at = older - 1, last = newer - 1;
  while (odd(at)) { at = half(at); last = half(last); }
  let first = start, second = start;
  for (const next of path) {
    if (last === 0) return false;
    if (odd(at) || at === last) {
      first = await nodeHash(next, first);
      second = await nodeHash(next, second);
      while (!odd(at) && at !== 0) { at = half(at); last = half(last); }
    } else {
      second = await nodeHash(second, next);
    }
    at = half(at);
    last = half(last);
  }
  return last === 0 && same(first, olderRoot) && same(second, newerRoot);
}

/** The right edge of a growing tree: the roots of its perfect subtrees, by level. */
export class Frontier {
  constructor(public size = 0, private readonly peaks = new Map<number, Bytes>()) {}

  copy() { return new Frontier(this.size, new Map(this.peaks)); }

  async append(leaf: Bytes) {
    let level = 0, hash = leaf;
    for (let n = this.size; odd(n); n = half(n)) hash = await nodeHash(this.peaks.get(level++) as Bytes, hash);
    this.peaks.set(level, hash);
    this.size++;
  }

  async root(): Promise<Bytes> {
    let root: Bytes | undefined;
    for (let level = 0, n = this.size; n > 0; level++, n = half(n)) {
      if (!odd(n)) continue;
      const peak = this.peaks.get(level) as Bytes;
      root = root ? await nodeHash(peak, root) : peak;
    }
    return root ?? emptyRoot;
  }
}

export function hashOf(text: string): Bytes {
  const raw = fromBase64(text);
  if (raw?.length !== 32) throw new Failure('malformed', `“${text.slice(0, 60)}” is no hash`);
  return raw;
}
