// The leak box: a value, a hash or an id; the value is hashed here, and only its hash leaves the page.
import { useEffect, useState } from 'react';
import { LeakReportDocument, RevokeTokensDocument } from '../api/operations';
import { fingerprint, isValue, namesToken, valueIn } from '../lib/hash';
import { useAnswer, useCommand } from '../lib/query';
import { setQuery, usePlace } from '../lib/router';
import { useRights } from '../lib/session';
import { Act, useReason } from '../ui/act';
import { Field, Head, Panel, Shown } from '../ui/parts';
import { ReportLimits, ReportTable } from '../ui/report';
import { Downloads } from './downloads';

export default function Leak() {
  const { query } = usePlace();
  const id = query.get('id') ?? '';
  const [text, set] = useState('');
  const [said, say] = useState('');
  useEffect(() => { if (id) set(''); }, [id]);
  const find = async (words: string) => {
    const value = valueIn(words);
    if (value) {
      set('');
      say('The value was hashed in this page; only its SHA-256 was sent.');
      setQuery({ id: await fingerprint(value) }, { replace: false });
    } else if (namesToken(words)) {
      say('');
      setQuery({ id: words }, { replace: false });
    } else {
      say('That is no value, hash or id of a token. A value is tola_ or tolp_ and 64 letters and digits.');
    }
  };
  return (
    <>
      <Head title="Leak box" lead="Paste what was found: a token’s value or a line that has it, its SHA-256, or an id. You see what was done with it, and can end it." />
      <div className="stack wide">
        <form className="measure" onSubmit={event => { event.preventDefault(); void find(text.trim()); }}>
          <Field id="found" label="What was found" hint={said || 'A value never leaves this page: its SHA-256 does.'}>
            <textarea id="found" rows={3} spellCheck={false} autoComplete="off" className="mono" value={text} autoFocus aria-describedby="found-hint"
              onChange={event => set(event.target.value)} onPaste={event => {
                const pasted = event.clipboardData.getData('text');
                if (isValue(pasted.trim())) { event.preventDefault(); void find(pasted.trim()); }
              }} />
          </Field>
          <p style={{ marginTop: 10 }}><button className="button primary" disabled={!text.trim()}>Look it up</button></p>
        </form>
        {id && <Report id={id} />}
      </div>
    </>
  );
}

function Report({ id }: { id: string }) {
  const rights = useRights();
  const answer = useAnswer(LeakReportDocument, { token: id });
  const [ending, setEnding] = useState(false);
  return (
    <Shown of={answer} what="The leak report">{({ report }) => (
      <>
        <Panel title={report.title} bare actions={<><Downloads name="leak" token={id} title="leak" />{rights.manages && <button className="button danger small" onClick={() => setEnding(true)}>End it</button>}</>}>
          <ReportTable report={report} />
        </Panel>
        <Panel title="About this report"><ReportLimits report={report} /></Panel>
        {ending && <End id={id} close={() => setEnding(false)} />}
      </>
    )}</Shown>
  );
}

function End({ id, close }: { id: string; close: () => void }) {
  const { reason, missing, field } = useReason();
  const { run, error, pending } = useCommand(RevokeTokensDocument);
  const [not, setNot] = useState<string>();
  return (
    <Act title="End the leaked token" close={close} button="End it for good" danger error={error} pending={pending} blocked={missing}
      run={async () => {
        const done = await run({ input: { leaked: [id], reason: reason ?? '', dryRun: false } });
        const kept = done?.data.revokeTokens.notRevoked[0];
        if (kept) { setNot(kept.message); return undefined; }
        return done;
      }}>
      <p className="soft">An organization’s token is revoked. Of somebody’s personal token the access to this organization ends; its owner can revoke it everywhere.</p>
      {field}
      {not && <p className="notice warn" role="alert">{not}</p>}
    </Act>
  );
}
