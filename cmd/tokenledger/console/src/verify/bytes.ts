// Bytes: comparing, joining, and the one spelling of each written form.
export type Bytes = Uint8Array<ArrayBuffer>;

/** What a verification did not succeed with, and where. The verdicts are those of `tokenledger audit verify`. */
export type Verdict = 'altered' | 'incomplete' | 'signature' | 'fork' | 'malformed';
export class Failure extends Error {
  constructor(readonly verdict: Verdict, text: string, readonly position = 0, readonly line = 0) { super(text); }
}

export const utf8 = (text: string): Bytes => new TextEncoder().encode(text) as Bytes;

export function join(...parts: Bytes[]): Bytes {
  const all = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const part of parts) { all.set(part, at); at += part.length; }
  return all;
}

export const same = (a: Bytes, b: Bytes) => a.length === b.length && a.every((byte, i) => byte === b[i]);

/** The text of bytes that are UTF-8, or a failure. */
export function textOf(raw: Bytes, what: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(raw);
  } catch {
    throw new Failure('malformed', `${what} is not UTF-8`);
  }
}

/** Base64 in its one spelling; undefined for any other. */
export function fromBase64(text: string): Bytes | undefined {
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)) return undefined;
  const raw = Uint8Array.from(atob(text), c => c.charCodeAt(0));
  return toBase64(raw) === text ? raw : undefined;
}

export function toBase64(raw: Bytes): string {
  let text = '';
  for (const byte of raw) text += String.fromCharCode(byte);
  return btoa(text);
}

export const toHex = (raw: Bytes) => [...raw].map(byte => byte.toString(16).padStart(2, '0')).join('');

export async function sha256(...parts: Bytes[]): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', join(...parts)));
}
