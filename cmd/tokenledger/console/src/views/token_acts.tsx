// What can be done to one token, each in a dialog that says what it will do.
import { useState } from 'react';
import {
  DeleteTokenDocument, ResumeTokenDocument, ReviewTokenDocument, RevokeTokenDocument, RotateTokenDocument, SuspendTokenDocument, UpdateTokenDocument,
  WhoWouldMissDocument, type TokenDetailFragment,
} from '../api/operations';
import { useAnswer, useCommand } from '../lib/query';
import { go } from '../lib/router';
import { fromLocalInput, Time, toLocalInput } from '../lib/time';
import { Act, Once, useReason, words } from '../ui/act';
import { count, Field, Shown } from '../ui/parts';
import { Secret } from './secret';

export type Deed = 'revoke' | 'rotate' | 'suspend' | 'resume' | 'review' | 'edit' | 'delete';
type Props = { token: TokenDetailFragment; close: () => void };

const deeds = { revoke: Revoke, rotate: Rotate, suspend: Suspend, resume: Resume, review: Review, edit: Edit, delete: Delete };

export function TokenAct({ deed, ...rest }: Props & { deed: Deed }) {
  const Chosen = deeds[deed];
  return <Chosen {...rest} />;
}

function Revoke({ token, close }: Props) {
  const { reason, missing, field } = useReason();
  const { run, error, pending } = useCommand(RevokeTokenDocument);
  const preview = useAnswer(WhoWouldMissDocument, { id: token.id });
  return (
    <Act title={`Revoke ${token.name}`} close={close} button="Revoke for good" danger wide error={error} pending={pending} blocked={missing}
      run={() => run({ id: token.id, reason: reason ?? '', version: token.version })}>
      <p className="soft">From the next decision on, every use is refused. It cannot be taken back; a new token can be created.</p>
      <Shown of={preview} what="Who would miss it">{({ revokePreview: p }) => (
        p.uses === 0
          ? <p className="notice good">Nobody used it in the last 30 days{p.refusals > 0 && `; ${count(p.refusals, 'try', 'tries')} were refused`}.</p>
          : <div className="notice warn">
              <strong>{count(p.uses, 'use')} in the last 30 days, the last one <Time at={p.lastUsedAt} as="away" />.</strong>
              <dl className="facts small">
                <dt>Programs</dt><dd>{p.callers.slice(0, 6).map(c => c.agent ?? 'unnamed').join(', ') || '—'}</dd>
                <dt>Actions</dt><dd>{p.actions.slice(0, 8).map(a => a.action).join(', ') || '—'}</dd>
                <dt>From</dt><dd>{p.sources.slice(0, 8).map(s => s.address ?? `source ${s.position}`).join(', ') || '—'}</dd>
              </dl>
            </div>
      )}</Shown>
      {field}
    </Act>
  );
}

function Rotate({ token, close }: Props) {
  const { reason, field } = useReason(false);
  const { run, error, pending } = useCommand(RotateTokenDocument);
  const [overlap, setOverlap] = useState(86_400);
  const [first, setFirst] = useState(false);
  const [made, setMade] = useState<{ name: string; token: string }>();
  if (made) return <Once title="The successor" close={close} wide><Secret value={made.token} name={made.name} what="The successor’s value" /></Once>;
  return (
    <Act title={`Rotate ${token.name}`} close={close} button="Rotate" error={error} pending={pending}
      run={() => run({ id: token.id, input: { overlapSeconds: overlap, endsAtFirstUse: first, reason, expectedVersion: token.version } })
        .then(done => { if (done) setMade(done.data.rotateAPIToken.apiToken); })}>
      <p className="soft">A successor with a new value takes its place. For a while both work, so that nothing stops while you replace the value.</p>
      <Field id="overlap" label="Both work for">
        <select id="overlap" value={overlap} onChange={event => setOverlap(Number(event.target.value))}>
          <option value={0}>no time: the old one ends now</option><option value={3600}>1 hour</option><option value={86_400}>1 day</option>
          <option value={604_800}>7 days</option><option value={2_592_000}>30 days</option>
        </select>
      </Field>
      <label className="check"><input type="checkbox" checked={first} disabled={overlap === 0} onChange={event => setFirst(event.target.checked)} />The old one ends when the new one is first used</label>
      {field}
    </Act>
  );
}

function Suspend({ token, close }: Props) {
  const { reason, field } = useReason(false);
  const { run, error, pending } = useCommand(SuspendTokenDocument);
  const [until, setUntil] = useState('');
  return (
    <Act title={`Suspend ${token.name}`} close={close} button="Suspend" error={error} pending={pending}
      run={() => run({ id: token.id, reason, until: fromLocalInput(until), version: token.version })}>
      <p className="soft">Its uses are refused until it is resumed. If its value may be in other hands, revoke it.</p>
      <Field id="until" label="Until, if it ends by itself"><input id="until" type="datetime-local" value={until} onChange={event => setUntil(event.target.value)} /></Field>
      {field}
    </Act>
  );
}

function Resume({ token, close }: Props) {
  const { reason, field } = useReason(false);
  const { run, error, pending } = useCommand(ResumeTokenDocument);
  return (
    <Act title={`Resume ${token.name}`} close={close} button="Resume" error={error} pending={pending} run={() => run({ id: token.id, reason, version: token.version })}>
      <p className="soft">Whoever holds its value can use it again.</p>{field}
    </Act>
  );
}

function Review({ token, close }: Props) {
  const { reason, field } = useReason(false);
  const { run, error, pending } = useCommand(ReviewTokenDocument);
  return (
    <Act title={`Keep ${token.name}`} close={close} button="Record the review" error={error} pending={pending} run={() => run({ id: token.id, reason })}>
      <p className="soft">Records that you looked at it and that it stays. Only people can.</p>{field}
    </Act>
  );
}

function Edit({ token, close }: Props) {
  const { run, error, pending } = useCommand(UpdateTokenDocument);
  const [name, setName] = useState(token.name);
  const [description, setDescription] = useState(token.description ?? '');
  const [tags, setTags] = useState((token.tags ?? []).join(' '));
  const [scopes, setScopes] = useState((token.scopes ?? []).join(' '));
  const [until, setUntil] = useState(token.expiresAt ? toLocalInput(token.expiresAt) : '');
  const same = (a: string[], b: readonly string[] | null | undefined) => [...a].sort().join() === [...(b ?? [])].sort().join();
  const change = {
    ...(name.trim() !== token.name && { name: name.trim() }),
    ...(description.trim() !== (token.description ?? '') && (description.trim() ? { description: description.trim() } : { clearDescription: true })),
    ...(!same(words(tags), token.tags) && (words(tags).length ? { tags: words(tags) } : { clearTags: true })),
    ...(!same(words(scopes), token.scopes) && { scopes: words(scopes) }),
    ...(until !== (token.expiresAt ? toLocalInput(token.expiresAt) : '') && (until ? { expiresAt: fromLocalInput(until) } : { clearExpiresAt: true })),
  };
  const number = Object.keys(change).length;
  return (
    <Act title={`Change ${token.name}`} close={close} button={number ? `Record ${count(number, 'change')}` : 'Nothing to record'} error={error} pending={pending} blocked={!number}
      run={() => run({ id: token.id, input: { ...change, expectedVersion: token.version } })}>
      <p className="soft">Each thing that changes is an event of its own; all are recorded together.</p>
      <Field id="name" label="Name"><input id="name" required value={name} onChange={event => setName(event.target.value)} /></Field>
      <Field id="description" label="Description"><input id="description" value={description} onChange={event => setDescription(event.target.value)} /></Field>
      <Field id="scopes" label="Scopes" hint="Divided by spaces."><input id="scopes" className="mono" required value={scopes} onChange={event => setScopes(event.target.value)} /></Field>
      <Field id="tags" label="Tags"><input id="tags" value={tags} onChange={event => setTags(event.target.value)} /></Field>
      <Field id="until" label="Deadline" hint="Empty: none."><input id="until" type="datetime-local" value={until} onChange={event => setUntil(event.target.value)} /></Field>
    </Act>
  );
}

function Delete({ token, close }: Props) {
  const { run, error, pending } = useCommand(DeleteTokenDocument);
  return (
    <Act title={`Delete ${token.name}`} close={close} button="Delete" danger error={error} pending={pending}
      run={() => run({ id: token.id }).then(done => { if (done) go('/tokens'); return done; })}>
      <p className="soft">It leaves the lists{token.status === 'ACTIVE' || token.status === 'ROTATING' || token.status === 'SUSPENDED' ? ', and is revoked first' : ''}. Its events, and every report about it, stay.</p>
    </Act>
  );
}
