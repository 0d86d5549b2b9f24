// Small parts that every view is made of: states in words, what to do when there is nothing or something failed, copies.
import { useEffect, useRef, useState, type ReactNode } from 'react';
import type { Answer } from '../lib/query';
import { dismiss, say, useWords } from '../lib/recorded';
import { useSession } from '../lib/session';
import { Refused } from '../api/client';
import type { TokenStatus } from '../api/operations';

const tones = { ACTIVE: 'good', ROTATING: 'info', SUSPENDED: 'warn', EXPIRED: '', REVOKED: 'bad', DELETED: '' } as const;
export const sentence = (word: string) => word.charAt(0).toUpperCase() + word.slice(1).toLowerCase().replaceAll('_', ' ');

export function Status({ is }: { is: TokenStatus }) {
  return <span className={`badge ${tones[is]}`}>{sentence(is)}</span>;
}

export function Tag({ children, off }: { children: ReactNode; off?: boolean }) {
  return <span className={off ? 'tag off' : 'tag'}>{children}</span>;
}

export function Tags({ of, none = '—' }: { of: readonly string[] | null | undefined; none?: string }) {
  if (!of?.length) return <span className="dim">{none}</span>;
  return <span className="row">{of.map(word => <Tag key={word}>{word}</Tag>)}</span>;
}

/** What to do about each kind of refusal. */
const remedies: Record<string, string> = {
  UNAUTHENTICATED: 'Your session or token has ended. Sign in again; you come back to this page.',
  FORBIDDEN: 'Somebody with another role can do it, or an owner or administrator can give you the right.',
  NOT_FOUND: 'It may be another organization’s, or not there. Check the link, or look in the inventory.',
  CONFLICT: 'Somebody changed it in the meantime, or its state does not allow this. What is shown has been read again.',
  BAD_USER_INPUT: 'Nothing was recorded. Change what the message names and try again.',
  SSO_REQUIRED: 'The organization wants your token authorized through its single sign-on. Authorize it under Organization.',
  TOO_COMPLEX: 'Ask for less: a shorter period, or a narrower filter.',
  STALE_READ: 'The read model is behind the log. Try again in a moment.',
  RATE_LIMITED: 'Too many attempts. Wait a moment, then try again.',
  UNAVAILABLE: 'The service cannot answer at present. Nothing is lost; try again in a moment.',
  UNREACHABLE: 'The service cannot be reached. Check the network, or whether it runs: /readyz tells. Nothing that you typed is lost.',
};

/** And about those of a question, which records nothing in any case. */
const ofQuestions: Record<string, string> = {
  BAD_USER_INPUT: 'The address asks for what cannot be. Check the link, or take away the filter.',
  CONFLICT: 'It changed while it was read. Try again.',
};

export function Problem({ error, again, what }: { error: Error; again?: () => void; what?: string }) {
  const { look } = useSession();
  const refused = error instanceof Refused ? error : undefined;
  const code = refused?.code ?? 'INTERNAL_SERVER_ERROR';
  return (
    <div className="notice bad fade" role="alert">
      <strong>{what ? `${what}: ` : ''}{error.message}</strong>
      <span className="soft">{(again && ofQuestions[code]) ?? remedies[code] ?? 'The service’s log knows more under the id of this request.'}</span>
      <span className="row">
        {code === 'UNAUTHENTICATED'
          ? <button className="button small" onClick={() => { void look(); }}>Sign in</button>
          : again && <button className="button small" onClick={again}>Try again</button>}
        <span className="small dim mono">{code}{refused?.requestID ? ` · ${refused.requestID}` : ''}</span>
      </span>
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return <div className="empty"><h2>{title}</h2>{children}</div>;
}

type Show<R> = { of: Answer<R>; what: string; children: (data: R) => ReactNode; title?: string; beside?: (fault: Error) => ReactNode };

/** What is shown of an answer: nothing for 200 ms, then that it takes longer; or the fault, under the title of a view that has no other; or what it says. */
export function Shown<R>({ of, what, children, title, beside }: Show<R>) {
  if (of.data !== undefined) {
    return <>{of.error && <Problem error={of.error} again={of.again} what={`${what} could not be read again`} />}{children(of.data)}</>;
  }
  if (of.error) return <>{title && <Head title={title} />}<Problem error={of.error} again={of.again} what={what} />{beside?.(of.error)}</>;
  return of.slow ? <Waiting what={what} /> : null;
}

export function Waiting({ what }: { what: string }) {
  return <div className="skeleton fade" role="status" aria-label={`${what}: reading`}><i style={{ width: '42%' }} /><i style={{ width: '76%' }} /><i style={{ width: '58%' }} /></div>;
}

export function Panel({ title, note, actions, children, bare }: { title: ReactNode; note?: ReactNode; actions?: ReactNode; children: ReactNode; bare?: boolean }) {
  return (
    <section className="panel">
      <header><h2>{title}</h2>{note && <span className="note">{note}</span>}<span className="grow" />{actions}</header>
      {bare ? children : <div className="body">{children}</div>}
    </section>
  );
}

export function Head({ title, lead, children }: { title: ReactNode; lead?: ReactNode; children?: ReactNode }) {
  const text = typeof title === 'string' ? title : undefined;
  useEffect(() => { if (text) document.title = `${text} · tokenledger`; }, [text]);
  return (
    <div className="topic">
      <div><h1>{title}</h1>{lead && <p className="lead">{lead}</p>}</div>
      {children && <div className="actions">{children}</div>}
    </div>
  );
}

export async function copy(text: string, what: string) {
  try {
    await navigator.clipboard.writeText(text);
    say(`${what} copied`);
  } catch {
    say('The browser does not let this page copy; select the text and copy it yourself.');
  }
}

/** Text to take along. */
export function Copy({ text, what, wrap }: { text: string; what: string; wrap?: boolean }) {
  return (
    <div className={wrap ? 'copy wrap' : 'copy'}>
      <pre tabIndex={0} aria-label={what}>{text}</pre>
      <button type="button" className="button small" onClick={() => copy(text, what)} aria-label={`Copy ${what}`}>Copy</button>
    </div>
  );
}

/** A dialog of the browser's own, which keeps the focus and closes with Escape; one that is held, with its own buttons alone. */
export function Dialog({ title, close, held, wide, children }: { title: string; close: () => void; held?: boolean; wide?: boolean; children: ReactNode }) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = ref.current;
    const back = document.activeElement as HTMLElement | null;
    if (dialog && !dialog.open) dialog.showModal();
    return () => back?.focus?.();
  }, []);
  return (
    // A second Escape closes it unasked: browsers let no page hold a reader. What is held is opened again.
    <dialog ref={ref} className={wide ? 'wide' : undefined} aria-label={title}
      onClose={() => { if (held) ref.current?.showModal(); else close(); }} onCancel={event => { event.preventDefault(); if (!held) close(); }}>
      {children}
    </dialog>
  );
}

export function Field({ label, hint, fault, children, id }: { label: string; hint?: ReactNode; fault?: string; children: ReactNode; id: string }) {
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children}
      {fault ? <span className="fault" role="alert">{fault}</span> : hint && <span className="hint" id={`${id}-hint`}>{hint}</span>}
    </div>
  );
}

/** What is behind the pages that are read, by useMore: the button for the next, and why it did not come. */
export function More({ of: { more, busy, error }, left, button = 'More', children }: { of: { more: () => void; busy: boolean; error?: Error }; left?: boolean; button?: string; children: ReactNode }) {
  return <>
    {error && <Problem error={error} />}
    {left && <div className="body row"><button className="button small" disabled={busy} onClick={more}>{button}</button><span className="small dim">{children}</span></div>}
  </>;
}

export function Words() {
  const words = useWords();
  return (
    <div className="toasts" role="status" aria-live="polite">
      {words.map(word => (
        <div className="toast fade" key={word.id}>
          <span className="grow">{word.text}{word.position && <> at <a href={`/proof?event=${word.position}`}>position {word.position}</a></>}</span>
          <button className="button quiet small" aria-label="Dismiss" onClick={() => dismiss(word.id)}>✕</button>
        </div>
      ))}
    </div>
  );
}

/** A number of things, in words. */
export const count = (n: number, one: string, many = `${one}s`) => `${n.toLocaleString()} ${n === 1 ? one : many}`;

/** Text that is taken over a moment after the last key. */
export function useSettled<T>(value: T, after = 250): T {
  const [settled, set] = useState(value);
  useEffect(() => {
    const timer = setTimeout(set, after, value);
    return () => clearTimeout(timer);
  }, [value, after]);
  return settled;
}
