// Then and now: the whole inventory as it was at any instant, and how access differs since.
import { useEffect, useMemo, useState } from 'react';
import { ask } from '../api/client';
import { BeginningDocument, DifferenceDocument, TokenCountDocument, TokensDocument, type DifferenceQuery, type TokenRowFragment } from '../api/operations';
import { usePages } from '../lib/pages';
import { useAnswer } from '../lib/query';
import { setQuery, usePlace } from '../lib/router';
import { nodes } from '../lib/session';
import { away, fromLocalInput, local, Time, toLocalInput, utc } from '../lib/time';
import { count, Head, Panel, Problem, sentence, Shown } from '../ui/parts';
import { orderOf, sortOf } from './filter';
import { PersonName, TokenName } from './names';
import { TokenTable, type Change } from './table';

const steps = 1000;

export default function History() {
  const answer = useAnswer(BeginningDocument, {});
  return <Shown of={answer} what="The history" title="Then and now">{({ organization }) => <Then begun={organization.createdAt ?? new Date(0).toISOString()} />}</Shown>;
}

function Then({ begun }: { begun: string }) {
  const { query } = usePlace();
  const [opened] = useState(() => Date.now());
  const start = Date.parse(begun) + 1; // of its millisecond: before that there was no organization
  const named = Date.parse(query.get('at') ?? '');
  const instant = Number.isNaN(named) ? opened - Math.min(86_400_000, (opened - start) / 2) : named;
  const [dragged, drag] = useState<number>(); // where the slider is, until the address has it
  const position = dragged ?? instant;
  const moment = useMemo(() => ({ time: new Date(Math.max(instant, start)).toISOString() }), [instant, start]);
  useEffect(() => {
    if (dragged === undefined) return;
    const timer = setTimeout(() => { setQuery({ at: new Date(dragged).toISOString() }); drag(undefined); }, 150);
    return () => clearTimeout(timer);
  }, [dragged]);
  const step = Math.round(((position - start) / (opened - start)) * steps);
  const difference = useAnswer(DifferenceDocument, { from: moment, to: null }, { keep: true });
  return (
    <>
      <Head title="Then and now" lead="The inventory as it was at an instant, folded from the log. What has changed since is marked." />
      <Panel title={<time dateTime={moment.time} title={utc(moment.time)}>{local(moment.time)}</time>} note={away(moment.time, opened)}
        actions={<label className="check small">At <input type="datetime-local" step={1} style={{ width: 'auto', height: 30 }} value={toLocalInput(moment.time, 'seconds')} min={toLocalInput(begun, 'seconds')} max={toLocalInput(new Date(opened).toISOString(), 'seconds')}
          onChange={event => { const to = fromLocalInput(event.target.value); if (to) setQuery({ at: to }); }} /></label>}>
        <input type="range" className="slider" min={0} max={steps} value={step} aria-label="Moment" aria-valuetext={local(new Date(position).toISOString())}
          onChange={event => drag(start + (Number(event.target.value) / steps) * (opened - start))} />
        <div className="row small dim" style={{ justifyContent: 'space-between' }}><span>{local(begun)}</span><span>now</span></div>
      </Panel>
      <div className="then">
        <AsOf moment={moment} difference={difference.data} />
        <Panel title="Since then" bare><Shown of={difference} what="The difference">{({ accessDiff }) => <Changes of={accessDiff} />}</Shown></Panel>
      </div>
    </>
  );
}

function AsOf({ moment, difference }: { moment: { time: string }; difference: DifferenceQuery | undefined }) {
  const { query } = usePlace();
  const sort = useMemo(() => sortOf(query), [query]);
  const total = useAnswer(TokenCountDocument, { where: null, includeDeleted: false, asOf: moment }, { keep: true });
  const length = total.data?.apiTokens.totalCount;
  const pages = usePages<TokenRowFragment>(`${moment.time} ${sort.field} ${sort.down}`, length, async span => {
    const { apiTokens } = await ask(TokensDocument, { ...span, where: null, includeDeleted: false, orderBy: orderOf(sort), asOf: moment });
    return { nodes: nodes(apiTokens), start: apiTokens.pageInfo.startCursor, end: apiTokens.pageInfo.endCursor };
  });
  const marks = useMemo(() => new Map(difference?.accessDiff.changes.map(c => [c.id, c.change as Change]) ?? []), [difference]);
  const error = total.error ?? pages.error;
  return (
    <section className="stack" aria-label="Then">
      {error && <Problem error={error} again={total.again} what="The inventory of then" />}
      {length === 0 && <p className="soft" style={{ padding: 16 }}>There were no tokens yet.</p>}
      {!!length && <div className="tall"><TokenTable total={length} rows={pages.rows} need={pages.need} sort={sort} mark={row => marks.get(row.id)} /></div>}
      {length !== undefined && <span className="small dim">{count(length, 'token')} then</span>}
    </section>
  );
}

const tones: Record<string, string> = { added: 'good', ended: 'bad', changed: 'warn' };

/** One side of what differs. */
const Side = ({ of }: { of: string }) => (/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(of) ? <Time at={of} as="full" /> : of);

function Changes({ of: { changes, from, to } }: { of: DifferenceQuery['accessDiff'] }) {
  const number = (kind: string) => changes.filter(c => c.change === kind).length;
  if (!changes.length) return <p className="body soft">Nothing about who has access differs between position {from.position} and position {to.position}.</p>;
  return (
    <>
      <div className="body row">{(['added', 'ended', 'changed'] as const).map(kind => <span key={kind} className={`badge ${tones[kind]}`}>{number(kind)} {kind}</span>)}
        <span className="small dim">positions {from.position} to {to.position}</span></div>
      <div className="scroll-x" tabIndex={0} role="region" aria-label="Changes" style={{ maxHeight: '60dvh', overflow: 'auto' }}><table className="plain">
        <thead><tr><th scope="col">What</th><th scope="col">Change</th></tr></thead>
        <tbody>{changes.slice(0, 500).map((c, i) => (
          <tr key={i} className={`changed-${c.change}`}><td>{c.kind === 'organization token' ? <TokenName id={c.id} name={c.name} /> : c.kind === 'member' ? <PersonName id={c.id} /> : c.name}<div className="small dim">{c.kind}</div></td>
            <td><span className={`badge ${tones[c.change] ?? ''}`}>{sentence(c.change)}</span>{c.field && <div className="small wrap">{c.field.replaceAll('_', ' ')}: {c.before && <del className="dim"><Side of={c.before} /></del>} {c.after && <ins><Side of={c.after} /></ins>}</div>}</td></tr>
        ))}</tbody></table></div>
      {changes.length > 500 && <p className="body small dim">and {(changes.length - 500).toLocaleString()} more; <a href="/reports/access-difference">the report</a> has all.</p>}
    </>
  );
}
