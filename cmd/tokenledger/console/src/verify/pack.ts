// An evidence pack, checked whole in the browser: the steps and verdicts are those of `tokenledger audit verify`.
import { type Bytes, Failure, join, same, sha256, textOf, toHex, utf8 } from './bytes';
import { type Checkpoint, type Epoch, type Head, openCheckpoint, parseEpoch, parseFrontier, parseHead, parseProof, timeOf } from './forms';
import { parseLeaf } from './leaf';
import { emptyRoot, type Frontier, goesOn, inTree, leafHash } from './merkle';
import { type Key, openNote, parseKeys } from './note';
import { entriesOf } from './zip';

const parts = ['.checkpoint', '.epoch', '.epoch.proof', '.head', '.head.proof'];
const opening = 'proof/opening', closing = 'proof/closing';
const order = ['README.txt', 'report.pdf', 'report.html', 'events.jsonl', 'events.csv', 'disclosures.jsonl',
  ...parts.map(p => opening + p), ...parts.map(p => closing + p),
  'proof/consistency', 'proof/frontier', 'proof/first.leaf', 'proof/first.proof', 'keys/log.vkey', 'ocsf.jsonl', 'controls.csv', 'verify.py', 'manifest.json', 'manifest.note', 'run.json'];
const members = ['format', 'generator', 'organization', 'query', 'from', 'to', 'disclosed', 'events', 'after', 'through', 'first_position', 'last_position', 'checkpoint', 'files', 'limits'];
const header = `${['position', 'trail_position', 'recorded_at', 'type', 'stream', 'version', 'actor_kind', 'actor', 'actor_user', 'reason', 'correlation', 'data', 'leaf_hash'].map(c => `"${c}"`).join(',')}\r\n`;

export type Manifest = {
  format: string; generator: string; organization: string; from: string; to: string; events: number; after: number; through: number;
  checkpoint: { origin: string; size: number; root: string }; files: { name: string; size: number; sha256: string }[];
};
export type Checked = { manifest: Manifest; origin: string; epochs: number; pinned: boolean; keys: string[]; disclosed: number };
type Step = (shown: string, done?: number) => void;

/** Checks a pack. Without keys those of the pack are taken, and the answer says that they are not pinned. */
export async function verifyPack(archive: Bytes, keys: Key[], step: Step = () => undefined): Promise<Checked> {
  const pack = new Pack(archive);
  const manifest = pack.manifest();
  const pinned = keys.length > 0;
  const used = pinned ? keys : await parseKeys(textOf(pack.entry('keys/log.vkey'), 'the key'));
  step(`The zip has the ${pack.entries.size} entries of a pack and no others`);
  const proven = await pack.prove(manifest, used, step);
  const disclosed = await pack.disclosures();
  step(disclosed ? `${disclosed} disclosed values are those that events committed to` : 'No values are disclosed');
  await pack.files(manifest);
  step(`${manifest.files.length} files are those that the manifest lists`);
  await pack.signed(used);
  const { checkpoint: c } = manifest;
  if (manifest.after !== proven.after || manifest.through !== proven.through || manifest.events !== proven.through - proven.after
    || c.origin !== proven.checkpoint.origin || c.size !== proven.checkpoint.size || c.root !== proven.checkpoint.rootText) {
    throw new Failure('altered', 'the manifest speaks of other events or of another checkpoint than the proof');
  }
  step('The manifest is signed, and speaks of what was proven');
  return { manifest, origin: proven.checkpoint.origin, epochs: proven.checkpoint.size, pinned, keys: used.map(k => k.text), disclosed };
}

type Bound = { checkpoint: Checkpoint; epoch: Epoch; head: Head };

class Pack {
  readonly entries: Map<string, Bytes>;
  private readonly hasOpening: boolean;

  constructor(archive: Bytes) {
    this.entries = entriesOf(archive);
    const names = [...this.entries.keys()];
    let at = 0;
    for (const name of names) {
      const found = order.indexOf(name, at);
      if (found < 0) throw new Failure('malformed', `the entry “${name}” does not belong here`);
      const missing = order.slice(at, found).find(n => !n.startsWith(opening));
      if (missing) throw new Failure('malformed', `the entry ${missing} is missing`);
      at = found + 1;
    }
    if (at < order.length) throw new Failure('malformed', `the entry ${order[at]} is missing`);
    const opened = names.filter(n => n.startsWith(opening)).length;
    if (opened !== 0 && opened !== 5) throw new Failure('malformed', `of the opening, ${opened} of 5 entries are there`);
    this.hasOpening = opened === 5;
  }

  entry(name: string): Bytes { return (this.entries.get(name) as Bytes).slice(); }

  manifest(): Manifest {
    const raw = textOf(this.entry('manifest.json'), 'the manifest');
    const fault = new Failure('malformed', 'the manifest is not in the form in which it is written');
    let m: Manifest;
    try { m = JSON.parse(raw) as Manifest; } catch { throw fault; }
    const again = `${JSON.stringify(m, null, 2)}\n`.replaceAll('&', '\\u0026').replaceAll('<', '\\u003c').replaceAll('>', '\\u003e').replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
    if (Object.keys(m).join() !== members.join() || again !== raw || m.format !== 'tokenledger evidence pack 1') throw fault;
    return m;
  }

  private async bound(end: string, index: number, keys: Key[]): Promise<Bound> {
    const checkpoint = await openCheckpoint(this.entry(`${end}.checkpoint`), keys);
    const rawEpoch = this.entry(`${end}.epoch`), rawHead = this.entry(`${end}.head`);
    const epoch = parseEpoch(rawEpoch);
    if (!await inTree(epoch.number, checkpoint.size, await leafHash(rawEpoch), checkpoint.root, parseProof(this.entry(`${end}.epoch.proof`)))) {
      throw new Failure('altered', `epoch ${epoch.number} is not in the signed log`);
    }
    if (rawHead.length === 0 && index >= epoch.organizations) return { checkpoint, epoch, head: { index, size: 0, root: emptyRoot } };
    const head = parseHead(rawHead);
    if (head.index !== index) throw new Failure('altered', `the head in epoch ${epoch.number} is that of organization ${head.index}, not ${index}`);
    if (!await inTree(index, epoch.organizations, await leafHash(rawHead), epoch.heads, parseProof(this.entry(`${end}.head.proof`)))) {
      throw new Failure('altered', `the organization's head is not in epoch ${epoch.number}`);
    }
    if (head.size > epoch.size) throw new Failure('fork', `epoch ${epoch.number} counts more events in one trail than in the whole log`);
    return { checkpoint, epoch, head };
  }

  /** The organization's index, which its first event gives. */
  private index(manifest: Manifest, first: Bytes): number {
    const leaf = parseLeaf(first);
    if (leaf.trail !== manifest.organization || leaf.trailPosition !== 1 || leaf.type !== 'organization.created') {
      throw new Failure('malformed', `the first leaf is not the creation of organization ${manifest.organization}`);
    }
    const index = (JSON.parse(leaf.data) as { index?: unknown }).index;
    if (typeof index !== 'number' || !Number.isSafeInteger(index)) throw new Failure('malformed', 'the first leaf names no index');
    return index;
  }

  async prove(manifest: Manifest, keys: Key[], step: Step) {
    const first = this.entry('proof/first.leaf');
    const index = this.index(manifest, first);
    const older = this.hasOpening ? await this.bound(opening, index, keys) : undefined;
    const newer = await this.bound(closing, index, keys);
    step(`The checkpoint of ${newer.checkpoint.origin} over ${newer.checkpoint.size} epochs bears the signature of the key`);
    const from = timeOf(manifest.from), to = timeOf(manifest.to);
    if (from >= to) throw new Failure('malformed', 'the period ends before it starts');
    if (newer.epoch.time < to) throw new Failure('incomplete', `the closing epoch is of ${newer.epoch.at}, before the end of the period: later events could be missing`);
    const frontier = parseFrontier(this.entry('proof/frontier'));
    if (older) await this.older(older, newer, from, frontier);
    else if (frontier.size !== 0) throw new Failure('incomplete', `the evidence begins after trail position ${frontier.size} without an opening checkpoint`);
    step('The epochs enclose the period, and the later log goes on the earlier one');
    if (!await inTree(0, newer.head.size, await leafHash(first), newer.head.root, parseProof(this.entry('proof/first.proof')))) {
      throw new Failure('altered', 'the trail does not begin with the event that the evidence gives as its first');
    }
    await this.walk(frontier, newer.head, step);
    step(`Every event up to number ${newer.head.size} of the trail is there, unaltered and in order`);
    return { after: older?.head.size ?? 0, through: newer.head.size, checkpoint: newer.checkpoint };
  }

  private async older({ checkpoint: c, epoch: e, head: h }: Bound, newer: Bound, from: bigint, frontier: Frontier) {
    if (e.time > from) throw new Failure('incomplete', `the opening epoch is of ${e.at}, after the start of the period: earlier events could be missing`);
    if (c.origin !== newer.checkpoint.origin) throw new Failure('fork', 'the two checkpoints are of two logs');
    if (!await goesOn(c.size, newer.checkpoint.size, c.root, newer.checkpoint.root, parseProof(this.entry('proof/consistency')))) {
      throw new Failure('fork', 'the two checkpoints are not of one log: its history was rewritten or there are two');
    }
    if (e.number > newer.epoch.number || e.size > newer.epoch.size || e.organizations > newer.epoch.organizations || h.size > newer.head.size) {
      throw new Failure('fork', `the log went backwards between the epochs ${e.number} and ${newer.epoch.number}`);
    }
    if (frontier.size !== h.size || !same(await frontier.root(), h.root)) throw new Failure('altered', 'the frontier is not that of the trail at the opening checkpoint');
  }

  /** Every line at its place, and together the signed tree; and every row what its line says. */
  private async walk(trail: Frontier, head: Head, step: Step) {
    const lines = linesOf(this.entry('events.jsonl'));
    const rows: Bytes[] = [utf8(header)];
    let suspect: Failure | undefined, listed: Frontier | undefined;
    const hashesListed = listedHashes(this.entry('events.csv'));
    for (let n = 0; n < lines.length;) {
      const batch = lines.slice(n, n + 512);
      const hashes = await Promise.all(batch.map(leafHash));
      for (const [i, line] of batch.entries()) {
        n++;
        const leaf = parseLeaf(line), at = trail.size + 1, hash = hashes[i] as Bytes;
        if (leaf.trailPosition > at) throw new Failure('incomplete', `this event is missing; the next one there is ${leaf.trailPosition}`, at, n);
        if (leaf.trailPosition < at) throw new Failure('altered', `event ${leaf.trailPosition} stands here a second time or out of order`, at, n);
        if (at > head.size) throw new Failure('altered', `the trail had ${head.size} events, so this one was added`, at, n);
        const expected = hashesListed[n - 1] ?? hash;
        if (!suspect && !same(expected, hash)) {
          suspect = new Failure('altered', 'this event is not the one that was recorded', at, n);
          listed = trail.copy();
        }
        await listed?.append(expected);
        await trail.append(hash);
        rows.push(utf8(leaf.row(hash)));
      }
      step(`${n} of ${lines.length} events read`, n / lines.length);
    }
    if (trail.size < head.size) throw new Failure('incomplete', `the trail has ${head.size} events and the evidence ends before this one`, trail.size + 1);
    if (!same(await trail.root(), head.root)) {
      if (suspect && listed && same(await listed.root(), head.root)) throw suspect;
      throw new Failure('altered', `at least one event up to trail position ${head.size} is not the one that was recorded; the evidence does not tell which`);
    }
    if (!same(join(...rows), this.entry('events.csv'))) throw new Failure('altered', 'events.csv does not say what the events’ lines say');
  }

  /** Disclosed values, each against the commitment in its event. */
  async disclosures(): Promise<number> {
    const lines = linesOf(this.entry('events.jsonl')), disclosed = linesOf(this.entry('disclosures.jsonl'));
    for (const [i, raw] of disclosed.entries()) {
      let d: { line: number; field: string; value: string; nonce: string; commitment: string; position: number };
      try { d = JSON.parse(textOf(raw, 'a disclosure')) as typeof d; } catch { throw new Failure('malformed', `disclosures.jsonl, line ${i + 1} is not in its form`); }
      const line = lines[d.line - 1];
      if (!line) throw new Failure('malformed', `disclosures.jsonl: there is no line ${d.line} of events.jsonl`);
      const leaf = parseLeaf(line);
      if (leaf.position !== d.position) throw new Failure('altered', `disclosure of ${d.field}: position ${d.position} does not stand there`, 0, d.line);
      if ((JSON.parse(leaf.data) as Record<string, unknown>)[d.field] !== d.commitment) throw new Failure('altered', `disclosure of ${d.field}: the event has another commitment`, 0, d.line);
      const nonce = Uint8Array.from((d.nonce.match(/../g) ?? []).map(pair => parseInt(pair, 16)));
      const key = await crypto.subtle.importKey('raw', nonce, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
      const made = new Uint8Array(await crypto.subtle.sign('HMAC', key, join(utf8(`${d.field}\0`), utf8(d.value))));
      const text = btoa(String.fromCharCode(...made)).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
      if (nonce.length !== 32 || text !== d.commitment) throw new Failure('altered', `disclosure of ${d.field}: the value is not the one that the event committed to`, 0, d.line);
    }
    return disclosed.length;
  }

  async files(manifest: Manifest) {
    const want = [...this.entries.keys()].filter(name => !['manifest.json', 'manifest.note', 'run.json'].includes(name));
    if (manifest.files.map(f => f.name).join('\n') !== want.join('\n')) throw new Failure('malformed', 'the manifest lists other entries than there are');
    for (const f of manifest.files) {
      const raw = this.entry(f.name);
      if (raw.length !== f.size || toHex(await sha256(raw)) !== f.sha256) throw new Failure('altered', `${f.name} is not the file that the manifest lists`);
    }
  }

  async signed(keys: Key[]) {
    const digest = toHex(await sha256(this.entry('manifest.json')));
    const { body } = await openNote(this.entry('manifest.note'), keys);
    if (body !== `evidence pack manifest\nsha256 ${digest}\n`) throw new Failure('signature', 'the manifest is not the one that was signed');
  }
}

function linesOf(raw: Bytes): Bytes[] {
  const lines: Bytes[] = [];
  for (let start = 0; start < raw.length;) {
    const end = raw.indexOf(10, start);
    if (end < 0) throw new Failure('malformed', 'a line has no end', 0, lines.length + 1);
    lines.push(raw.subarray(start, end));
    start = end + 1;
  }
  return lines;
}

/** The hash at the end of each row, by which an altered line is found. */
function listedHashes(csv: Bytes): (Bytes | undefined)[] {
  const text = new TextDecoder().decode(csv);
  return [...text.matchAll(/,"([0-9a-f]{64})"\r\n/g)].map(m => Uint8Array.from((m[1]!.match(/../g) ?? []).map(pair => parseInt(pair, 16))));
}
