// Findings and webhooks as GraphQL shows them.

package model

import (
	"encoding/json"
	"time"

	"github.com/tokenledger/tokenledger/projections"
)

// Finding is one finding.
type Finding struct{ projections.FindingRow }

// Rule is the rule's name.
func (f Finding) Rule() string { return string(f.FindingRow.Rule) }

// Token is null where the finding is about several.
func (f Finding) Token() *string {
	if f.FindingRow.Token == nil {
		return nil
	}
	return optional(f.FindingRow.Token.String())
}

// Tokens is never null.
func (f Finding) Tokens() []string {
	tokens := make([]string, len(f.FindingRow.Tokens))
	for i, t := range f.FindingRow.Tokens {
		tokens[i] = t.String()
	}
	return tokens
}

// Detail is a JSON object.
func (f Finding) Detail() json.RawMessage { return f.FindingRow.Detail }

// Webhook is one webhook and how its deliveries go.
type Webhook struct{ projections.WebhookState }

// NextAttemptAt is null while nothing has failed.
func (w Webhook) NextAttemptAt() *time.Time { return w.NextAt }

// DeadLetterCount is how many messages were given up.
func (w Webhook) DeadLetterCount() int64 { return w.Dead }
