// What is drawn of a report: instants over time, or what there is most of. It is made from the rows alone.
import type { ReportPartsFragment } from '../api/operations';
import type { Series } from '../ui/plot';

export type Bars = { name: string; value: number; share: number; bad?: boolean }[];
export type Picture = { title: string; label: string; over?: { at: number[]; series: Series[]; step: number }; bars?: Bars };

type Row = Record<string, unknown>;
const rowsOf = (report: ReportPartsFragment): Row[] => report.rows.map(row => Object.fromEntries(report.columns.map((c, i) => [c.name, row[i]])));
const number = (value: unknown) => (typeof value === 'number' ? value : 0);

/** The picture of a report; nothing where a picture would say no more than the rows. */
export function plotOf(report: ReportPartsFragment): Picture | undefined {
  const rows = rowsOf(report);
  switch (report.name) {
    case 'usage': {
      const hours = rows.filter(r => r.dimension === 'hour');
      const by = new Map<string, [number, number]>();
      for (const r of hours) {
        const [a, b] = by.get(String(r.value)) ?? [0, 0];
        by.set(String(r.value), [a + number(r.uses), b + number(r.refusals)]);
      }
      return bars('Uses by hour of the day', Array.from({ length: 24 }, (_, hour) => {
        const name = `${String(hour).padStart(2, '0')}h UTC`;
        return { name, value: by.get(name)?.[0] ?? 0 };
      }));
    }
    case 'roll-forward': return bars('Tokens', rows.filter(r => number(r.count) > 0 && r.line !== 'difference').map(r => ({ name: `${r.population}s: ${r.line}`, value: number(r.count), bad: r.sign === '-' })));
    case 'population': return overTime(report, rows, 'created_at', 'Tokens by the day of their creation');
    case 'revocations': return overTime(report, rows, 'at', 'Revocations by day');
    case 'leavers': return bars('Minutes from departure to the end of the last token', rows.filter(r => typeof r.minutes === 'number').map(r => ({ name: String(r.name ?? r.user ?? ''), value: number(r.minutes) })));
    default: return undefined;
  }
}

function bars(title: string, all: { name: string; value: number; bad?: boolean }[]): Picture | undefined {
  const most = Math.max(0, ...all.map(b => b.value));
  if (most === 0) return undefined;
  return { title, label: `${title}: ${all.map(b => `${b.name} ${b.value}`).join(', ')}`, bars: all.slice(0, 24).map(b => ({ ...b, share: b.value / most })) };
}

const day = 86_400;

function overTime(report: ReportPartsFragment, rows: Row[], column: string, title: string): Picture | undefined {
  const instants = rows.flatMap(r => (typeof r[column] === 'string' && r[column] !== '' ? [Date.parse(r[column] as string) / 1000] : [])).filter(t => !Number.isNaN(t));
  if (instants.length < 2) return undefined;
  const last = Math.floor(Date.parse(report.to) / 1000 / day) * day;
  const first = Math.max(Math.floor(Math.min(...instants) / day) * day, last - 365 * day);
  const at = Array.from({ length: Math.max(14, (last - first) / day + 1) }, (_, i, n = Math.max(14, (last - first) / day + 1)) => last - (n - 1 - i) * day);
  const values = at.map(t => instants.filter(i => i >= t && i < t + day).length);
  return { title, label: `${title}: ${instants.length} in all`, over: { at, step: day, series: [{ name: title.toLowerCase(), color: 'accent', values }] } };
}
