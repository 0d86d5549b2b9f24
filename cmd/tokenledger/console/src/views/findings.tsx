// Findings: what is unusual, the newest first, and what became of it.
import { useState } from 'react';
import { ask } from '../api/client';
import { FindingsDocument, TriageDocument, type FindingRowFragment, type FindingStatus, type FindingsQuery, type FindingsQueryVariables } from '../api/operations';
import { useMore } from '../lib/more';
import { useAnswer, useCommand } from '../lib/query';
import { setQuery, usePlace } from '../lib/router';
import { nodes, useRights } from '../lib/session';
import { Act } from '../ui/act';
import { count, Empty, Field, Head, More, Panel, sentence, Shown } from '../ui/parts';
import { FindingLine, rules } from './finding';
import { TokenName } from './names';

const states: FindingStatus[] = ['OPEN', 'ACKNOWLEDGED', 'CLOSED', 'FALSE_POSITIVE'];

export default function Findings() {
  const { query } = usePlace();
  const rights = useRights();
  const asked = query.get('status') ?? 'OPEN';
  const status = states.find(s => s === asked) ?? null;
  const variables = { first: 50, after: null, rule: query.get('rule'), token: query.get('token'), status };
  const answer = useAnswer(FindingsDocument, variables, { keep: true });
  const [triage, setTriage] = useState<FindingRowFragment>();
  return (
    <>
      <Head title="Findings" lead="What is unusual about the organization’s tokens, or was asked for by its policy and has not happened. What becomes of each is an event; a finding itself is none." />
      <div className="filters" role="group" aria-label="Filter">
        <span className="views">
          {states.map(s => <button key={s} className="chip" aria-pressed={asked === s} onClick={() => setQuery({ status: s === 'OPEN' ? null : s })}>{sentence(s)}</button>)}
          <button className="chip" aria-pressed={asked === 'all'} onClick={() => setQuery({ status: 'all' })}>All</button>
        </span>
        <select aria-label="Rule" value={query.get('rule') ?? ''} onChange={event => setQuery({ rule: event.target.value })}>
          <option value="">Any rule</option>{Object.entries(rules).map(([rule, [says]]) => <option key={rule} value={rule}>{says}</option>)}
        </select>
        {query.get('token') && <button className="chip" aria-pressed="true" onClick={() => setQuery({ token: null })}>of one token ✕</button>}
      </div>
      <Shown of={answer} what="The findings">{({ findings }) => (
        findings.totalCount === 0
          ? <Empty title={asked === 'OPEN' ? 'Nothing is open' : 'No findings like that'}><p>What is found depends on the log alone; new findings come by themselves. Webhooks and NATS tell of them, too.</p>
              {asked !== 'all' && <button className="button" onClick={() => setQuery({ status: 'all', rule: null, token: null })}>Show all there ever were</button>}</Empty>
          : <List key={JSON.stringify(variables)} first={findings} variables={variables} triage={rights.manages ? setTriage : undefined} />
      )}</Shown>
      {triage && <Triage finding={triage} close={() => setTriage(undefined)} />}
    </>
  );
}

type Page = FindingsQuery['findings'];

function List({ first, variables, triage }: { first: Page; variables: FindingsQueryVariables; triage?: (f: FindingRowFragment) => void }) {
  const behind = useMore(first, last => ask(FindingsDocument, { ...variables, after: last.pageInfo.endCursor ?? null }).then(({ findings }) => findings));
  const all = behind.pages.flatMap(nodes);
  return (
    <Panel title={count(first.totalCount, 'finding')} bare>
      <ol className="timeline">{all.map(f => (
        <FindingLine key={`${f.rule}${f.position}`} finding={f}>
          <span className="row" style={{ marginTop: 4 }}><span className="soft">{rules[f.rule]?.[1]}</span>{triage && <button className="button small" onClick={() => triage(f)}>Triage</button>}</span>
        </FindingLine>
      ))}</ol>
      <More of={behind} left={behind.pages.at(-1)?.pageInfo.hasNextPage}>{all.length} of {first.totalCount}</More>
    </Panel>
  );
}

function Triage({ finding: f, close }: { finding: FindingRowFragment; close: () => void }) {
  const { run, error, pending } = useCommand(TriageDocument);
  const [status, setStatus] = useState<FindingStatus>(f.status === 'OPEN' ? 'ACKNOWLEDGED' : f.status);
  const [note, setNote] = useState('');
  return (
    <Act title={rules[f.rule]?.[0] ?? f.rule} close={close} button="Record" error={error} pending={pending} run={() => run({ rule: f.rule, position: f.position, status, note: note.trim() || null })}>
      <p className="soft">{f.token && <TokenName id={f.token} />} {rules[f.rule]?.[1]}</p>
      <fieldset className="stack" style={{ gap: 6 }}><legend className="label">What became of it</legend>
        {states.map(s => <label className="check" key={s}><input type="radio" name="status" checked={status === s} onChange={() => setStatus(s)} />{sentence(s)}</label>)}
      </fieldset>
      <Field id="note" label="Note" hint="It stands in clear in the audit trail."><input id="note" value={note} onChange={event => setNote(event.target.value)} aria-describedby="note-hint" maxLength={500} /></Field>
    </Act>
  );
}
