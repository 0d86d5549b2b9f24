// One call: verifyTokens over HTTP.

package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"time"
)

const document = `mutation VerifyTokens($input: [VerifyTokenInput!]!) {
  verifyTokens(input: $input) { allowed code policy tokenID subject organization scopes expiresAt position decisionID }
}`

// maxAnswer bounds what is read of an answer.
const maxAnswer = 4 << 20

type request struct {
	Query     string `json:"query"`
	Variables struct {
		Input []input `json:"input"`
	} `json:"variables"`
}

type input struct {
	Token     string `json:"token"`
	Action    string `json:"action,omitempty"`
	Resource  string `json:"resource,omitempty"`
	Scope     string `json:"scope,omitempty"`
	SourceIP  string `json:"sourceIP,omitempty"`
	UserAgent string `json:"userAgent,omitempty"`
	RequestID string `json:"requestID,omitempty"`
}

type response struct {
	Data *struct {
		VerifyTokens []struct {
			Allowed      bool
			Code         string
			Policy       string
			TokenID      string
			Subject      string
			Organization string
			Scopes       []string
			ExpiresAt    *time.Time
			Position     json.Number
			DecisionID   string
		} `json:"verifyTokens"`
	} `json:"data"`
	Errors []struct {
		Message    string `json:"message"`
		Extensions struct {
			Code      string `json:"code"`
			Field     string `json:"field"`
			RequestID string `json:"requestID"`
		} `json:"extensions"`
	} `json:"errors"`
}

func (c *Client) call(ctx context.Context, uses []Use) ([]Decision, error) {
	body, err := encode(uses)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("verify tokens: %w", err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Authorization", "Bearer "+c.config.Token)
	if c.config.Organization != "" {
		r.Header.Set("X-Organization-ID", c.config.Organization)
	}
	answer, err := c.http.Do(r)
	if err != nil {
		var of *url.Error
		if errors.As(err, &of) {
			err = of.Err // which says where to, but a URL is no part of an error that others read
		}
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("%w: read its answer: %w", ErrUnavailable, err)
	}
	return decode(answer, raw)
}

func encode(uses []Use) ([]byte, error) {
	var q request
	q.Query = document
	for _, u := range uses {
		q.Variables.Input = append(q.Variables.Input, input(u))
	}
	body, err := json.Marshal(q)
	if err != nil {
		return nil, fmt.Errorf("verify tokens: %w", err)
	}
	return body, nil
}

func decode(answer *http.Response, raw []byte) ([]Decision, error) {
	refused := &Error{Status: answer.StatusCode, Message: http.StatusText(answer.StatusCode), RequestID: answer.Header.Get("X-Request-ID")}
	media, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	var r response
	if media != "application/json" && media != "application/graphql-response+json" || json.Unmarshal(raw, &r) != nil {
		if answer.StatusCode == http.StatusOK {
			return nil, fmt.Errorf("%w: what answered is no ledger", ErrUnavailable)
		}
		return nil, refused
	}
	if len(r.Errors) > 0 {
		e := r.Errors[0]
		refused.Code, refused.Message, refused.Field = e.Extensions.Code, e.Message, e.Extensions.Field
		return nil, refused
	}
	if answer.StatusCode != http.StatusOK {
		return nil, refused
	}
	if r.Data == nil {
		return nil, fmt.Errorf("%w: its answer has no data", ErrUnavailable)
	}
	decisions := make([]Decision, len(r.Data.VerifyTokens))
	for i, v := range r.Data.VerifyTokens {
		decisions[i] = Decision{
			Allowed: v.Allowed, Code: v.Code, Policy: v.Policy, TokenID: v.TokenID, Subject: v.Subject, Organization: v.Organization,
			Scopes: v.Scopes, DecisionID: v.DecisionID,
		}
		if v.ExpiresAt != nil {
			decisions[i].ExpiresAt = *v.ExpiresAt
		}
		if v.Position != "" {
			decisions[i].Position, _ = v.Position.Int64()
		}
	}
	return decisions, nil
}
