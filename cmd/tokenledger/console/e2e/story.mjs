// A small story for the views to show: tokens in every state, uses, refusals.
import assert from 'node:assert/strict';
import { eventually, graphql } from './service.mjs';

const day = 86_400_000;
const soon = days => new Date(Date.now() + days * day).toISOString();

/** The tokens of the story, in the order in which they are made. */
const cast = [
  { name: 'ci-evidence-upload', scopes: ['evidence:write'], tags: ['ci', 'production'], description: 'Uploads evidence from the build of the main branch.', expiresAt: soon(21) },
  { name: 'terraform-state-reader', scopes: ['read'], tags: ['infra'], description: 'Reads what is deployed.', expiresAt: soon(5) },
  { name: 'vulnerability-scanner', scopes: ['scan:write', 'risk:read', 'evidence:read'], tags: ['security'], description: 'The nightly scan.', expiresAt: soon(88) },
  { name: 'risk-register-sync', scopes: ['risk:write', 'control:read'], tags: ['grc'], description: 'Keeps the register and the tracker the same.' },
  { name: 'dashboard-readonly', scopes: ['control:read', 'evidence:read', 'task:read'], description: 'The wall in the office.', expiresAt: soon(180) },
  { name: 'gateway', scopes: ['token:introspect'], tags: ['gateway'], description: 'Asks who a request is.' },
  { name: 'old-migration', scopes: ['write'], description: 'Moved the evidence of 2025; no longer needed.', expiresAt: soon(40) },
  { name: 'contractor-export', scopes: ['evidence:read'], tags: ['contractor'], description: 'Export for the contractor.', expiresAt: soon(14) },
  { name: 'ticket-bot', scopes: ['task:write'], tags: ['bots'], description: 'Opens tasks from tickets.', expiresAt: soon(60) },
];

/** Plays the story; the answer has each token by its name, with its value. */
export async function tell(service) {
  const tokens = {};
  for (const input of cast) {
    const { createAPIToken } = await graphql(service, `mutation($input: CreateAPITokenInput!) { createAPIToken(input: $input) { apiToken { id name token } } }`, { input });
    tokens[input.name] = createAPIToken.apiToken;
  }
  await graphql(service, `mutation { registerObject(name: "finding", actions: {importFinding: write, listFindings: read}) { organization { id } } }`);
  await graphql(service, `mutation($r: [ID!]!) { suspend: suspendAPIToken(id: "${tokens['contractor-export'].id}", reason: "Contract on hold") { apiToken { id } }
    revoke: revokeAPIToken(id: "${tokens['old-migration'].id}", reason: "The migration is done") { apiToken { id } }
    updateBulkAPIToken(ids: $r, input: {appendTags: ["reviewed"]}) { updatedIDs } }`, { r: [tokens['ticket-bot'].id] });
  const { rotateAPIToken } = await graphql(service, `mutation { rotateAPIToken(id: "${tokens['terraform-state-reader'].id}", input: {overlapSeconds: 86400}) { apiToken { id name token } } }`);
  tokens.successor = rotateAPIToken.apiToken;
  await use(service, tokens, 'ci-evidence-upload', 'evidence:write', 'createEvidence', 14, '198.51.100.7', 'github-actions/4.2');
  await use(service, tokens, 'ci-evidence-upload', 'evidence:write', 'updateEvidence', 5, '198.51.100.8', 'github-actions/4.2');
  await use(service, tokens, 'ci-evidence-upload', 'control:write', 'updateControl', 3, '203.0.113.66', 'curl/8.9');
  await use(service, tokens, 'vulnerability-scanner', 'scan:write', 'createScan', 6, '192.0.2.14', 'scanner/2.1');
  await use(service, tokens, 'old-migration', 'evidence:write', 'createEvidence', 2, '203.0.113.66', 'curl/8.9');
  // A page asks once: what it is to show has to be there before.
  const usage = async name => (await graphql(service, 'query($id: ID!) { apiToken(id: $id) { usage { uses refusals } } }', { id: tokens[name].id })).apiToken.usage;
  await eventually(async () => {
    assert.deepEqual(await usage('ci-evidence-upload'), { uses: 19, refusals: 3 });
    assert.deepEqual(await usage('vulnerability-scanner'), { uses: 6, refusals: 0 });
    assert.deepEqual(await usage('old-migration'), { uses: 0, refusals: 2 });
    assert.ok((await graphql(service, '{ findings(status: OPEN) { totalCount } }')).findings.totalCount > 0);
  });
  return tokens;
}

/** Uses a token, as a gateway reports it: the first time alone, so that its source is known to the rest. */
export async function use(service, tokens, name, scope, action, times, sourceIP, userAgent) {
  const all = Array.from({ length: times }, (_, i) => ({ token: tokens[name].token, scope, action, resource: `${action.toLowerCase()}/${i}`, sourceIP, userAgent }));
  for (const input of [all.slice(0, 1), all.slice(1)].filter(part => part.length)) {
    await graphql(service, `mutation($input: [VerifyTokenInput!]!) { verifyTokens(input: $input) { allowed code } }`, { input }, tokens.gateway.token);
  }
}
