// The organization itself: its names, its single sign-on, its objects, and where its events are sent.
import { useState } from 'react';
import {
  AddWebhookDocument, OrganizationFactsDocument, RegisterObjectDocument, RemoveWebhookDocument, RenameOrganizationDocument, ReplayWebhookDocument, SetProviderDocument,
  WebhooksDocument, type OrganizationFactsQuery, type WebhooksQuery,
} from '../api/operations';
import { useAnswer, useCommand } from '../lib/query';
import { useRights } from '../lib/session';
import { span, Time } from '../lib/time';
import { Act, Once, words } from '../ui/act';
import { Copy, count, Field, Head, Panel, Shown } from '../ui/parts';

type Facts = OrganizationFactsQuery['organization'];
type Webhook = WebhooksQuery['webhooks'][number];
type Open = 'rename' | 'provider' | 'object' | 'webhook';

export default function Organization() {
  const rights = useRights();
  const answer = useAnswer(OrganizationFactsDocument, {});
  const [open, setOpen] = useState<Open>();
  const close = () => setOpen(undefined);
  return (
    <>
      <Head title="Organization" lead="The boundary that its tokens never cross." />
      <Shown of={answer} what="The organization">{({ organization: o }) => (
        <div className="columns">
          <div className="stack">
            <Panel title={o.displayName} actions={rights.manages && <button className="button small" onClick={() => setOpen('rename')}>Rename</button>}>
              <dl className="facts"><dt>Short name</dt><dd className="mono">{o.name}</dd><dt>Id</dt><dd className="mono">{o.id}</dd><dt>Since</dt><dd><Time at={o.createdAt} as="full" /></dd></dl>
            </Panel>
            {rights.reads && <SSO organization={o} change={rights.manages ? () => setOpen('provider') : undefined} />}
            {rights.reads && <Webhooks add={rights.manages ? () => setOpen('webhook') : undefined} />}
          </div>
          <Panel title="Objects" note="of your own systems" bare actions={rights.manages && <button className="button small" onClick={() => setOpen('object')}>Register one</button>}>
            {o.objects.length === 0
              ? <div className="body soft">Register what your systems have, and tokens can be scoped to it: <code>invoice:read</code>. Actions name the verb that each of them needs.</div>
              : <table className="plain"><thead><tr><th scope="col">Object</th><th scope="col">Actions</th></tr></thead>
                  <tbody>{o.objects.map(x => <tr key={x.name}><td className="mono">{x.name}</td><td>{Object.entries(x.actions).map(([a, verb]) => <div key={a} className="small"><span className="mono">{a}</span> <span className="dim">{verb}</span></div>)}</td></tr>)}</tbody></table>}
          </Panel>
          {open === 'rename' && <Rename organization={o} close={close} />}
          {open === 'provider' && <Provider organization={o} close={close} />}
          {open === 'object' && <RegisterObject close={close} />}
          {open === 'webhook' && <AddWebhook close={close} />}
        </div>
      )}</Shown>
    </>
  );
}

function SSO({ organization: { ssoProvider: provider, policy }, change }: { organization: Facts; change?: () => void }) {
  return (
    <Panel title="Single sign-on" actions={change && <button className="button small" onClick={change}>{provider ? 'Change' : 'Set up'}</button>}>
      <dl className="facts">
        <dt>Provider</dt><dd>{provider ? <span className="mono">{provider.issuer}</span> : 'none: administrators authorize tokens by their word'}</dd>
        {provider && <><dt>Client</dt><dd className="mono">{provider.clientID}</dd></>}
        <dt>Demanded</dt><dd>{policy?.ssoRequired ? 'of every token' : <>of no token; <a href="/policy">the policy</a> can change that</>}</dd>
        {policy && policy.ssoMaxAge > 0 && <><dt>Good for</dt><dd>{span(policy.ssoMaxAge)} (personal tokens)</dd></>}
      </dl>
    </Panel>
  );
}

function Rename({ organization: o, close }: { organization: Facts; close: () => void }) {
  const { run, error, pending } = useCommand(RenameOrganizationDocument);
  const [name, setName] = useState(o.name);
  const [display, setDisplay] = useState(o.displayName);
  return (
    <Act title="Rename the organization" close={close} button="Record" error={error} pending={pending} run={() => run({ input: { name: name.trim(), displayName: display.trim() || null, expectedVersion: o.version } })}>
      <Field id="short" label="Short name"><input id="short" required value={name} onChange={event => setName(event.target.value)} /></Field>
      <Field id="display" label="Name"><input id="display" value={display} onChange={event => setDisplay(event.target.value)} /></Field>
    </Act>
  );
}

function Provider({ organization: o, close }: { organization: Facts; close: () => void }) {
  const { run, error, pending } = useCommand(SetProviderDocument);
  const [issuer, setIssuer] = useState(o.ssoProvider?.issuer ?? '');
  const [client, setClient] = useState(o.ssoProvider?.clientID ?? '');
  return (
    <Act title="The provider of single sign-on" close={close} button={issuer ? 'Record' : 'Take it away'} error={error} pending={pending}
      run={() => run({ input: issuer ? { issuer: issuer.trim(), clientID: client.trim(), expectedVersion: o.version } : { clear: true, expectedVersion: o.version } })}>
      <p className="soft">From then on tokens are authorized by signing in there, and by nobody’s word. Register the redirect address <code className="wrap">{location.origin}/v1/sso/token/callback</code> at the provider.</p>
      <Field id="issuer" label="Issuer" hint="Exactly as the provider writes it. Empty: none."><input id="issuer" type="url" value={issuer} onChange={event => setIssuer(event.target.value)} placeholder="https://id.example.com" /></Field>
      <Field id="client" label="Client"><input id="client" value={client} required={issuer !== ''} onChange={event => setClient(event.target.value)} /></Field>
    </Act>
  );
}

function RegisterObject({ close }: { close: () => void }) {
  const { run, error, pending } = useCommand(RegisterObjectDocument);
  const [name, setName] = useState('');
  const [actions, setActions] = useState('');
  const parsed = Object.fromEntries(words(actions).map(pair => pair.split('=', 2) as [string, string | undefined]).map(([action, verb]) => [action, verb ?? 'read']));
  return (
    <Act title="Register an object" close={close} button="Register" error={error} pending={pending} run={() => run({ name: name.trim(), actions: parsed })}>
      <Field id="object" label="Name" hint="As it stands before the colon of a scope."><input id="object" className="mono" required value={name} onChange={event => setName(event.target.value)} placeholder="invoice" autoFocus /></Field>
      <Field id="actions" label="Actions, each with its verb" hint="read, write or delete, behind an equals sign."><input id="actions" className="mono" value={actions} onChange={event => setActions(event.target.value)} placeholder="listInvoices=read createInvoice=write" /></Field>
    </Act>
  );
}

function Webhooks({ add }: { add?: () => void }) {
  const answer = useAnswer(WebhooksDocument, {});
  const replay = useCommand(ReplayWebhookDocument);
  const [leaving, setLeaving] = useState<Webhook>();
  return <>
    <Panel title="Webhooks" bare actions={add && <button className="button small" onClick={add}>Add one</button>}>
      <Shown of={answer} what="The webhooks">{({ webhooks }) => webhooks.length === 0
        ? <div className="body soft">Events and findings can be sent to a URL of yours, signed, as they are recorded.</div>
        : <table className="plain narrow"><thead><tr><th scope="col">To</th><th scope="col">State</th><th scope="col"><span className="sr">Change</span></th></tr></thead>
            <tbody>{webhooks.map(w => (
              <tr key={w.id}><td className="wrap">{w.url}<div className="small dim">{w.types.length ? w.types.join(' ') : 'everything'}</div></td>
                <td>{w.failures > 0 ? <span className="badge bad">Failing</span> : <span className="badge good">{count(w.delivered, 'message')}</span>}{w.lastError && w.failures > 0 && <div className="small dim wrap">{w.lastError}</div>}
                  {w.deadLetterCount > 0 && <div className="small">{count(w.deadLetterCount, 'message')} given up</div>}</td>
                <td className="num">{add && <span className="row tight" style={{ justifyContent: 'flex-end' }}>
                  {w.deadLetterCount > 0 && <button className="button small" onClick={() => { void replay.run({ id: w.id }); }}>Send again</button>}
                  <button className="button small danger" onClick={() => setLeaving(w)} aria-label={`Remove ${w.url}`}>Remove</button></span>}</td></tr>
            ))}</tbody></table>}</Shown>
      {replay.error && <div className="body"><p className="notice bad" role="alert">{replay.error.message}</p></div>}
    </Panel>
    {leaving && <RemoveWebhook webhook={leaving} close={() => setLeaving(undefined)} />}
  </>;
}

function RemoveWebhook({ webhook: w, close }: { webhook: Webhook; close: () => void }) {
  const { run, error, pending } = useCommand(RemoveWebhookDocument);
  return (
    <Act title="Remove the webhook" close={close} button="Remove for good" danger error={error} pending={pending} run={() => run({ id: w.id })}>
      <p className="soft">Nothing is sent to <span className="mono wrap">{w.url}</span> any more, also not what it has not taken yet. Its secret does not come back: another webhook has another one.</p>
    </Act>
  );
}

function AddWebhook({ close }: { close: () => void }) {
  const { run, error, pending } = useCommand(AddWebhookDocument);
  const [url, setURL] = useState('');
  const [types, setTypes] = useState('');
  const [secret, setSecret] = useState<string>();
  if (secret) {
    return (
      <Once title="The secret" close={close}>
        <h2>What its messages are signed with</h2><p className="soft">It is shown this once.</p><Copy text={secret} what="the secret" wrap />
      </Once>
    );
  }
  return (
    <Act title="Add a webhook" close={close} button="Add" error={error} pending={pending}
      run={() => run({ input: { url: url.trim(), types: words(types) } }).then(done => { if (done) setSecret(done.data.addWebhook.secret ?? ''); })}>
      <Field id="url" label="URL" hint="https, and a public address."><input id="url" type="url" required value={url} onChange={event => setURL(event.target.value)} placeholder="https://siem.example.com/tokens" autoFocus /></Field>
      <Field id="types" label="Which events" hint="Types, or kinds such as token; finding for findings. Empty: everything."><input id="types" className="mono" value={types} onChange={event => setTypes(event.target.value)} placeholder="token.revoked finding" /></Field>
    </Act>
  );
}
