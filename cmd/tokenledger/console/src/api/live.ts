// A subscription as server-sent events, read from a POST so that the credential travels in a header and in no address.
import { type Document, headers, reach, refusalOf, Refused } from './client';

/** Follows a subscription until the signal ends it. It returns when the service says that nothing more comes. */
export async function follow<R, V>(document: Document<R, V>, variables: V, signal: AbortSignal, next: (data: R) => void, opened: () => void): Promise<void> {
  const answer = await reach('/query', {
    method: 'POST', signal, body: JSON.stringify({ query: String(document), variables }),
    headers: headers({ 'Content-Type': 'application/json', Accept: 'text/event-stream' }),
  });
  if (!answer.ok || !answer.body) throw await refusalOf(answer);
  opened();
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) throw new Refused('UNREACHABLE', 'The feed broke off.');
      rest += value;
      const messages = rest.split('\n\n');
      rest = messages.pop() ?? '';
      for (const message of messages) {
        const lines = message.split('\n');
        if (lines.includes('event: complete')) return;
        const data = lines.filter(line => line.startsWith('data:')).map(line => line.slice(5).trim()).join('\n');
        if (!data) continue;
        const body = JSON.parse(data) as { data?: R; errors?: { message: string; extensions?: { code?: string } }[] };
        if (body.errors?.[0]) throw new Refused(body.errors[0].extensions?.code ?? 'INTERNAL_SERVER_ERROR', body.errors[0].message);
        if (body.data) next(body.data);
      }
    }
  } catch (error) {
    if (signal.aborted || error instanceof Refused) throw error;
    throw new Refused('UNREACHABLE', 'The feed broke off.');
  } finally {
    reader.cancel().catch(() => undefined);
  }
}
