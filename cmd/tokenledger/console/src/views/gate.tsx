// The way in: the identity provider, or a token that this page forgets when it is closed.
import { useEffect, useState } from 'react';
import mark from '../style/mark.svg';
import { reach, type Refused } from '../api/client';
import { useSession } from '../lib/session';
import { Field, Problem } from '../ui/parts';

export function Gate() {
  const { enter } = useSession();
  const [value, set] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Refused>();
  const [provider, setProvider] = useState<boolean>();
  useEffect(() => {
    document.title = 'Sign in · tokenledger';
    // The service sends to its provider where it has one; the answer itself is of no use here.
    reach('/v1/login', { redirect: 'manual' }).then(answer => setProvider(answer.type === 'opaqueredirect' || answer.ok), () => setProvider(false));
  }, []);
  const back = location.pathname + location.search;
  return (
    <main className="gate">
      <div className="way fade">
        <div className="stack"><div className="row"><img src={mark} alt="" width="30" height="30" /><h1>tokenledger</h1></div>
          <p className="soft">The ledger of API tokens: who may do what, since when, and the proof of it.</p></div>
        <section className="panel"><div className="body">
          {provider && <>
            <a className="button primary" data-outside href={`/v1/login?return=${encodeURIComponent(back)}`}>Sign in with your organization’s account</a>
            <p className="small dim">or with a token:</p>
          </>}
          <form className="stack" onSubmit={event => {
            event.preventDefault();
            setBusy(true);
            setError(undefined);
            enter(value.trim()).catch(setError).finally(() => setBusy(false));
          }}>
            <Field id="token" label="Token" hint="It stays in the memory of this page, and is gone when you close or reload it.">
              <input id="token" type="password" autoComplete="off" spellCheck={false} value={value} onChange={event => set(event.target.value)}
                placeholder="tolp_… or tola_…" aria-describedby="token-hint" autoFocus />
            </Field>
            <button className={provider ? 'button' : 'button primary'} disabled={busy || !value}>Open the ledger</button>
          </form>
          {error && <Problem error={error} />}
        </div></section>
        <p className="small dim">The first token of an installation stands in the file that <code>tokenledger serve</code> prints when it starts. With a shell there: <code>tokenledger token create</code> makes another.</p>
      </div>
    </main>
  );
}
