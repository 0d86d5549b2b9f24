// The events of one token, the newest first: what happened, who did it, why.
import type { ReactNode } from 'react';
import { ask } from '../api/client';
import { TokenEventsDocument, type EventRowFragment, type TokenEventsQuery } from '../api/operations';
import { useMore } from '../lib/more';
import { useAnswer } from '../lib/query';
import { nodes } from '../lib/session';
import { Time } from '../lib/time';
import { More, Shown } from '../ui/parts';
import { describe, toneOf } from './events';
import { PersonName } from './names';

export function Timeline({ id }: { id: string }) {
  const answer = useAnswer(TokenEventsDocument, { id, last: 30, before: null });
  return <Shown of={answer} what="The timeline">{({ apiToken: { events } }) => <Events id={id} latest={events} />}</Shown>;
}

function Events({ id, latest }: { id: string; latest: TokenEventsQuery['apiToken']['events'] }) {
  const behind = useMore(latest, oldest => ask(TokenEventsDocument, { id, last: 100, before: oldest.pageInfo.startCursor ?? null }).then(({ apiToken }) => apiToken.events));
  const all = behind.pages.flatMap(page => nodes(page).reverse());
  return (
    <>
      <ol className="timeline">{all.map(event => <Entry key={event.position} event={event} />)}</ol>
      <More of={behind} left={behind.pages.at(-1)?.pageInfo.hasPreviousPage} button="Older">{all.length.toLocaleString()} of {latest.totalCount.toLocaleString()} events</More>
    </>
  );
}

export function Entry({ event, about }: { event: EventRowFragment; about?: ReactNode }) {
  const { what, facts } = describe(event);
  return (
    <li>
      <span className={`pip ${toneOf(event.type)}`} />
      <span><span className="what">{what}</span> {about} <Actor of={event} /></span>
      <span className="at"><Time at={event.recordedAt} as="short" /> · <a className="mono" href={`/proof?event=${event.position}`} title="Check its proof">{event.position}</a></span>
      {(event.reason || facts) && <span className="more">{event.reason && <q>{event.reason}</q>} {facts && <span className="dim">{facts}</span>}</span>}
    </li>
  );
}

/** Who acted: a person by name, a token by name, or a part of the service. */
export function Actor({ of: { actor, stream } }: { of: EventRowFragment }) {
  if (actor.kind === 'SYSTEM') return <span className="soft">by the service ({actor.id})</span>;
  if (actor.userID) return <span className="soft">by <PersonName id={actor.userID} />, with a token</span>;
  if (stream.endsWith(actor.id)) return <span className="soft">by itself</span>;
  return <span className="soft">by <PersonName id={actor.id} /></span>;
}
