// A new token: named, scoped, dated; then its value, once.
import { useState } from 'react';
import { CreatePersonalDocument, CreateTokenDocument, MayGiveDocument, type MayGiveQuery } from '../api/operations';
import { useAnswer, useCommand } from '../lib/query';
import { setQuery, usePlace } from '../lib/router';
import { useRights, useSession } from '../lib/session';
import { fromLocalInput, local, span, toLocalInput } from '../lib/time';
import { Field, Head, Panel, Problem, Shown } from '../ui/parts';
import { ScopePicker } from '../ui/scopes';
import { words } from '../ui/act';
import { Secret } from './secret';

const day = 86_400;
const presets: [days: number, words: string][] = [[1, '1 day'], [7, '7 days'], [30, '30 days'], [90, '90 days'], [180, '180 days'], [365, '1 year']];

type Made = { id: string; name: string; token: string; expiresAt?: string | null; personal: boolean };

export default function Create() {
  const { query } = usePlace();
  const rights = useRights();
  const personal = query.get('kind') === 'personal' || !rights.manages;
  const [made, setMade] = useState<Made>();
  const may = useAnswer(MayGiveDocument, {});
  if (made) {
    return (
      <div className="stack wide measure">
        <Head title={`${made.name} is created`} lead={made.expiresAt ? `It works until ${local(made.expiresAt)}.` : 'It has no deadline.'}>
          <a className="button" href={made.personal ? '/personal' : `/tokens/${made.id}`}>{made.personal ? 'To your tokens' : 'To the token'}</a>
          <button className="button" onClick={() => setMade(undefined)}>Create another</button>
        </Head>
        <Secret value={made.token} name={made.name} />
      </div>
    );
  }
  return (
    <div className="stack wide measure">
      <Head title="Create a token" lead={personal ? 'A personal token acts with your rights, or less, in the organization.' : 'An organization token belongs to the organization, not to a person.'} />
      {rights.manages && rights.person && (
        <div className="segment" role="group" aria-label="Kind" style={{ justifySelf: 'start' }}>
          <button aria-pressed={!personal} onClick={() => setQuery({ kind: null })}>For the organization</button>
          <button aria-pressed={personal} onClick={() => setQuery({ kind: 'personal' })}>Personal</button>
        </div>
      )}
      <Shown of={may} what="What you may give">
        {({ organization }) => <Form key={String(personal)} personal={personal} organization={organization} done={setMade} />}
      </Shown>
    </div>
  );
}

type Organization = MayGiveQuery['organization'];

function Form({ personal, organization, done }: { personal: boolean; organization: Organization; done: (made: Made) => void }) {
  const { own } = useSession();
  const policy = organization.policy;
  const most = policy?.maxLifetime || 0;
  const [name, setName] = useState('');
  const [description, setDescription] = useState('');
  const [tags, setTags] = useState('');
  const [scopes, setScopes] = useState<string[]>([]);
  const [days, setDays] = useState<number | 'none' | 'own'>(most && most < 90 * day ? Math.max(1, Math.floor(most / day)) : 90);
  const [ownDate, setOwnDate] = useState('');
  const forOrganization = useCommand(CreateTokenDocument);
  const forMe = useCommand(CreatePersonalDocument);
  const { error, pending } = personal ? forMe : forOrganization;
  const latest = own?.expiresAt ? Date.parse(own.expiresAt) : Infinity;
  const at = days === 'none' ? null : days === 'own' ? fromLocalInput(ownDate) : new Date(Date.now() + days * day * 1000).toISOString();
  const submit = async () => {
    const input = { name: name.trim(), description: description.trim() || null, tags: words(tags), scopes, expiresAt: at };
    if (personal) {
      const made = await forMe.run({ input: { ...input, organizationIDs: [organization.id] } });
      if (made) done({ ...made.data.createPersonalAccessToken.personalAccessToken, personal });
    } else {
      const made = await forOrganization.run({ input });
      if (made) done({ ...made.data.createAPIToken.apiToken, personal });
    }
  };
  const fault = (field: string) => (error?.field === field ? error.message : undefined);
  const fits = (n: number) => (!most || n * day <= most) && Date.now() + n * day * 1000 <= latest;
  return (
    <form className="stack wide" onSubmit={event => { event.preventDefault(); void submit(); }}>
      <Panel title="What it is">
        <div className="stack">
          <Field id="name" label="Name" fault={fault('name')} hint="What uses it, so that whoever finds it in a year knows. It stands in clear in the audit trail.">
            <input id="name" required maxLength={200} value={name} onChange={event => setName(event.target.value)} placeholder="ci-evidence-upload" autoFocus />
          </Field>
          <Field id="description" label={policy?.descriptionRequired ? 'Description (the policy wants one)' : 'Description'} fault={fault('description')}>
            <input id="description" required={policy?.descriptionRequired} maxLength={500} value={description} onChange={event => setDescription(event.target.value)} placeholder="Uploads evidence from the build of the main branch" />
          </Field>
          <Field id="tags" label="Tags" fault={fault('tags')} hint="Divided by spaces.">
            <input id="tags" value={tags} onChange={event => setTags(event.target.value)} placeholder="ci production" />
          </Field>
        </div>
      </Panel>
      <Panel title="Scopes" note={personal ? 'none chosen: all that you may' : 'the fewest that do'}>
        <ScopePicker chosen={scopes} choose={setScopes} registered={organization.objects} limits={[policy?.scopeCeiling, own?.scopes]} />
        {fault('scopes') && <p className="small" style={{ color: 'var(--bad)', marginTop: 8 }}>{fault('scopes')}</p>}
      </Panel>
      <Panel title="Deadline" note={most ? `the policy allows ${span(most)} at most` : undefined}>
        <div className="stack">
          <div className="row" role="group" aria-label="Deadline">
            {presets.filter(([n]) => fits(n)).map(([n, text]) => <button type="button" className="chip" key={n} aria-pressed={days === n} onClick={() => setDays(n)}>{text}</button>)}
            <button type="button" className="chip" aria-pressed={days === 'own'} onClick={() => { setDays('own'); setOwnDate(toLocalInput(new Date(Date.now() + 90 * day * 1000).toISOString())); }}>Another</button>
            {!most && !policy?.expiryRequired && latest === Infinity && <button type="button" className="chip" aria-pressed={days === 'none'} onClick={() => setDays('none')}>None</button>}
          </div>
          {days === 'own' && <Field id="until" label="Until"><input id="until" type="datetime-local" required value={ownDate} onChange={event => setOwnDate(event.target.value)} /></Field>}
          <p className="small dim">{at ? `It stops working on ${local(at)}.` : 'It works until somebody ends it. A deadline is the cheaper way to be rid of it.'}</p>
          {fault('expiresAt') && <p className="small" style={{ color: 'var(--bad)' }}>{fault('expiresAt')}</p>}
        </div>
      </Panel>
      {error && <Problem error={error} />}
      <div className="row"><button className="button primary" disabled={pending || !name.trim() || (!personal && !scopes.length)}>Create the token</button>
        {!personal && !scopes.length && <span className="small dim">Choose at least one scope.</span>}
        {personal && policy?.approvalRequired && <span className="small dim">It works once an administrator has approved it.</span>}</div>
    </form>
  );
}
