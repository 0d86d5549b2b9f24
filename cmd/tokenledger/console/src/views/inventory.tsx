// The inventory: every token of the organization, filtered and sorted by the address bar, smooth at any length.
import { useMemo, useState } from 'react';
import { ask } from '../api/client';
import { TokenCountDocument, TokensDocument, type TokenRowFragment } from '../api/operations';
import { useAnswer } from '../lib/query';
import { usePages } from '../lib/pages';
import { setQuery, usePlace } from '../lib/router';
import { nodes } from '../lib/session';
import { count, Empty, Head, Problem, sentence, Waiting } from '../ui/parts';
import { expiries, orderOf, presets, sortOf, statuses, uses, viewOf, whereOf } from './filter';
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
  return (
    <>
      <Head title="Inventory" lead="Every token of the organization, as the log has it.">
        <a className="button primary" href="/create">Create a token</a>
      </Head>
      <Filters query={query} view={view} />
      {error && <Problem error={error} again={total.error ? total.again : pages.again} what="The tokens" />}
      {length === 0 && !error && <NoTokens filtered={view !== ''} />}
      {!length && total.slow && <Waiting what="The tokens" />}
      {!!length && <TokenTable total={length} rows={pages.rows} need={pages.need} sort={sort} />}
      <div className="under">
        {length !== undefined && <span>{count(length, 'token')}</span>}
        <span className="grow" />
      </div>
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
      <span className="views">
        {presets.map(([name, to]) => <a key={name} className="chip" href={`/tokens${to && `?${to}`}`} aria-current={view === to ? true : undefined}>{name}</a>)}
      </span>
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
