// Events in words: what each type says, and the facts worth showing.
import type { EventRowFragment } from '../api/operations';

/** Every kind of event; docs/events.md has their facts. */
export const types: Record<string, string> = {
  'token.created': 'Created', 'token.renamed': 'Renamed', 'token.described': 'Described', 'token.tagged': 'Tagged', 'token.scopes_changed': 'Scopes changed',
  'token.expiry_changed': 'Deadline changed', 'token.expiry_warned': 'Deadline is near', 'token.expired': 'Ended by its deadline', 'token.suspended': 'Suspended',
  'token.resumed': 'Resumed', 'token.rotated': 'Rotated', 'token.delivered': 'Successor first used', 'token.reviewed': 'Reviewed and kept', 'token.revoked': 'Revoked',
  'token.deleted': 'Deleted', 'token.used': 'Used', 'token.use_refused': 'Use refused', 'token.source_seen': 'Seen from a new source',
  'token.sso_authorized': 'Authorized by single sign-on', 'token.sso_authorization_withdrawn': 'Authorization withdrawn', 'token.organizations_changed': 'Organizations changed',
  'grant.given': 'Personal token granted', 'grant.approved': 'Personal token approved', 'grant.changed': 'Personal token changed', 'grant.ended': 'Personal token’s access ended',
  'grant.suspended': 'Personal token suspended', 'grant.resumed': 'Personal token resumed', 'grant.reviewed': 'Personal token reviewed and kept',
  'grant.sso_authorized': 'Personal token authorized by single sign-on', 'grant.sso_authorization_withdrawn': 'Personal token’s authorization withdrawn',
  'membership.started': 'Member joined', 'membership.ended': 'Member left', 'membership.role_changed': 'Role changed', 'membership.provisioned': 'Member provisioned',
  'invitation.issued': 'Invitation issued', 'invitation.accepted': 'Invitation accepted', 'invitation.withdrawn': 'Invitation withdrawn',
  'organization.created': 'Organization created', 'organization.renamed': 'Organization renamed', 'organization.policy_changed': 'Policy changed',
  'organization.object_registered': 'Object registered', 'organization.sso_provider_changed': 'Identity provider changed', 'organization.finding_triaged': 'Finding triaged',
  'organization.network_data_erased': 'Network data erased', 'organization.webhook_added': 'Webhook added', 'organization.webhook_removed': 'Webhook removed',
  'review.opened': 'Access review opened', 'review.decided': 'Access review: decided', 'review.closed': 'Access review closed',
  'user.created': 'User created', 'user.updated': 'User updated', 'user.signed_in': 'Signed in', 'user.signed_out': 'Signed out', 'user.deactivated': 'User deactivated',
  'user.reactivated': 'User reactivated', 'user.identity_linked': 'Account linked', 'user.erased': 'User erased',
};

export function describe(event: EventRowFragment): { what: string; facts: string } {
  const what = types[event.type] ?? event.type.replace('.', ' ').replaceAll('_', ' ');
  return { what, facts: factsOf({ ...event.data, ...event.personal }) };
}

const tones: [RegExp, string][] = [
  [/refused|revoked|deleted|ended|removed|deactivated|expired|erased/, 'bad'], [/suspended|warned|triaged|withdrawn|source_seen/, 'warn'],
  [/created|given|added|approved|resumed|reviewed|accepted|started/, 'good'], [/rotated|changed|authorized|renamed|delivered|opened|decided|closed/, 'info'],
];
export const toneOf = (type: string) => tones.find(([pattern]) => pattern.test(type))?.[1] ?? '';

const silent = /fingerprint|salt|nonce|digest|^mac$|pepper|^source$|^via$|^name$|_hash$/;
const commitment = /^[A-Za-z0-9_-]{43}$/; // of a personal value: it says nothing to a reader

/** Facts in a line; commitments and hashes are left out. */
function factsOf(data: Record<string, unknown>): string {
  return Object.entries(data).flatMap(([name, value]) => {
    if (value === null || value === '' || silent.test(name) || (typeof value === 'string' && commitment.test(value))) return [];
    const text = Array.isArray(value) ? value.join(' ') : typeof value === 'object' ? JSON.stringify(value) : String(value);
    if (text === '' || text.length > 180) return [];
    return [/^\d{4}-\d\d-\d\dT/.test(text) ? `${words(name)} ${new Date(text).toLocaleString()}` : `${words(name)} ${text}`];
  }).join(' · ');
}
const words = (name: string) => name.replaceAll('_', ' ').replace(/ at$/, '');
