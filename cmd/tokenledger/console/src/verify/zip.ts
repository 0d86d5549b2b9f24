// Zip archives as evidence packs are: every entry stored as it is, so that reading one is cutting it out.
import { type Bytes, Failure, textOf } from './bytes';

/** The entries in their order. */
export function entriesOf(archive: Bytes): Map<string, Bytes> {
  const view = new DataView(archive.buffer, archive.byteOffset, archive.byteLength);
  const broken = (why: string) => new Failure('malformed', `this is no zip of a pack: ${why}`);
  let end = archive.length - 22;
  const lowest = Math.max(0, end - 65_535);
  while (end >= lowest && view.getUint32(end, true) !== 0x06054b50) end--;
  if (end < lowest || end < 0) throw broken('it has no end');
  const count = view.getUint16(end + 10, true);
  let at = view.getUint32(end + 16, true);
  if (count === 0xffff || at === 0xffffffff) throw broken('it is larger than this page reads; use `tokenledger audit verify`');
  const entries = new Map<string, Bytes>();
  try {
    for (let i = 0; i < count; i++) {
      if (view.getUint32(at, true) !== 0x02014b50) throw broken('its list of entries is cut');
      const method = view.getUint16(at + 10, true), size = view.getUint32(at + 24, true), stored = view.getUint32(at + 20, true);
      const length = view.getUint16(at + 28, true), offset = view.getUint32(at + 42, true);
      const name = textOf(archive.slice(at + 46, at + 46 + length), 'a name');
      if (method !== 0 || size !== stored) throw broken(`the entry ${name} is compressed`);
      if (view.getUint32(offset, true) !== 0x04034b50) throw broken(`the entry ${name} is not where the list says`);
      const local = view.getUint16(offset + 26, true);
      if (textOf(archive.slice(offset + 30, offset + 30 + local), 'a name') !== name) throw broken(`the entry ${name} has two names`);
      const start = offset + 30 + local + view.getUint16(offset + 28, true);
      if (start + size > archive.length || entries.has(name)) throw broken(`the entry ${name} is cut, or there twice`);
      entries.set(name, archive.subarray(start, start + size));
      at += 46 + length + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    }
  } catch (error) {
    if (error instanceof RangeError) throw broken('it is cut');
    throw error;
  }
  return entries;
}
