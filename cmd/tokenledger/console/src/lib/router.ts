// Where the reader is: the path and query of the address bar are the state of every view, so that each can be linked to.
import { useMemo, useSyncExternalStore } from 'react';

const listeners = new Set<() => void>();
const tell = () => listeners.forEach(listener => listener());
window.addEventListener('popstate', tell);

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => { listeners.delete(listener); };
}
const here = () => location.pathname + location.search;

/** The organization that the address names. */
export const named = () => new URL(location.href).searchParams.get('org') ?? '';

/** A place of the console, in the organization that the address names now. */
function within(to: string) {
  const url = new URL(to, location.origin);
  if (named()) url.searchParams.set('org', named());
  else url.searchParams.delete('org');
  return url.pathname + url.search;
}

function move(to: string, replace: boolean) {
  if (to === here()) return;
  history[replace ? 'replaceState' : 'pushState'](null, '', to);
  tell();
}

/** Goes to another place of the console, in the same organization; replace leaves no step behind for the button Back. */
export function go(to: string, { replace = false } = {}) {
  move(within(to), replace);
}

/** A segment in clear; one that is no encoding stands for itself. */
function decoded(segment: string): string {
  try { return decodeURIComponent(segment); } catch { return segment; }
}

/** The path, in segments, and the query. */
export function usePlace() {
  const at = useSyncExternalStore(subscribe, here);
  return useMemo(() => {
    const url = new URL(at, location.origin);
    return { path: url.pathname, segments: url.pathname.split('/').filter(Boolean).map(decoded), query: url.searchParams };
  }, [at]);
}

/** Changes parameters of the query; null and '' take one away. */
export function setQuery(changes: Record<string, string | null | undefined>, { replace = true } = {}) {
  const url = new URL(location.href);
  for (const [name, value] of Object.entries(changes)) {
    if (value) url.searchParams.set(name, value);
    else url.searchParams.delete(name);
  }
  move(url.pathname + url.search, replace);
}

/** The link to a place of the console that an event is about. */
function linkOf(event: Event) {
  const link = (event.target as Element | null)?.closest?.('a');
  return link && !link.target && !link.hasAttribute('download') && link.origin === location.origin && link.dataset.outside === undefined ? link : null;
}

// Links stay links (open in a new tab, copy address), and lead to the same organization there, too.
for (const opens of ['click', 'auxclick', 'contextmenu']) {
  document.addEventListener(opens, event => {
    const link = linkOf(event);
    if (link) link.href = within(link.pathname + link.search);
  }, true);
}

// A plain click does not load the page again.
document.addEventListener('click', event => {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = linkOf(event);
  if (!link) return;
  event.preventDefault();
  go(link.pathname + link.search);
  document.querySelector('.page')?.scrollTo(0, 0);
});
