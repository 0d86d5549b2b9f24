// Hashes of values, made in the browser: what is hashed here never leaves it.
import { sha256, toBase64, utf8 } from '../verify/bytes';

/** The form in which the ledger keeps a value for search alone: base64 of its SHA-256. */
export async function fingerprint(value: string): Promise<string> {
  return toBase64(await sha256(utf8(value)));
}

/** The whole value of a token: a secret. */
export const isValue = (text: string) => /^tol[ap]_[0-9A-Za-z]{64}$/.test(text);

/** The value in a text, such as a line of a log that somebody sent. */
export const valueIn = (text: string) => /\btol[ap]_[0-9A-Za-z]{64}\b/.exec(text)?.[0];

/** Whatever names one token: its UUID, the 22 characters, the masked form, the fingerprint. */
export const namesToken = (text: string) =>
  /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text) || /^(tol[ap]_)?[0-9A-Za-z]{22}(…|\.\.\.)?$/.test(text) || /^[A-Za-z0-9+/]{43}=$/.test(text) || /^[0-9a-f]{64}$/i.test(text);
