// Instants: in the reader's zone, with UTC when pointed at; and spans in words.
import { useEffect, useSyncExternalStore } from 'react';

const minute = 60, hour = 3600, day = 86400;
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto', style: 'long' });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const short = new Intl.DateTimeFormat(undefined, { year: 'numeric', month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' });
const justDay = new Intl.DateTimeFormat(undefined, { year: 'numeric', month: 'short', day: 'numeric' });

// One clock for all that is relative; it ticks only while something shows it.
let now = Date.now();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;
function subscribe(listener: () => void) {
  listeners.add(listener);
  timer ??= setInterval(() => { now = Date.now(); listeners.forEach(l => l()); }, 15_000);
  return () => {
    listeners.delete(listener);
    if (!listeners.size) { clearInterval(timer); timer = undefined; }
  };
}
export function useNow() {
  useEffect(() => { now = Date.now(); }, []);
  return useSyncExternalStore(subscribe, () => now);
}

/** How far away an instant is, in the largest unit that fits. */
export function away(iso: string, from = Date.now()): string {
  const seconds = Math.round((Date.parse(iso) - from) / 1000);
  const size = Math.abs(seconds);
  if (size < minute) return seconds > 0 ? 'in a moment' : 'just now';
  const [n, unit] = size < hour ? [minute, 'minute'] as const : size < day ? [hour, 'hour'] as const
    : size < 60 * day ? [day, 'day'] as const : size < 730 * day ? [30.44 * day, 'month'] as const : [365.25 * day, 'year'] as const;
  return relative.format(Math.round(seconds / n), unit);
}

/** The instant in UTC, as the log has it. */
export const utc = (iso: string) => `${new Date(iso).toISOString().replace('T', ' ').replace(/\.?0*Z$/, '')} UTC`;
export const local = (iso: string) => full.format(new Date(iso));
const localDay = (iso: string) => justDay.format(new Date(iso));

/** An instant. */
export function Time({ at, as = 'short' }: { at: string | null | undefined; as?: 'short' | 'full' | 'day' | 'away' }) {
  const from = useNow();
  if (!at) return <span className="dim">—</span>;
  const text = as === 'away' ? away(at, from) : as === 'full' ? local(at) : as === 'day' ? localDay(at) : short.format(new Date(at));
  return <time dateTime={at} title={`${as === 'away' ? `${local(at)}\n` : ''}${utc(at)}`}>{text}</time>;
}

/** A span of seconds in words. */
export function span(seconds: number): string {
  for (const [n, unit] of [[day, 'day'], [hour, 'hour'], [minute, 'minute']] as const) {
    if (seconds >= n && seconds % n === 0) return `${seconds / n} ${unit}${seconds / n === 1 ? '' : 's'}`;
  }
  return seconds > day ? `${(seconds / day).toFixed(1)} days` : `${seconds} second${seconds === 1 ? '' : 's'}`;
}

/** What an input of type datetime-local shows and means, in the reader's zone. */
export const toLocalInput = (iso: string, to: 'minutes' | 'seconds' = 'minutes') => {
  const at = new Date(iso);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, to === 'minutes' ? 16 : 19);
};
export const fromLocalInput = (text: string) => (text ? new Date(text).toISOString() : null);
