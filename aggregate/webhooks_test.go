// Webhooks and the triage of findings, on the real log.

package aggregate

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

func TestWebhooks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.by(events.RoleOwner)
	owner.Once = "hook"
	in := NewWebhook{Organization: w.org, URL: "https://hooks.example.com/a", Types: []string{"token", "finding", "token", "grant.ended"}}
	before := w.head()
	made, err := w.directory.AddWebhook(t.Context(), owner, in)
	if err != nil {
		t.Fatal(err)
	}
	w.recorded(before, "organization.webhook_added in org")
	history := w.history(events.OrganizationStream(w.org))
	if e := history[len(history)-1].Event.(events.OrganizationWebhookAdded); e.Webhook != made.ID || !slices.Equal(e.Types, []string{"finding", "grant.ended", "token"}) {
		t.Errorf("recorded %+v for %s", e, made.ID)
	}
	again, err := w.directory.AddWebhook(t.Context(), owner, in)
	if err != nil || again.ID != made.ID || !slices.Equal(again.Warnings, []Warning{WarnValueShown}) {
		t.Errorf("the replay: %+v, %v", again, err)
	}
	owner.Once = ""
	for name, c := range map[string]struct {
		call  Call
		in    NewWebhook
		code  Code
		field string
	}{
		"an auditor":           {w.by(events.RoleAuditor), in, CodeForbidden, ""},
		"a stranger":           {person(uuid.New()), in, CodeUnauthenticated, ""},
		"another organization": {owner, NewWebhook{Organization: uuid.New(), URL: "https://x.example"}, CodeNotFound, ""},
		"no URL":               {owner, NewWebhook{Organization: w.org}, CodeBadUserInput, "url"},
		"a long URL":           {owner, NewWebhook{Organization: w.org, URL: "https://" + strings.Repeat("a", 3000)}, CodeBadUserInput, "url"},
		"a token in the URL":   {owner, NewWebhook{Organization: w.org, URL: "https://x.example/?k=" + w.admin.Value.Reveal()}, CodeBadUserInput, "url"},
		"no such type":         {owner, NewWebhook{Organization: w.org, URL: "https://x.example", Types: []string{"token.eaten"}}, CodeBadUserInput, "types"},
		"an organization token": {
			w.through(w.newOrganizationToken(owner, "admin")), in, CodeForbidden, "",
		},
	} {
		if _, err := w.directory.AddWebhook(t.Context(), c.call, c.in); err == nil {
			t.Errorf("%s: added", name)
		} else {
			mustBe(t, err, c.code, c.field)
		}
	}
	for range MaxWebhooks - 1 {
		if _, err := w.directory.AddWebhook(t.Context(), owner, in); err != nil {
			t.Fatal(err)
		}
	}
	_, err = w.directory.AddWebhook(t.Context(), owner, in)
	mustBe(t, err, CodeConflict, "")
	if _, err := w.directory.RemoveWebhook(t.Context(), owner, w.org, made.ID); err != nil {
		t.Fatal(err)
	}
	_, err = w.directory.RemoveWebhook(t.Context(), owner, w.org, made.ID)
	mustBe(t, err, CodeNotFound, "id")
}

func TestTriage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := Triage{Organization: w.org, Rule: "burst", Position: 7, Status: events.FindingClosed, Note: "the nightly import"}
	before := w.head()
	if _, err := w.directory.TriageFinding(t.Context(), w.by(events.RoleAdmin), in); err != nil {
		t.Fatal(err)
	}
	w.recorded(before, "organization.finding_triaged in org")
	in.Status = "eaten"
	_, err := w.directory.TriageFinding(t.Context(), w.by(events.RoleAdmin), in)
	mustBe(t, err, CodeBadUserInput, "status")
	in.Status = events.FindingOpen
	_, err = w.directory.TriageFinding(t.Context(), w.by(events.RoleMember), in)
	mustBe(t, err, CodeForbidden, "")
	_, err = w.directory.TriageFinding(t.Context(), w.through(w.newOrganizationToken(w.by(events.RoleOwner), "admin")), in)
	mustBe(t, err, CodeForbidden, "")
}
