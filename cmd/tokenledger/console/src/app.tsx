// The frame of the console: who looks, where they are, and the view that belongs to the path.
import { Component, lazy, Suspense, useEffect, useRef, useState, type ComponentType, type ReactNode, type RefObject } from 'react';
import mark from './style/mark.svg';
import { useKeys, help } from './lib/keys';
import { go, usePlace } from './lib/router';
import { useRights, useSession } from './lib/session';
import { chooseTheme, theme, type Theme } from './lib/theme';
import { namesToken, valueIn } from './lib/hash';
import { say } from './lib/recorded';
import { Gate } from './views/gate';
import { Inventory } from './views/inventory';
import { Dialog, Empty, Head, Problem, Words } from './ui/parts';
import { Icon, type IconName } from './ui/icons';

type Entry = { path: IconName; title: string; view: ComponentType; reads?: boolean; person?: boolean };

const groups: [string, Entry[]][] = [
  ['Tokens', [
    { path: 'tokens', title: 'Inventory', view: Inventory },
    { path: 'personal', title: 'Your tokens', view: lazy(() => import('./views/personal')), person: true },
    { path: 'grants', title: 'Personal access', view: lazy(() => import('./views/personal').then(m => ({ default: m.Grants }))), reads: true },
    { path: 'create', title: 'Create', view: lazy(() => import('./views/create')) },
  ]],
  ['Watch', [
    { path: 'live', title: 'Live', view: lazy(() => import('./views/live')) },
    { path: 'findings', title: 'Findings', view: lazy(() => import('./views/findings')), reads: true },
    { path: 'leak', title: 'Leak box', view: lazy(() => import('./views/leak')), reads: true },
  ]],
  ['Audit', [
    { path: 'history', title: 'Then and now', view: lazy(() => import('./views/history')), reads: true },
    { path: 'reviews', title: 'Access reviews', view: lazy(() => import('./views/reviews')), reads: true },
    { path: 'reports', title: 'Reports', view: lazy(() => import('./views/reports')), reads: true },
    { path: 'proof', title: 'Proof', view: lazy(() => import('./views/proof')) },
  ]],
  ['Organization', [
    { path: 'policy', title: 'Policy', view: lazy(() => import('./views/policy')), reads: true },
    { path: 'people', title: 'People', view: lazy(() => import('./views/people')), reads: true },
    { path: 'organization', title: 'Organization', view: lazy(() => import('./views/organization')) },
  ]],
];
const entries = groups.flatMap(([, list]) => list);
const Token = lazy(() => import('./views/token'));

export function App() {
  const session = useSession();
  switch (session.state) {
    case 'looking': return null;
    case 'out': return <Gate />;
    case 'unreachable': return (
      <div className="gate"><div className="way">
        {session.problem && <Problem error={session.problem} again={() => { void session.look(); }} />}
      </div></div>
    );
    case 'in': return <Shell />;
  }
}

function Shell() {
  const { segments } = usePlace();
  const { organization } = useSession();
  const [open, setOpen] = useState(false);
  const [keys, setKeys] = useState(false);
  const find = useRef<HTMLInputElement>(null);
  const view = segments[0] ?? 'tokens';
  useEffect(() => setOpen(false), [view]);
  useKeys({
    '/': () => find.current?.focus(), '?': () => setKeys(true), c: () => go('/create'),
    'g t': () => go('/tokens'), 'g l': () => go('/live'), 'g f': () => go('/findings'), 'g h': () => go('/history'),
    'g r': () => go('/reports'), 'g p': () => go('/proof'), 'g k': () => go('/leak'),
  });
  return (
    <div className="shell">
      <Side view={view} open={open} />
      <div className="main">
        <header className="top">
          <button className="button icon menu" aria-label="Menu" aria-expanded={open} onClick={() => setOpen(!open)}>☰</button>
          <Find field={find} />
          <span className="grow" />
          <ThemeButton />
          <button className="button quiet icon" aria-label="Keys" title="Keys (?)" onClick={() => setKeys(true)}>?</button>
        </header>
        <main key={`${organization?.id} ${view}`} className={(view === 'tokens' && segments.length < 2) ? 'page fill' : 'page'} onClick={() => setOpen(false)}>
          <Boundary><Suspense fallback={null}><View view={view} /></Suspense></Boundary>
        </main>
      </div>
      <Words />
      {keys && <KeyHelp close={() => setKeys(false)} />}
    </div>
  );
}

/** What a view cannot show, be it by an odd address or by files that a newer service no longer has, is said in its place. */
class Boundary extends Component<{ children: ReactNode }, { fault?: Error }> {
  override state: { fault?: Error } = {};

  static getDerivedStateFromError(fault: Error) { return { fault }; }

  override render() {
    const { fault } = this.state;
    if (!fault) return this.props.children;
    return <><Head title="This cannot be shown" /><Empty title={fault.message}><p>Load the page again: the service may have been renewed. A pasted token has to be pasted again.</p>
      <button className="button" onClick={() => location.reload()}>Load the page again</button></Empty></>;
  }
}

function View({ view }: { view: string }) {
  const { segments } = usePlace();
  if (view === 'tokens' && segments[1]) return <Token key={segments[1]} />;
  const entry = entries.find(e => e.path === view);
  if (entry) return <entry.view />;
  return <><Head title="Not here" /><Empty title="There is no such page"><p>The link may be old. Everything there is stands in the side bar.</p><a className="button" href="/tokens">To the inventory</a></Empty></>;
}

function Side({ view, open }: { view: string; open: boolean }) {
  const { me, own, organization, organizations, pick, leave, byToken } = useSession();
  const rights = useRights();
  return (
    <aside className={open ? 'side open' : 'side'}>
      <a className="brand" href="/tokens"><img src={mark} alt="" />tokenledger</a>
      {organizations.length > 1
        ? <select aria-label="Organization" value={organization?.id} onChange={event => pick(event.target.value)}>
            {organizations.map(o => <option key={o.id} value={o.id}>{o.displayName}</option>)}
          </select>
        : organization && <div className="small soft clip" style={{ padding: '0 8px' }}>{organization.displayName}</div>}
      <nav aria-label="Views">
        {groups.map(([title, list]) => (
          <div key={title}>
            <h2>{title}</h2>
            {list.filter(e => (!e.reads || rights.reads) && (!e.person || rights.person)).map(e => (
              <a key={e.path} href={`/${e.path}`} aria-current={view === e.path ? 'page' : undefined}><Icon name={e.path} />{e.title}</a>
            ))}
          </div>
        ))}
      </nav>
      <div className="who">
        <div className="clip" title={me?.email ?? undefined}>{me?.displayName || me?.email || own?.name || 'A token'}
          <div className="dim">{organization?.viewerRole ? organization.viewerRole.toLowerCase() : 'token'}{byToken && ', by pasted token'}</div>
        </div>
        <button className="button small" onClick={() => { leave().catch((error: Error) => say(error.message)); }}>Sign out</button>
      </div>
    </aside>
  );
}

/** Search: a token by whatever names it, or the inventory by words. */
function Find({ field }: { field: RefObject<HTMLInputElement | null> }) {
  const { query, segments } = usePlace();
  const inList = (segments[0] ?? 'tokens') === 'tokens' && segments.length < 2;
  const [text, set] = useState(inList ? query.get('q') ?? '' : '');
  useEffect(() => { if (inList) set(query.get('q') ?? ''); }, [inList, query]);
  useEffect(() => { if (!inList) set(''); }, [inList]);
  return (
    <form className="find" role="search" onSubmit={event => {
      event.preventDefault();
      const words = text.trim();
      if (valueIn(words)) { set(''); go('/leak'); say('That is a token’s value, so it was not searched for. The leak box hashes it before it leaves this page.'); return; }
      if (namesToken(words)) { go(`/tokens/${encodeURIComponent(words)}`); return; }
      const to = new URLSearchParams(inList ? query : undefined);
      if (words) to.set('q', words); else to.delete('q');
      go(`/tokens${to.size ? `?${to}` : ''}`);
    }}>
      <input ref={field} type="search" value={text} onChange={event => set(event.target.value)} aria-label="Search tokens" placeholder="Name, tag, scope or id"
        onKeyDown={event => { if (event.key === 'Escape') event.currentTarget.blur(); }} />
      <kbd aria-hidden="true">/</kbd>
    </form>
  );
}

const themes: Record<Theme, [next: Theme, sign: string]> = { system: ['light', '◐'], light: ['dark', '○'], dark: ['system', '●'] };

function ThemeButton() {
  const [now, set] = useState(theme);
  const [next, sign] = themes[now];
  return <button className="button quiet icon" aria-label={`Theme: ${now}; change to ${next}`} title={`Theme: ${now}`} onClick={() => { chooseTheme(next); set(next); }}>{sign}</button>;
}

function KeyHelp({ close }: { close: () => void }) {
  return (
    <Dialog title="Keys" close={close}>
      <div className="inner">
        <h2>Keys</h2>
        <dl className="facts">{help.map(([key, what]) => <div key={key} style={{ display: 'contents' }}><dt>{key.split(' ').filter(Boolean).map(k => <kbd key={k}>{k}</kbd>)}</dt><dd>{what}</dd></div>)}</dl>
        <div className="actions"><button className="button" onClick={close}>Close</button></div>
      </div>
    </Dialog>
  );
}
