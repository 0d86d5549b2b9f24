// Package console serves the page for people at the root of the service: inventory, audit and policy in the browser.
//
// The page is public and holds nothing: it speaks to the GraphQL API with its reader's session or pasted token. Its
// source stands beside this file; dist is what `npm run build` makes of it, committed so that Go alone builds the service.
package console

import (
	"embed"
	"io/fs"
	"net/http"

	"github.com/tokenledger/tokenledger/graphql/graphiql/asset"
)

// policy lets the page load from and speak to this service only, and run no script but its files. Trusted types keep
// text from ever becoming markup.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// views are the first segments of the paths that the page answers to. Every other path is nothing, or the API's.
var views = []string{
	"tokens", "personal", "grants", "create", "live", "findings", "leak", "history", "reviews", "reports",
	"proof", "policy", "people", "organization",
}

//go:embed all:dist
var dist embed.FS

// Handler serves the page at / and at the path of each view, and its files below /console/.
func Handler() http.Handler {
	mux := http.NewServeMux()
	page := load("index.html", http.Header{
		"Cache-Control":                {"no-cache"},
		"Content-Security-Policy":      {policy},
		"Cross-Origin-Opener-Policy":   {"same-origin"},
		"Cross-Origin-Resource-Policy": {"same-origin"},
		"Permissions-Policy":           {"camera=(), geolocation=(), microphone=(), payment=(), usb=()"},
	})
	mux.Handle("GET /{$}", page)
	for _, view := range views {
		mux.Handle("GET /"+view, page)
		mux.Handle("GET /"+view+"/", page)
	}
	assets, err := fs.ReadDir(dist, "dist/console")
	if err != nil {
		panic("console: " + err.Error()) // dist stands in the binary
	}
	for _, entry := range assets {
		name := "console/" + entry.Name()
		mux.Handle("GET /"+name, load(name, http.Header{"Cache-Control": {asset.Forever}}))
	}
	return mux
}

func load(name string, header http.Header) *asset.Asset {
	content, err := dist.ReadFile("dist/" + name)
	if err != nil {
		panic("console: " + err.Error()) // the names come from the binary itself
	}
	return asset.New(name, content, header)
}
