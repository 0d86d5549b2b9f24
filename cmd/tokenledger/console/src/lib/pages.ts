// A long list, read page by page from both of its ends: what is looked at is read first, and what was read stays.
import { useCallback, useEffect, useMemo, useState } from 'react';
import { useGeneration } from './query';

export type Span = { first?: number; after?: string; last?: number; before?: string };
export type Page<T> = { nodes: T[]; start: string | null | undefined; end: string | null | undefined };

const size = 100;

/** The entries of one list that are known so far; one page is read at a time. */
class Pages<T> {
  rows: (T | undefined)[] = [];
  private top = 0; // entries known from the start
  private topAt?: string;
  private bottom: number; // the first entry known from the end
  private bottomAt?: string;
  private want: [number, number] = [0, 0];
  private busy = false;
  stopped = false;

  constructor(readonly total: number, former: (T | undefined)[], private read: (span: Span) => Promise<Page<T>>, private changed: (error?: Error) => void) {
    this.bottom = total;
    this.rows = former.slice(0, total); // recorded, if perhaps a moment ago; replaced as pages come
    this.rows.length = total;
  }

  /** Has the entries from start to end read, the nearer end of the list first. */
  need(start: number, end: number) {
    this.want = [start, Math.min(end, this.total)];
    if (!this.busy) void this.go();
  }

  /** Has what was last looked at read, after a fault. */
  again() { this.need(...this.want); }

  private async go() {
    this.busy = true;
    try {
      for (;;) {
        const [start, end] = this.want;
        const from = Math.max(start, this.top), to = Math.min(end, this.bottom);
        if (from >= to || this.stopped) return;
        if (from - this.top <= this.bottom - to) await this.down();
        else await this.up();
        if (this.stopped) return;
        this.changed();
      }
    } catch (error) {
      if (!this.stopped) this.changed(error as Error);
    } finally {
      this.busy = false;
    }
  }

  private async down() {
    const page = await this.read({ first: size, after: this.topAt });
    page.nodes.forEach((node, i) => { this.rows[this.top + i] = node; });
    // A list that has become shorter ends here; what is left of it is asked for no more.
    this.top = page.nodes.length ? this.top + page.nodes.length : this.bottom;
    this.topAt = page.end ?? undefined;
  }

  private async up() {
    const page = await this.read({ last: size, before: this.bottomAt });
    page.nodes.forEach((node, i) => { this.rows[this.bottom - page.nodes.length + i] = node; });
    this.bottom = page.nodes.length ? this.bottom - page.nodes.length : this.top;
    this.bottomAt = page.start ?? undefined;
  }
}

/** The entries of a list whose length is known. key says which list it is. */
export function usePages<T>(key: string, total: number | undefined, read: (span: Span) => Promise<Page<T>>) {
  const generation = useGeneration();
  const [, redraw] = useState(0);
  const [error, setError] = useState<Error>();
  const [former] = useState<{ key: string; rows: (T | undefined)[] }>({ key: '', rows: [] });
  const pages = useMemo(() => {
    if (total === undefined) return undefined;
    const before = former.key === key ? former.rows : [];
    const made: Pages<T> = new Pages(total, before, read, fault => { setError(fault); redraw(n => n + 1); });
    former.key = key;
    former.rows = made.rows;
    return made;
    // read is a function of the key alone
  }, [key, total, generation, former]);
  useEffect(() => {
    setError(undefined);
    return () => { if (pages) pages.stopped = true; };
  }, [pages]);
  const need = useCallback((start: number, end: number) => pages?.need(start, end), [pages]);
  const again = useCallback(() => { setError(undefined); pages?.again(); }, [pages]);
  return { rows: pages?.rows ?? [], need, error, again };
}
