// What becomes of a finding: a risk for what may be an attack, a task for whoever has to look.

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// response is what a rule leads to. What is unusual is a risk until somebody has
// looked; what is merely due is work.
type response struct {
	risk string // its name; empty: none
	task string
}

var responses = map[string]response{
	"new_network":        {"A token is used from a network not seen before", "Find out who uses the token from there"},
	"rotated_value_used": {"A token's replaced value is used", "Find whoever still holds the old value, and revoke the family if nobody should"},
	"refused_storm":      {"A token is refused again and again", "Find out what tries, and stop it"},
	"dormant_woken":      {"A token that nobody used for a month is used", "Ask the owner whether the use is his"},
	"burst":              {"A token is used far more than ever", "Compare what was done with what the token is for"},
	"off_hours":          {"A token is used at an hour at which it never is", "Ask the owner whether the use is his"},
	"new_source":         {"", "Check the address and agent that the token is used from"},
	"creator_left":       {"", "Name somebody who answers for the tokens of a person who has left"},
	"expiry_near":        {"", "Rotate the token before its deadline"},
	"unused_scopes":      {"", "Narrow the token's scopes to what it uses"},
	"review_overdue":     {"", "Review the token"},
	"rotation_due":       {"", "Rotate the token"},
}

// resources is a GraphQL service with createRisk and createTask.
type resources struct {
	url, token string
	http       *http.Client
}

// answer makes of a finding what its rule leads to; a rule that this program
// does not know is a task to look at it.
func (r resources) answer(ctx context.Context, f finding) error {
	to, known := responses[f.Rule]
	if !known {
		to.task = "Look at a finding of the rule " + f.Rule
	}
	if to.risk != "" {
		input := map[string]string{"name": to.risk, "description": f.describe()}
		if err := r.create(ctx, `mutation($input: CreateRiskInput!) { createRisk(input: $input) { risk { id } } }`, input, f.id()+"/risk"); err != nil {
			return fmt.Errorf("create a risk: %w", err)
		}
	}
	input := map[string]string{"title": to.task, "description": f.describe()}
	if err := r.create(ctx, `mutation($input: CreateTaskInput!) { createTask(input: $input) { task { id } } }`, input, f.id()+"/task"); err != nil {
		return fmt.Errorf("create a task: %w", err)
	}
	return nil
}

func (f finding) describe() string {
	tokens := strings.Join(append(f.Tokens, f.Token), " ")
	return fmt.Sprintf("Finding %s at position %d of the ledger, %s, about %s: %s. Say what became of it with: tokenledger findings triage %s %d",
		f.Rule, f.Position, f.RaisedAt.Format("2006-01-02 15:04:05Z07:00"), strings.TrimSpace(tokens), f.Detail, f.Rule, f.Position)
}

const maxAnswer = 1 << 20

func (r resources) create(ctx context.Context, query string, input map[string]string, once string) error {
	body, err := json.Marshal(map[string]any{"query": query, "variables": map[string]any{"input": input}})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+r.token)
	request.Header.Set("Idempotency-Key", once)
	answer, err := r.http.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	var said struct {
		Errors []struct{ Message string }
	}
	content, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(content, &said); err != nil || answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", r.url, answer.Status)
	}
	if len(said.Errors) > 0 {
		return fmt.Errorf("%s refused it: %s", r.url, said.Errors[0].Message)
	}
	return nil
}
