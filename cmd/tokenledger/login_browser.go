// Signing in in the browser: at the OpenID provider, as a native program does (RFC 8252), and a
// personal token that the person then has made.

package main

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// browserLimit is how long somebody may take at the provider.
const browserLimit = 10 * time.Minute

// loginInBrowser gives a personal token that was made in the name of who signed in.
func (a app) loginInBrowser(ctx context.Context, t target, saved savedContext, in signingIn) (tokenView, error) {
	expires, err := instant("--expires", in.expiry, time.Now())
	if err != nil {
		return tokenView{}, err
	}
	idToken, err := a.signInAt(ctx, saved.Issuer, saved.ClientID, in.quietBrowser)
	if err != nil {
		return tokenView{}, fmt.Errorf("sign in at %s: %w", saved.Issuer, err)
	}
	person, err := t.client(idToken)
	if err != nil {
		return tokenView{}, err
	}
	made, err := makeOwnToken(ctx, person, expires)
	var refused remoteError
	if errors.As(err, &refused) && refused.Extensions.Code == codeUnauthenticated {
		return made, fmt.Errorf("%w; does the service list %s in TOKENLEDGER_OIDC_AUDIENCES, and %s as its issuer?", err, saved.ClientID, saved.Issuer)
	}
	return made, err
}

// makeOwnToken has a person's own token made, for the one organization that commands are for.
func makeOwnToken(ctx context.Context, person *client, expires time.Time) (tokenView, error) {
	organization := person.organization
	if organization == "" {
		all, err := person.organizations(ctx)
		if err != nil {
			return tokenView{}, err
		}
		if len(all) != 1 {
			var named []string
			for _, o := range all {
				named = append(named, o.ID+" "+o.Name)
			}
			return tokenView{}, fmt.Errorf("you are a member of %d organizations; name one with --organization: %s", len(all), strings.Join(named, ", "))
		}
		organization = all[0].ID
		person.organization = organization
	}
	host, err := os.Hostname()
	if err != nil {
		host = "a terminal"
	}
	var answer struct {
		Made struct{ PersonalAccessToken tokenView } `json:"createPersonalAccessToken"`
	}
	err = person.do(ctx, `mutation($input: CreatePersonalAccessTokenInput!) {
		createPersonalAccessToken(input: $input) { personalAccessToken { id token } } }`, map[string]any{"input": map[string]any{
		"name": "tokenledger login, " + host, "description": "Made by tokenledger login after signing in in the browser.",
		"expiresAt": expires.UTC().Format(time.RFC3339), "organizationIDs": []string{organization},
	}}, &answer)
	return answer.Made.PersonalAccessToken, err
}

// signInAt goes through the provider's code flow with PKCE. The answer comes to a port
// of the loopback interface that listens until then.
func (a app) signInAt(ctx context.Context, issuer, clientID string, quiet bool) (idToken string, err error) {
	ctx, cancel := context.WithTimeout(ctx, browserLimit)
	defer cancel()
	provider, err := oidc.NewProvider(ctx, issuer)
	if err != nil {
		return "", err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	flow := &oauth2.Config{
		ClientID: clientID, Endpoint: provider.Endpoint(), Scopes: []string{oidc.ScopeOpenID, "email"},
		RedirectURL: "http://" + listener.Addr().String() + "/callback",
	}
	flow.Endpoint.AuthStyle = oauth2.AuthStyleInParams // a public client has nothing to authenticate with
	back := newCallback(listener)
	defer back.close()
	verifier, nonce := oauth2.GenerateVerifier(), rand.Text()
	a.openBrowser(ctx, flow.AuthCodeURL(back.state, oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier)), quiet)
	code, err := back.wait(ctx)
	if err != nil {
		return "", err
	}
	tokens, err := flow.Exchange(ctx, code, oauth2.VerifierOption(verifier))
	if err != nil {
		return "", errors.New("the provider did not take the code that it gave") // what it says may quote the code
	}
	raw, _ := tokens.Extra("id_token").(string)
	believed, err := provider.Verifier(&oidc.Config{ClientID: clientID}).Verify(ctx, raw)
	if err != nil {
		return "", fmt.Errorf("the provider's ID token: %w", err)
	}
	if subtle.ConstantTimeCompare([]byte(believed.Nonce), []byte(nonce)) != 1 {
		return "", errors.New("the provider's ID token was made for another sign-in")
	}
	return raw, nil
}

// callback waits for the provider's answer.
type callback struct {
	state  string // that ties the answer to this flow
	server *http.Server
	came   chan answered
}

type answered struct {
	code string
	err  error
}

func newCallback(l net.Listener) *callback {
	b := &callback{state: rand.Text(), came: make(chan answered, 1)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /callback", b.answer)
	b.server = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = b.server.Serve(l) }() // ends with close
	return b
}

// answer takes the first answer to this flow; any other is somebody else's.
func (b *callback) answer(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Referrer-Policy", "no-referrer")
	if subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(b.state)) != 1 {
		http.Error(w, "This answer belongs to another sign-in.", http.StatusBadRequest)
		return
	}
	came := answered{code: q.Get("code")}
	if came.code == "" {
		came.err = errors.New("the provider did not sign you in")
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintln(w, "The provider did not sign you in; the terminal tells more.")
	} else {
		fmt.Fprintln(w, "You are signed in. Go back to the terminal; this page can be closed.")
	}
	select {
	case b.came <- came:
	default: // a second answer
	}
}

func (b *callback) wait(ctx context.Context) (string, error) {
	select {
	case came := <-b.came:
		return came.code, came.err
	case <-ctx.Done():
		return "", fmt.Errorf("nobody came back from the provider: %w", ctx.Err())
	}
}

// close lets the page of the answer go out.
func (b *callback) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = b.server.Shutdown(ctx)
}

// openBrowser shows a page; where there is no browser to be had, the URL is printed, as it always is.
func (a app) openBrowser(ctx context.Context, page string, quiet bool) {
	fmt.Fprintf(a.err, "Sign in at:\n  %s\n", page)
	if quiet {
		return
	}
	opener := map[string][]string{"darwin": {"open"}, "windows": {"rundll32", "url.dll,FileProtocolHandler"}}[runtime.GOOS]
	if opener == nil {
		opener = []string{"xdg-open"}
	}
	if program, err := exec.LookPath(opener[0]); err == nil {
		// What opens a page may be the browser itself, which is not to end with the sign-in.
		_ = exec.CommandContext(context.WithoutCancel(ctx), program, append(opener[1:], page)...).Start()
	}
}
