// The proof of one event, checked step by step from its line to the signed checkpoint.
import { Failure, toHex, utf8 } from './bytes';
import { type Checkpoint, type Epoch, openCheckpoint, parseEpoch, parseHead } from './forms';
import { hashOf, inTree, leafHash } from './merkle';
import type { Key } from './note';

export type EventProof = {
  leaf: string; position: number; eventInclusion: string[]; epoch: string; epochInclusion: string[]; checkpoint: string;
  trailPosition: number; trailInclusion: string[]; head?: string | null; headInclusion: string[];
};
export type Proven = { leafHash: string; checkpoint: Checkpoint; epoch: Epoch; inTrail: boolean };

/** Checks a proof with keys that come from elsewhere; says after each step what it has shown. */
export async function verifyEvent(p: EventProof, keys: Key[], step: (shown: string) => void = () => undefined): Promise<Proven> {
  const checkpoint = await openCheckpoint(utf8(p.checkpoint), keys);
  step(`The checkpoint of ${checkpoint.origin} over ${checkpoint.size} epochs bears the signature of the key`);
  const epoch = parseEpoch(utf8(p.epoch));
  if (!await inTree(epoch.number, checkpoint.size, await leafHash(utf8(p.epoch)), checkpoint.root, p.epochInclusion.map(hashOf))) {
    throw new Failure('altered', `epoch ${epoch.number} is not in the signed log`);
  }
  step(`Epoch ${epoch.number} of ${epoch.at} is in the signed log`);
  const leaf = await leafHash(utf8(p.leaf));
  if (!await inTree(p.position - 1, epoch.size, leaf, epoch.root, p.eventInclusion.map(hashOf))) {
    throw new Failure('altered', `the event is not at position ${p.position} of the log`);
  }
  step(`The event is at position ${p.position} of the log, unaltered`);
  const said = /^\{"format":1,"position":(\d+),"trail":"[^"]*","trail_position":(\d+),/.exec(p.leaf);
  if (Number(said?.[1]) !== p.position || Number(said?.[2]) !== p.trailPosition) {
    throw new Failure('altered', 'the event’s line says another position than the proof');
  }
  if (p.head) {
    const head = parseHead(utf8(p.head));
    if (!await inTree(head.index, epoch.organizations, await leafHash(utf8(p.head)), epoch.heads, p.headInclusion.map(hashOf))) {
      throw new Failure('altered', `the organization's head is not in epoch ${epoch.number}`);
    }
    if (!await inTree(p.trailPosition - 1, head.size, leaf, head.root, p.trailInclusion.map(hashOf))) {
      throw new Failure('altered', `the event is not at position ${p.trailPosition} of its trail`);
    }
    step(`It is number ${p.trailPosition} of its organization’s trail of ${head.size} events`);
  }
  return { leafHash: toHex(leaf), checkpoint, epoch, inTrail: Boolean(p.head) };
}
