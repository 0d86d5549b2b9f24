// The command line: the root command, its flags, exit codes and output forms.

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tokenledger/tokenledger/aggregate/secret"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/config"
)

// Exit codes of every command.
const (
	exitOK     = 0
	exitFailed = 1 // it was tried and did not succeed
	exitUsage  = 2 // the call or the configuration is wrong; nothing was tried
	exitFound  = 3 // a scan found token values
)

// stdio is what a command sees of the process, so that tests can run one.
type stdio struct {
	in       io.Reader
	out, err io.Writer
	environ  []string
}

// usageError is a mistake in the call.
type usageError struct{ error }

func (u usageError) Unwrap() error { return u.error }

func usage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// run is the whole program but for the process around it.
func run(ctx context.Context, args []string, s stdio) int {
	root := newRootCommand(s)
	root.SetArgs(args)
	c, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	code := exitCode(err)
	if f := c.Flags().Lookup("output"); f != nil && f.Value.String() == "json" {
		_ = json.NewEncoder(s.err).Encode(map[string]any{"error": failureOf(err, code)})
	} else {
		fmt.Fprintln(s.err, "tokenledger:", secret.RedactString(err.Error()))
	}
	return code
}

// failure is an error as programs read it: an object on stderr, where --output json was asked for.
type failure struct {
	Message  string `json:"message"`
	ExitCode int    `json:"exitCode"`
	Code     string `json:"code,omitempty"` // of the service's answer
	Field    string `json:"field,omitempty"`
}

func failureOf(err error, code int) failure {
	f := failure{Message: secret.RedactString(err.Error()), ExitCode: code}
	var refused remoteError
	if errors.As(err, &refused) {
		f.Code, f.Field = refused.Extensions.Code, refused.Extensions.Field
	}
	return f
}

func exitCode(err error) int {
	if v := (verdictError{}); errors.As(err, &v) {
		return int(v.verdict)
	}
	var u usageError
	if errors.As(err, &u) || errors.Is(err, config.ErrInvalid) {
		return exitUsage
	}
	if errors.Is(err, errFound) {
		return exitFound
	}
	return exitFailed
}

// Mistakes that several commands know.
var (
	errNoReason     = usage("--reason is missing: whoever reads the log later wants to know why")
	errNeverExpires = usage("--never and --expires contradict each other")
)

// settings are the flags that stand for variables of the environment.
var settings = map[string]struct{ variable, help string }{
	"data":          {"TOKENLEDGER_DATA", "data directory"},
	"listen":        {"TOKENLEDGER_LISTEN", "address of the HTTP interface"},
	"admin-listen":  {"TOKENLEDGER_ADMIN_LISTEN", "address of metrics and profiles"},
	"tls-cert-file": {"TOKENLEDGER_TLS_CERT_FILE", "certificate that the HTTP interface is served with"},
	"tls-key-file":  {"TOKENLEDGER_TLS_KEY_FILE", "key of that certificate"},
	"log-format":    {"TOKENLEDGER_LOG_FORMAT", "text or json"},
	"log-level":     {"TOKENLEDGER_LOG_LEVEL", "debug, info, warn or error"},
	"archives":      {"TOKENLEDGER_ARCHIVES", "directory of archives of events, or one of them"},
	"key-file":      {"TOKENLEDGER_KEY_FILE", "file of peppers and keys"},
	"server":        {"TOKENLEDGER_SERVER", "URL of the service that client commands speak to"},
	"token-file":    {"TOKENLEDGER_TOKEN_FILE", "file that holds the token of client commands"},
	"ca-file":       {"TOKENLEDGER_CA_FILE", "PEM file of the authorities that client commands trust to vouch for the service, in place of the system's"},
	"context":       {"TOKENLEDGER_CONTEXT", "name of the context of client commands; see tokenledger context"},
}

func newRootCommand(s stdio) *cobra.Command {
	root := &cobra.Command{
		Use:   "tokenledger",
		Short: "The ledger of API tokens: who created each, who used it for what, who revoked it and why",
		Long: `tokenledger keeps the whole life of API tokens as an immutable, ordered, verifiable log.

Start here:
  tokenledger serve            run the service; it needs nothing else, and says what to do next
  tokenledger demo             look around in a ledger with a month of believable history
  tokenledger login            sign in to a service that runs elsewhere
  tokenledger token create     make a token
  tokenledger tail             follow every event as it is recorded
  tokenledger doctor           is all well? and what to do if not

Every command that prints data takes --output table, json or csv; "tokenledger completion --help" tells how a
shell completes commands and names.`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
	}
	wait := &waiting{}
	s.out, s.err = afterWaiting{s.out, wait}, afterWaiting{s.err, wait}
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		root.PersistentFlags().String(name, "", settings[name].help+" ("+settings[name].variable+")")
	}
	root.PersistentFlags().BoolP("quiet", "q", false, "show no progress")
	a := app{stdio: s, flags: root.PersistentFlags(), waiting: wait}
	root.AddCommand(
		a.serveCommand(), a.demoCommand(),
		a.initCommand(),
		a.loginCommand(), a.logoutCommand(), a.contextCommand(),
		a.doctorCommand(), a.healthCommand(),
		a.versionCommand(),
		a.tokenCommand(), a.grantCommand(),
		a.scanCommand(),
		a.orgCommand(),
		a.userCommand(),
		a.memberCommand(),
		a.findingsCommand(),
		a.webhookCommand(),
		a.tailCommand(),
		a.psqlCommand(), a.readerCommand(), a.migrateCommand(),
		a.projectionsCommand(),
		a.replayCommand(), a.reportCommand(), a.auditCommand(),
		a.relayCommand(),
		a.schemaCommand(),
		a.keysCommand(), a.witnessCommand(), a.subjectCommand(), a.sealerCommand(), a.archiveCommand(),
		a.benchCommand(), a.referenceCommand(),
	)
	strictArgs(root)
	a.showWaiting(root)
	a.completeNames(root)
	showExamples(root)
	inGroups(root)
	return root
}

// strictArgs makes a wrong number of arguments a mistake in the call, an unknown word behind a
// group of commands among them; a group by itself shows its help.
func strictArgs(c *cobra.Command) {
	if c.HasSubCommands() {
		c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	}
	check := c.Args
	if check == nil {
		check = cobra.NoArgs
	}
	c.Args = func(c *cobra.Command, args []string) error {
		if err := check(c, args); err != nil {
			if c.HasSubCommands() {
				return usage("%w%s; see %s --help", err, meant(c, args), c.CommandPath())
			}
			return usage("%w; usage: %s", err, strings.TrimSuffix(c.UseLine(), " [flags]"))
		}
		return nil
	}
	for _, sub := range c.Commands() {
		strictArgs(sub)
	}
}

// meant names the commands that a word resembles which is none.
func meant(c *cobra.Command, words []string) string {
	c.SuggestionsMinimumDistance = 2
	if like := c.SuggestionsFor(words[0]); len(like) > 0 {
		return ` (did you mean "` + strings.Join(like, `" or "`) + `"?)`
	}
	return ""
}

// kinds are the groups that the root command lists its commands in.
var kinds = []struct {
	id, title string
	commands  []string
}{
	{"begin", "To begin", []string{"serve", "demo", "init", "login", "logout", "context", "doctor"}},
	{"tokens", "Tokens, and who may have them", []string{"token", "grant", "org", "user", "member", "scan"}},
	{"look", "What happened, and what to do about it", []string{"tail", "findings", "webhook", "report", "audit", "replay"}},
	{"run", "For whoever runs it", []string{
		"health", "keys", "archive", "projections", "relay", "sealer", "witness", "subject", "migrate", "psql", "reader",
	}},
	{"more", "And", []string{"bench", "schema", "version", "help", "completion"}},
}

// inGroups has the help list commands by what they are for.
func inGroups(root *cobra.Command) {
	for _, k := range kinds {
		root.AddGroup(&cobra.Group{ID: k.id, Title: k.title + ":"})
		for _, c := range root.Commands() {
			if slices.Contains(k.commands, c.Name()) {
				c.GroupID = k.id
			}
		}
	}
	root.SetHelpCommandGroupID("more")
	root.SetCompletionCommandGroupID("more")
}

// app is what the commands share.
type app struct {
	stdio
	flags   *pflag.FlagSet
	waiting *waiting
}

// overrides gives the settings that flags name, by variable.
func (a app) overrides() map[string]string {
	set := map[string]string{}
	// Changed, not Visit: a flag after a sub-command is set in that one's set.
	a.flags.VisitAll(func(f *pflag.Flag) {
		if v, ok := settings[f.Name]; ok && f.Changed {
			set[v.variable] = f.Value.String()
		}
	})
	return set
}

func (a app) config() (config.Config, error) { return config.Load(a.overrides(), a.environ) }

// outputFlag adds --output with the forms that a command can give.
func outputFlag(c *cobra.Command, forms ...string) *string {
	var form string
	c.Flags().StringVarP(&form, "output", "o", forms[0], "form of the output: "+strings.Join(forms, ", "))
	completes(c, "output", forms...)
	before := c.PreRunE
	c.PreRunE = func(c *cobra.Command, args []string) error {
		if !slices.Contains(forms, form) {
			return usage("--output %s: want one of %s", form, strings.Join(forms, ", "))
		}
		if before != nil {
			return before(c, args)
		}
		return nil
	}
	return &form
}
