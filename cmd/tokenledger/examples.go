// How commands are called whose own file shows no example; help and the reference show them.

package main

import (
	"strings"

	"github.com/spf13/cobra"
)

// examples are by the words that call a command, without the program's name.
var examples = map[string]string{
	"":                    "tokenledger serve\ntokenledger login --server https://ledger.example.com\ntokenledger doctor",
	"archive":             "tokenledger archive list",
	"archive detach":      "tokenledger archive detach 000000000001-000009999999.jsonl.zst --reason 'two years old' --yes",
	"archive list":        "tokenledger archive list --output csv",
	"audit":               "tokenledger audit check",
	"bench":               "tokenledger bench append --duration 10s",
	"bench append":        "tokenledger bench append --concurrency 512 --duration 10s --output json",
	"bench decide":        "tokenledger bench decide --tokens 100000 --duration 5s",
	"bench evidence":      "tokenledger bench evidence --events 100000",
	"bench growth":        "tokenledger bench growth --short 10000 --long 100000 --snapshot 10s",
	"bench list":          "tokenledger bench list --organizations 100 --tokens 100",
	"bench models":        "tokenledger bench models",
	"bench overload":      "tokenledger bench overload --output json",
	"bench replay":        "tokenledger bench replay --events 100000 --rounds 1",
	"bench revoke":        "tokenledger bench revoke --processes 3 --revocations 50",
	"bench size":          "tokenledger bench size --uses 100000 --alone 1000",
	"bench soak":          "tokenledger bench soak --minutes 10",
	"bench start":         "tokenledger bench start --tokens 100000",
	"bench timing":        "tokenledger bench timing",
	"bench verify":        "tokenledger bench verify --interface introspect --duration 10s",
	"context":             "tokenledger context list\ntokenledger context use production",
	"findings":            "tokenledger findings list --status open",
	"grant":               "tokenledger grant list",
	"grant approve":       "tokenledger grant approve 0198… --reason 'agreed with the owner'",
	"grant decline":       "tokenledger grant decline 0198… --reason 'nobody knows it'",
	"grant end":           "tokenledger grant end 0198… --reason 'the project is over'",
	"grant list":          "tokenledger grant list --output csv",
	"grant review":        "tokenledger grant review 0198… --reason 'still needed'",
	"grant withdraw":      "tokenledger grant withdraw 0198… --reason 'approved by mistake'",
	"init":                "tokenledger init --organization \"Example\" --email owner@example.com\ntokenledger init --recover",
	"keys":                "tokenledger keys list",
	"keys list":           "tokenledger keys list --public > log.vkey",
	"keys rotate":         "tokenledger keys rotate pepper --reason 'yearly'",
	"migrate":             "tokenledger migrate",
	"member":              "tokenledger member list",
	"member end":          "tokenledger member end 0198… --reason 'left the team'",
	"member invitations":  "tokenledger member invitations",
	"member list":         "tokenledger member list --output csv",
	"member withdraw":     "tokenledger member withdraw 0198… --reason 'a typo in the address'",
	"org":                 "tokenledger org list",
	"org list":            "tokenledger org list --output json",
	"org rename":          "tokenledger org rename --name acme --display-name 'ACME GmbH'",
	"org show":            "tokenledger org show",
	"projections":         "tokenledger projections list",
	"projections list":    "tokenledger projections list --output json",
	"projections rebuild": "tokenledger projections rebuild usage",
	"psql":                "tokenledger psql\ntokenledger psql -- -c 'SELECT position, type FROM events ORDER BY position DESC LIMIT 5'",
	"reader":              "tokenledger reader list",
	"reader create":       "tokenledger reader create --organization 0198… --write-to reports.url",
	"reader list":         "tokenledger reader list --output json",
	"reader remove":       "tokenledger reader remove reader_0a1b2c --yes",
	"reference":           "tokenledger reference docs/reference",
	"relay":               "tokenledger relay rebuild --yes",
	"relay reader":        "tokenledger relay reader list",
	"relay reader create": "tokenledger relay reader create --organization 0198… --name reports",
	"relay reader list":   "tokenledger relay reader list",
	"relay reader remove": "tokenledger relay reader remove ABC… --yes",
	"relay rebuild":       "tokenledger relay rebuild --yes",
	"scan":                "tokenledger scan .\ngit diff | tokenledger scan -",
	"schema":              "tokenledger schema print",
	"schema print":        "tokenledger schema print > schema.graphql",
	"sealer":              "tokenledger sealer renew --yes",
	"sealer renew":        "tokenledger sealer renew --yes",
	"serve":               "tokenledger serve\ntokenledger serve --listen 127.0.0.1:8443 --data ./ledger",
	"subject":             "tokenledger subject erase --user 0198… --reason 'request of the person' --yes",
	"subject erase":       "tokenledger subject erase --user 0198… --reason 'request of the person' --yes",
	"token":               "tokenledger token create --name ci --scopes evidence:write --expires 30d\ntokenledger token list",
	"token authorize":     "tokenledger token authorize 0198…\ntokenledger token authorize 0198… --withdraw",
	"token delete":        "tokenledger token delete 0198…",
	"token list":          "tokenledger token list --where '{\"isActive\":true,\"nameHasPrefix\":\"ci\"}' --output csv\ntokenledger token list --personal",
	"token resume":        "tokenledger token resume 0198… --reason 'it was a false alarm'",
	"token review":        "tokenledger token review 0198… --reason 'still in use'",
	"token show":          "tokenledger token show 0198… --output json",
	"token suspend":       "tokenledger token suspend 0198… --until 2h --reason 'looking into it'",
	"user":                "tokenledger user list",
	"user deactivate":     "tokenledger user deactivate 0198… --reason 'left the company'",
	"user list":           "tokenledger user list --output csv",
	"user reactivate":     "tokenledger user reactivate 0198…",
	"user show":           "tokenledger user show 0198…",
	"user update":         "tokenledger user update 0198… --display-name 'Bob B.'",
	"version":             "tokenledger version --output json",
	"webhook":             "tokenledger webhook list",
	"webhook dead":        "tokenledger webhook dead 0198…",
	"webhook list":        "tokenledger webhook list --output json",
	"webhook remove":      "tokenledger webhook remove 0198…",
	"webhook replay":      "tokenledger webhook replay 0198…",
	"witness":             "tokenledger witness --name witness.example.com/ledger --log @log.vkey --listen 127.0.0.1:8090",
}

// showExamples gives every command that has none the one that stands here.
func showExamples(c *cobra.Command) {
	_, words, _ := strings.Cut(c.CommandPath(), " ")
	if text, ok := examples[words]; ok && c.Example == "" {
		c.Example = "  " + strings.ReplaceAll(text, "\n", "\n  ")
	}
	for _, sub := range c.Commands() {
		showExamples(sub)
	}
}
