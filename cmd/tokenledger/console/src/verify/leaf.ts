// One event's line, and the row that a spreadsheet shows of it.
import { type Bytes, Failure, textOf, toHex } from './bytes';

const string = '"((?:[^"\\\\]|\\\\.)*)"';
const form = new RegExp(`^\\{"format":1,"position":([0-9]+),"trail":${string},"trail_position":([0-9]+),"stream":${string},"version":([0-9]+),"recorded_at":${string},"type":${string}(?:,"type_version":[0-9]+)?`
  + `,"actor":\\{"kind":${string},"id":${string}(?:,"user":${string})?\\}(?:,"reason":${string})?(?:,"correlation":${string})?(?:,"trace":${string})?,"data":(\\{.*\\})\\}$`, 's');
// Columns in which a spreadsheet could take a text for a formula.
const guarded = new Set([6, 7, 8, 9, 10, 11]);

export type Leaf = { position: number; trail: string; trailPosition: number; type: string; recordedAt: string; data: string; row: (hash: Bytes) => string };

export function parseLeaf(line: Bytes): Leaf {
  const m = form.exec(textOf(line, 'a line'));
  const fault = () => new Failure('malformed', 'the line is not an event of the ledger');
  if (!m) throw fault();
  const plain = (text: string | undefined) => {
    if (text === undefined || !text.includes('\\')) return text ?? '';
    try {
      return JSON.parse(`"${text}"`) as string;
    } catch {
      throw fault();
    }
  };
  const [position, trailPosition, version] = [m[1], m[3], m[5]].map(Number) as [number, number, number];
  if (![position, trailPosition, version].every(Number.isSafeInteger)) throw fault();
  const cells = [String(position), String(trailPosition), plain(m[6]), plain(m[7]), plain(m[4]), String(version), plain(m[8]), plain(m[9]), plain(m[10]), plain(m[11]), plain(m[12]), m[14] ?? ''];
  return {
    position, trailPosition, trail: plain(m[2]), type: plain(m[7]), recordedAt: plain(m[6]), data: m[14] ?? '',
    row: hash => `${[...cells, toHex(hash)].map((text, i) => `"${(guarded.has(i) && /^[=+\-@\t\r\n]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`).join(',')}\r\n`,
  };
}
