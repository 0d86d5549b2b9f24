// How each command is called in the test of its forms.

package main

import "fmt"

// formCase is how a command is called once. Whatever it needs to be there is made by args.
type formCase struct {
	args  func(*installation) []string
	stdin string
	code  int  // that it ends with
	empty bool // there may be nothing to list
	fails bool // it does not succeed here, and so prints an error alone
}

func words(args ...string) formCase {
	return formCase{args: func(*installation) []string { return args }}
}

func with(args func(*installation) []string) formCase { return formCase{args: args} }

// id is with for a command whose arguments begin with an id that is made for it.
func id(of func(*installation) string, args ...string) formCase {
	return with(func(i *installation) []string { return append([]string{of(i)}, args...) })
}

const reason = "=because"

// formCases has a case for every command but those of bench, which take their time.
func formCases() map[string]formCase {
	tail, list := words("--from", "1", "--no-follow"), words()
	list.empty = true
	return map[string]formCase{
		"archive list": words(), "archive export": {args: words("--before", "2").args, empty: true}, // the first partition is not full
		"archive verify": {args: words("/nowhere", "--key", "k").args, code: exitUsage, fails: true},
		"archive detach": {args: words("/nowhere", "--reason", reason, "--yes").args, code: exitFailed, fails: true},
		"audit check":    words(), "audit export": with((*installation).export), "audit verify": with(func(i *installation) []string {
			pack := i.pack()
			return []string{pack, "--key", "@" + i.keys()}
		}),
		"context add": with(func(i *installation) []string {
			return []string{fmt.Sprint("c", i.next()), "--server", i.url, "--token-file", i.admin}
		}),
		"context list":   words(),
		"context show":   words(),
		"context use":    id((*installation).context),
		"context remove": id((*installation).context),
		"doctor":         words("--max-lag", "1000000"),
		"findings list":  list,
		"findings triage": with(func(i *installation) []string {
			return []string{"rotated_value_used", i.finding(), "--status", "closed", "--note", reason}
		}),
		"grant list": words(), "grant approve": id((*installation).granted), "grant decline": id((*installation).waiting, "--reason", reason),
		"grant end": id((*installation).granted, "--reason", reason), "grant review": id((*installation).granted, "--reason", reason),
		"grant withdraw": id(func(i *installation) string { return i.get("tokenID", "grant", "approve", i.granted()) }, "--reason", reason),
		"health":         words(),
		"init":           words("--if-needed", "--organization", "Demo", "--email", "admin@example.com"),
		"keys list":      words(),
		"keys rotate":    words("pepper", "--reason", reason),
		"login": with(func(i *installation) []string {
			return []string{"--context", fmt.Sprint("l", i.next()), "--server", i.url, "--value-file", i.admin}
		}),
		"logout": with(func(i *installation) []string {
			name := fmt.Sprint("o", i.next())
			i.get("context", "login", "--context", name, "--server", i.url, "--value-file", i.admin)
			return []string{"--context", name}
		}),
		"member accept": {args: words().args, stdin: "no such secret", code: exitFailed, fails: true},
		"member add": with(func(i *installation) []string {
			user := i.user()
			i.get("userID", "member", "end", user, "--reason", reason)
			return []string{user, "--role", "member"}
		}),
		"member end":         id((*installation).user, "--reason", reason),
		"member invitations": list,
		"member invite":      with(func(i *installation) []string { return []string{i.address(), "--role", "member"} }),
		"member list":        words(),
		"member role":        id((*installation).user, "auditor"),
		"member withdraw": id(func(i *installation) string {
			return i.get("id", "member", "invite", i.address(), "--role", "member")
		}, "--reason", reason),
		"org create":          with(func(i *installation) []string { return []string{"--name", i.name()} }),
		"org list":            words(),
		"org policy":          words(),
		"org rename":          with(func(i *installation) []string { return []string{"--name", i.name()} }),
		"org show":            words(),
		"org sso":             words(),
		"projections list":    words(),
		"projections rebuild": words("tokens"),
		"reader create": with(func(i *installation) []string {
			return []string{"--organization", i.organization, "--login", fmt.Sprintf("login%d", i.next())}
		}),
		"reader list":   with(func(i *installation) []string { i.readerLogin(); return nil }),
		"reader remove": with(func(i *installation) []string { return []string{i.readerLogin(), "--yes"} }),
		"relay reader create": with(func(i *installation) []string {
			return []string{"--organization", i.organization, "--name", fmt.Sprintf("program%d", i.next())}
		}),
		"relay reader list":   with(func(i *installation) []string { i.relayReader(); return nil }),
		"relay reader remove": with(func(i *installation) []string { return []string{i.relayReader(), "--yes"} }),
		"relay rebuild":       words("--yes"),
		"replay":              words(),
		"report":              words("population"),
		"scan":                {args: func(i *installation) []string { return []string{i.admin} }, code: exitFound},
		"sealer renew":        words("--yes"),
		"subject erase": with(func(i *installation) []string {
			user := i.user()
			i.get("id", "user", "deactivate", user, "--reason", reason)
			return []string{"--user", user, "--reason", reason, "--yes"}
		}),
		"tail":            tail,
		"token authorize": id((*installation).token), "token create": with(func(i *installation) []string {
			return []string{"--name", i.name(), "--scopes", "evidence:write"}
		}),
		"token delete": id((*installation).token), "token leak": id((*installation).token), "token list": words(),
		"token resume": id(func(i *installation) string { return i.get("id", "token", "suspend", i.token()) }),
		"token review": id((*installation).token, "--reason", reason), "token revoke": id((*installation).token, "--reason", reason),
		"token rotate": id((*installation).token), "token show": id((*installation).token), "token suspend": id((*installation).token),
		"token update":    id((*installation).token, "--description", "=1+1"),
		"user create":     with(func(i *installation) []string { return []string{"--email", i.address()} }),
		"user deactivate": id((*installation).user, "--reason", reason), "user list": words(),
		"user reactivate": id(func(i *installation) string { return i.get("id", "user", "deactivate", i.user(), "--reason", reason) }),
		"user show":       id((*installation).user), "user update": id((*installation).user, "--display-name", "=cmd()"),
		"version":     words(),
		"webhook add": words("https://8.8.8.8/hook"), "webhook list": words(), "webhook remove": id((*installation).webhook),
		"webhook dead": {args: id((*installation).webhook).args, empty: true}, "webhook replay": id((*installation).webhook),
	}
}
