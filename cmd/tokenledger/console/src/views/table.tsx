// The table of tokens: TanStack's columns and virtual rows, so that its work is that of what is seen.
import { useEffect, useMemo, useRef, useState } from 'react';
import { createColumnHelper, flexRender, getCoreRowModel, useReactTable, type OnChangeFn, type RowSelectionState } from '@tanstack/react-table';
import { useVirtualizer } from '@tanstack/react-virtual';
import type { ApiTokenOrderField, TokenRowFragment } from '../api/operations';
import { useKeys } from '../lib/keys';
import { setQuery } from '../lib/router';
import { Time } from '../lib/time';
import { Status, Tags } from '../ui/parts';
import type { Sort } from './filter';

declare module '@tanstack/react-table' {
  // The name is TanStack's: what a table tells its cells.
  interface TableMeta<TData> { mark?: (row: TData) => Change | undefined }
}

/** What has become of a token since the moment that the table is of. */
export type Change = 'added' | 'ended' | 'changed';
const tones: Record<Change, string> = { added: 'good', ended: 'bad', changed: 'warn' };

const column = createColumnHelper<TokenRowFragment>();
const columns = [
  column.display({
    id: 'select', header: () => <span className="sr">Selected</span>,
    cell: ({ row }) => <input type="checkbox" checked={row.getIsSelected()} onChange={row.getToggleSelectedHandler()} aria-label={`Select ${row.original.name}`} />,
  }),
  column.accessor('name', {
    id: 'name', header: 'Name',
    cell: ({ row, table }) => <span className="row tight clip"><a className="name clip" href={`/tokens/${row.original.id}`} title={row.original.name}>{row.original.name}</a><Since mark={table.options.meta?.mark?.(row.original)} />
      {row.original.tags?.slice(0, 2).map(tag => <a key={tag} className="tag" href={`/tokens?tag=${encodeURIComponent(tag)}`}>{tag}</a>)}</span>,
  }),
  column.accessor('status', { id: 'is_active', header: 'State', cell: ({ getValue }) => <Status is={getValue()} /> }),
  column.accessor('scopes', { id: 'scopes', header: 'Scopes', cell: ({ getValue }) => <span className="row tight clip" title={getValue()?.join('\n')}><Tags of={getValue()} /></span> }),
  column.accessor('lastUsedAt', { id: 'last_used_at', header: 'Last used', cell: ({ getValue }) => getValue() ? <Time at={getValue()} as="away" /> : <span className="dim">never</span> }),
  column.accessor('expiresAt', { id: 'expires_at', header: 'Ends', cell: ({ getValue }) => getValue() ? <Time at={getValue()} as="away" /> : <span className="dim">no deadline</span> }),
  column.accessor('createdAt', { id: 'created_at', header: 'Created', cell: ({ getValue }) => <Time at={getValue()} as="day" /> }),
];

const Since = ({ mark }: { mark?: Change }) => (mark ? <span className={`badge ${tones[mark]}`}>{mark} since</span> : null);

const classes: Record<string, string> = { scopes: 'c-scopes', last_used_at: 'c-used', expires_at: 'c-expires', created_at: 'c-created' };
const sortable = new Set<string>(['name', 'is_active', 'last_used_at', 'expires_at', 'created_at']);

type Props = {
  total: number; rows: (TokenRowFragment | undefined)[]; need: (start: number, end: number) => void; sort: Sort;
  selection?: RowSelectionState; select?: OnChangeFn<RowSelectionState>; mark?: (row: TokenRowFragment) => Change | undefined;
};

export function TokenTable({ total, rows, need, sort, selection = {}, select, mark }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const height = useRowHeight();
  const [at, setAt] = useState(-1);
  const virtual = useVirtualizer({ count: total, getScrollElement: () => box.current, estimateSize: () => height, overscan: 10 });
  const items = virtual.getVirtualItems();
  const start = items[0]?.index ?? 0, end = (items.at(-1)?.index ?? 0) + 1;
  useEffect(() => need(start, end), [need, start, end]);
  useEffect(() => virtual.measure(), [height, virtual]);

  const shown = useMemo(() => rows.slice(start, end), [rows, start, end, rows[start], rows[end - 1]]);
  const known = useMemo(() => shown.filter(row => row !== undefined), [shown]);
  const table = useReactTable({
    data: known, columns, meta: { mark }, getCoreRowModel: getCoreRowModel(), getRowId: row => row.id, manualSorting: true,
    state: { rowSelection: selection, columnVisibility: { select: select !== undefined } }, onRowSelectionChange: select, enableSorting: false,
  });
  const byID = useMemo(() => new Map(table.getRowModel().rows.map(row => [row.id, row])), [known, selection, table]);

  const move = (by: number) => goTo(Math.max(0, Math.min(total - 1, at < 0 ? 0 : at + by)));
  const goTo = (index: number) => { setAt(index); aim.current = true; virtual.scrollToIndex(index); };
  const current = at >= 0 ? rows[at] : undefined;
  // The name that a key led to has the focus once it is drawn, and once only: afterwards the reader may be elsewhere.
  const aim = useRef(false);
  useEffect(() => {
    const name = aim.current && box.current?.querySelector<HTMLElement>(`[data-index="${at}"] .name`);
    if (name) { aim.current = false; name.focus({ preventScroll: true }); }
  }, [at, start, end, current?.id]);
  useKeys({
    j: () => move(1), ArrowDown: () => move(1), k: () => move(-1), ArrowUp: () => move(-1),
    x: () => { if (current && select) select(before => ({ ...before, [current.id]: !before[current.id] })); },
    Home: () => goTo(0), End: () => goTo(total - 1),
  });

  return (
    <div className={select ? 'grid tokens' : 'grid tokens unselected'} ref={box} role="table" aria-label="Tokens" aria-rowcount={total + 1} tabIndex={0}>
      <div role="rowgroup">
        {table.getHeaderGroups().map(group => (
          <div className="line head" role="row" aria-rowindex={1} key={group.id}>
            {group.headers.map(header => {
              const sorted = sort.field === header.id;
              return (
                <span key={header.id} role="columnheader" className={classes[header.id]} aria-sort={sorted ? (sort.down ? 'descending' : 'ascending') : undefined}>
                  {sortable.has(header.id)
                    ? <button onClick={() => setQuery({ sort: nextSort(header.id as ApiTokenOrderField, sort) })}>{flexRender(header.column.columnDef.header, header.getContext())}{sorted && <span aria-hidden="true">{sort.down ? '↓' : '↑'}</span>}</button>
                    : flexRender(header.column.columnDef.header, header.getContext())}
                </span>
              );
            })}
          </div>
        ))}
      </div>
      <div className="rows" role="rowgroup" style={{ height: virtual.getTotalSize() }}>
        {items.map(item => {
          const token = rows[item.index];
          const row = token && byID.get(token.id);
          const style = { transform: `translateY(${item.start}px)`, height: item.size };
          if (!token || !row) {
            return <div key={item.index} className="line" role="row" aria-rowindex={item.index + 2} style={style} aria-busy="true">{select && <span role="cell" />}<span role="cell"><i className="waiting" /><span className="sr">not read yet</span></span></div>;
          }
          return (
            <div key={item.index} data-index={item.index} className={`line ${mark?.(token) ?? ''} ${row.getIsSelected() ? 'chosen' : ''}`} role="row" aria-rowindex={item.index + 2} style={style}
              onClick={() => setAt(item.index)}>
              {row.getVisibleCells().map(cell => <span key={cell.id} role="cell" className={`clip ${classes[cell.column.id] ?? ''}`}>{flexRender(cell.column.columnDef.cell, cell.getContext())}</span>)}
            </div>
          );
        })}
      </div>
    </div>
  );
}

function nextSort(field: ApiTokenOrderField, now: Sort): string {
  if (now.field !== field) return field === 'name' || field === 'expires_at' ? field : `-${field}`;
  return now.down ? field : `-${field}`;
}

/** The height of a row, as the style sheet says for this width. */
function useRowHeight() {
  const read = () => parseFloat(getComputedStyle(document.documentElement).getPropertyValue('--row')) || 36;
  const [height, set] = useState(read);
  useEffect(() => {
    const changed = () => set(read());
    window.addEventListener('resize', changed);
    return () => window.removeEventListener('resize', changed);
  }, []);
  return height;
}
