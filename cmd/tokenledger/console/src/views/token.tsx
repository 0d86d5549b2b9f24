// One token: what it is, what it did, who did what to it, and what can be done.
import { useState } from 'react';
import { Refused } from '../api/client';
import { FindingsDocument, TokenDocument, type TokenDetailFragment } from '../api/operations';
import { useAnswer } from '../lib/query';
import { usePlace } from '../lib/router';
import { nodes, useRights } from '../lib/session';
import { Time } from '../lib/time';
import { Empty, Head, Panel, Problem, Shown, Status, Tags } from '../ui/parts';
import { FindingLine } from './finding';
import { PersonName } from './names';
import { Timeline } from './timeline';
import { TokenAct, type Deed } from './token_acts';
import { Refusals, Sources, Usage } from './usage';

export default function Token() {
  const { segments } = usePlace();
  const answer = useAnswer(TokenDocument, { id: segments[1] ?? '', asOf: null });
  return <Shown of={answer} what="The token" title="Token" beside={fault => fault instanceof Refused && /^(NOT_FOUND|BAD_USER_INPUT)$/.test(fault.code) && <Elsewhere />}>{({ apiToken }) => <Page token={apiToken} />}</Shown>;
}

/** Where else a token may be that is not found here. */
function Elsewhere() {
  const rights = useRights();
  return (
    <Empty title="Was it a personal token?">
      <p>This page is for the organization’s own tokens. Personal ones stand with their owners{rights.reads && ', and where they reach the organization, under Personal access'}.</p>
      <div className="row">{rights.reads && <a className="button" href="/grants">Personal access</a>}{rights.person && <a className="button" href="/personal">Your tokens</a>}<a className="button" href="/tokens">The inventory</a></div>
    </Empty>
  );
}

function Page({ token }: { token: TokenDetailFragment }) {
  const rights = useRights();
  const [deed, setDeed] = useState<Deed>();
  const live = token.status === 'ACTIVE' || token.status === 'ROTATING' || token.status === 'SUSPENDED';
  const offered: [Deed, string][] = [
    ...(live ? [['edit', 'Change'], ['review', 'Mark as reviewed'], ['rotate', 'Rotate']] as [Deed, string][] : []),
    ...(token.status === 'SUSPENDED' ? [['resume', 'Resume']] as [Deed, string][] : live ? [['suspend', 'Suspend']] as [Deed, string][] : []),
    ...(token.status !== 'DELETED' && !live ? [['delete', 'Delete']] as [Deed, string][] : []),
    ...(live ? [['revoke', 'Revoke']] as [Deed, string][] : []),
  ];
  return (
    <>
      <Head title={token.name} lead={<><Status is={token.status} /> {token.description}</>}>
        {rights.manages && offered.map(([name, text]) => (
          <button key={name} className={name === 'revoke' || name === 'delete' ? 'button danger' : 'button'} onClick={() => setDeed(name)}>{text}</button>
        ))}
      </Head>
      <div className="columns three">
        <div className="stack"><Usage usage={token.usage} /><Panel title="Timeline" note="the newest first" bare><Timeline id={token.id} /></Panel></div>
        <div className="aside stack">
          <div className="stack"><Facts token={token} /><TokenFindings id={token.id} /></div>
          <div className="stack"><Sources usage={token.usage} /><Refusals usage={token.usage} /></div>
        </div>
      </div>
      {deed && <TokenAct deed={deed} token={token} close={() => setDeed(undefined)} />}
    </>
  );
}

function Facts({ token }: { token: TokenDetailFragment }) {
  return (
    <Panel title="Token">
      <dl className="facts">
        <dt>Scopes</dt><dd><Tags of={token.scopes} /></dd>
        {!!token.tags?.length && <><dt>Tags</dt><dd className="row">{token.tags.map(tag => <a key={tag} className="tag" href={`/tokens?tag=${encodeURIComponent(tag)}`}>{tag}</a>)}</dd></>}
        <dt>Value</dt><dd className="mono">{token.token}</dd>
        <dt>Id</dt><dd className="mono">{token.id}</dd>
        <dt>Fingerprint</dt><dd className="mono small">{token.fingerprint}</dd>
        <dt>Created</dt><dd><Time at={token.createdAt} as="full" />{token.createdBy && <> by <PersonName id={token.createdBy} /></>}</dd>
        <dt>Ends</dt><dd>{token.expiresAt ? <><Time at={token.expiresAt} as="full" /> <span className="dim">(<Time at={token.expiresAt} as="away" />)</span></> : 'no deadline'}</dd>
        <dt>Last used</dt><dd>{token.lastUsedAt ? <Time at={token.lastUsedAt} as="full" /> : 'never'}</dd>
        {token.suspendedUntil && <><dt>Suspended until</dt><dd><Time at={token.suspendedUntil} as="full" /></dd></>}
        {token.rotationDueAt && <><dt>Rotation due</dt><dd><Time at={token.rotationDueAt} as="full" /></dd></>}
        {token.lastReviewedAt && <><dt>Last reviewed</dt><dd><Time at={token.lastReviewedAt} as="full" /></dd></>}
        {token.revokedAt && <><dt>Revoked</dt><dd><Time at={token.revokedAt} as="full" />{token.revokedBy && <> by <PersonName id={token.revokedBy} /></>}{token.revokedReason && <div><q>{token.revokedReason}</q></div>}</dd></>}
        {token.rotatedFrom && <><dt>Replaces</dt><dd><a href={`/tokens/${token.rotatedFrom.id}`}>{token.rotatedFrom.name}</a> <Status is={token.rotatedFrom.status} /></dd></>}
        {token.rotatedTo && <><dt>Replaced by</dt><dd><a href={`/tokens/${token.rotatedTo.id}`}>{token.rotatedTo.name}</a> <Status is={token.rotatedTo.status} />
          {token.rotatedUntil && <div className="small dim">both work until <Time at={token.rotatedUntil} as="full" /></div>}</dd></>}
        {token.ssoAuthorizations && <><dt>Single sign-on</dt><dd>authorized {Object.values(token.ssoAuthorizations).map(at => <Time key={at} at={at} as="full" />)}</dd></>}
        <dt>In the log</dt><dd>version {token.version}, last decision at <a className="mono" href={`/proof?event=${token.position}`}>{token.position}</a></dd>
      </dl>
    </Panel>
  );
}

function TokenFindings({ id }: { id: string }) {
  const answer = useAnswer(FindingsDocument, { first: 10, token: id, after: null, rule: null, status: null });
  const found = nodes(answer.data?.findings);
  if (answer.error) return <Problem error={answer.error} again={answer.again} what="The findings" />;
  if (!found.length) return null;
  return (
    <Panel title="Findings" bare actions={<a className="small" href={`/findings?token=${id}`}>All {answer.data?.findings.totalCount}</a>}>
      <ol className="timeline">{found.slice(0, 5).map(f => <FindingLine key={`${f.rule}${f.position}`} finding={f} here />)}</ol>
    </Panel>
  );
}
