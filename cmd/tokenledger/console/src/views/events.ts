// Events in words: what each type says, and the facts worth showing.
import type { EventRowFragment } from '../api/operations';

const words: Record<string, string> = {
  'token.created': 'Created',
};

export function describe(event: EventRowFragment): { what: string; facts: string } {
  const [kind = '', verb = ''] = event.type.split('.');
  const what = words[event.type] ?? `${kind} ${verb.replaceAll('_', ' ')}`;
  return { what: what.charAt(0).toUpperCase() + what.slice(1), facts: factsOf(event.data) };
}

const tones: [RegExp, string][] = [
  [/refused|revoked|deleted|ended|removed|deactivated|expired/, 'bad'], [/suspended|finding|withdrawn|declined/, 'warn'],
  [/created|given|added|approved|resumed|reviewed|kept|accepted/, 'good'], [/rotated|changed|authorized|renamed|delivered/, 'info'],
];
export const toneOf = (type: string) => tones.find(([pattern]) => pattern.test(type))?.[1] ?? '';

/** Facts in a line; commitments and hashes are left out, for they say nothing to a reader. */
function factsOf(data: Record<string, unknown>): string {
  return Object.entries(data).flatMap(([name, value]) => {
    if (value === null || value === '' || /fingerprint|commitment|digest|mac|address|agent/.test(name)) return [];
    const text = Array.isArray(value) ? value.join(' ') : typeof value === 'object' ? JSON.stringify(value) : String(value);
    return text.length > 160 ? [] : [`${name.replaceAll('_', ' ')}: ${text}`];
  }).join(' · ');
}
