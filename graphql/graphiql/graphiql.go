// Package graphiql serves the GraphiQL page: a query editor in the browser that works without any network but the
// service itself. Every script, style and font stands in the binary; README.md says where they come from.
//
// The page is public. It sends what its reader types to the service's GraphQL endpoint, with the bearer token that the
// reader pastes; the token is kept in the memory of the page alone, and so is everything typed beside it.
package graphiql

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"net/http"
	"path"
	"slices"

	"github.com/tokenledger/tokenledger/graphql/graphiql/asset"
)

// Path is where the page expects to stand; mount the handler for it and for everything below.
const Path = "/graphiql"

// policy lets the page load and reach this service only, and run no script but its files. Fonts and cursors stand in
// the style sheets as data.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; font-src data:; img-src 'self' data:; " +
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

//go:embed page vendored
var files embed.FS

// The page's files in the order in which a browser must load them; page.js imports fetcher.js by itself.
var (
	styles  = []string{"vendored/graphiql.min.css", "vendored/plugin-explorer.css", "page/page.css"}
	scripts = []string{
		"vendored/react.production.min.js", "vendored/react-dom.production.min.js",
		"vendored/graphiql.min.js", "vendored/plugin-explorer.umd.js",
	}
	modules = []string{"page/page.js", "page/fetcher.js"}
)

const licences = "vendored/LICENSES.txt"

// Handler serves the page at Path and its files below; queryPath is the path of the GraphQL endpoint on the same host.
func Handler(queryPath string) http.Handler {
	names := slices.Concat(styles, scripts, modules, []string{licences})
	assets := make([]*asset.Asset, len(names))
	digest := sha256.New()
	for i, name := range names {
		assets[i] = load(name)
		digest.Write(assets[i].Content())
	}
	// One version in the path of all files: relative imports stay within it, and none of them ever changes.
	base := Path + "/assets/" + hex.EncodeToString(digest.Sum(nil)[:8]) + "/"

	mux := http.NewServeMux()
	for i, name := range names {
		mux.Handle("GET "+base+path.Base(name), assets[i])
	}
	page := renderPage(base, queryPath)
	mux.Handle("GET "+Path, page)
	mux.Handle("GET "+Path+"/{$}", page)
	return mux
}

func load(name string) *asset.Asset {
	content, err := files.ReadFile(name)
	if err != nil {
		panic("graphiql: " + err.Error()) // the name stands in this package and the file in its binary
	}
	return asset.New(name, content, http.Header{"Cache-Control": {asset.Forever}})
}

// renderPage fills the template once; a failure is a fault of this package, which its tests would show.
func renderPage(base, queryPath string) *asset.Asset {
	urls := func(names ...string) (urls []string) {
		for _, name := range names {
			urls = append(urls, base+path.Base(name))
		}
		return urls
	}
	var html bytes.Buffer
	err := template.Must(template.ParseFS(files, "page/page.html")).Execute(&html, map[string]any{
		"Styles":    urls(styles...),
		"Scripts":   urls(scripts...),
		"Main":      urls(modules[0])[0],
		"Licences":  urls(licences)[0],
		"QueryPath": queryPath,
	})
	if err != nil {
		panic("graphiql: " + err.Error())
	}
	return asset.New("page/page.html", html.Bytes(), http.Header{
		"Cache-Control":              {"no-cache"},
		"Content-Security-Policy":    {policy},
		"Cross-Origin-Opener-Policy": {"same-origin"},
		"Referrer-Policy":            {"no-referrer"},
		"X-Frame-Options":            {"DENY"},
	})
}
