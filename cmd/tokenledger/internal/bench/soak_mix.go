// The mix of a long run: the stories that its clients go through beside uses.

package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"
)

// A story is a few mutations one after the other. It leaves as many live tokens behind
// as it found, and reports how many it made.
type story func(*soak, context.Context) (changes int, err error)

// stories are told in turn.
var stories = []story{(*soak).edited, (*soak).rotated, (*soak).suspended, (*soak).personal}

// made is a token that a story begins with.
type made struct{ ID, Token string }

func (l *soak) make(ctx context.Context) (made, error) {
	var answer struct {
		Data struct {
			CreateAPIToken struct{ APIToken made }
		}
	}
	err := l.send(ctx, `mutation($name: String!) { createAPIToken(input: {name: $name, scopes: ["evidence:write"]}) { apiToken { id token } } }`,
		map[string]any{"name": "soak-" + uuid.NewString()}, &answer)
	if err != nil {
		return made{}, fmt.Errorf("make a token: %w", err)
	}
	return answer.Data.CreateAPIToken.APIToken, nil
}

// mutate runs mutations that take an id.
func (l *soak) mutate(ctx context.Context, id string, mutations ...string) error {
	for _, m := range mutations {
		if err := l.send(ctx, `mutation($id: ID!) { `+m+` }`, map[string]any{"id": id}, &struct{}{}); err != nil {
			return fmt.Errorf("%s: %w", m, err)
		}
	}
	return nil
}

const (
	describe = `updateAPIToken(id: $id, input: {description: "soaked"}) { receipt { position } }`
	suspend  = `updateAPIToken(id: $id, input: {isActive: false}) { receipt { position } }`
	resume   = `updateAPIToken(id: $id, input: {isActive: true}) { receipt { position } }`
	revoke   = `revokeAPIToken(id: $id, reason: "it was made to be ended") { receipt { position } }`
	remove   = `deleteAPIToken(id: $id) { deletedID }`
	disown   = `deletePersonalAccessToken(id: $id) { deletedID }`
)

func (l *soak) edited(ctx context.Context) (int, error) {
	m, err := l.make(ctx)
	if err != nil {
		return 0, err
	}
	return 3, l.mutate(ctx, m.ID, describe, revoke)
}

// rotated replaces a token, and ends both.
func (l *soak) rotated(ctx context.Context) (int, error) {
	m, err := l.make(ctx)
	if err != nil {
		return 0, err
	}
	var answer struct {
		Data struct {
			RotateAPIToken struct{ APIToken made }
		}
	}
	err = l.send(ctx, `mutation($id: ID!) { rotateAPIToken(id: $id) { apiToken { id token } } }`, map[string]any{"id": m.ID}, &answer)
	if err != nil {
		return 0, fmt.Errorf("rotate a token: %w", err)
	}
	return 4, errors.Join(l.mutate(ctx, answer.Data.RotateAPIToken.APIToken.ID, remove), l.mutate(ctx, m.ID, remove))
}

// suspended sees that a token is refused while it is suspended, and for good after its end.
func (l *soak) suspended(ctx context.Context) (int, error) {
	m, err := l.make(ctx)
	if err != nil {
		return 0, err
	}
	for _, step := range []struct {
		mutation string
		active   bool
	}{{suspend, false}, {resume, true}, {revoke, false}} {
		if err := l.mutate(ctx, m.ID, step.mutation); err != nil {
			return 0, err
		}
		if err := l.verifies(ctx, m.Token, step.active); err != nil {
			return 0, fmt.Errorf("after %s: %w", step.mutation, err)
		}
	}
	return 4, nil
}

// resumedWithin is how long a token that was resumed may still be refused: the memory of
// the verifier follows the log. What was suspended or revoked is refused at once.
const resumedWithin = 10 * time.Second

// verifies asks whether a value is good, through GraphQL.
func (l *soak) verifies(ctx context.Context, value string, want bool) error {
	for began := time.Now(); ; {
		var answer struct {
			Data struct{ VerifyToken struct{ Allowed bool } }
		}
		err := l.send(ctx, `mutation($v: String!) { verifyToken(input: {token: $v, scope: "evidence:write"}) { allowed } }`,
			map[string]any{"v": value}, &answer)
		switch {
		case err != nil:
			return err
		case answer.Data.VerifyToken.Allowed == want:
			return nil
		case !want || time.Since(began) > resumedWithin:
			return fmt.Errorf("the token is allowed: %t", !want)
		}
	}
}

// personal makes a token that is granted to the organization, and ends it.
func (l *soak) personal(ctx context.Context) (int, error) {
	var answer struct {
		Data struct {
			CreatePersonalAccessToken struct{ PersonalAccessToken made }
		}
	}
	err := l.send(ctx, `mutation($name: String!, $to: [ID!]) {
			createPersonalAccessToken(input: {name: $name, organizationIDs: $to}) { personalAccessToken { id token } } }`,
		map[string]any{"name": "soak-" + uuid.NewString(), "to": []string{l.organization}}, &answer)
	if err != nil {
		return 0, fmt.Errorf("make a personal token: %w", err)
	}
	return 2, l.mutate(ctx, answer.Data.CreatePersonalAccessToken.PersonalAccessToken.ID, disown)
}

// soakPages are what pages of the console ask for, in turn.
var soakPages = []string{
	`{ apiTokens(first: 20) { totalCount edges { node { id name status lastUsedAt } } } auditEvents(last: 20) { edges { node { position type } } } }`,
	`{ personalAccessTokens(first: 20) { edges { node { id name status } } } findings(first: 20) { edges { node { rule position } } } }`,
	`{ apiTokens(first: 5, where: {nameHasPrefix: "bench-1", statusIn: [ACTIVE]}, orderBy: [{field: last_used_at, direction: DESC}]) {
		edges { node { id usage { uses } events(last: 5) { edges { node { position leafHash } } } } } } }`,
}

func (l *soak) read(ctx context.Context, turn int) error {
	if err := l.send(ctx, soakPages[turn%len(soakPages)], nil, &struct{}{}); err != nil {
		return fmt.Errorf("read lists: %w", err)
	}
	return nil
}

// own asks which organization the run is in.
func (l *soak) own(ctx context.Context) error {
	var answer struct {
		Data struct{ Organization struct{ ID string } }
	}
	if err := l.send(ctx, `{ organization { id } }`, nil, &answer); err != nil {
		return fmt.Errorf("ask for the organization: %w", err)
	}
	l.organization = answer.Data.Organization.ID
	return nil
}

// watch follows the organization's trail live, all along, and counts what it is told.
// hearing is closed once it does, or cannot.
func (l *soak) watch(ctx context.Context, hearing chan<- struct{}) error {
	begun := sync.OnceFunc(func() { close(hearing) })
	defer begun()
	body, err := json.Marshal(map[string]any{"query": `subscription { auditEvents { position type } }`})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, l.URL+"/query", bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "text/event-stream")
	request.Header.Set("Authorization", "Bearer "+l.Token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	defer response.Body.Close()
	begun()
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		switch line := lines.Bytes(); {
		case bytes.HasPrefix(line, []byte("data: ")) && bytes.Contains(line, []byte(`"errors"`)):
			return fmt.Errorf("the subscription says %.300s", line)
		case bytes.HasPrefix(line, []byte("data: ")):
			l.count(func(s *SoakSample) { s.Heard++ })
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	return errors.Join(errors.New("the subscription ended by itself"), lines.Err())
}
