// Commands on many tokens: first what they would touch, as the service says; then what became of each.
import { useEffect, useState } from 'react';
import { ask } from '../api/client';
import { RevokeTokensDocument, UpdateTokensDocument, type ApiTokenWhereInput, type RevokeTokensMutation, type UpdateApiTokenInput } from '../api/operations';
import { useCommand } from '../lib/query';
import { Act, useReason, words } from '../ui/act';
import { count, Dialog, Field, Problem, Waiting } from '../ui/parts';
import { TokenName } from './names';

export type Chosen = { ids: string[] } | { where: ApiTokenWhereInput | null; total: number };
export type Mass = 'revoke' | 'suspend' | 'resume' | 'tag';
type Props = { chosen: Chosen; close: () => void; done: () => void };

export function BulkAct({ mass, ...rest }: Props & { mass: Mass }) {
  return mass === 'revoke' ? <RevokeMany {...rest} /> : <ChangeMany {...rest} mass={mass} />;
}

type Outcome = Pick<RevokeTokensMutation['revokeTokens'], 'revokedIDs' | 'notRevoked'>;

function RevokeMany({ chosen, close, done }: Props) {
  const { reason, missing, field } = useReason();
  const { run, error, pending } = useCommand(RevokeTokensDocument);
  const [preview, setPreview] = useState<Outcome>();
  const [fault, setFault] = useState<Error>();
  const [outcome, setOutcome] = useState<Outcome>();
  const named = 'ids' in chosen ? { ids: chosen.ids } : { where: chosen.where ?? {} };
  const asked = JSON.stringify(named);
  useEffect(() => {
    const stop = new AbortController();
    ask(RevokeTokensDocument, { input: { ...JSON.parse(asked) as typeof named, reason: 'a look at what it would end', dryRun: true } }, stop.signal)
      .then(({ revokeTokens }) => setPreview(revokeTokens), (e: Error) => { if (!stop.signal.aborted) setFault(e); });
    return () => stop.abort();
  }, [asked]);
  if (outcome) {
    return (
      <Dialog title="What became of them" close={done}><div className="inner">
        <h2>{count(outcome.revokedIDs.length, 'token')} revoked</h2>
        <NotDone of={outcome.notRevoked} />
        <div className="actions"><button className="button primary" onClick={done}>Close</button></div>
      </div></Dialog>
    );
  }
  return (
    <Act title={`Revoke ${count('ids' in chosen ? chosen.ids.length : chosen.total, 'token')}`} close={close} button={preview ? `Revoke ${preview.revokedIDs.length} for good` : 'Revoke for good'} danger wide
      error={error} pending={pending} blocked={missing || !preview?.revokedIDs.length}
      run={() => run({ input: { ...named, reason: reason ?? '', dryRun: false } }).then(made => { if (made) setOutcome(made.data.revokeTokens); })}>
      {fault && <Problem error={fault} what="What it would end" />}
      {!preview && !fault && <Waiting what="What it would end" />}
      {preview && <>
        <p className="notice warn"><strong>It would end {count(preview.revokedIDs.length, 'token')}, for good.</strong></p>
        <ul className="names">{preview.revokedIDs.slice(0, 60).map(id => <li key={id}><TokenName id={id} /></li>)}{preview.revokedIDs.length > 60 && <li className="dim">and {(preview.revokedIDs.length - 60).toLocaleString()} more</li>}</ul>
        <NotDone of={preview.notRevoked} />
      </>}
      {field}
    </Act>
  );
}

function NotDone({ of }: { of: Outcome['notRevoked'] }) {
  if (!of.length) return null;
  return <div className="stack small"><strong>{count(of.length, 'token')} not:</strong><ul>{of.slice(0, 30).map(n => <li key={n.id}><TokenName id={n.id} />: {n.message}</li>)}</ul></div>;
}

const texts: Record<Exclude<Mass, 'revoke'>, [title: string, button: string, says: string]> = {
  suspend: ['Suspend', 'Suspend', 'Their uses are refused until they are resumed.'],
  resume: ['Resume', 'Resume', 'Whoever holds their values can use them again.'],
  tag: ['Tag', 'Add the tags', 'Tags are words to find tokens by. They stand in clear in the audit trail.'],
};

function ChangeMany({ chosen, mass, close, done }: Props & { mass: Exclude<Mass, 'revoke'> }) {
  const { run, error, pending } = useCommand(UpdateTokensDocument);
  const [tags, setTags] = useState('');
  const [outcome, setOutcome] = useState<{ updated: number; not: string[]; error?: string | null }>();
  const ids = 'ids' in chosen ? chosen.ids : [];
  const input: UpdateApiTokenInput = mass === 'tag' ? { appendTags: words(tags) } : { isActive: mass === 'resume' };
  const [title, button, says] = texts[mass];
  if (outcome) {
    return (
      <Dialog title="What became of them" close={done}><div className="inner">
        <h2>{count(outcome.updated, 'token')} changed</h2>
        {outcome.not.length > 0 && <div className="notice warn"><strong>{count(outcome.not.length, 'token')} not.</strong><span>{outcome.error}</span><ul className="names">{outcome.not.map(id => <li key={id}><TokenName id={id} /></li>)}</ul></div>}
        <div className="actions"><button className="button primary" onClick={done}>Close</button></div>
      </div></Dialog>
    );
  }
  return (
    <Act title={`${title} ${count(ids.length, 'token')}`} close={close} button={button} error={error} pending={pending} blocked={mass === 'tag' && !words(tags).length}
      run={() => run({ ids, input }).then(made => { if (made) { const p = made.data.updateBulkAPIToken; setOutcome({ updated: p.updatedIDs?.length ?? 0, not: p.notUpdatedIDs ?? [], error: p.error }); } })}>
      <p className="soft">{says}</p>
      <ul className="names">{ids.slice(0, 60).map(id => <li key={id}><TokenName id={id} /></li>)}{ids.length > 60 && <li className="dim">and {ids.length - 60} more</li>}</ul>
      {mass === 'tag' && <Field id="tags" label="Tags" hint="Divided by spaces."><input id="tags" value={tags} onChange={event => setTags(event.target.value)} autoFocus /></Field>}
    </Act>
  );
}
