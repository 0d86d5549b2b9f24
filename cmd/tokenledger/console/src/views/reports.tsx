// Reports: one for each question that auditors ask, with its plot, its rows and its files.
import { lazy, Suspense, useMemo } from 'react';
import { ReportKindsDocument, ReportTableDocument, type ReportPartsFragment } from '../api/operations';
import { useAnswer } from '../lib/query';
import { setQuery, usePlace } from '../lib/router';
import { toLocalInput, fromLocalInput } from '../lib/time';
import { count, Field, Head, Panel, Shown } from '../ui/parts';
import { ReportLimits, ReportTable } from '../ui/report';
import { Downloads } from './downloads';
import { plotOf } from './report_plot';

const Plot = lazy(() => import('../ui/plot'));

export default function Reports() {
  const { segments } = usePlace();
  const name = segments[1];
  return name ? <One key={name} name={name} /> : <List />;
}

function List() {
  const answer = useAnswer(ReportKindsDocument, {});
  return (
    <>
      <Head title="Reports" lead="Each is a fold of the organization’s trail: the same events and arguments give the same report. An evidence pack holds them all, with the proof.">
        <a className="button" href="/proof">Evidence packs</a>
      </Head>
      <Shown of={answer} what="The reports">{({ reports }) => (
        <ul className="cards">{reports.map(r => (
          <li key={r.name}><a className="card" href={r.name === 'leak' ? '/leak' : `/reports/${r.name}`}><strong>{r.title}</strong><span className="small dim">{r.criteria.join(' · ')}</span></a></li>
        ))}</ul>
      )}</Shown>
    </>
  );
}

const day = 86_400_000;
const periods: [days: number, words: string][] = [[7, '7 days'], [30, '30 days'], [90, '90 days'], [365, 'A year']];

function One({ name }: { name: string }) {
  const { query } = usePlace();
  const from = query.get('from'), to = query.get('to');
  const number = (of: string) => (query.get(of) ? Number(query.get(of)) || null : null);
  const variables = { name, from, to, dormantDays: name === 'dormant' ? number('dormant') : null, overAgeDays: name === 'dormant' ? number('age') : null };
  const answer = useAnswer(ReportTableDocument, variables, { keep: true });
  const since = (days: number) => new Date(Math.floor(Date.now() / day) * day - (days - 1) * day).toISOString();
  return (
    <>
      <Head title={answer.data?.report.title ?? 'Report'}><a className="button" href="/reports">All reports</a></Head>
      <div className="filters" role="group" aria-label="Period">
        <span className="views">
          <button className="chip" aria-pressed={!from && !to} onClick={() => setQuery({ from: null, to: null })}>From the beginning</button>
          {periods.map(([days, words]) => <button key={days} className="chip" aria-pressed={from === since(days) && !to} onClick={() => setQuery({ from: since(days), to: null })}>{words}</button>)}
        </span>
        <label className="check small">from <input type="datetime-local" style={{ width: 'auto', height: 30 }} value={from ? toLocalInput(from) : ''} onChange={event => setQuery({ from: fromLocalInput(event.target.value) })} /></label>
        <label className="check small">until <input type="datetime-local" style={{ width: 'auto', height: 30 }} value={to ? toLocalInput(to) : ''} onChange={event => setQuery({ to: fromLocalInput(event.target.value) })} /></label>
      </div>
      {name === 'dormant' && <div className="row" style={{ marginBottom: 12 }}>
        <Field id="dormant" label="Dormant after days"><input id="dormant" type="number" min={1} value={query.get('dormant') ?? ''} placeholder="90" onChange={event => setQuery({ dormant: event.target.value })} /></Field>
        <Field id="age" label="Over-age after days"><input id="age" type="number" min={1} value={query.get('age') ?? ''} placeholder="365" onChange={event => setQuery({ age: event.target.value })} /></Field>
      </div>}
      <Shown of={answer} what="The report">{({ report }) => (
        <div className="stack">
          <ReportPlot report={report} />
          <Panel title={count(report.rows.length, 'row')} bare actions={<Downloads {...variables} position={report.position} title={name} />}><ReportTable report={report} /></Panel>
          <Panel title="About this report"><ReportLimits report={report} /></Panel>
        </div>
      )}</Shown>
    </>
  );
}

function ReportPlot({ report }: { report: ReportPartsFragment }) {
  const plot = useMemo(() => plotOf(report), [report]);
  if (!plot) return null;
  return (
    <Panel title={plot.title}>
      {plot.over
        ? <Suspense fallback={<div style={{ height: 186 }} />}><Plot {...plot.over} label={plot.label} height={160} /></Suspense>
        : <ul className="bars" aria-label={plot.label}>{plot.bars?.map(b => (
            <li key={b.name}><span className="clip" title={b.name}>{b.name}</span><span className="bar"><i className={b.bad ? 'bad' : undefined} style={{ width: `${b.share * 100}%` }} /></span><span className="num">{b.value.toLocaleString()}</span></li>
          ))}</ul>}
    </Panel>
  );
}
