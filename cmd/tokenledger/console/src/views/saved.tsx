// Named views: a filter and an order under a name of the reader's, remembered by this browser; its address is the view itself.
import { useState } from 'react';
import { remember, remembered } from '../lib/store';
import { Act } from '../ui/act';
import { Field } from '../ui/parts';
import { presets } from './filter';

type Named = [name: string, view: string];

export function Views({ view }: { view: string }) {
  const [named, set] = useState(() => remembered<Named[]>('views', []));
  const [naming, setNaming] = useState(false);
  const [name, setName] = useState('');
  const keep = (views: Named[]) => { set(views); remember('views', views); };
  const mine = named.find(([, v]) => v === view);
  const known = mine || presets.some(([, v]) => v === view);
  return (
    <span className="views">
      {[...presets, ...named].map(([title, to]) => <a key={title + to} className="chip" href={`/tokens${to && `?${to}`}`} aria-current={view === to ? true : undefined}>{title}</a>)}
      {!known && <button className="chip" onClick={() => setNaming(true)}>Name this view</button>}
      {mine && <button className="chip" aria-label={`Forget the view ${mine[0]}`} onClick={() => keep(named.filter(n => n !== mine))}>Forget</button>}
      {naming && (
        <Act title="Name this view" close={() => setNaming(false)} button="Keep it" pending={false} blocked={!name.trim()}
          run={async () => { keep([...named, [name.trim(), view]]); setName(''); return true; }}>
          <p className="soft">This browser remembers it. To give it to somebody else, pass on its address.</p>
          <Field id="view" label="Name"><input id="view" value={name} onChange={event => setName(event.target.value)} maxLength={60} autoFocus /></Field>
        </Act>
      )}
    </span>
  );
}
