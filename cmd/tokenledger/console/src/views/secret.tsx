// The value of a new token: shown once, with what is usually done with it next.
import { useState } from 'react';
import { Copy, Panel } from '../ui/parts';

/** Ready pieces. In those that are kept in files the value is named, not written. */
function snippets(value: string, secret: string): [name: string, text: string, what: string][] {
  const origin = location.origin;
  return [
    ['curl', `curl -s ${origin}/query \\\n  -H 'Authorization: Bearer ${value}' \\\n  -H 'Content-Type: application/json' \\\n  -d '{"query":"{ apiTokens(first: 5) { totalCount } }"}'`, 'A request with it'],
    ['nginx', `curl -i '${origin}/auth/check' \\\n  -H 'Authorization: Bearer ${value}'`, 'What a proxy asks about it'],
    ['GitHub Actions', `# gh secret set ${secret} --body '${value}'\njobs:\n  upload:\n    runs-on: ubuntu-latest\n    steps:\n      - run: ./upload.sh\n        env:\n          ${secret}: \${{ secrets.${secret} }}`, 'A secret and the step that uses it'],
    ['Kubernetes', `apiVersion: v1\nkind: Secret\nmetadata:\n  name: ${secret.toLowerCase().replaceAll('_', '-')}\ntype: Opaque\nstringData:\n  token: ${value}`, 'A Secret to apply'],
    ['Environment', `export ${secret}='${value}'`, 'A variable'],
  ];
}

export function Secret({ value, name, what = 'The value' }: { value: string; name: string; what?: string }) {
  const [shown, show] = useState('curl');
  const secret = `${name.toUpperCase().replaceAll(/[^A-Z0-9]+/g, '_').replaceAll(/^_+|_+$/g, '') || 'API'}_TOKEN`;
  const all = snippets(value, secret);
  const picked = all.find(([title]) => title === shown) ?? all[0]!;
  return (
    <Panel title={what} note="shown this once">
      <div className="stack">
        <p className="soft">Copy it now. The ledger keeps no copy: nobody can show it to you again, and a lost value is replaced by rotating.</p>
        <Copy text={value} what="the value" wrap />
        <div className="tabs" role="tablist" aria-label="Ready pieces">
          {all.map(([title]) => <button type="button" key={title} role="tab" aria-selected={title === picked[0]} onClick={() => show(title)}>{title}</button>)}
        </div>
        <p className="small dim">{picked[2]}</p>
        <Copy text={picked[1]} what={picked[0]} />
      </div>
    </Panel>
  );
}
