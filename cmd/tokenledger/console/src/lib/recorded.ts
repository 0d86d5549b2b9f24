// What was recorded a moment ago: each command's place in the log, and what the service warned of.
import { useSyncExternalStore } from 'react';
import { positions } from '../api/client';

export type Word = { id: number; text: string; position?: number };

const words: Record<string, string> = {
  SUSPENDED_NOT_REVOKED: 'The token is suspended, not revoked: it can be resumed.',
  VALUE_ALREADY_SHOWN: 'This was done before; its value was shown then and is not shown again.',
  UNUSED_SUCCESSOR_REPLACED: 'The successor that nobody had used yet was revoked and replaced by this one.',
};

let shown: Word[] = [];
let next = 1;
const listeners = new Set<() => void>();

function show(word: Omit<Word, 'id'>) {
  const id = next++;
  shown = [...shown.slice(-2), { id, ...word }];
  listeners.forEach(listener => listener());
  setTimeout(dismiss, 9000, id);
}

export function dismiss(id: number) {
  shown = shown.filter(word => word.id !== id);
  listeners.forEach(listener => listener());
}

/** Says where a command stands in the log. */
export function recorded(data: unknown, warnings: string[]) {
  for (const warning of warnings) show({ text: words[warning] ?? warning });
  const at = positions(data);
  if (at.length) show({ text: at.length === 1 ? 'Recorded' : `Recorded, in ${at.length} appends`, position: Math.max(...at) });
}

/** Says something short that was done here, such as a copy. */
export const say = (text: string) => show({ text });

export function useWords() {
  return useSyncExternalStore(listener => { listeners.add(listener); return () => { listeners.delete(listener); }; }, () => shown);
}
