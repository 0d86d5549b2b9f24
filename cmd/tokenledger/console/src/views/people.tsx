// People: members, their roles, and who is invited.
import { useState } from 'react';
import { ask } from '../api/client';
import {
  AddMemberDocument, ChangeMemberDocument, InvitationsDocument, InviteDocument, MembersDocument, RemoveMemberDocument, WithdrawDocument,
  type InvitationsQuery, type MembersQuery, type MembershipRole,
} from '../api/operations';
import { useMore } from '../lib/more';
import { useAnswer, useCommand } from '../lib/query';
import { nodes, useRights } from '../lib/session';
import { fromLocalInput, Time, toLocalInput } from '../lib/time';
import { Act, Once, useReason } from '../ui/act';
import { Copy, count, Empty, Field, Head, More, Panel, sentence, Shown } from '../ui/parts';

export const roles: [MembershipRole, string][] = [
  ['MEMBER', 'manages personal tokens of his own'], ['AUDITOR', 'reads everything, changes nothing'], ['ADMIN', 'manages everything'], ['OWNER', 'manages everything, and the other owners'],
];
type Member = NonNullable<NonNullable<NonNullable<MembersQuery['organization']['members']['edges']>[number]>['node']>;
type Open = 'invite' | 'add' | { change: Member } | { remove: Member };

const size = { first: 100, after: null };

export default function People() {
  const rights = useRights();
  const members = useAnswer(MembersDocument, size);
  const invitations = useAnswer(InvitationsDocument, size);
  const [open, setOpen] = useState<Open>();
  const close = () => setOpen(undefined);
  return (
    <>
      <Head title="People" lead="Who is a member of the organization, as what, and until when.">
        {rights.manages && <><button className="button" onClick={() => setOpen('add')}>Add somebody</button><button className="button primary" onClick={() => setOpen('invite')}>Invite somebody</button></>}
      </Head>
      <div className="stack">
        <Shown of={members} what="The members">{({ organization }) => <Members first={organization.members} open={setOpen} />}</Shown>
        <Shown of={invitations} what="The invitations">{({ organization }) => <Invitations first={organization.invitations} />}</Shown>
        {members.data?.organization.members.totalCount === 1 && <Empty title="You are alone here"><p>Invite whoever answers for tokens with you, and an auditor who only reads.</p></Empty>}
      </div>
      {open === 'invite' && <Invite close={close} />}
      {open === 'add' && <Add close={close} />}
      {typeof open === 'object' && 'change' in open && <Change member={open.change} close={close} />}
      {typeof open === 'object' && 'remove' in open && <Remove member={open.remove} close={close} />}
    </>
  );
}

function Members({ first, open }: { first: MembersQuery['organization']['members']; open: (what: Open) => void }) {
  const rights = useRights();
  const behind = useMore(first, last => ask(MembersDocument, { ...size, after: last.pageInfo.endCursor ?? null }).then(({ organization }) => organization.members));
  const all = behind.pages.flatMap(nodes);
  return (
    <Panel title={count(first.totalCount, 'member')} bare>
      <div className="scroll-x" tabIndex={0} role="region" aria-label="Members"><table className="plain narrow">
        <thead><tr><th scope="col">Name</th><th scope="col">Role</th><th scope="col">Since</th><th scope="col">Until</th><th scope="col"><span className="sr">Change</span></th></tr></thead>
        <tbody>{all.map(m => (
          <tr key={m.user.id}>
            <td>{m.user.displayName || <span className="dim">erased</span>} {!m.user.isActive && <span className="badge bad">Deactivated</span>} {!m.isActive && <span className="badge">Ended</span>}
              {m.user.email && m.user.email !== m.user.displayName && <div className="small dim">{m.user.email}</div>}</td>
            <td data-label="Role">{sentence(m.role)}</td><td data-label="Since"><Time at={m.since} as="day" /></td><td data-label="Until">{m.until ? <Time at={m.until} as="day" /> : <span className="dim">—</span>}</td>
            <td className="num">{rights.manages && m.isActive && <span className="row tight" style={{ justifyContent: 'flex-end' }}>
              <button className="button small" aria-label={`Change the role of ${m.user.displayName}`} onClick={() => open({ change: m })}>Change</button>
              <button className="button small danger" aria-label={`Remove ${m.user.displayName}`} onClick={() => open({ remove: m })}>Remove</button></span>}</td>
          </tr>
        ))}</tbody>
      </table></div>
      <More of={behind} left={behind.pages.at(-1)?.pageInfo.hasNextPage}>{all.length} of {first.totalCount}</More>
    </Panel>
  );
}

function Invitations({ first }: { first: InvitationsQuery['organization']['invitations'] }) {
  const rights = useRights();
  const withdraw = useCommand(WithdrawDocument);
  const behind = useMore(first, last => ask(InvitationsDocument, { ...size, after: last.pageInfo.endCursor ?? null }).then(({ organization }) => organization.invitations));
  const all = behind.pages.flatMap(nodes);
  return (
    <Panel title="Invitations" bare>
      {all.length === 0 ? <div className="body soft">Nobody is invited at present.</div> : (
        <div className="scroll-x" tabIndex={0} role="region" aria-label="Invitations"><table className="plain narrow">
          <thead><tr><th scope="col">Address</th><th scope="col">Role</th><th scope="col">Link ends</th><th scope="col"><span className="sr">Change</span></th></tr></thead>
          <tbody>{all.map(i => <tr key={i.id}><td>{i.email ?? <span className="dim">erased</span>}</td><td data-label="Role">{sentence(i.role)}</td><td data-label="Link ends"><Time at={i.expiresAt} as="away" /></td>
            <td className="num">{rights.manages && <button className="button small" aria-label={`Withdraw the invitation of ${i.email}`} disabled={withdraw.pending} onClick={() => { void withdraw.run({ id: i.id }); }}>Withdraw</button>}</td></tr>)}</tbody>
        </table></div>
      )}
      <More of={behind} left={behind.pages.at(-1)?.pageInfo.hasNextPage}>{all.length} of {first.totalCount}</More>
      {withdraw.error && <div className="body"><p className="notice bad" role="alert">{withdraw.error.message}</p></div>}
    </Panel>
  );
}

function useRole(first: MembershipRole, untilFirst = '') {
  const [role, setRole] = useState(first);
  const [until, setUntil] = useState(untilFirst);
  return {
    role, until: fromLocalInput(until),
    fields: <>
      <fieldset className="stack" style={{ gap: 6 }}><legend className="label">Role</legend>
        {roles.map(([r, says]) => <label className="check" key={r}><input type="radio" name="role" checked={role === r} onChange={() => setRole(r)} />{sentence(r)} <span className="small dim">{says}</span></label>)}
      </fieldset>
      <Field id="until" label="Until, if it ends by itself"><input id="until" type="datetime-local" value={until} onChange={event => setUntil(event.target.value)} /></Field>
    </>,
  };
}

function Invite({ close }: { close: () => void }) {
  const { run, error, pending } = useCommand(InviteDocument);
  const [email, setEmail] = useState('');
  const { role, until, fields } = useRole('MEMBER');
  const [link, setLink] = useState<string>();
  if (link) {
    return (
      <Once title="The invitation" close={close}>
        <h2>Pass this link on</h2>
        <p className="soft">It is shown this once, works once, and for seven days, for whoever has the address {email} at the identity provider.</p>
        <Copy text={link.startsWith('/') ? location.origin + link : link} what="the link" wrap />
      </Once>
    );
  }
  return (
    <Act title="Invite somebody" close={close} button="Invite" error={error} pending={pending}
      run={() => run({ input: { email: email.trim(), role, until } }).then(done => { if (done) setLink(done.data.inviteMember.link ?? ''); })}>
      <Field id="email" label="E-mail address"><input id="email" type="email" required value={email} onChange={event => setEmail(event.target.value)} autoFocus /></Field>
      {fields}
    </Act>
  );
}

function Add({ close }: { close: () => void }) {
  const { run, error, pending } = useCommand(AddMemberDocument);
  const [email, setEmail] = useState('');
  const [name, setName] = useState('');
  const { role, until, fields } = useRole('MEMBER');
  return (
    <Act title="Add somebody" close={close} button="Add" error={error} pending={pending} run={() => run({ input: { email: email.trim(), displayName: name.trim() || null, role, until } })}>
      <p className="soft">Makes a user who can sign in with this address, without a link.</p>
      <Field id="email" label="E-mail address"><input id="email" type="email" required value={email} onChange={event => setEmail(event.target.value)} autoFocus /></Field>
      <Field id="who" label="Name"><input id="who" value={name} onChange={event => setName(event.target.value)} /></Field>
      {fields}
    </Act>
  );
}

function Change({ member: m, close }: { member: Member; close: () => void }) {
  const { run, error, pending } = useCommand(ChangeMemberDocument);
  const { role, until, fields } = useRole(m.role, m.until ? toLocalInput(m.until) : '');
  return (
    <Act title={`Role of ${m.user.displayName}`} close={close} button="Record" error={error} pending={pending} run={() => run({ input: { userID: m.user.id, role, until, expectedVersion: m.version } })}>
      <p className="soft">Every personal token follows from the next decision on.</p>{fields}
    </Act>
  );
}

function Remove({ member: m, close }: { member: Member; close: () => void }) {
  const { run, error, pending } = useCommand(RemoveMemberDocument);
  const { reason, field } = useReason(false);
  return (
    <Act title={`Remove ${m.user.displayName}`} close={close} button="Remove" danger error={error} pending={pending} run={() => run({ userID: m.user.id, reason, version: m.version })}>
      <p className="soft">The membership ends, and with it every personal token’s access to this organization, in the same append. Tokens that belong to the organization stay; a finding lists those that this person made.</p>{field}
    </Act>
  );
}
