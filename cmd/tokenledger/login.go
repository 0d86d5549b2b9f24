// tokenledger login and logout: a token of this user's for a service, kept in a file, and its end.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/tokenledger/tokenledger/aggregate/secret"
)

// signingIn is what the flags of login say.
type signingIn struct {
	valueFile, organization  string
	issuer, clientID, expiry string
	quietBrowser             bool
}

func (a app) loginCommand() *cobra.Command {
	var in signingIn
	c := &cobra.Command{
		Use: "login [--server URL] [--context NAME]", Short: "Sign in to a service: with a token, or in the browser",
		Long: `Sign in to a service, and have the commands that follow speak to it. The token is checked with the service and kept
in a file that only you may read; the context (see tokenledger context) is named after the service, unless
--context says otherwise.

The token is asked for without showing it, or read from standard input or --value-file, never from the command line.

With --issuer and --client-id you sign in at your OpenID provider, in the browser, as the client that was
registered there for this program: a public (native) client with PKCE and the redirect URI http://127.0.0.1/callback,
any port, whose id the service lists in TOKENLEDGER_OIDC_AUDIENCES. In your name a personal token is then made,
for 30 days unless --expires says otherwise; tokenledger logout ends it. Both are remembered with the context.`,
		Example: `  tokenledger login --server https://ledger.example.com
  tokenledger login --server https://ledger.example.com --value-file - < token.txt
  tokenledger login --server https://ledger.example.com --issuer https://id.example.com --client-id ledger-cli`,
	}
	f := c.Flags()
	f.StringVar(&in.valueFile, "value-file", "", "file with the token's value; - is the standard input")
	f.StringVar(&in.organization, "organization", "", "id of the organization that requests are for; needed where the token reaches several")
	f.StringVar(&in.issuer, "issuer", "", "sign in in the browser at this OpenID provider, written exactly as it writes itself")
	f.StringVar(&in.clientID, "client-id", "", "id of this program at the provider")
	f.StringVar(&in.expiry, "expires", "30d", "when the token ends that is made after signing in in the browser: 30d, 12h, or a time")
	f.BoolVar(&in.quietBrowser, "no-browser", false, "only print the provider's URL, and leave opening it to you")
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if (in.issuer == "") != (in.clientID == "") {
			return usage("--issuer and --client-id belong together")
		}
		if in.issuer != "" && in.valueFile != "" {
			return usage("--value-file names a token, and --issuer asks for one; keep one of them")
		}
		return a.login(c.Context(), in, *out)
	}
	return c
}

func (a app) login(ctx context.Context, in signingIn, form string) error {
	all, name, saved, err := a.loginContext(in)
	if err != nil {
		return err
	}
	if saved.IssuedToken != "" {
		return fmt.Errorf("you are signed in to %s as %s with the token %s; end it first: tokenledger logout --context %s",
			saved.Server, name, saved.IssuedToken, name)
	}
	if inClear(saved.Server) {
		fmt.Fprintf(a.err, "The token travels to %s in clear, where others may read it; use https.\n", saved.Server)
	}
	t := target{server: saved.Server, organization: saved.Organization, caFile: saved.CAFile}
	var value string
	if saved.Issuer != "" && in.valueFile == "" {
		var made tokenView
		if made, err = a.loginInBrowser(ctx, t, saved, in); err != nil {
			return err
		}
		value, saved.IssuedToken = made.Token, made.ID
	} else if value, err = a.pastedToken(ctx, in.valueFile); err != nil {
		return err
	}
	who, err := t.whoIs(ctx, value)
	if err != nil {
		return err
	}
	saved.TokenFile = all.tokenFile(name)
	all.Named[name], all.Current = saved, name
	if err := errors.Join(all.saveToken(name, value), all.save()); err != nil {
		return fmt.Errorf("keep the token: %w", err)
	}
	a.warnOfEnvironment(all)
	return a.showRecord(append(record{{"context", name}, {"server", saved.Server}, {"tokenFile", saved.TokenFile}}, who...), form)
}

// loginContext finds the context that is signed in to, or begins one: the one that is named,
// else the one of the named server, else the one in use, else that of the default server.
func (a app) loginContext(in signingIn) (all contexts, name string, saved savedContext, err error) {
	settings, err := a.config()
	if err != nil {
		return all, "", saved, err
	}
	if all, err = a.contexts(); err != nil {
		return all, "", saved, err
	}
	flags := a.overrides()
	switch name = settings.Context; {
	case name != "":
	case !settings.ServerNamed && all.Current != "":
		name = all.Current
	default:
		name = nameOf(settings.Server)
	}
	if !contextName.MatchString(name) {
		return all, "", saved, usage("%q cannot name a context: want letters, digits, '.', '_' and '-', 64 at most", name)
	}
	saved, known := all.Named[name]
	switch {
	case known && settings.ServerNamed && saved.Server != settings.Server && (flags["TOKENLEDGER_SERVER"] != "" || flags["TOKENLEDGER_CONTEXT"] == ""):
		return all, "", saved, usage("the context %s is for %s; name another with --context, or remove it first", name, saved.Server)
	case !known:
		saved.Server = settings.Server
	}
	if in.issuer != "" {
		saved.Issuer, saved.ClientID = in.issuer, in.clientID
	}
	if in.organization != "" {
		saved.Organization = in.organization
	}
	if settings.CAFile != "" {
		if saved.CAFile, err = filepath.Abs(settings.CAFile); err != nil {
			return all, "", saved, err
		}
	}
	return all, name, saved, checkContext(saved)
}

// inClear reports whether a token would travel where others may listen.
func inClear(server string) bool {
	u, err := url.Parse(server)
	return err == nil && u.Scheme != "https" && !onThisMachine(server)
}

// pastedToken reads a token's value from where nobody sees it.
func (a app) pastedToken(ctx context.Context, file string) (value string, err error) {
	terminal, isFile := a.in.(*os.File)
	switch {
	case file != "":
		value, err = a.secretFile(file)
	case isFile && term.IsTerminal(int(terminal.Fd())):
		value, err = a.askSecretly(ctx, terminal)
	default:
		value, err = a.secretFile("-")
	}
	if err != nil {
		return "", err
	}
	if value == "" {
		return "", usage("there is no token: paste it at the terminal, or give it on the standard input or with --value-file")
	}
	if _, err := secret.Parse(value); err != nil {
		return "", usage("this is no token's value: it is `tola_` or `tolp_` and 64 characters, and not all of this one arrived unchanged")
	}
	return value, nil
}

// askSecretly reads a line that the terminal does not show. When the command is
// interrupted the terminal shows again what is typed.
func (a app) askSecretly(ctx context.Context, terminal *os.File) (string, error) {
	fd := int(terminal.Fd()) // the file is not touched by the reading that an interruption leaves behind
	before, err := term.GetState(fd)
	if err != nil {
		return "", err
	}
	fmt.Fprint(a.err, "Token: ")
	defer fmt.Fprintln(a.err)
	type typed struct {
		line []byte
		err  error
	}
	done := make(chan typed, 1)
	go func() {
		line, err := term.ReadPassword(fd)
		done <- typed{line, err}
	}()
	select {
	case t := <-done:
		if errors.Is(t.err, io.EOF) {
			t.err = nil
		}
		return strings.TrimSpace(string(t.line)), t.err
	case <-ctx.Done():
		return "", errors.Join(ctx.Err(), term.Restore(fd, before))
	}
}

// whoIs checks a token with the service, and tells whose it is as far as it may say that.
func (t target) whoIs(ctx context.Context, value string) (record, error) {
	client, err := t.client(value)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Me            *struct{ DisplayName string }
		Organizations connection[struct{ Name string }]
	}
	err = client.do(ctx, `{ me { displayName } organizations(first: 100) { edges { node { name } } } }`, nil, &answer)
	var refused remoteError
	switch {
	case errors.As(err, &refused) && refused.Extensions.Code == codeUnauthenticated:
		return nil, fmt.Errorf("%s does not know this token, or it has ended: %w", t.server, err)
	case err != nil && refused.Extensions.Code != "FORBIDDEN":
		return nil, err
	}
	var user string
	if answer.Me != nil {
		user = answer.Me.DisplayName
	}
	var organizations []string
	for _, e := range answer.Organizations.Edges {
		organizations = append(organizations, e.Node.Name)
	}
	return record{{"user", user}, {"organizations", organizations}, {"expires", client.expires}}, nil
}

// codeUnauthenticated says of a token that it is none, or none any more.
const codeUnauthenticated = "UNAUTHENTICATED"

func (a app) logoutCommand() *cobra.Command {
	var local bool
	c := &cobra.Command{
		Use: "logout [--context NAME]", Short: "Remove the token that login kept; one that login made is ended as well",
		Long: `Remove the token that login kept for a context. One that login made, after signing in in the browser, is revoked
first. The context stays, so that you can sign in again; tokenledger context remove forgets it.`,
		Example: "  tokenledger logout\n  tokenledger logout --context production",
	}
	c.Flags().BoolVar(&local, "local", false, "remove the file only, as where the service is gone; a token that login made goes on to work")
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, _ []string) error { return a.logout(c, local, *out) }
	return c
}

func (a app) logout(c *cobra.Command, local bool, form string) error {
	t, err := a.target()
	if err != nil {
		return err
	}
	if t.context == "" {
		return usage("no context is in use, so there is nothing to sign out of; name one with --context")
	}
	all, err := a.contexts()
	if err != nil {
		return err
	}
	saved := all.Named[t.context]
	if saved.TokenFile != all.tokenFile(t.context) {
		return usage("login keeps no token for the context %s", t.context)
	}
	ended := saved.IssuedToken
	if ended != "" && !local {
		if err := t.endOwnToken(c.Context(), saved); err != nil {
			return fmt.Errorf("the token %s was not ended: %w; with --local its file is removed nevertheless", ended, err)
		}
	}
	if local {
		ended = ""
	}
	saved.TokenFile, saved.IssuedToken = "", ""
	all.Named[t.context] = saved
	if err := errors.Join(all.dropToken(t.context), all.save()); err != nil {
		return fmt.Errorf("forget the token: %w", err)
	}
	return a.showRecord(record{{"context", t.context}, {"server", t.server}, {"revokedToken", ended}}, form)
}

// endOwnToken revokes the token that login made, with that token. One that has ended
// already is no failure.
func (t target) endOwnToken(ctx context.Context, saved savedContext) error {
	value, err := os.ReadFile(saved.TokenFile)
	if err != nil {
		return err
	}
	client, err := t.client(strings.TrimSpace(string(value)))
	if err != nil {
		return err
	}
	err = client.do(ctx, `mutation($id: ID!) { revokePersonalAccessToken(id: $id, reason: "signed out") { personalAccessToken { id } } }`,
		map[string]any{"id": saved.IssuedToken}, &struct{}{})
	var refused remoteError
	if errors.As(err, &refused) && (refused.Extensions.Code == codeUnauthenticated || refused.Extensions.Code == codeConflict) {
		return nil
	}
	return err
}
