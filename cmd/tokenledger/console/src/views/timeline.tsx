// The events of one token, the newest first: what happened, who did it, why.
import { useState } from 'react';
import { ask } from '../api/client';
import { TokenEventsDocument, type EventRowFragment } from '../api/operations';
import { useAnswer } from '../lib/query';
import { nodes } from '../lib/session';
import { Time } from '../lib/time';
import { Problem, Shown } from '../ui/parts';
import { describe, toneOf } from './events';

export function Timeline({ id }: { id: string }) {
  const answer = useAnswer(TokenEventsDocument, { id, last: 30, before: null });
  const [older, setOlder] = useState<{ events: EventRowFragment[]; before: string | null | undefined; more: boolean }>();
  const [error, setError] = useState<Error>();
  return (
    <Shown of={answer} what="The timeline">
      {({ apiToken: { events } }) => {
        const more = older ? older.more : events.pageInfo.hasPreviousPage;
        const before = older ? older.before : events.pageInfo.startCursor;
        const all = [...nodes(events).reverse(), ...(older?.events ?? [])];
        return (
          <>
            <ol className="timeline">{all.map(event => <Entry key={event.position} event={event} />)}</ol>
            {error && <Problem error={error} />}
            {more && (
              <div className="row" style={{ padding: '10px 16px' }}>
                <button className="button small" onClick={() => {
                  setError(undefined);
                  ask(TokenEventsDocument, { id, last: 100, before: before ?? null }).then(({ apiToken }) => setOlder({
                    events: [...(older?.events ?? []), ...nodes(apiToken.events).reverse()],
                    before: apiToken.events.pageInfo.startCursor, more: apiToken.events.pageInfo.hasPreviousPage,
                  }), setError);
                }}>Older</button>
                <span className="small dim">{all.length.toLocaleString()} of {events.totalCount.toLocaleString()} events</span>
              </div>
            )}
          </>
        );
      }}
    </Shown>
  );
}

export function Entry({ event }: { event: EventRowFragment }) {
  const { what, facts } = describe(event);
  return (
    <li>
      <span className={`pip ${toneOf(event.type)}`} />
      <span><span className="what">{what}</span> <Actor of={event} /></span>
      <span className="at"><Time at={event.recordedAt} as="short" /> · <a className="mono" href={`/proof?event=${event.position}`} title="Check its proof">{event.position}</a></span>
      {(event.reason || facts) && <span className="more">{event.reason && <q>{event.reason}</q>} {facts && <span className="dim">{facts}</span>}</span>}
    </li>
  );
}

const kinds = { PERSON: 'person', PERSONAL_TOKEN: 'personal token', ORGANIZATION_TOKEN: 'token', SYSTEM: '' } as const;

export function Actor({ of: { actor } }: { of: EventRowFragment }) {
  const who = actor.userID ?? actor.id;
  if (actor.kind === 'SYSTEM') return <span className="soft">by the service ({actor.id})</span>;
  const short = who.length > 12 ? `…${who.slice(-8)}` : who;
  return <span className="soft">by {kinds[actor.kind]} {actor.kind === 'ORGANIZATION_TOKEN' ? <a href={`/tokens/${actor.id}`} className="mono">{short}</a> : <span className="mono" title={who}>{short}</span>}</span>;
}
