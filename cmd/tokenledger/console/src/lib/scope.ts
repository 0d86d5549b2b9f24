// Scopes, as the ledger compares them: what is offered is what the reader may give.
export const verbs = ['read', 'write', 'delete'] as const;

/** Objects of the ledger itself, and those of the systems around it. */
export const own = ['token', 'organization', 'user', 'policy', 'report', 'event'];
export const around = ['evidence', 'control', 'risk', 'task', 'scan'];

const apart = (scope: string): [object: string, verb: string] => {
  const at = scope.indexOf(':');
  return at < 0 ? ['', scope] : [scope.slice(0, at), scope.slice(at + 1)];
};

/** Whether one scope allows all that another does. */
export function covers(wide: string, narrow: string): boolean {
  const [object, verb] = apart(wide), [ofObject, ofVerb] = apart(narrow);
  if (wide === 'admin') return ofVerb !== 'introspect';
  if (object !== '' && object !== ofObject) return false;
  return verb === ofVerb || (verb === 'write' && ofVerb === 'read');
}

/** Whether a list of scopes allows one; an absent or empty list is no limit. */
export const within = (scope: string, limit: readonly string[] | null | undefined) =>
  !limit?.length || limit.some(wide => covers(wide, scope));
