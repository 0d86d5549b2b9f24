// Proofs, checked here: an event of the log, or a pack that is dropped on the page. The service's word is not taken for it.
import { useEffect, useRef, useState } from 'react';
import { headers, reach, refusalOf } from '../api/client';
import { EventDocument, ProofDocument } from '../api/operations';
import { remember, remembered } from '../lib/store';
import { setQuery, usePlace } from '../lib/router';
import { useAnswer } from '../lib/query';
import { useRights, useSession } from '../lib/session';
import { fromLocalInput, Time, toLocalInput } from '../lib/time';
import { Copy, Field, Head, Panel, Problem, Shown } from '../ui/parts';
import type { Checked } from '../verify/pack';
import type { Failure } from '../verify/bytes';
import { save } from './downloads';
import { Entry } from './timeline';

export default function Proof() {
  const { query } = usePlace();
  const rights = useRights();
  const [keys, setKeys] = useState(() => remembered('keys', ''));
  const event = query.get('event') ?? '';
  return (
    <>
      <Head title="Proof" lead="Hashes and signatures are checked by this browser, against a key that you got from elsewhere. The service is not asked whether it is right." />
      <div className="columns">
        <div className="stack">
          <Panel title="An event">
            <form className="row" onSubmit={e => { e.preventDefault(); setQuery({ event: String(new FormData(e.currentTarget).get('event')) }, { replace: false }); }}>
              <label className="sr" htmlFor="event">Position</label>
              <input id="event" name="event" inputMode="numeric" pattern="[0-9]+" required placeholder="Position in the log" key={event} defaultValue={event} style={{ width: 180 }} />
              <button className="button">Check it</button>
            </form>
          </Panel>
          {event && <EventProof key={event} position={Number(event)} keys={keys} />}
          <PackProof keys={keys} />
        </div>
        <div className="stack">
          <Panel title="The key" note="kept in this browser">
            <Field id="keys" label="Verifier keys, one a line" hint={<>From whoever runs the ledger, not from the ledger: <code>tokenledger keys list --public</code>. Without one, signatures are compared with the key that came along, which proves less.</>}>
              <textarea id="keys" className="mono small" rows={4} spellCheck={false} value={keys} onChange={e => { setKeys(e.target.value); remember('keys', e.target.value); }} aria-describedby="keys-hint" placeholder="tokenledger/…+0123abcd+…" />
            </Field>
          </Panel>
          {rights.reads && <Export />}
        </div>
      </div>
    </>
  );
}

type Course = { steps: string[]; part?: string; fault?: Error; done?: boolean };

function Steps({ course, children }: { course: Course; children?: React.ReactNode }) {
  const failure = course.fault as Failure | undefined;
  return (
    <div className="stack" role="status">
      <ol className="steps">{course.steps.map(text => <li key={text} className="ok">{text}</li>)}{course.part && !course.done && !course.fault && <li>{course.part}</li>}</ol>
      {failure && <div className="notice bad" role="alert"><strong>{failure.verdict ? `Not verified: ${failure.verdict}` : 'This cannot be checked'}</strong><span>{failure.message}{failure.position ? `, at trail position ${failure.position}` : ''}{failure.line ? ` (line ${failure.line})` : ''}</span></div>}
      {course.done && children}
    </div>
  );
}

function EventProof({ position, keys }: { position: number; keys: string }) {
  const event = useAnswer(EventDocument, { position });
  const proof = useAnswer(ProofDocument, event.data ? { position } : null);
  const [course, setCourse] = useState<Course>({ steps: [] });
  useEffect(() => {
    const p = proof.data?.eventProof;
    setCourse({ steps: [] });
    if (!p || !keys.trim()) return;
    let gone = false;
    const steps: string[] = [];
    void (async () => {
      try {
        const [{ verifyEvent }, { parseKeys }] = await Promise.all([import('../verify/event'), import('../verify/note')]);
        await verifyEvent(p, await parseKeys(keys), text => steps.push(text));
        if (!gone) setCourse({ steps, done: true });
      } catch (fault) {
        if (!gone) setCourse({ steps, fault: fault as Error });
      }
    })();
    return () => { gone = true; };
  }, [proof.data, keys]);
  return (
    <Panel title={`Position ${position}`} bare>
      <Shown of={event} what="The event">{({ event: e }) => (
        <>
          <ol className="timeline"><Entry event={e} /></ol>
          <div className="body stack">
            {!keys.trim() && <p className="notice warn">Give the ledger’s verifier key, and the proof is checked here.</p>}
            <Shown of={proof} what="The proof">{() => <Steps course={course}><p className="notice good"><strong>Verified.</strong> The line below stands in the signed log, unaltered.</p></Steps>}</Shown>
            <Copy text={e.leaf} what="the line as it was recorded" wrap />
            <p className="small dim wrap">SHA-256 of a zero byte and the line: <span className="mono">{e.leafHash}</span></p>
          </div>
        </>
      )}</Shown>
    </Panel>
  );
}

function PackProof({ keys }: { keys: string }) {
  const [over, setOver] = useState(false);
  const [name, setName] = useState('');
  const [course, setCourse] = useState<Course>();
  const [checked, setChecked] = useState<Checked>();
  const input = useRef<HTMLInputElement>(null);
  const latest = useRef<File>(null);
  // A file that is dropped while another is read takes its place: nothing that is said of one stands under the other's name.
  const check = async (file: File) => {
    latest.current = file;
    const say = (course: Course) => { if (latest.current === file) setCourse(course); };
    setName(file.name);
    setChecked(undefined);
    const steps: string[] = [];
    setCourse({ steps, part: 'Reading the file' });
    try {
      const [{ verifyPack }, { parseKeys }] = await Promise.all([import('../verify/pack'), import('../verify/note')]);
      const result = await verifyPack(new Uint8Array(await file.arrayBuffer()), await parseKeys(keys), (text, part) => {
        if (part === undefined) steps.push(text);
        say({ steps: [...steps], part: text });
      });
      if (latest.current === file) setChecked(result);
      say({ steps: [...steps], done: true });
    } catch (fault) {
      say({ steps: [...steps], fault: fault as Error });
    }
  };
  return (
    <Panel title="An evidence pack" note="it is read here, and sent nowhere">
      <div className="stack">
        <div className={over ? 'drop over' : 'drop'} onDragOver={e => { e.preventDefault(); setOver(true); }} onDragLeave={() => setOver(false)}
          onDrop={e => { e.preventDefault(); setOver(false); const file = e.dataTransfer.files[0]; if (file) void check(file); }}>
          <p>Drop a pack here, or <button type="button" className="button small" onClick={() => input.current?.click()}>choose a file</button></p>
          <input ref={input} type="file" accept=".zip,application/zip" className="sr" aria-label="Evidence pack" tabIndex={-1} onChange={e => { const file = e.target.files?.[0]; if (file) void check(file); e.target.value = ''; }} />
        </div>
        {course && <><h3 className="wrap">{name}</h3><Steps course={course}>{checked && <Verdict of={checked} />}</Steps></>}
      </div>
    </Panel>
  );
}

function Verdict({ of: { manifest: m, pinned, origin, epochs } }: { of: Checked }) {
  return (
    <div className={pinned ? 'notice good' : 'notice warn'}>
      <strong>{pinned ? 'Verified complete.' : 'All agrees, but the keys came with the pack: trust is not pinned. Give the log’s key, from elsewhere.'}</strong>
      <dl className="facts small">
        <dt>Organization</dt><dd className="mono">{m.organization}</dd><dt>Period</dt><dd><Time at={m.from} as="full" /> until <Time at={m.to} as="full" /></dd>
        <dt>Events</dt><dd>{m.events.toLocaleString()}, {m.after + 1} to {m.through} of its trail</dd><dt>Checkpoint</dt><dd>{epochs} epochs of <span className="mono">{origin}</span></dd>
      </dl>
    </div>
  );
}

function Export() {
  const { organization, role } = useSession();
  const [from, setFrom] = useState(() => toLocalInput(new Date(Date.now() - 30 * 86_400_000).toISOString(), 'seconds'));
  const [to, setTo] = useState(() => toLocalInput(new Date().toISOString(), 'seconds'));
  const [disclose, setDisclose] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error>();
  return (
    <Panel title="Make a pack" note="for an auditor">
      <form className="stack" onSubmit={e => {
        e.preventDefault();
        setBusy(true);
        setError(undefined);
        const asked = new URLSearchParams({ from: fromLocalInput(from) ?? '', to: fromLocalInput(to) ?? '', ...(disclose && { disclose: 'address,agent' }) });
        reach(`/v1/audit/pack?${asked}`, { headers: headers() })
          .then(async answer => { if (!answer.ok) throw await refusalOf(answer); return answer.blob(); })
          .then(data => save(`evidence-${organization?.name ?? 'pack'}-${to.slice(0, 10)}.zip`, data))
          .catch(setError).finally(() => setBusy(false));
      }}>
        <p className="soft small">Every event of the organization in the period, the proof, all reports, and a verifier: one file that can be checked without the ledger.</p>
        <Field id="from" label="From"><input id="from" type="datetime-local" step={1} required value={from} onChange={e => setFrom(e.target.value)} /></Field>
        <Field id="to" label="Until"><input id="to" type="datetime-local" step={1} required value={to} onChange={e => setTo(e.target.value)} /></Field>
        {role === 'AUDITOR' && <label className="check small"><input type="checkbox" checked={disclose} onChange={e => setDisclose(e.target.checked)} />with network addresses and agents in clear</label>}
        {error && <Problem error={error} />}
        <button className="button" disabled={busy}>{busy ? 'Being made' : 'Make and save it'}</button>
      </form>
    </Panel>
  );
}
