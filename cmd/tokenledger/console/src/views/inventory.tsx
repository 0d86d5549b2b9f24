// The inventory: every token of the organization, filtered and sorted by the address bar, smooth at any length.
import { useMemo, useState } from 'react';
import type { RowSelectionState } from '@tanstack/react-table';
import { ask } from '../api/client';
import { TokenCountDocument, TokensDocument, type TokenRowFragment } from '../api/operations';
import { useAnswer } from '../lib/query';
import { useKeys } from '../lib/keys';
import { usePages } from '../lib/pages';
import { setQuery, usePlace } from '../lib/router';
import { nodes, useRights } from '../lib/session';
import { count, Empty, Head, Problem, sentence, Waiting } from '../ui/parts';
import { BulkAct, type Chosen, type Mass } from './bulk';
import { expiries, orderOf, sortOf, statuses, uses, viewOf, whereOf } from './filter';
import { Views } from './saved';
import { TokenTable } from './table';

export function Inventory() {
  const { query } = usePlace();
  const view = viewOf(query);
  const [now] = useState(() => Math.floor(Date.now() / 60_000) * 60_000); // the minute that spans are counted from
  const where = useMemo(() => whereOf(new URLSearchParams(view), now), [view, now]);
  const sort = useMemo(() => sortOf(new URLSearchParams(view)), [view]);
  const includeDeleted = query.get('deleted') === '1' || (query.get('status') ?? '').includes('DELETED');
  const total = useAnswer(TokenCountDocument, { where, includeDeleted, asOf: null }, { keep: true });
  const length = total.data?.apiTokens.totalCount;
  const pages = usePages<TokenRowFragment>(view, length, async span => {
    const { apiTokens } = await ask(TokensDocument, { ...span, where, includeDeleted, orderBy: orderOf(sort), asOf: null });
    return { nodes: nodes(apiTokens), start: apiTokens.pageInfo.startCursor, end: apiTokens.pageInfo.endCursor };
  });
  const error = total.error ?? pages.error;
  const rights = useRights();
  const [selection, select] = useState<RowSelectionState>({});
  const ids = useMemo(() => Object.keys(selection).filter(id => selection[id]), [selection]);
  const [bulk, setBulk] = useState<{ mass: Mass; chosen: Chosen }>();
  useKeys({ Escape: () => select({}) });
  return (
    <>
      <Head title="Inventory" lead="Every token of the organization, as the log has it.">
        <a className="button primary" href="/create">Create a token</a>
      </Head>
      <Filters query={query} view={view} />
      {ids.length > 0 && (
        <div className="bulk" role="region" aria-label="Selected tokens">
          <strong>{count(ids.length, 'token')} selected</strong>
          <button className="button small" onClick={() => setBulk({ mass: 'tag', chosen: { ids } })}>Tag</button>
          <button className="button small" onClick={() => setBulk({ mass: 'suspend', chosen: { ids } })}>Suspend</button>
          <button className="button small" onClick={() => setBulk({ mass: 'resume', chosen: { ids } })}>Resume</button>
          <button className="button small danger" onClick={() => setBulk({ mass: 'revoke', chosen: { ids } })}>Revoke</button>
          <button className="button quiet small" onClick={() => select({})}>Clear</button>
        </div>
      )}
      {error && <Problem error={error} again={total.error ? total.again : pages.again} what="The tokens" />}
      {length === 0 && !error && <NoTokens filtered={view !== ''} />}
      {!length && total.slow && <Waiting what="The tokens" />}
      {!!length && <TokenTable total={length} rows={pages.rows} need={pages.need} sort={sort} selection={selection} select={rights.manages ? select : undefined} />}
      <div className="under">
        {length !== undefined && <span>{count(length, 'token')}</span>}
        <span className="grow" />
        {rights.manages && !!length && where && <button className="button quiet small" onClick={() => setBulk({ mass: 'revoke', chosen: { where, total: length } })}>Revoke all that match</button>}
      </div>
      {bulk && <BulkAct {...bulk} close={() => setBulk(undefined)} done={() => { setBulk(undefined); select({}); }} />}
    </>
  );
}

function NoTokens({ filtered }: { filtered: boolean }) {
  return filtered
    ? <Empty title="No token is like that"><p>Nothing matches this filter. Take something away from it, or look for deleted tokens, too.</p>
        <div className="row"><a className="button" href="/tokens">Show all</a><button className="button" onClick={() => setQuery({ deleted: '1' })}>With deleted ones</button></div></Empty>
    : <Empty title="No tokens yet"><p>Create the first one, and give it to the program that needs it. From then on everything that happens to it stands here.</p>
        <a className="button primary" href="/create">Create a token</a></Empty>;
}

function Filters({ query, view }: { query: URLSearchParams; view: string }) {
  const status = (query.get('status') ?? '').split(',').filter(Boolean);
  return (
    <div className="filters" role="group" aria-label="Filter">
      <Views view={view} />
      <select aria-label="State" value={status.length === 1 ? status[0] : status.length ? 'several' : ''} onChange={event => setQuery({ status: event.target.value })}>
        <option value="">Any state</option>
        {status.length > 1 && <option value="several" disabled>{status.map(sentence).join(', ')}</option>}
        {statuses.map(s => <option key={s} value={s}>{sentence(s)}</option>)}
      </select>
      <select aria-label="Deadline" value={query.get('expires') ?? ''} onChange={event => setQuery({ expires: event.target.value })}>
        {expiries.map(([value, words]) => <option key={value} value={value}>{words}</option>)}
      </select>
      <select aria-label="Use" value={query.get('used') ?? ''} onChange={event => setQuery({ used: event.target.value })}>
        {uses.map(([value, words]) => <option key={value} value={value}>{words}</option>)}
      </select>
      {(['q', 'scope', 'tag'] as const).map(name => query.get(name) && (
        <button key={name} className="chip" aria-pressed="true" onClick={() => setQuery({ [name]: null })} aria-label={`Remove the filter ${query.get(name)}`}>{name === 'q' ? '' : `${name}: `}{query.get(name)} ✕</button>
      ))}
      <label className="check small"><input type="checkbox" checked={query.get('deleted') === '1'} onChange={event => setQuery({ deleted: event.target.checked ? '1' : null })} />deleted ones, too</label>
    </div>
  );
}
