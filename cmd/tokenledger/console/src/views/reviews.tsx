// Access reviews: a frozen snapshot, and a decision by somebody on everything in it.
import { useMemo, useState } from 'react';
import { CloseReviewDocument, DecideReviewDocument, OpenReviewDocument, ReviewsDocument, type AccessReviewDecision, type ReviewsQuery } from '../api/operations';
import { useAnswer, useCommand } from '../lib/query';
import { setQuery, usePlace } from '../lib/router';
import { useRights, useSession } from '../lib/session';
import { fromLocalInput, Time, toLocalInput } from '../lib/time';
import { Act, useReason } from '../ui/act';
import { count, Empty, Field, Head, Panel, Shown, Tags } from '../ui/parts';
import { PersonName, TokenName } from './names';

type Review = ReviewsQuery['accessReviews'][number];
type Item = Review['items'][number];

export default function Reviews() {
  const { segments } = usePlace();
  const rights = useRights();
  const answer = useAnswer(ReviewsDocument, {});
  const [opening, setOpening] = useState(false);
  return (
    <Shown of={answer} what="The reviews" title="Access reviews">{({ accessReviews: all }) => {
      const one = all.find(r => r.id === segments[1]);
      if (one) return <One review={one} />;
      if (segments[1]) return <><Head title="Access review" /><Empty title="There is no such review"><p>It may be another organization’s. Check the link.</p><a className="button" href="/reviews">All reviews</a></Empty></>;
      return (
        <>
          <Head title="Access reviews" lead="Everything that can reach the organization, frozen at a position of the log; people decide on each, and nobody on what is their own.">
            {rights.manages && rights.person && <button className="button primary" onClick={() => setOpening(true)}>Open a review</button>}
          </Head>
          {all.length === 0
            ? <Empty title="No review yet"><p>A review makes somebody look at every token, and records what was decided. Auditors ask for one a quarter.</p>{rights.manages && rights.person && <button className="button" onClick={() => setOpening(true)}>Open the first</button>}</Empty>
            : <ul className="cards">{all.map(r => <li key={r.id}><a className="card" href={`/reviews/${r.id}`}><span className="row"><strong className="grow">{r.name}</strong>{r.closedAt ? <span className="badge">Closed</span> : <span className="badge info">Open</span>}</span>
                <Progress review={r} /><span className="small dim">due <Time at={r.due} as="away" /> · snapshot at position {r.position}</span></a></li>)}</ul>}
          {opening && <Open close={() => setOpening(false)} />}
        </>
      );
    }}</Shown>
  );
}

function Progress({ review: { items, name } }: { review: Review }) {
  const done = items.filter(i => i.decision).length;
  return <div className="stack" style={{ gap: 4 }}><div className="bar" role="progressbar" aria-label={`Decided of ${name}`} aria-valuemin={0} aria-valuemax={items.length} aria-valuenow={done}><i style={{ width: `${items.length ? (done / items.length) * 100 : 100}%` }} /></div>
    <span className="small soft">{done} of {items.length} decided{items.some(i => i.late) && `, ${items.filter(i => i.late).length} late`}</span></div>;
}

function Open({ close }: { close: () => void }) {
  const { run, error, pending } = useCommand(OpenReviewDocument);
  const [name, setName] = useState(`Review of ${new Date().toLocaleDateString(undefined, { month: 'long', year: 'numeric' })}`);
  const [due, setDue] = useState(() => toLocalInput(new Date(Date.now() + 14 * 86_400_000).toISOString()));
  return (
    <Act title="Open an access review" close={close} button="Open" error={error} pending={pending} run={() => run({ input: { name: name.trim(), due: fromLocalInput(due) ?? '' } })}>
      <p className="soft">The snapshot is of everything that can reach the organization now. Owners and administrators decide.</p>
      <Field id="name" label="Name"><input id="name" required value={name} onChange={event => setName(event.target.value)} autoFocus /></Field>
      <Field id="due" label="Due"><input id="due" type="datetime-local" required value={due} onChange={event => setDue(event.target.value)} /></Field>
    </Act>
  );
}

function One({ review }: { review: Review }) {
  const { query } = usePlace();
  const { me } = useSession();
  const rights = useRights();
  const [act, setAct] = useState<{ item: Item; decision: AccessReviewDecision }>();
  const [closing, setClosing] = useState(false);
  const open = query.get('show') !== 'all';
  const items = useMemo(() => (open ? review.items.filter(i => !i.decision) : review.items), [review, open]);
  const may = rights.manages && rights.person && !review.closedAt;
  return (
    <>
      <Head title={review.name} lead={<>Snapshot at <a className="mono" href={`/proof?event=${review.position}`}>{review.position}</a>, due <Time at={review.due} as="short" />, opened by <PersonName id={review.openedBy} />{review.closedAt && <>, closed <Time at={review.closedAt} as="short" /></>}.</>}>
        <a className="button" href="/reviews">All reviews</a>{may && <button className="button" onClick={() => setClosing(true)}>Close it</button>}
      </Head>
      <div className="stack">
        <Progress review={review} />
        <div className="filters"><button className="chip" aria-pressed={open} onClick={() => setQuery({ show: null })}>To decide</button><button className="chip" aria-pressed={!open} onClick={() => setQuery({ show: 'all' })}>All</button></div>
        {items.length === 0
          ? <Empty title="Everything is decided"><p>{review.closedAt ? 'The review is closed.' : 'Close the review when you are done; what was decided stands in the log.'}</p></Empty>
          : <Panel title={count(items.length, 'token')} bare><div className="scroll-x" tabIndex={0} role="region" aria-label="Tokens under review"><table className="plain narrow">
              <thead><tr><th scope="col">Token</th><th scope="col">Scopes</th><th scope="col">Whose</th><th scope="col">Last used</th><th scope="col">Decision</th></tr></thead>
              <tbody>{items.map(item => (
                <tr key={item.token}><td>{item.kind === 'organization token' ? <TokenName id={item.token} name={item.name} /> : item.name}<div className="small dim">{item.kind}{item.late && ', late'}</div></td>
                  <td data-label="Scopes"><Tags of={item.scopes} none="all of the owner’s" /></td><td data-label="Whose"><PersonName id={item.owner} /></td><td data-label="Last used">{item.lastUsedAt ? <Time at={item.lastUsedAt} as="away" /> : <span className="dim">never</span>}</td>
                  <td>{item.decision
                    ? <><span className={item.decision === 'KEEP' ? 'badge good' : 'badge bad'}>{item.decision === 'KEEP' ? 'Kept' : 'Revoked'}</span><div className="small dim">{item.decidedBy && <PersonName id={item.decidedBy} />} <Time at={item.decidedAt} as="away" /></div>{item.reason && <q className="small">{item.reason}</q>}</>
                    : may && item.owner !== me?.id
                      ? <span className="row tight"><button className="button small" aria-label={`Keep ${item.name}`} onClick={() => setAct({ item, decision: 'KEEP' })}>Keep</button><button className="button small danger" aria-label={`Revoke ${item.name}`} onClick={() => setAct({ item, decision: 'REVOKE' })}>Revoke</button></span>
                      : <span className="small dim">{item.owner === me?.id ? 'yours: somebody else decides' : 'open'}</span>}</td></tr>
              ))}</tbody></table></div></Panel>}
      </div>
      {act && <Decide review={review} {...act} close={() => setAct(undefined)} />}
      {closing && <Close review={review} close={() => setClosing(false)} />}
    </>
  );
}

function Decide({ review, item, decision, close }: { review: Review; item: Item; decision: AccessReviewDecision; close: () => void }) {
  const { run, error, pending } = useCommand(DecideReviewDocument);
  const { reason, missing, field } = useReason(decision === 'REVOKE');
  return (
    <Act title={`${decision === 'KEEP' ? 'Keep' : 'Revoke'} ${item.name}`} close={close} button={decision === 'KEEP' ? 'Keep it' : 'Revoke for good'} danger={decision === 'REVOKE'} error={error} pending={pending} blocked={missing}
      run={() => run({ input: { review: review.id, token: item.token, decision, reason } })}>
      <p className="soft">{decision === 'KEEP' ? 'It stays, and counts as reviewed.' : 'It ends in the same append; of a personal token the access to the organization ends.'}</p>{field}
    </Act>
  );
}

function Close({ review, close }: { review: Review; close: () => void }) {
  const { run, error, pending } = useCommand(CloseReviewDocument);
  const left = review.items.filter(i => !i.decision).length;
  return (
    <Act title={`Close ${review.name}`} close={close} button="Close it" error={error} pending={pending} run={() => run({ id: review.id })}>
      <p className="soft">{left ? `${count(left, 'token')} stay undecided, and the report says so.` : 'Everything is decided.'}</p>
    </Act>
  );
}
