// Signed notes and verifier keys (C2SP), with Ed25519 by WebCrypto.
import { type Bytes, Failure, fromBase64, same, sha256, textOf, toHex, utf8 } from './bytes';

/** A key that signs checkpoints; it must come from elsewhere than what it is to check. */
export type Key = { name: string; number: Bytes; key: CryptoKey; text: string };

export async function parseKey(line: string): Promise<Key> {
  const text = line.trim();
  const [name = '', number = '', ...rest] = text.split('+');
  const raw = fromBase64(rest.join('+'));
  if (!name || name.includes(' ') || number.length !== 8 || raw?.length !== 33 || raw[0] !== 1) {
    throw new Failure('malformed', `“${text.slice(0, 120)}” is no verifier key: those are name+hash+base64, as \`tokenledger keys list --public\` prints them`);
  }
  const want = (await sha256(utf8(`${name}\n`), raw)).slice(0, 4);
  if (number.toLowerCase() !== toHex(want)) throw new Failure('malformed', `the verifier key “${text.slice(0, 120)}” has another hash than it says`);
  try {
    return { name, number: want, text, key: await crypto.subtle.importKey('raw', raw.slice(1), 'Ed25519', false, ['verify']) };
  } catch {
    throw new Error('This browser cannot check Ed25519 signatures; a newer one can, and so can `tokenledger audit verify`.');
  }
}

/** Keys, one a line; a key that is given twice counts once. */
export async function parseKeys(text: string): Promise<Key[]> {
  const lines = new Set(text.split('\n').map(line => line.trim()).filter(Boolean));
  return Promise.all([...lines].map(parseKey));
}

/** The text of a note, and the names of those keys that have signed it. */
export async function openNote(signed: Bytes, keys: Key[]): Promise<{ body: string; names: string[] }> {
  const text = textOf(signed, 'a note');
  if (/[\u0000-\u0009\u000b-\u001f]/.test(text)) throw new Failure('malformed', 'a note has control characters');
  const split = text.lastIndexOf('\n\n');
  const signatures = text.slice(split + 2);
  if (split < 0 || !text.endsWith('\n') || !signatures) throw new Failure('malformed', 'a note has no signatures');
  const body = text.slice(0, split + 1);
  const names: string[] = [];
  const seen = new Set<Key>();
  for (const line of signatures.slice(0, -1).split('\n')) {
    const space = line.indexOf(' ', 2);
    const name = line.slice(2, space < 0 ? undefined : space), raw = fromBase64(space < 0 ? '' : line.slice(space + 1));
    if (!line.startsWith('\u2014 ') || !name || name.includes('+') || !raw || raw.length < 5) throw new Failure('malformed', 'a note has a line that is no signature');
    const key = keys.find(k => k.name === name && same(k.number, raw.slice(0, 4)));
    if (!key || seen.has(key)) continue;
    seen.add(key);
    if (!await crypto.subtle.verify('Ed25519', key.key, raw.slice(4), utf8(body))) throw new Failure('signature', `the signature by ${name} is false`);
    names.push(name);
  }
  if (!names.length) throw new Failure('signature', 'no key that was given has signed this');
  return { body, names };
}
