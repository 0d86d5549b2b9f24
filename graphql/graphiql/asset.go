// One file of the page as HTTP serves it: compressed where the client takes that, cached for good.
package graphiql

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
	".js":  "text/javascript; charset=utf-8",
	".css": "text/css; charset=utf-8",
	".txt": "text/plain; charset=utf-8",
}

type asset struct {
	name       string
	content    []byte
	header     http.Header
	tag        string
	compressed func() []byte // made on the first request for it
}

func newAsset(name string) *asset {
	content, err := files.ReadFile(name)
	if err != nil {
		panic("graphiql: " + err.Error()) // the name stands in this package and the file in its binary
	}
	return (&asset{name: name, content: content, header: http.Header{
		"Content-Type":  {contentTypes[path.Ext(name)]},
		"Cache-Control": {"public, max-age=31536000, immutable"},
	}}).sealed()
}

// sealed derives what depends on the content, which must not change afterwards.
func (a *asset) sealed() *asset {
	sum := sha256.Sum256(a.content)
	a.tag = hex.EncodeToString(sum[:12])
	a.compressed = sync.OnceValue(func() []byte {
		var out bytes.Buffer
		w := gzip.NewWriter(&out)
		_, _ = w.Write(a.content) // a bytes.Buffer takes everything
		_ = w.Close()
		return out.Bytes()
	})
	return a
}

func (a *asset) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	maps.Copy(header, a.header)
	header.Set("Vary", "Accept-Encoding")
	header.Set("X-Content-Type-Options", "nosniff")
	content, tag := a.content, a.tag
	if acceptsGzip(r.Header.Values("Accept-Encoding")) {
		header.Set("Content-Encoding", "gzip")
		content, tag = a.compressed(), tag+"-gzip"
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
