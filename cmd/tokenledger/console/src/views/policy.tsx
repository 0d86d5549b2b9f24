// The policy: what the organization demands of its tokens; a draft is judged on what was used before it is on.
import { useMemo, useState } from 'react';
import { ChangePolicyDocument, PolicyDocument, PolicyPreviewDocument, type PolicyPartsFragment, type UpdateOrganizationPolicyInput } from '../api/operations';
import { useAnswer, useCommand } from '../lib/query';
import { useRights } from '../lib/session';
import { span, Time } from '../lib/time';
import { Act, words } from '../ui/act';
import { count, Head, Panel, Shown, useSettled } from '../ui/parts';
import { TokenName } from './names';

type Key = keyof PolicyPartsFragment;
type Demand = { key: Key; title: string; says: string; kind: 'flag' | 'days' | 'list'; placeholder?: string };

const groups: [string, Demand[]][] = [
  ['Lifetime', [
    { key: 'expiryRequired', kind: 'flag', title: 'A deadline for every token', says: 'Tokens without one are refused.' },
    { key: 'maxLifetime', kind: 'days', title: 'Longest life, in days', says: 'From creation, whatever a token’s own deadline.' },
    { key: 'idleExpiry', kind: 'days', title: 'End when unused for, in days', says: 'Refused, and ended by the service.' },
    { key: 'rotationAge', kind: 'days', title: 'Rotate at the age of, in days', says: 'What is due is a finding.' },
    { key: 'rotationEnforced', kind: 'flag', title: 'Refuse what is overdue for rotation', says: '' },
    { key: 'reviewEvery', kind: 'days', title: 'Review every, in days', says: 'What is overdue is a finding.' },
    { key: 'endFamilyOnReuse', kind: 'flag', title: 'A replaced value that is used ends all successors', says: 'Whoever uses it has a copy that nobody should.' },
  ]],
  ['Rights and networks', [
    { key: 'scopeCeiling', kind: 'list', title: 'The most that any token may do', says: 'Scopes; empty: no limit.', placeholder: 'read evidence:write' },
    { key: 'memberScopes', kind: 'list', title: 'What members may do', says: 'Scopes in the organization’s own systems.', placeholder: 'evidence:read' },
    { key: 'allowedSources', kind: 'list', title: 'Networks that uses may come from', says: 'CIDR notation; empty: any.', placeholder: '10.0.0.0/8 2001:db8::/32' },
  ]],
  ['People', [
    { key: 'approvalRequired', kind: 'flag', title: 'Personal tokens need an administrator’s approval', says: '' },
    { key: 'descriptionRequired', kind: 'flag', title: 'A description for every token', says: 'Asked for when one is made or changed.' },
    { key: 'ssoRequired', kind: 'flag', title: 'Tokens must be authorized by single sign-on', says: 'See Organization for the provider.' },
    { key: 'ssoMaxAge', kind: 'days', title: 'Personal tokens: authorize again after, in days', says: '' },
    { key: 'organizationSSOMaxAge', kind: 'days', title: 'Organization tokens: authorize again after, in days', says: '' },
  ]],
];
const demands = groups.flatMap(([, list]) => list);
const day = 86_400;

export default function Policy() {
  const answer = useAnswer(PolicyDocument, {});
  return (
    <>
      <Head title="Policy" lead="What the organization demands of every token that reaches it. A change holds from the next decision on, for tokens that are there already, too." />
      <Shown of={answer} what="The policy">{({ organization }) => organization.policy
        ? <Editor key={organization.version} policy={organization.policy} version={organization.version} />
        : <p className="soft">The policy is for owners, administrators and auditors.</p>}</Shown>
    </>
  );
}

type Draft = Record<string, string | boolean>;
const written = (policy: PolicyPartsFragment): Draft => Object.fromEntries(demands.map(({ key, kind }) => {
  const value = policy[key];
  return [key, kind === 'flag' ? value as boolean : kind === 'list' ? (value as string[]).join(' ') : value ? String((value as number) / day) : ''];
}));

/** What of a draft differs, as the service takes it. */
function changesOf(before: Draft, draft: Draft): UpdateOrganizationPolicyInput {
  return Object.fromEntries(demands.flatMap(({ key, kind }) => {
    const value = draft[key];
    if (value === before[key]) return [];
    return [[key, kind === 'flag' ? value : kind === 'list' ? words(String(value)) : Math.round(Number(value || 0) * day)]];
  }));
}

function Editor({ policy, version }: { policy: PolicyPartsFragment; version: number }) {
  const rights = useRights();
  const before = useMemo(() => written(policy), [policy]);
  const [draft, setDraft] = useState(before);
  const [asking, setAsking] = useState(false);
  const changes = useMemo(() => changesOf(before, draft), [before, draft]);
  const number = Object.keys(changes).length;
  const command = useCommand(ChangePolicyDocument);
  return (
    <div className="columns">
      <div className="stack">
        {groups.map(([title, list]) => (
          <Panel title={title} key={title} bare>
            <ul className="demands">{list.map(d => {
              const value = draft[d.key];
              const changed = value !== before[d.key];
              const set = (next: string | boolean) => setDraft(now => ({ ...now, [d.key]: next }));
              return (
                <li key={d.key} className={changed ? 'changed' : undefined}>
                  <label htmlFor={d.key}><span>{d.title}</span>{d.says && <small className="dim">{d.says}</small>}</label>
                  {d.kind === 'flag'
                    ? <input id={d.key} type="checkbox" role="switch" checked={Boolean(value)} disabled={!rights.manages} onChange={event => set(event.target.checked)} />
                    : d.kind === 'days'
                      ? <input id={d.key} type="number" min={0} step="any" placeholder="no limit" value={String(value)} disabled={!rights.manages} onChange={event => set(event.target.value)} />
                      : <input id={d.key} className="mono wide" placeholder={d.placeholder} value={String(value)} disabled={!rights.manages} onChange={event => set(event.target.value)} />}
                </li>
              );
            })}</ul>
          </Panel>
        ))}
      </div>
      <div className="stack sticky">
        <Preview changes={changes} number={number} />
        {rights.manages && <div className="row">
          <button className="button primary" disabled={!number} onClick={() => setAsking(true)}>{number ? `Record ${count(number, 'change')}` : 'Nothing to record'}</button>
          {number > 0 && <button className="button" onClick={() => setDraft(before)}>Back to what holds</button>}
        </div>}
      </div>
      {asking && (
        <Act title="Change the policy" close={() => { setAsking(false); command.clear(); }} button="Record" error={command.error} pending={command.pending}
          run={() => command.run({ input: { ...changes, expectedVersion: version } })}>
          <p className="soft">It holds from the next decision on.</p>
          <table className="plain"><thead><tr><th scope="col">Demand</th><th scope="col">Before</th><th scope="col">Then</th></tr></thead>
            <tbody>{demands.filter(d => d.key in changes).map(d => <tr key={d.key}><td>{d.title}</td><td>{inWords(d, before[d.key])}</td><td><strong>{inWords(d, draft[d.key])}</strong></td></tr>)}</tbody></table>
        </Act>
      )}
    </div>
  );
}

const inWords = (d: Demand, value: string | boolean | undefined) =>
  d.kind === 'flag' ? (value ? 'on' : 'off') : d.kind === 'days' ? (value ? span(Math.round(Number(value) * day)) : 'no limit') : String(value || '—');

function Preview({ changes, number }: { changes: UpdateOrganizationPolicyInput; number: number }) {
  const settled = useSettled(changes, 400);
  const answer = useAnswer(PolicyPreviewDocument, number && settled === changes ? { policy: settled, days: 30 } : null);
  if (!number) return <Panel title="Preview"><p className="soft">Change something, and you see what it would have refused of the last 30 days, before it is on.</p></Panel>;
  return (
    <Panel title="Preview" note="of the last 30 days" bare>
      <div className="body"><Shown of={answer} what="The preview">{({ policyPreview: p }) => (
        p.refusedCalls === 0
          ? <p className="notice good">Of {count(p.calls, 'use')} since <Time at={p.since} as="day" /> it would have refused none.{p.unknownCalls > 0 && ` ${count(p.unknownCalls, 'use')} could not be judged.`}</p>
          : <div className="stack">
              <p className="notice warn"><strong>It would have refused {p.refusedCalls.toLocaleString()} of {count(p.calls, 'use')}.</strong>{p.unknownCalls > 0 && ` ${count(p.unknownCalls, 'use')} could not be judged.`}</p>
              <table className="plain"><thead><tr><th scope="col">Token</th><th scope="col">Why</th><th scope="col" className="num">Uses</th></tr></thead>
                <tbody>{p.tokens.slice(0, 20).map(t => <tr key={t.tokenID}><td><TokenName id={t.tokenID} name={t.name} /></td><td className="small mono">{t.reasons.map(r => r.code).join(' ')}</td><td className="num">{t.refusedCalls}/{t.calls}</td></tr>)}</tbody></table>
              {p.tokens.length > 20 && <p className="small dim">and {p.tokens.length - 20} more tokens</p>}
            </div>
      )}</Shown></div>
    </Panel>
  );
}
