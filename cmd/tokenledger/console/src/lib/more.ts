// What lies behind a first page: read page by page when it is asked for, and begun anew when the first page is.
import { useRef, useState } from 'react';

type Behind<P> = { of: P; pages: P[]; busy?: boolean; error?: Error };

/** The pages so far; `more` reads the next behind the last of them. A first page that was read again has others behind it. */
export function useMore<P>(first: P, read: (last: P) => Promise<P>) {
  const [state, set] = useState<Behind<P>>({ of: first, pages: [] });
  const behind: Behind<P> = state.of === first ? state : { of: first, pages: [] };
  const latest = useRef(first);
  latest.current = first;
  const pages = [first, ...behind.pages];
  const more = () => {
    const then = (next: Omit<Behind<P>, 'of'>) => { if (latest.current === first) set({ of: first, ...next }); };
    then({ pages: behind.pages, busy: true });
    read(pages.at(-1) ?? first).then(page => then({ pages: [...behind.pages, page] }), (error: Error) => then({ pages: behind.pages, error }));
  };
  return { pages, more, busy: behind.busy ?? false, error: behind.error };
}
