// Choosing scopes: a table of objects and verbs, in which what the reader may not give cannot be chosen.
import { around, covers, own, verbs, within } from '../lib/scope';

type Props = { chosen: string[]; choose: (scopes: string[]) => void; registered: readonly { name: string; actions: Record<string, string> }[]; limits: (readonly string[] | null | undefined)[] };

export function ScopePicker({ chosen, choose, registered, limits }: Props) {
  const groups: [string, { name: string; actions?: Record<string, string> }[]][] = [
    ['Systems around', [...around.filter(name => !registered.some(o => o.name === name)).map(name => ({ name })), ...registered]],
    ['The ledger itself', own.map(name => ({ name }))],
  ];
  const may = (scope: string) => limits.every(limit => within(scope, limit));
  const toggle = (scope: string) => choose(chosen.includes(scope) ? chosen.filter(s => s !== scope) : [...chosen, scope].sort());
  const box = (scope: string, label: string) => {
    const wider = chosen.find(s => s !== scope && covers(s, scope));
    return <input type="checkbox" aria-label={label} checked={chosen.includes(scope) || wider !== undefined} disabled={!may(scope) || wider !== undefined}
      title={wider ? `${wider} holds it already` : may(scope) ? scope : 'You may not give this'} onChange={() => toggle(scope)} />;
  };
  return (
    <fieldset>
      <legend className="label" style={{ fontSize: '.88em', fontWeight: 560, color: 'var(--ink-2)', marginBottom: 6 }}>What it may do</legend>
      <div className="row" style={{ marginBottom: 10, gap: 16 }}>
        {[['read', 'read everything'], ['write', 'write everything'], ['admin', 'all but introspection'], ['token:introspect', 'verify other tokens']].map(([scope, words]) => (
          <label className="check small" key={scope}>{box(scope!, words!)}<span>{words}</span></label>
        ))}
      </div>
      <div className="scopes">
        {groups.map(([title, objects]) => (
          <table className="plain" key={title}>
            <thead><tr><th scope="col">{title}</th>{verbs.map(verb => <th scope="col" className="pick" key={verb}>{verb}</th>)}</tr></thead>
            <tbody>{objects.map(({ name, actions }) => (
              <tr key={name}>
                <th scope="row">{name}{actions && Object.keys(actions).length > 0 && <span className="dim small" title={Object.entries(actions).map(([a, v]) => `${a}: ${v}`).join('\n')}> · {Object.keys(actions).length} actions</span>}</th>
                {verbs.map(verb => <td className="pick" key={verb}>{box(`${name}:${verb}`, `${name}:${verb}`)}</td>)}
              </tr>
            ))}</tbody>
          </table>
        ))}
      </div>
    </fieldset>
  );
}
