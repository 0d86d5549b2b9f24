// Personal tokens: the reader's own, and those of others that reach the organization.
import { useState } from 'react';
import { ask } from '../api/client';
import {
  ApproveGrantDocument, DeclineGrantDocument, EndGrantDocument, GrantsDocument, PersonalTokensDocument, ResumePersonalDocument, RevokePersonalDocument, RotatePersonalDocument,
  SuspendPersonalDocument, type GrantRowFragment, type GrantsQuery, type PersonalRowFragment, type PersonalTokensQuery, type TokenGrantStatus,
} from '../api/operations';
import { useMore } from '../lib/more';
import { useAnswer, useCommand } from '../lib/query';
import { nodes, useRights } from '../lib/session';
import { Time } from '../lib/time';
import { Act, Once, useReason } from '../ui/act';
import { count, Empty, Head, More, Panel, sentence, Shown, Status, Tags } from '../ui/parts';
import { Secret } from './secret';

type Deed = 'rotate' | 'suspend' | 'resume' | 'revoke';
type GrantDeed = 'approve' | 'decline' | 'end';

const size = { first: 100, after: null };

export default function Personal() {
  const answer = useAnswer(PersonalTokensDocument, { ...size, includeDeleted: false });
  const [act, setAct] = useState<{ deed: Deed; token: PersonalRowFragment }>();
  return (
    <>
      <Head title="Your tokens" lead="Personal tokens act with your rights, or less. Nobody but you sees their life; organizations see what is done there with them."><a className="button primary" href="/create?kind=personal">Create one</a></Head>
      <Shown of={answer} what="Your tokens">{({ personalAccessTokens: all }) => all.totalCount === 0
        ? <Empty title="You have no personal tokens"><p>Create one for a program that should act as you.</p><a className="button primary" href="/create?kind=personal">Create one</a></Empty>
        : <Own first={all} act={(deed, token) => setAct({ deed, token })} />}</Shown>
      {act && <PersonalAct {...act} close={() => setAct(undefined)} />}
    </>
  );
}

function Own({ first, act }: { first: PersonalTokensQuery['personalAccessTokens']; act: (deed: Deed, token: PersonalRowFragment) => void }) {
  const behind = useMore(first, last => ask(PersonalTokensDocument, { ...size, after: last.pageInfo.endCursor ?? null, includeDeleted: false }).then(answer => answer.personalAccessTokens));
  const all = behind.pages.flatMap(nodes);
  return (
    <Panel title={count(first.totalCount, 'token')} bare><div className="scroll-x" tabIndex={0} role="region" aria-label="Your tokens"><table className="plain narrow">
      <thead><tr><th scope="col">Name</th><th scope="col">State</th><th scope="col">Scopes</th><th scope="col">Reaches</th><th scope="col">Last used</th><th scope="col">Ends</th><th scope="col"><span className="sr">Change</span></th></tr></thead>
      <tbody>{all.map(t => {
        const live = t.status === 'ACTIVE' || t.status === 'ROTATING' || t.status === 'SUSPENDED';
        const deeds: [Deed, string][] = live ? [['rotate', 'Rotate'], t.status === 'SUSPENDED' ? ['resume', 'Resume'] : ['suspend', 'Suspend'], ['revoke', 'Revoke']] : [];
        return (
          <tr key={t.id}><td><strong>{t.name}</strong><div className="small dim mono">{t.token}</div>{t.revokedReason && <div className="small"><q>{t.revokedReason}</q></div>}</td><td><Status is={t.status} /></td>
            <td data-label="Scopes"><Tags of={t.scopes} none="all of yours" /></td><td data-label="Reaches">{nodes(t.organizations).map(o => o.displayName).join(', ') || <span className="dim">nothing</span>}</td>
            <td data-label="Last used">{t.lastUsedAt ? <Time at={t.lastUsedAt} as="away" /> : <span className="dim">never</span>}</td><td data-label="Ends">{t.expiresAt ? <Time at={t.expiresAt} as="away" /> : <span className="dim">no deadline</span>}</td>
            <td><span className="row tight" style={{ justifyContent: 'flex-end' }}>{deeds.map(([deed, text]) => <button key={deed} aria-label={`${text} ${t.name}`} className={deed === 'revoke' ? 'button small danger' : 'button small'} onClick={() => act(deed, t)}>{text}</button>)}</span></td></tr>
        );
      })}</tbody>
    </table></div><More of={behind} left={behind.pages.at(-1)?.pageInfo.hasNextPage}>{all.length} of {first.totalCount}</More></Panel>
  );
}

const says: Record<Deed, [title: string, button: string, words: string]> = {
  rotate: ['Rotate', 'Rotate', 'A successor with a new value takes its place. Both work for a day.'],
  suspend: ['Suspend', 'Suspend', 'Its uses are refused everywhere until you resume it.'],
  resume: ['Resume', 'Resume', 'Whoever holds its value can use it again.'],
  revoke: ['Revoke', 'Revoke for good', 'From the next decision on it is refused everywhere. It cannot be taken back.'],
};

function PersonalAct({ deed, token: t, close }: { deed: Deed; token: PersonalRowFragment; close: () => void }) {
  const { reason, missing, field } = useReason(deed === 'revoke');
  const commands = { rotate: useCommand(RotatePersonalDocument), suspend: useCommand(SuspendPersonalDocument), resume: useCommand(ResumePersonalDocument), revoke: useCommand(RevokePersonalDocument) };
  const [value, setValue] = useState<string>();
  const { error, pending } = commands[deed];
  const [title, button, text] = says[deed];
  if (value) return <Once title="The successor" close={close} wide><Secret value={value} name={t.name} what="The successor’s value" /></Once>;
  const run = async (): Promise<unknown> => {
    switch (deed) {
      case 'rotate': {
        const done = await commands.rotate.run({ id: t.id, input: { reason, expectedVersion: t.version } });
        if (done) setValue(done.data.rotatePersonalAccessToken.personalAccessToken.token);
        return undefined;
      }
      case 'suspend': return commands.suspend.run({ id: t.id, reason, until: null, version: t.version });
      case 'resume': return commands.resume.run({ id: t.id, reason, version: t.version });
      case 'revoke': return commands.revoke.run({ id: t.id, reason: reason ?? '', version: t.version });
    }
  };
  return <Act title={`${title} ${t.name}`} close={close} button={button} danger={deed === 'revoke'} error={error} pending={pending} blocked={missing} run={run}><p className="soft">{text}</p>{field}</Act>;
}

const tones: Record<TokenGrantStatus, string> = { PENDING: 'warn', ACTIVE: 'good', SUSPENDED: 'warn', EXPIRED: '', ENDED: 'bad' };

export function Grants() {
  const rights = useRights();
  const answer = useAnswer(GrantsDocument, size);
  const [act, setAct] = useState<{ deed: GrantDeed; grant: GrantRowFragment }>();
  return (
    <>
      <Head title="Personal access" lead="Personal tokens that reach the organization: whose they are, what they may do, and who let them in." />
      <Shown of={answer} what="The access">{({ organization: { tokenGrants: all } }) => all.totalCount === 0
        ? <Empty title="No personal token reaches the organization"><p>Members grant theirs to it when they create or change them.</p>{rights.person && <a className="button" href="/create?kind=personal">Create one of yours</a>}</Empty>
        : <Reaching first={all} act={(deed, grant) => setAct({ deed, grant })} />}</Shown>
      {act && <GrantAct {...act} close={() => setAct(undefined)} />}
    </>
  );
}

function Reaching({ first, act }: { first: GrantsQuery['organization']['tokenGrants']; act: (deed: GrantDeed, grant: GrantRowFragment) => void }) {
  const rights = useRights();
  const behind = useMore(first, last => ask(GrantsDocument, { ...size, after: last.pageInfo.endCursor ?? null }).then(({ organization }) => organization.tokenGrants));
  const all = behind.pages.flatMap(nodes);
  return (
    <Panel title={count(first.totalCount, 'personal token')} bare><div className="scroll-x" tabIndex={0} role="region" aria-label="Personal access"><table className="plain narrow">
      <thead><tr><th scope="col">Token</th><th scope="col">Whose</th><th scope="col">State</th><th scope="col">Scopes</th><th scope="col">Given</th><th scope="col">Ends</th><th scope="col"><span className="sr">Change</span></th></tr></thead>
      <tbody>{all.map(g => (
        <tr key={g.tokenID}><td><strong>{g.name}</strong><div className="small dim mono">{g.token}</div></td><td data-label="Whose">{g.user.displayName || 'erased'}{g.user.email && g.user.email !== g.user.displayName && <div className="small dim">{g.user.email}</div>}</td>
          <td><span className={`badge ${tones[g.status]}`}>{sentence(g.status)}</span>{g.endedBecause && <div className="small dim">{g.endedBecause.replaceAll('_', ' ')}</div>}</td>
          <td data-label="Scopes"><Tags of={g.scopes} none="all of the owner’s" /></td><td data-label="Given"><Time at={g.givenAt} as="day" /></td><td data-label="Ends">{g.expiresAt ? <Time at={g.expiresAt} as="away" /> : <span className="dim">no deadline</span>}</td>
          <td><span className="row tight" style={{ justifyContent: 'flex-end' }}>{rights.manages && g.status === 'PENDING' && <>
            <button className="button small" aria-label={`Approve ${g.name}`} onClick={() => act('approve', g)}>Approve</button><button className="button small danger" aria-label={`Decline ${g.name}`} onClick={() => act('decline', g)}>Decline</button></>}
            {rights.manages && (g.status === 'ACTIVE' || g.status === 'SUSPENDED') && <button className="button small danger" aria-label={`End the access of ${g.name}`} onClick={() => act('end', g)}>End</button>}</span></td></tr>
      ))}</tbody>
    </table></div><More of={behind} left={behind.pages.at(-1)?.pageInfo.hasNextPage}>{all.length} of {first.totalCount}</More></Panel>
  );
}

function GrantAct({ deed, grant: g, close }: { deed: GrantDeed; grant: GrantRowFragment; close: () => void }) {
  const { reason, missing, field } = useReason(deed !== 'approve');
  const approve = useCommand(ApproveGrantDocument), decline = useCommand(DeclineGrantDocument), end = useCommand(EndGrantDocument);
  const { error, pending } = { approve, decline, end }[deed];
  return (
    <Act title={`${sentence(deed)} ${g.name} of ${g.user.displayName}`} close={close} button={deed === 'approve' ? 'Let it in' : deed === 'decline' ? 'Decline for good' : 'End its access'} danger={deed !== 'approve'} error={error} pending={pending} blocked={missing}
      run={async () => (deed === 'approve' ? approve.run({ id: g.tokenID, reason }) : deed === 'decline' ? decline.run({ id: g.tokenID, reason: reason ?? '' }) : end.run({ id: g.tokenID, reason: reason ?? '' }))}>
      <p className="soft">{deed === 'approve' ? 'It can be used in the organization from then on.' : 'For this token it is for good; its owner can be let in with another one. Its other organizations are not touched.'}</p>{field}
    </Act>
  );
}
