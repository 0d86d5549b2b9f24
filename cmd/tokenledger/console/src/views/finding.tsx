// One finding in words: its rule, its token, what is known of it, what became of it.
import type { ReactNode } from 'react';
import type { FindingRowFragment, FindingStatus } from '../api/operations';
import { local, span, Time } from '../lib/time';
import { sentence } from '../ui/parts';
import { PersonName, TokenName } from './names';

/** Each rule: what it says, and what to do about it. */
export const rules: Record<string, [says: string, todo: string]> = {
  new_source: ['Used from a new source', 'Ask the token’s owner whether the program or its host is new. If nobody knows it, revoke the token.'],
  new_network: ['Used from a new network', 'Compare the address with what the program runs on. A policy of sources keeps others out.'],
  burst: ['Many uses at once', 'Look at what was done in that minute; a loop is likelier than an attack, but both end with a rotation.'],
  off_hours: ['Used at an unusual hour', 'Look at the source and the action of that use.'],
  dormant_woken: ['Used after a long silence', 'If nothing was put to work again on purpose, revoke it.'],
  refused_storm: ['Refused many times', 'A program has a token that no longer suffices, or somebody tries. The reasons tell.'],
  rotated_value_used: ['A replaced value was used', 'Find who still holds the old value: the source of the refused use tells.'],
  creator_left: ['Whoever created it has left', 'Give each token to somebody who answers for it, or end it.'],
  expiry_near: ['Its deadline is near', 'Rotate it, or let it end.'],
  unused_scopes: ['Scopes that were never used', 'Take away what is not needed; the finding proposes the least that is enough.'],
  review_overdue: ['Its review is overdue', 'Look at it and keep it, or end it.'],
  rotation_due: ['Its rotation is due', 'Rotate it.'],
};

const tones: Record<FindingStatus, string> = { OPEN: 'warn', ACKNOWLEDGED: 'info', CLOSED: '', FALSE_POSITIVE: '' };
const FindingBadge = ({ is }: { is: FindingStatus }) => <span className={`badge ${tones[is]}`}>{sentence(is)}</span>;

const spans = new Set(['every', 'age']); // in seconds

function inWords(name: string, value: unknown): string {
  if (Array.isArray(value)) return value.join(' ');
  if (typeof value === 'object') return JSON.stringify(value);
  if (typeof value === 'number' && spans.has(name)) return span(value);
  return /^\d{4}-\d\d-\d\dT/.test(String(value)) ? local(String(value)) : String(value);
}

/** What is known of a finding, in a line. Users are named apart from it. */
function detailOf(detail: Record<string, unknown>): string {
  return Object.entries(detail).filter(([name]) => name !== 'user')
    .map(([name, value]) => `${name.replaceAll(/([A-Z])/g, ' $1').replaceAll('_', ' ').toLowerCase()} ${inWords(name, value)}`).join(' · ');
}

export function FindingLine({ finding: f, here, children }: { finding: FindingRowFragment; here?: boolean; children?: ReactNode }) {
  const [says] = rules[f.rule] ?? [f.rule.replaceAll('_', ' '), ''];
  const about = here ? [] : f.token ? [f.token] : f.tokens;
  const facts = detailOf(f.detail);
  return (
    <li>
      <span className={`pip ${f.status === 'OPEN' ? 'warn' : ''}`} />
      <span className="row" style={{ gap: '2px 8px' }}><span className="what">{says}</span>
        {about.slice(0, 3).map(id => <TokenName key={id} id={id} />)}{about.length > 3 && <span className="dim">and {about.length - 3} more</span>}
        {typeof f.detail.user === 'string' && <span className="soft">(<PersonName id={f.detail.user} />)</span>}<FindingBadge is={f.status} />{f.resolvedAt && <span className="small dim">resolved <Time at={f.resolvedAt} as="away" /></span>}</span>
      <span className="at"><Time at={f.raisedAt} as="away" /> · <a className="mono" href={`/proof?event=${f.position}`}>{f.position}</a></span>
      {(facts || f.note || children) && <span className="more">{facts && <span className="dim">{facts} </span>}{f.note && <q>{f.note}</q>}{children}</span>}
    </li>
  );
}
