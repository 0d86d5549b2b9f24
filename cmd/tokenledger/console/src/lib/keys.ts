// Keys: what each does, where it holds, and that none is taken while somebody types.
import { useEffect, useRef } from 'react';

export type Keys = Record<string, (event: KeyboardEvent) => void>;

const typing = (target: EventTarget | null) =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)
    && !/^(checkbox|button)$/.test((target as HTMLInputElement).type));

/** Binds keys while a component is shown. `g t` is one key after the other. */
export function useKeys(keys: Keys) {
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    let first = '';
    let timer: ReturnType<typeof setTimeout>;
    const pressed = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || document.querySelector('dialog[open]')) return;
      const both = first ? `${first} ${event.key}` : '';
      const act = latest.current[both] ?? latest.current[event.key];
      clearTimeout(timer);
      first = event.key;
      timer = setTimeout(() => { first = ''; }, 900);
      if (act) { event.preventDefault(); act(event); first = ''; }
    };
    document.addEventListener('keydown', pressed);
    return () => document.removeEventListener('keydown', pressed);
  }, []);
}

/** What the help lists. */
export const help: [keys: string, what: string][] = [
  ['/', 'Search tokens'], ['?', 'Show these keys'], ['c', 'Create a token'], ['g t', 'Go to the inventory'], ['g l', 'Go to the live feed'],
  ['g f', 'Go to findings'], ['g h', 'Go to then and now'], ['g r', 'Go to reports'], ['g p', 'Go to proofs'], ['g k', 'Go to the leak box'],
  ['j  k', 'Next and previous token'], ['Enter', 'Open the token'], ['x', 'Select the token'], ['Esc', 'Close, or clear the selection'],
];
