// Drives the page as a person would, and reports what was seen. Aliases in the queries tell the endpoint how to behave.
const token = 'tolp_driver';
const done = [], problems = [];
let dialog = false;
addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI, sourceFile, lineNumber }) => {
  // A dialog would lock the page's scrolling by an inline style; the policy refuses it, and this page never scrolls.
  if (!dialog || violatedDirective !== 'style-src-elem') {
    problems.push(`policy: ${violatedDirective} ${blockedURI} ${sourceFile}:${lineNumber}`);
  }
});
addEventListener('error', event => problems.push(`error: ${event.message}`));
addEventListener('unhandledrejection', event => problems.push(`rejection: ${event.reason}`));

const one = selector => document.querySelector(selector);
const response = () => one('.result-window .CodeMirror')?.CodeMirror.getValue() ?? '';
const execute = () => one('.graphiql-execute-button[aria-label^="Execute"]');
const stop = () => one('.graphiql-execute-button[aria-label^="Stop"]');

async function until(what, probe) {
  for (let left = 200; left > 0; left--) {
    const found = probe();
    if (found) {
      done.push(what);
      return found;
    }
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  throw new Error(`waited in vain: ${what}`);
}

async function run(query) {
  one('.graphiql-query-editor .CodeMirror').CodeMirror.setValue(query);
  (await until(`idle before ${query}`, execute)).click();
}

try {
  await until('the editors stand', () => one('.graphiql-query-editor .CodeMirror') && one('.result-window .CodeMirror'));
  await run('{ caller }');
  await until('no credentials at first', () => response().includes('"caller": ""'));

  one('#token').value = ` ${token} `;
  one('#caller').requestSubmit();
  if (one('#token').value) problems.push('the token stays in its box');
  await run('{ again: caller }');
  await until('the token signs requests', () => response().includes(`"caller": "Bearer ${token}"`));
  await run('{ broken: caller }');
  await until('an answer that is no JSON is shown', () => response().includes('502 Bad Gateway'));

  await run('subscription { ticks }');
  await until('every tick shows', () => response().includes('"ticks": 2'));
  await until('the subscription ends by itself', execute);
  await run('subscription { cut: ticks }');
  await until('a cut stream is an error', () => response().includes('The connection ended'));
  await run('subscription { forever: ticks }');
  await until('ticks show before the end', () => response().includes('"ticks": 2'));
  stop().click();
  await until('the reader stops it', execute);

  one('button[aria-label="Show Documentation Explorer"]').click();
  await until('the documentation names the types', () => one('.graphiql-doc-explorer')?.textContent.includes('Subscription'));
  one('button[aria-label="Show GraphiQL Explorer"]').click();
  await until('the explorer offers the fields', () => one('.graphiql-explorer-root')?.textContent.includes('ticks'));
  dialog = true;
  one('button[aria-label="Open settings dialog"]').click();
  await until('the settings open', () => one('.graphiql-dialog'));

  one('#caller').reset();
  await until('the token is forgotten', () => one('#caller-state').textContent.startsWith('No token'));
  const kept = JSON.stringify({ ...localStorage, ...sessionStorage });
  if (kept !== '{}') problems.push(`kept beyond the page: ${kept}`);
} catch (problem) {
  problems.push(`${problem.message}; the response shows ${response()}; the page shows ${document.body.innerText.slice(0, 400)}`);
}
await fetch('/report', { method: 'POST', body: JSON.stringify({ done, problems }) });
