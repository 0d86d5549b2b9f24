// Answers of the service in components: asked once, shown when they are there, asked again after every command.
import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { ask, command, type Document, type Done, Refused } from '../api/client';
import { recorded } from './recorded';

let generation = 0; // of what is known; a command makes all of it old
const listeners = new Set<() => void>();

/** Has everything on the screen asked again. */
export function refresh() {
  generation++;
  listeners.forEach(listener => listener());
}

export function useGeneration() {
  return useSyncExternalStore(listener => { listeners.add(listener); return () => { listeners.delete(listener); }; }, () => generation);
}

export type Answer<R> = { data: R | undefined; error: Error | undefined; slow: boolean; again: () => void };

/** Asks a question; null asks nothing. What was shown stays until the next answer, if `keep` says so. */
export function useAnswer<R, V>(document: Document<R, V>, variables: V | null, { keep = false } = {}): Answer<R> {
  const asked = variables === null ? null : JSON.stringify(variables);
  const [state, set] = useState<{ data?: R; error?: Error; of?: string | null }>({});
  const [tries, retry] = useState(0);
  const now = useGeneration();
  useEffect(() => {
    if (asked === null) return;
    const stop = new AbortController();
    ask(document, JSON.parse(asked) as V, stop.signal).then(
      data => { if (!stop.signal.aborted) set({ data, of: asked }); },
      (error: Error) => { if (!stop.signal.aborted) set(before => ({ ...(before.of === asked && { data: before.data }), error, of: asked })); },
    );
    return () => stop.abort();
  }, [document, asked, now, tries]);
  const current = state.of === asked || keep;
  const pending = asked !== null && (state.of !== asked || (!state.data && !state.error));
  return {
    data: current ? state.data : undefined, error: state.of === asked ? state.error : undefined,
    slow: useLater(pending), again: useCallback(() => { set(s => ({ ...s, error: undefined })); retry(n => n + 1); }, []),
  };
}

/** True once something has been under way for 200 ms: nothing that is quicker shows that it works. */
export function useLater(pending: boolean): boolean {
  const [slow, set] = useState(false);
  useEffect(() => {
    if (!pending) { set(false); return; }
    const timer = setTimeout(set, 200, true);
    return () => clearTimeout(timer);
  }, [pending]);
  return pending && slow;
}

/**
 * Gives a command. Until it is known to be done, the same command goes under the same key: what failed in the midst of
 * its answer may be recorded, and is not done twice. A refusal is not remembered under a key.
 */
export function useCommand<R, V>(document: Document<R, V>) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Refused>();
  const key = useRef<{ key: string; of: string } | null>(null);
  const run = useCallback(async (variables: V): Promise<Done<R> | undefined> => {
    const of = JSON.stringify(variables);
    if (key.current?.of !== of) key.current = { key: crypto.randomUUID(), of };
    setBusy(true);
    setError(undefined);
    try {
      const done = await command(document, variables, key.current.key);
      key.current = null;
      recorded(done.data, done.warnings);
      refresh();
      return done;
    } catch (error) {
      setError(error instanceof Refused ? error : new Refused('UNREACHABLE', String(error)));
      return undefined;
    } finally {
      setBusy(false);
    }
  }, [document]);
  return { run, pending: busy, error, clear: useCallback(() => setError(undefined), []) };
}
