// A report as a table: its cells by what they are, what it was asked, and what it cannot know.
import { useMemo, useRef } from 'react';
import { useVirtualizer } from '@tanstack/react-virtual';
import type { ReportPartsFragment } from '../api/operations';
import { Time } from '../lib/time';
import { PersonName, TokenName } from '../views/names';

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const ofOne = /^(\d{4}-\d\d-\d\dT[\d:.]+Z|[0-9a-f-]{36})$/; // shown shorter than it is
const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/;

export function Cell({ value, column }: { value: unknown; column: string }) {
  if (value === null || value === undefined || value === '') return <span className="dim">—</span>;
  if (typeof value === 'number') return <span>{value.toLocaleString()}</span>;
  if (typeof value === 'boolean') return <span>{value ? 'yes' : 'no'}</span>;
  if (Array.isArray(value)) {
    if (!value.length) return <span className="dim">—</span>;
    const ids = value.every(v => typeof v === 'string' && uuid.test(v));
    return <span>{value.slice(0, 4).map((v, i) => <span key={i}>{i > 0 && ', '}<span className="one">{ids && column.includes('token') ? <TokenName id={String(v)} /> : String(v)}</span></span>)}{value.length > 4 && <span className="dim" title={value.join('\n')}> and {value.length - 4} more</span>}</span>;
  }
  const text = String(value);
  if (instant.test(text)) return <Time at={text} as="short" />;
  if (uuid.test(text)) return column.includes('token') || column === 'id' ? <TokenName id={text} /> : <PersonName id={text} />;
  return <span className={text.length <= 20 ? 'one' : undefined}>{text}</span>;
}

/** The rows; those out of sight are not drawn. */
export function ReportTable({ report }: { report: ReportPartsFragment }) {
  const box = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({ count: report.rows.length, getScrollElement: () => box.current, estimateSize: () => 34, overscan: 12 });
  const items = virtual.getVirtualItems();
  const numbers = useMemo(() => report.columns.map((_, i) => report.rows.slice(0, 50).some(row => typeof row[i] === 'number')), [report]);
  const above = items[0]?.start ?? 0, below = virtual.getTotalSize() - (items.at(-1)?.end ?? 0);
  return (
    <div className="scroll-x" ref={box} tabIndex={0} role="region" aria-label={`Rows of ${report.title}`} style={{ maxHeight: '62dvh', overflow: 'auto' }}>
      <table className="plain report">
        <thead><tr>{report.columns.map((c, i) => <th scope="col" key={c.name} className={numbers[i] ? 'num' : undefined} style={{ position: 'sticky', top: 0, background: 'var(--sheet)' }}>{c.title}</th>)}</tr></thead>
        <tbody>
          {above > 0 && <tr aria-hidden="true"><td colSpan={report.columns.length} style={{ height: above, padding: 0, border: 0 }} /></tr>}
          {items.map(item => (
            <tr key={item.index} data-index={item.index} ref={virtual.measureElement}>{report.rows[item.index]?.map((value, i) => (
              <td key={i} className={numbers[i] ? 'num' : String(value ?? '').length > 28 && !ofOne.test(String(value)) ? 'text' : undefined}><Cell value={value} column={report.columns[i]?.name ?? ''} /></td>
            ))}</tr>
          ))}
          {below > 0 && <tr aria-hidden="true"><td colSpan={report.columns.length} style={{ height: below, padding: 0, border: 0 }} /></tr>}
        </tbody>
      </table>
    </div>
  );
}

export function ReportLimits({ report }: { report: ReportPartsFragment }) {
  return (
    <div className="stack small">
      <dl className="facts">
        <dt>Period</dt><dd><Time at={report.from} as="full" /> until <Time at={report.to} as="full" /></dd>
        <dt>Read until</dt><dd>position <a className="mono" href={`/proof?event=${report.position}`}>{report.position}</a>, {report.trailPosition} of the organization’s trail</dd>
        {report.parameters.map(p => <div key={p.name} style={{ display: 'contents' }}><dt>{p.name.replaceAll('_', ' ')}</dt><dd>{p.value}</dd></div>)}
        <dt>Criteria</dt><dd>{report.criteria.join(', ')}</dd>
      </dl>
      {report.limits.length > 0 && <div className="soft"><strong>What it cannot know</strong><ul style={{ listStyle: 'disc', paddingLeft: 18 }}>{report.limits.map(l => <li key={l}>{l}</li>)}</ul></div>}
    </div>
  );
}
