// The inventory's filter: as it stands in the address bar, and as the service understands it.
import type { ApiTokenOrder, ApiTokenOrderField, ApiTokenWhereInput, TokenStatus } from '../api/operations';

export const statuses: TokenStatus[] = ['ACTIVE', 'ROTATING', 'SUSPENDED', 'EXPIRED', 'REVOKED', 'DELETED'];
const day = 86_400_000;

export const expiries: [value: string, words: string][] = [
  ['', 'Any deadline'], ['7', 'Ends within 7 days'], ['30', 'Ends within 30 days'], ['90', 'Ends within 90 days'], ['none', 'No deadline'], ['past', 'Deadline passed'],
];
export const uses: [value: string, words: string][] = [
  ['', 'Used or not'], ['never', 'Never used'], ['30', 'Unused for 30 days'], ['90', 'Unused for 90 days'], ['recent', 'Used in the last day'],
];

/** Views that everybody has; readers name more of their own. */
export const presets: [name: string, query: string][] = [
  ['All', ''], ['Working', 'status=ACTIVE,ROTATING'], ['Ends within 30 days', 'status=ACTIVE,ROTATING&expires=30&sort=expires_at'],
  ['No deadline', 'status=ACTIVE,ROTATING&expires=none'], ['Never used', 'status=ACTIVE,ROTATING&used=never'], ['Revoked', 'status=REVOKED&sort=-updated_at'],
];

/** Names of the parameters that make a view. */
export const parameters = ['q', 'status', 'scope', 'tag', 'expires', 'used', 'sort', 'deleted'] as const;

/** The parameters of the place that make the view, in one spelling. */
export function viewOf(query: URLSearchParams): string {
  const view = new URLSearchParams();
  for (const name of parameters) {
    const value = query.get(name);
    if (value) view.set(name, value);
  }
  return view.toString().replaceAll('%2C', ',');
}

/** The filter, for the service. The instants in it are of `now`. */
export function whereOf(query: URLSearchParams, now: number): ApiTokenWhereInput | null {
  const at = (days: number) => new Date(now + days * day).toISOString();
  const all: ApiTokenWhereInput[] = [];
  const words = query.get('q')?.trim();
  if (words) all.push({ or: [{ nameContainsFold: words }, { tagsHas: words }, { scopesHas: words }] });
  const status = (query.get('status') ?? '').split(',').filter((s): s is TokenStatus => statuses.includes(s as TokenStatus));
  if (status.length) all.push({ statusIn: status });
  const scope = query.get('scope');
  if (scope) all.push({ scopesHas: scope });
  const tag = query.get('tag');
  if (tag) all.push({ tagsHas: tag });
  const expires = query.get('expires');
  if (expires === 'none') all.push({ expiresAtIsNil: true });
  else if (expires === 'past') all.push({ expiresAtLTE: at(0) });
  else if (expires) all.push({ expiresAtGT: at(0), expiresAtLTE: at(Number(expires) || 0) });
  const used = query.get('used');
  if (used === 'never') all.push({ lastUsedAtIsNil: true });
  else if (used === 'recent') all.push({ lastUsedAtGT: at(-1) });
  else if (used) all.push({ or: [{ lastUsedAtIsNil: true, createdAtLTE: at(-(Number(used) || 0)) }, { lastUsedAtLTE: at(-(Number(used) || 0)) }] });
  return all.length === 0 ? null : all.length === 1 ? all[0] as ApiTokenWhereInput : { and: all };
}

const fields: ApiTokenOrderField[] = ['created_at', 'updated_at', 'name', 'expires_at', 'last_used_at', 'is_active'];
export type Sort = { field: ApiTokenOrderField; down: boolean };

/** The order; the newest first unless the address says otherwise. */
export function sortOf(query: URLSearchParams): Sort {
  const text = query.get('sort') ?? '';
  const field = fields.find(f => f === text.replace(/^-/, ''));
  return field ? { field, down: text.startsWith('-') } : { field: 'created_at', down: true };
}
export const orderOf = ({ field, down }: Sort): ApiTokenOrder[] => [{ field, direction: down ? 'DESC' : 'ASC' }];
