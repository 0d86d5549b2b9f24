// How GraphiQL's requests travel: queries and mutations as one JSON answer, subscriptions as server-sent events
// (one `next` event for each result, `complete` at the end).

const single = 'application/graphql-response+json, application/json;q=0.9';
const stream = 'text/event-stream';

// createFetcher sends everything to path, with the token as bearer unless the headers editor names another.
export function createFetcher(path, token) {
  const post = (accept, params, options, signal) => {
    const headers = new Headers(options?.headers);
    headers.set('Accept', accept);
    headers.set('Content-Type', 'application/json');
    if (token && !headers.has('Authorization')) headers.set('Authorization', `Bearer ${token}`);
    return fetch(path, { method: 'POST', headers, body: JSON.stringify(params), signal });
  };
  return (params, options) => isSubscription(params)
    ? observable((next, signal) => subscribe(post(stream, params, options, signal), next))
    : post(single, params, options).then(answer);
}

// The editor's own syntax tree lags behind a quick typist, so the text itself is parsed.
function isSubscription({ query, operationName }) {
  try {
    return GraphiQL.GraphQL.getOperationAST(GraphiQL.GraphQL.parse(query), operationName)?.operation === 'subscription';
  } catch {
    return false; // the server words a syntax error for everyone alike
  }
}

// The server answers with JSON also when it refuses; what stands before it may not.
async function answer(response) {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`${response.status} ${response.statusText}\n${text}`);
  }
}

// observable runs work(next, signal) for one subscriber, who stops it by unsubscribing.
function observable(work) {
  return {
    subscribe({ next, error, complete }) {
      const abort = new AbortController();
      work(next, abort.signal).then(complete, problem => abort.signal.aborted || error(problem));
      return { unsubscribe: () => abort.abort() };
    },
  };
}

async function subscribe(request, next) {
  const response = await request;
  if (!response.headers.get('Content-Type')?.startsWith(stream)) return next(await answer(response));
  for await (const { event, data } of events(response.body)) {
    if (event === 'complete') return;
    if (event === 'next') next(JSON.parse(data));
  }
  throw new Error('The connection ended before the server said that the subscription is complete.');
}

// events reads the format of server-sent events: fields a line, an empty line after each event, comments from a colon.
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let event = '', data = [], rest = '';
  for (let chunk; !(chunk = await reader.read()).done;) {
    const lines = (rest + chunk.value).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop();
    for (const line of lines) {
      const [, field, value] = /^([^:]*)(?:: ?)?(.*)$/s.exec(line);
      if (field === 'event') event = value;
      else if (field === 'data') data.push(value);
      else if (line === '') {
        if (data.length || event) yield { event, data: data.join('\n') };
        event = '', data = [];
      }
    }
  }
}
