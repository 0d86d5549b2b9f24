// Package asset serves one file of a page that stands in the binary: compressed where the client takes that, and cached
// as its header says.
package asset

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

// contentTypes is our own, because the machine's table of types is not the same everywhere.
var contentTypes = map[string]string{
	".css":   "text/css; charset=utf-8",
	".html":  "text/html; charset=utf-8",
	".js":    "text/javascript; charset=utf-8",
	".svg":   "image/svg+xml",
	".txt":   "text/plain; charset=utf-8",
	".woff2": "font/woff2",
}

// Forever is for a file whose path changes with its content.
const Forever = "public, max-age=31536000, immutable"

// Asset is one file.
type Asset struct {
	name       string
	content    []byte
	header     http.Header
	tag        string
	compressed func() []byte // made on the first request for it
}

// New makes an asset of a file's content, which must not change afterwards. The name's extension gives the content
// type; header is what every answer has besides.
func New(name string, content []byte, header http.Header) *Asset {
	sum := sha256.Sum256(content)
	a := &Asset{name: name, content: content, header: header.Clone(), tag: hex.EncodeToString(sum[:12])}
	a.header.Set("Content-Type", contentTypes[path.Ext(name)])
	a.header.Set("X-Content-Type-Options", "nosniff")
	a.compressed = sync.OnceValue(func() []byte {
		var out bytes.Buffer
		w := gzip.NewWriter(&out)
		_, _ = w.Write(a.content) // a bytes.Buffer takes everything
		_ = w.Close()
		return out.Bytes()
	})
	return a
}

// Content is the file, uncompressed.
func (a *Asset) Content() []byte { return a.content }

func (a *Asset) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	maps.Copy(header, a.header)
	content, tag := a.content, a.tag
	if path.Ext(a.name) != ".woff2" { // which is compressed already
		header.Set("Vary", "Accept-Encoding")
		if acceptsGzip(r.Header.Values("Accept-Encoding")) {
			header.Set("Content-Encoding", "gzip")
			content, tag = a.compressed(), tag+"-gzip"
		}
	}
	header.Set("ETag", `"`+tag+`"`)
	http.ServeContent(w, r, a.name, time.Time{}, bytes.NewReader(content))
}

// acceptsGzip reads Accept-Encoding (RFC 9110, 12.5.3) as far as gzip goes: named, or meant by *, and not with weight 0.
func acceptsGzip(values []string) bool {
	accepted := false
	for coding := range strings.SplitSeq(strings.Join(values, ","), ",") {
		name, weight, _ := strings.Cut(strings.ReplaceAll(strings.ToLower(coding), " ", ""), ";q=")
		wanted := strings.Trim(weight, "0.") != "" || weight == ""
		switch name {
		case "gzip":
			return wanted
		case "*":
			accepted = wanted
		}
	}
	return accepted
}
