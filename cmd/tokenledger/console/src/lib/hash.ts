// Hashes of values, made in the browser: what is hashed here never leaves it.
export const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text) as Uint8Array<ArrayBuffer>;

export async function sha256(data: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', data));
}

export function toBase64(data: Uint8Array): string {
  let text = '';
  for (const b of data) text += String.fromCharCode(b);
  return btoa(text);
}

/** The form in which the ledger keeps a value for search alone: base64 of its SHA-256. */
export async function fingerprint(value: string): Promise<string> {
  return toBase64(await sha256(bytes(value)));
}

/** The whole value of a token: a secret. */
export const isValue = (text: string) => /^tol[ap]_[0-9A-Za-z]{64}$/.test(text);

/** Whatever names one token: its UUID, the 22 characters, the masked form, the fingerprint. */
export const namesToken = (text: string) =>
  /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text) || /^(tol[ap]_)?[0-9A-Za-z]{22}(…|\.\.\.)?$/.test(text) || /^[A-Za-z0-9+/]{43}=$/.test(text) || /^[0-9a-f]{64}$/i.test(text);
