// The one way to the service: GraphQL over HTTP, with the session's cookie or the pasted token, and what went wrong in words.
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';

/** A document with the types of its answer and its variables. */
export type Document<R, V> = DocumentTypeDecoration<R, V> & { toString(): string };

/** Why the service did not do something; code is that of the API, or UNREACHABLE. */
export class Refused extends Error {
  constructor(readonly code: string, message: string, readonly field?: string, readonly requestID?: string) {
    super(message);
  }
}

type Body<R> = {
  data?: R | null;
  errors?: { message: string; extensions?: { code?: string; field?: string } }[];
  extensions?: { warnings?: string[] };
};

// The credential lives here and nowhere else: it is gone with the page.
let bearer = '';
let organization = '';
let position = 0; // of the last change that was made here: reads include it, whichever process answers

let reader = 0; // changes with whoever looks, and with the organization: what was remembered for another is not shown

export function useCredential(value: string) {
  bearer = value;
  position = 0;
  reader++;
}
export function useOrganization(id: string) {
  if (organization !== id) reader++;
  organization = id;
}
export function hasCredential() { return bearer !== ''; }
export function readerNow() { return reader; }

/** The headers that every request of the console carries. */
export function headers(more: Record<string, string> = {}): Record<string, string> {
  return {
    ...(bearer && { Authorization: `Bearer ${bearer}` }),
    ...(organization && { 'X-Organization-ID': organization }),
    ...(position && { 'X-Ledger-Position': String(position) }),
    ...more,
  };
}

/** A request to the service; a network that fails is a refusal like any other. */
export async function reach(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(path, { credentials: 'same-origin', cache: 'no-store', ...init });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new Refused('UNREACHABLE', 'The service does not answer.');
  }
}

/** What an answer that is no success says; a status without the ledger's words may be a proxy's. */
export async function refusalOf(answer: Response): Promise<Refused> {
  const id = answer.headers.get('X-Request-ID') ?? undefined;
  const body = await answer.json().catch(() => null) as Body<unknown> | null;
  const first = body?.errors?.[0];
  if (first) return new Refused(first.extensions?.code ?? 'INTERNAL_SERVER_ERROR', first.message, first.extensions?.field, id);
  const [code, message] = wordless[answer.status] ?? (answer.status < 500 ? ['UNREACHABLE', 'Something else than the ledger answers here'] : ['INTERNAL_SERVER_ERROR', 'The service could not answer']);
  return new Refused(code, `${message} (HTTP ${answer.status}).`, undefined, id);
}

/** What a status means where nothing else says it. */
const wordless: Record<number, [code: string, message: string]> = {
  401: ['UNAUTHENTICATED', 'The service wants to know who you are'], 403: ['FORBIDDEN', 'What stands in front of the service does not let this through'],
  413: ['BAD_USER_INPUT', 'This is more than what stands in front of the service lets through'], 429: ['RATE_LIMITED', 'Too many requests'],
  502: ['UNAVAILABLE', 'The service is not there at present'], 503: ['UNAVAILABLE', 'The service is not there at present'], 504: ['UNAVAILABLE', 'The service did not answer in time'],
};

const again = new Set(['STALE_READ', 'UNAVAILABLE']);

/** Asks a question; a read model that lags is asked again. */
export async function ask<R, V>(document: Document<R, V>, variables: V, signal?: AbortSignal): Promise<R> {
  for (let tries = 0; ; tries++) {
    try {
      return (await send<R>(String(document), variables, {}, signal)).data;
    } catch (error) {
      if (!(error instanceof Refused) || !again.has(error.code) || tries === 3) throw error;
      await new Promise(done => setTimeout(done, 250 * 2 ** tries));
    }
  }
}

/** What a command answers: its data, and what the service warns of. */
export type Done<R> = { data: R; warnings: string[] };

/** Gives a command. The key makes it happen once, however often it is sent. */
export async function command<R, V>(document: Document<R, V>, variables: V, key: string = crypto.randomUUID()): Promise<Done<R>> {
  const done = await send<R>(String(document), variables, { 'Idempotency-Key': key });
  for (const at of positions(done.data)) position = Math.max(position, at);
  return done;
}

async function send<R>(query: string, variables: unknown, more: Record<string, string>, signal?: AbortSignal): Promise<Done<R>> {
  const answer = await reach('/query', {
    method: 'POST', signal, body: JSON.stringify({ query, variables }),
    headers: headers({ 'Content-Type': 'application/json', Accept: 'application/json', ...more }),
  });
  if (!answer.ok) throw await refusalOf(answer);
  const body = await answer.json().catch((error: Error) => {
    if (error.name === 'AbortError') throw error;
    throw error instanceof SyntaxError
      ? new Refused('UNREACHABLE', 'Something else than the ledger answers here.')
      : new Refused('UNREACHABLE', 'The answer broke off.');
  }) as Body<R>;
  const first = body.errors?.[0];
  if (first || body.data == null) {
    const id = answer.headers.get('X-Request-ID') ?? undefined;
    throw new Refused(first?.extensions?.code ?? 'INTERNAL_SERVER_ERROR', first?.message ?? 'The answer has no data.', first?.extensions?.field, id);
  }
  return { data: body.data, warnings: body.extensions?.warnings ?? [] };
}

/** The positions of the receipts in a command's answer. */
export function positions(data: unknown): number[] {
  if (typeof data !== 'object' || data === null) return [];
  return Object.entries(data).flatMap(([name, value]) => {
    if (name === 'receipt' || name === 'receipts') {
      return [value].flat().flatMap(r => (r && typeof r.position === 'number' ? [r.position as number] : []));
    }
    return positions(value);
  });
}
