// Reading a request: from the body as JSON, from the query string, or from a form with a file.

package graphql

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	gql "github.com/99designs/gqlgen/graphql"
)

// The largest bodies, in bytes.
const (
	maxBody   = 1 << 20
	maxUpload = 10 << 20 // a file
)

// fault is what is wrong with a request that cannot be read as one of GraphQL.
type fault struct {
	status  int
	message string
}

func faulty(status int, format string, args ...any) *fault {
	return &fault{status, fmt.Sprintf(format, args...)}
}

// wire is a request as JSON has it.
type wire struct {
	Query         *string        `json:"query"`
	OperationName *string        `json:"operationName"`
	Variables     map[string]any `json:"variables"`
	Extensions    map[string]any `json:"extensions"`
}

func (h *handler) read(w http.ResponseWriter, r *http.Request) (*gql.RawParams, *fault) {
	if r.Method == http.MethodGet {
		return readURL(r)
	}
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || r.Header.Get("Content-Type") == "" {
		return nil, faulty(http.StatusUnsupportedMediaType, "Say in the header Content-Type what the body is: application/json or multipart/form-data.")
	}
	if charset := params["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") {
		return nil, faulty(http.StatusUnsupportedMediaType, "The body must be UTF-8, not %s.", charset)
	}
	switch media {
	case typeJSON:
		body, fault := readAll(http.MaxBytesReader(w, r.Body, maxBody))
		if fault != nil {
			return nil, fault
		}
		return parse(r, body)
	case "multipart/form-data":
		form := http.MaxBytesReader(w, r.Body, maxBody+maxUpload)
		return readForm(r, multipart.NewReader(form, params["boundary"]))
	}
	return nil, faulty(http.StatusUnsupportedMediaType, "The body must be application/json or multipart/form-data, not %s.", media)
}

func readAll(r io.Reader) ([]byte, *fault) {
	body, err := io.ReadAll(r)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, faulty(http.StatusRequestEntityTooLarge, "The body has more than %d bytes.", tooLarge.Limit)
	case err != nil:
		return nil, faulty(http.StatusBadRequest, "The body ended before its time.")
	case !utf8.Valid(body):
		return nil, faulty(http.StatusBadRequest, "The body is not valid UTF-8.")
	}
	return body, nil
}

// parse reads the JSON of a request.
func parse(r *http.Request, body []byte) (*gql.RawParams, *fault) {
	var in wire
	if fault := decode(body, &in, "The body"); fault != nil {
		return nil, fault
	}
	if in.Query == nil || *in.Query == "" {
		return nil, faulty(http.StatusBadRequest, "The body has no query.")
	}
	return in.params(r), nil
}

// decode reads one JSON value that is all there is. Messages never quote it.
func decode(body []byte, to any, what string) *fault {
	if first := bytes.TrimLeft(body, " \t\r\n"); len(first) > 0 && first[0] == '[' {
		return faulty(http.StatusBadRequest, "%s is a list; send one request at a time.", what)
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	err := dec.Decode(to)
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong):
		return faulty(http.StatusBadRequest, "%s has a wrong type at %q: it cannot be a %s.", what, wrong.Field, wrong.Value)
	case err != nil:
		return faulty(http.StatusBadRequest, "%s is not valid JSON.", what)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return faulty(http.StatusBadRequest, "%s has something behind its end.", what)
	}
	if replaced(body, to) {
		return faulty(http.StatusBadRequest, "%s has half of a surrogate pair, which is no character.", what)
	}
	return nil
}

// replaced reports whether decoding put U+FFFD where the text had an escape that
// is no character: nothing is to be recorded other than as it was sent.
func replaced(body []byte, decoded any) bool {
	if !bytes.Contains(body, []byte(`\ud`)) && !bytes.Contains(body, []byte(`\uD`)) {
		return false
	}
	again, err := json.Marshal(decoded)
	sent := bytes.Count(body, []byte("\uFFFD")) + bytes.Count(bytes.ToLower(body), []byte(`\ufffd`))
	return err != nil || bytes.Count(again, []byte("\uFFFD"))+bytes.Count(again, []byte(`\ufffd`)) > sent
}

// params leaves variables that are null out: here, that says the same.
func (in wire) params(r *http.Request) *gql.RawParams {
	for name, value := range in.Variables {
		if value == nil {
			delete(in.Variables, name)
		}
	}
	p := &gql.RawParams{Query: *in.Query, Variables: in.Variables, Extensions: in.Extensions, Headers: r.Header}
	if in.OperationName != nil {
		p.OperationName = *in.OperationName
	}
	return p
}

// readURL reads a request by GET.
func readURL(r *http.Request) (*gql.RawParams, *fault) {
	if len(r.URL.RawQuery) > maxBody {
		return nil, faulty(http.StatusRequestURITooLong, "The query string has more than %d bytes.", maxBody)
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, faulty(http.StatusBadRequest, "The query string cannot be read.")
	}
	text, name := query.Get("query"), query.Get("operationName")
	if text == "" {
		return nil, faulty(http.StatusBadRequest, "The query string has no query.")
	}
	in := wire{Query: &text, OperationName: &name}
	for param, to := range map[string]any{"variables": &in.Variables, "extensions": &in.Extensions} {
		value := query.Get(param)
		if !utf8.ValidString(value) || !utf8.ValidString(text) {
			return nil, faulty(http.StatusBadRequest, "The query string is not valid UTF-8.")
		}
		if value == "" {
			continue
		}
		if fault := decode([]byte(value), to, "The parameter "+param); fault != nil {
			return nil, fault
		}
	}
	return in.params(r), nil
}

// readForm reads a request with one file, as the GraphQL multipart request
// specification orders its parts: operations, map, files.
func readForm(r *http.Request, form *multipart.Reader) (*gql.RawParams, *fault) {
	operations, _, fault := readPart(form, "operations", maxBody)
	if fault != nil {
		return nil, fault
	}
	params, fault := parse(r, operations)
	if fault != nil {
		return nil, fault
	}
	places, _, fault := readPart(form, "map", maxBody)
	if fault != nil {
		return nil, fault
	}
	var files map[string][]string
	if fault := decode(places, &files, "The part map"); fault != nil {
		return nil, fault
	}
	if len(files) != 1 {
		return nil, faulty(http.StatusBadRequest, "The part map must name one file.")
	}
	for key, paths := range files {
		body, name, fault := readPart(form, key, maxUpload)
		if fault != nil {
			return nil, fault
		}
		if len(paths) != 1 {
			return nil, faulty(http.StatusBadRequest, "The part map must say one place for the file, such as variables.input.")
		}
		if params.Variables == nil {
			return nil, faulty(http.StatusBadRequest, "The operations have no variables to put the file into.")
		}
		upload := gql.Upload{File: bytes.NewReader(body), Filename: name, Size: int64(len(body)), ContentType: "text/csv"}
		if err := params.AddUpload(upload, key, paths[0]); err != nil {
			return nil, faulty(http.StatusBadRequest, "The part map names a place for the file that the operations do not have as null.")
		}
	}
	return params, nil
}

// readPart reads the next part, which must have this name.
func readPart(form *multipart.Reader, name string, limit int64) (body []byte, file string, _ *fault) {
	part, err := form.NextPart()
	if err != nil {
		return nil, "", faulty(http.StatusBadRequest, "The form ends before its part %q.", name)
	}
	if part.FormName() != name {
		return nil, "", faulty(http.StatusBadRequest, "The form has a part %q where %q comes next: operations, map, then the file.", part.FormName(), name)
	}
	body, fault := readAll(http.MaxBytesReader(nil, part, limit))
	return body, part.FileName(), fault
}

// quality is the weight of a media type, 1 if there is none or it cannot be read.
func quality(q string) float64 {
	if w, err := strconv.ParseFloat(q, 64); err == nil {
		return w
	}
	return 1
}
