// Who looks: by the session's cookie, or with a pasted token that lives in the memory of this page alone.
import { createContext, useCallback, useContext, useEffect, useLayoutEffect, useMemo, useState, type ReactNode } from 'react';
import { ask, headers, hasCredential, reach, refusalOf, Refused, useCredential as keep, useOrganization as choose } from '../api/client';
import { OwnApiTokenDocument, OwnPersonalTokenDocument, ViewerDocument, type MembershipRole, type ViewerQuery } from '../api/operations';
import { fingerprint, isValue } from './hash';
import { named, setQuery, usePlace } from './router';

export type Organization = NonNullable<NonNullable<NonNullable<ViewerQuery['organizations']['edges']>[number]>['node']>;

/** What the pasted token itself may do. */
export type Own = { id: string; name: string; scopes: string[] | null; expiresAt: string | null; kind: 'organization' | 'personal' };

export type Session = {
  state: 'looking' | 'out' | 'in' | 'unreachable';
  me: ViewerQuery['me']; organizations: Organization[]; organization: Organization | undefined; own: Own | undefined;
  role: MembershipRole | null; byToken: boolean;
  problem: Refused | undefined;
  enter: (value: string) => Promise<void>; leave: () => Promise<void>; pick: (id: string) => void; look: () => Promise<void>;
};

const Context = createContext<Session | null>(null);
export function useSession(): Session {
  const session = useContext(Context);
  if (!session) throw new Error('no session');
  return session;
}

/** What the reader's role lets the console offer; the service decides. */
export function useRights() {
  const { role, own, byToken } = useSession();
  const manages = role === 'OWNER' || role === 'ADMIN' || (byToken && own?.kind === 'organization');
  return { manages, reads: manages || role === 'AUDITOR', person: !byToken || own?.kind === 'personal' };
}

type Known = { state: Session['state']; viewer?: ViewerQuery; own?: Own; problem?: Refused };

export function SessionProvider({ children }: { children: ReactNode }) {
  const [known, set] = useState<Known>({ state: 'looking' });
  const picked = usePlace().query.get('org') ?? '';

  const viewer = useCallback(async () => {
    const viewer = await ask(ViewerDocument, {});
    choose(organizationOf(viewer, named())?.id ?? ''); // as the address names it now, not as it did when this was asked
    return viewer;
  }, []);

  const look = useCallback(async () => {
    try {
      const found = await viewer();
      set(before => ({ state: 'in', viewer: found, own: hasCredential() ? before.own : undefined }));
    } catch (error) {
      const problem = error instanceof Refused ? error : new Refused('UNREACHABLE', String(error));
      const unreachable = problem.code === 'UNREACHABLE' || problem.code === 'UNAVAILABLE';
      if (!unreachable) keep(''); // a token that has ended is not kept
      set({ state: unreachable ? 'unreachable' : 'out', problem });
    }
  }, [viewer]);
  useEffect(() => { void look(); }, [look]);

  const enter = useCallback(async (value: string) => {
    if (!isValue(value)) throw new Refused('BAD_USER_INPUT', 'This is no token’s value: one is tola_ or tolp_ and 64 letters and digits.');
    keep(value);
    try {
      const found = await viewer();
      set({ state: 'in', viewer: found, own: await ownOf(value) });
    } catch (error) {
      keep('');
      throw error;
    }
  }, [viewer]);

  const leave = useCallback(async () => {
    if (!hasCredential()) {
      const answer = await reach('/v1/logout', { method: 'POST', headers: headers() });
      if (!answer.ok && answer.status !== 401) throw await refusalOf(answer);
    }
    keep('');
    choose('');
    set({ state: 'out' });
  }, []);

  const pick = useCallback((id: string) => setQuery({ org: id }, { replace: false }), []);

  const session = useMemo<Session>(() => {
    const organizations = known.viewer ? nodes(known.viewer.organizations) : [];
    const organization = known.viewer && organizationOf(known.viewer, picked);
    return {
      state: known.state, me: known.viewer?.me ?? null, organizations, organization, own: known.own, problem: known.problem,
      role: organization?.viewerRole ?? null, byToken: hasCredential(), enter, leave, pick, look,
    };
  }, [known, picked, enter, leave, pick, look]);
  const { organization, organizations } = session;
  useLayoutEffect(() => { // before any view asks
    if (!organization) return;
    choose(organization.id);
    if (organizations.length > 1 && picked !== organization.id && picked !== organization.name) setQuery({ org: organization.id });
  }, [organization, organizations, picked]);
  return <Context value={session}>{children}</Context>;
}

/** The organization that an address names, by id or short name; the first where it names none of the reader's. */
function organizationOf(viewer: ViewerQuery, org: string): Organization | undefined {
  const all = nodes(viewer.organizations);
  return all.find(o => o.id === org || o.name === org) ?? all[0];
}

/** What a token may do, as it says of itself; one that may not read itself still opens what it may read. */
async function ownOf(value: string): Promise<Own | undefined> {
  const id = await fingerprint(value);
  try {
    return value.startsWith('tola_')
      ? { ...(await ask(OwnApiTokenDocument, { id })).apiToken, kind: 'organization' } as Own
      : { ...(await ask(OwnPersonalTokenDocument, { id })).personalAccessToken, kind: 'personal' } as Own;
  } catch (error) {
    if (error instanceof Refused && error.code === 'FORBIDDEN') return undefined;
    throw error;
  }
}

/** The entries of a page, without its wrapping. */
export function nodes<T>(page: { edges?: ({ node?: T | null } | null)[] | null } | null | undefined): T[] {
  return (page?.edges ?? []).flatMap(edge => (edge?.node ? [edge.node] : []));
}
