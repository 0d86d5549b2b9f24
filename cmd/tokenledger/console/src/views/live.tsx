// The live feed: events as they are recorded. It can be paused, and goes on where it was when the service comes back.
import { useEffect, useRef, useState } from 'react';
import { ask, Refused } from '../api/client';
import { follow } from '../api/live';
import { LiveDocument, RecentEventsDocument, type AuditTrail, type EventRowFragment } from '../api/operations';
import { setQuery, usePlace } from '../lib/router';
import { nodes, useRights } from '../lib/session';
import { count, Empty, Head, Panel, Problem } from '../ui/parts';
import { types } from './events';
import { TokenName } from './names';
import { Entry } from './timeline';

const most = 500; // entries that are kept on the page
const kinds = ['token', 'grant', 'membership', 'organization', 'review', 'invitation'];
type State = 'opening' | 'open' | 'waiting' | 'paused';
const words: Record<State, [badge: string, text: string]> = { opening: ['', 'Connecting'], open: ['good', 'Live'], waiting: ['warn', 'Connecting again'], paused: ['', 'Paused'] };

export default function Live() {
  const { query } = usePlace();
  const rights = useRights();
  const type = query.get('type');
  const trail: AuditTrail = query.get('trail') === 'own' || !rights.reads ? 'OWN' : 'ORGANIZATION';
  const [paused, pause] = useState(false);
  const { events, state, error } = useFeed(type, trail, paused);
  return (
    <>
      <Head title="Live" lead="Events as the log records them, the newest first." >
        <button className="button" onClick={() => pause(!paused)}>{paused ? 'Go on' : 'Pause'}</button>
      </Head>
      <div className="filters" role="group" aria-label="Filter">
        <span className="views">
          <button className="chip" aria-pressed={!type} onClick={() => setQuery({ type: null })}>Everything</button>
          {kinds.map(kind => <button key={kind} className="chip" aria-pressed={type === kind} onClick={() => setQuery({ type: kind })}>{kind}</button>)}
        </span>
        <select aria-label="Type of event" value={type && type in types ? type : ''} onChange={event => setQuery({ type: event.target.value })}>
          <option value="">Any type</option>{Object.keys(types).map(t => <option key={t} value={t}>{t}</option>)}
        </select>
        {rights.reads && <select aria-label="Trail" value={trail} onChange={event => setQuery({ trail: event.target.value === 'OWN' ? 'own' : null })}>
          <option value="ORGANIZATION">The organization’s trail</option><option value="OWN">Your own</option></select>}
      </div>
      {error && <Problem error={error} />}
      <Panel title={<span className={`badge ${words[state][0]}`} role="status">{words[state][1]}</span>} note={count(events.length, 'event')} bare>
        {events.length
          ? <ol className="timeline">{events.map(event => <Entry key={event.position} event={event} about={event.stream.startsWith('token-') || event.stream.startsWith('grant-') ? <TokenName id={event.stream.slice(6, 42)} /> : undefined} />)}</ol>
          : state === 'open' && <Empty title="Quiet so far"><p>Nothing like that was recorded yet. What happens from now on appears here by itself.</p></Empty>}
      </Panel>
    </>
  );
}

function useFeed(type: string | null, trail: AuditTrail, paused: boolean) {
  const [events, setEvents] = useState<EventRowFragment[]>([]);
  const [state, setState] = useState<State>('opening');
  const [error, setError] = useState<Error>();
  const after = useRef(0);
  const list = useRef('');
  useEffect(() => {
    if (paused) { setState('paused'); return; }
    const stop = new AbortController();
    const same = list.current === `${type} ${trail}`;
    list.current = `${type} ${trail}`;
    if (!same) { after.current = 0; setEvents([]); }
    let waiting: EventRowFragment[] = [];
    let frame = 0;
    // A burst is drawn once for each picture of the screen, however many events it has.
    const add = (event: EventRowFragment) => {
      after.current = Math.max(after.current, event.position);
      waiting.push(event);
      if (waiting.length > most) waiting.shift(); // a page that nobody sees draws nothing
      frame ||= requestAnimationFrame(draw);
    };
    const draw = () => {
      const fresh = waiting.toReversed();
      waiting = [];
      frame = 0;
      setEvents(before => [...fresh, ...before].slice(0, most));
    };
    const run = async () => {
      for (let tries = 0; !stop.signal.aborted; tries++) {
        try {
          if (!after.current) {
            // Where the trail stood before the list was read: what is recorded behind it is not missed by a list that is empty.
            const [end] = type ? nodes((await ask(RecentEventsDocument, { last: 1, type: null, trail }, stop.signal)).auditEvents) : [];
            const recent = nodes((await ask(RecentEventsDocument, { last: 50, type, trail }, stop.signal)).auditEvents);
            after.current = recent.at(-1)?.position ?? end?.position ?? 0;
            setEvents(recent.toReversed());
          }
          await follow(LiveDocument, { type, trail, after: after.current }, stop.signal, ({ auditEvents }) => { tries = 0; add(auditEvents); }, () => { setState('open'); setError(undefined); });
        } catch (fault) {
          if (stop.signal.aborted) return;
          const refused = fault instanceof Refused ? fault : undefined;
          if (refused?.code === 'UNAUTHENTICATED' || refused?.code === 'FORBIDDEN' || refused?.code === 'BAD_USER_INPUT') { setError(refused); setState('waiting'); return; }
          if (tries >= 2) setError(fault as Error); // a moment's absence needs no words
        }
        setState('waiting');
        await new Promise(done => setTimeout(done, Math.min(8000, 250 * 2 ** tries)));
      }
    };
    setState('opening');
    void run();
    return () => {
      stop.abort();
      if (frame) { cancelAnimationFrame(frame); draw(); } // the feed goes on behind them, so they are not lost
    };
  }, [type, trail, paused]);
  return { events, state, error };
}
