// Possession: whoever holds a value may end its token, whatever else is wrong with it.

package verifier

import "context"

// Whose tells whose value this is, for what takes no more than to hold it. ok is
// false for a value that is none of the ledger's; that is recorded as a refusal.
// The code is what a use would be refused for; it is empty for a good token.
func (v *Verifier) Whose(ctx context.Context, q Query) (s Subject, code Code, ok bool, err error) {
	q.Action, q.Scope = "", ""
	q = q.redacted()
	d, err := v.decideFresh(ctx, q)
	if err != nil {
		return Subject{}, "", false, err
	}
	switch d.code {
	case Malformed, Unknown, WrongValue:
		v.refuse(q, d)
		return Subject{}, d.code, false, nil
	}
	return d.subject, d.code, true, nil
}
