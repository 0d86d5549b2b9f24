// Names for ids: asked for together, remembered for as long as the same reader looks at the same organization.
import { useEffect, useState } from 'react';
import { ask, readerNow } from '../api/client';
import { NamesDocument, type NamesQuery } from '../api/operations';

type Known = { name: string; kind: 'person' | 'token' | 'personal' | 'organization' };

const known = new Map<string, Known | null>();
const waiting = new Set<string>();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setTimeout> | undefined;
const uuid = /^[0-9a-f]{8}-[0-9a-f-]{27}$/;

let of = readerNow();

/** What is remembered, for this reader. */
function names() {
  if (of !== readerNow()) {
    known.clear();
    waiting.clear();
    of = readerNow();
  }
  return known;
}

function want(id: string) {
  if (names().has(id) || waiting.has(id) || !uuid.test(id)) return;
  waiting.add(id);
  timer ??= setTimeout(fetchAll, 10);
}

async function fetchAll() {
  timer = undefined;
  const ids = [...waiting].slice(0, 100);
  ids.forEach(id => waiting.delete(id));
  if (waiting.size) timer = setTimeout(fetchAll, 10);
  const reader = readerNow();
  try {
    const { nodes } = await ask(NamesDocument, { ids });
    if (reader === readerNow()) ids.forEach((id, i) => names().set(id, read(nodes[i])));
  } catch {
    return; // an id is an answer, too; it is asked for again where it is shown next
  }
  listeners.forEach(listener => listener());
}

function read(node: NamesQuery['nodes'][number] | undefined): Known | null {
  switch (node?.__typename) {
    case 'APIToken': return { name: node.tokenName, kind: 'token' };
    case 'PersonalAccessToken': return { name: node.tokenName, kind: 'personal' };
    case 'Organization': return { name: node.organizationName, kind: 'organization' };
    case 'User': return { name: node.displayName || node.email || 'somebody who was erased', kind: 'person' };
    default: return null;
  }
}

/** What an id is called, once that is known. */
export function useName(id: string | null | undefined) {
  const [, redraw] = useState(0);
  useEffect(() => {
    if (!id) return;
    want(id);
    const listener = () => redraw(n => n + 1);
    listeners.add(listener);
    return () => { listeners.delete(listener); };
  }, [id]);
  return id ? names().get(id) ?? undefined : undefined;
}

const short = (id: string) => (uuid.test(id) ? `…${id.slice(-8)}` : id);

const pageOf = (id: string, of?: Known) => (of?.kind === 'personal' ? '/personal' : `/tokens/${id}`);

/** A person, or a token that acted. */
export function PersonName({ id }: { id: string }) {
  const name = useName(id);
  if (name?.kind === 'token' || name?.kind === 'personal') return <a href={pageOf(id, name)} title={id}>{name.name}</a>;
  return <span title={id} className={name ? undefined : 'mono small'}>{name?.name ?? short(id)}</span>;
}

/** A token, as a link. */
export function TokenName({ id, name }: { id: string; name?: string | null }) {
  const known = useName(name ? null : id);
  const text = name || known?.name;
  return <a href={pageOf(id, known)} title={id} className={text ? undefined : 'mono'}>{text ?? short(id)}</a>;
}
