// How a token is used: by hour, by action, from where, and why it was refused.
import { lazy, Suspense, useMemo } from 'react';
import type { TokenDetailFragment } from '../api/operations';
import { local, Time } from '../lib/time';
import { count, Panel } from '../ui/parts';

const Plot = lazy(() => import('../ui/plot'));
const hour = 3600;

export function Usage({ usage }: { usage: TokenDetailFragment['usage'] }) {
  const { at, series, says } = useMemo(() => {
    const now = Math.floor(Date.now() / 1000 / hour) * hour;
    const latest = Math.max(0, ...usage.hours.map(h => Date.parse(h.hour) / 1000));
    const past = latest <= now - 168 * hour; // what has not been used for a week is shown as it was last used
    const last = past ? latest : now;
    const at = Array.from({ length: 168 }, (_, i) => last - (167 - i) * hour);
    const by = new Map(usage.hours.map(h => [Date.parse(h.hour) / 1000, h]));
    const allowed = at.map(t => by.get(t)?.uses ?? 0), refused = at.map(t => by.get(t)?.refusals ?? 0);
    const sum = (all: number[]) => all.reduce((a, b) => a + b, 0);
    const days = past ? `the 7 days until its last use, ${local(new Date(last * 1000).toISOString())}` : 'the last 7 days';
    return { at, says: `By hour, over ${days}: ${count(sum(allowed), 'use')} and ${count(sum(refused), 'refusal')}`, series: [{ name: 'allowed', color: 'accent' as const, values: allowed }, { name: 'refused', color: 'bad-dot' as const, values: refused }] };
  }, [usage.hours]);
  return (
    <Panel title="Use" note={`${count(usage.uses, 'use')}, ${count(usage.refusals, 'refusal')} in all`} bare>
      {usage.uses + usage.refusals === 0
        ? <div className="body soft">Never used. If nothing is going to use it, revoke it.</div>
        : <>
            <div className="body">
              <Suspense fallback={<div style={{ height: 176 }} />}>
                <Plot at={at} series={series} step={hour} label={says} />
              </Suspense>
              <p className="small dim">{says}</p>
            </div>
            <div className="scroll-x" tabIndex={0} role="region" aria-label="Actions">
              <table className="plain">
                <thead><tr><th scope="col">Action</th><th scope="col" className="num">Allowed</th><th scope="col" className="num">Refused</th><th scope="col">Last</th></tr></thead>
                <tbody>{usage.actions.map(a => <tr key={a.action}><td className="mono wrap">{a.action || '(none named)'}</td><td className="num">{a.uses.toLocaleString()}</td><td className="num">{a.refusals.toLocaleString()}</td><td><Time at={a.lastUsedAt} as="away" /></td></tr>)}</tbody>
              </table>
            </div>
          </>}
    </Panel>
  );
}

export function Sources({ usage }: { usage: TokenDetailFragment['usage'] }) {
  if (!usage.sources.length) return null;
  return (
    <Panel title="Sources" note="the latest first" bare>
      <div className="scroll-x" tabIndex={0} role="region" aria-label="Sources">
        <table className="plain">
          <thead><tr><th scope="col">From</th><th scope="col" className="num">Uses</th><th scope="col" className="num">Refused</th><th scope="col">First seen</th></tr></thead>
          <tbody>{usage.sources.map(s => (
            <tr key={s.position}><td className="wrap">{s.address ? <span className="mono">{s.address}</span> : <a className="mono" href={`/proof?event=${s.position}`} title="Its address is shown to auditors">source {s.position}</a>}{s.agent && <div className="small dim wrap">{s.agent}</div>}</td>
              <td className="num">{s.uses.toLocaleString()}</td><td className="num">{s.refusals.toLocaleString()}</td><td><Time at={s.firstSeenAt} as="away" /></td></tr>
          ))}</tbody>
        </table>
      </div>
    </Panel>
  );
}

export function Refusals({ usage }: { usage: TokenDetailFragment['usage'] }) {
  if (!usage.reasons.length) return null;
  return (
    <Panel title="Why it was refused" bare>
      <table className="plain"><thead><tr><th scope="col">Reason</th><th scope="col" className="num">Times</th><th scope="col">Last</th></tr></thead>
        <tbody>{usage.reasons.map(r => <tr key={r.code}><td className="mono">{r.code}</td><td className="num">{r.refusals.toLocaleString()}</td><td><Time at={r.lastRefusedAt} as="away" /></td></tr>)}</tbody></table>
    </Panel>
  );
}
