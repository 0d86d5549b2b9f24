// GraphQL over HTTP: methods, media types, statuses, and bodies that are none.

package graphql_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

const (
	asJSON     = "application/json"
	asResponse = "application/graphql-response+json"
)

func TestStatusAndMediaType(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const (
		good     = `{"query": "{ organization { id } }"}`
		syntax   = `{"query": "{ organization { id }"}`
		unknown  = `{"query": "{ nobody }"}`
		variable = `{"query": "query($id: ID!) { user(id: $id) { id } }"}`
		resolver = `{"query": "{ apiToken(id: \"01890a5d-ac96-774b-bcce-b302099a8057\") { id } }"}`
		partial  = `{"query": "{ organization { id } node(id: \"x\") { id } }"}`
		several  = `{"query": "query A { organization { id } } query B { organization { id } }"}`
	)
	for name, c := range map[string]struct {
		accept, body string
		status       int
		media        string
		data         bool
	}{
		"good as JSON":                   {asJSON, good, 200, asJSON, true},
		"good as response":               {asResponse, good, 200, asResponse, true},
		"no Accept":                      {"-", good, 200, asResponse, true},
		"any Accept":                     {"*/*", good, 200, asResponse, true},
		"weights":                        {asResponse + ";q=0.5, " + asJSON, good, 200, asJSON, true},
		"first of equals":                {asJSON + ", " + asResponse, good, 200, asJSON, true},
		"refused by weight":              {asResponse + ";q=0, " + asJSON + ";q=0.1", good, 200, asJSON, true},
		"nothing acceptable":             {"text/html", good, 406, asJSON, false},
		"syntax as JSON":                 {asJSON, syntax, 200, asJSON, false},
		"syntax as response":             {asResponse, syntax, 400, asResponse, false},
		"validation as JSON":             {asJSON, unknown, 200, asJSON, false},
		"validation as response":         {asResponse, unknown, 400, asResponse, false},
		"variable as JSON":               {asJSON, variable, 200, asJSON, false},
		"variable as response":           {asResponse, variable, 400, asResponse, false},
		"operation not determined":       {asResponse, several, 400, asResponse, false},
		"resolver error as JSON":         {asJSON, resolver, 200, asJSON, true},
		"resolver error as response":     {asResponse, resolver, 200, asResponse, true},
		"partial answer":                 {asResponse, partial, 200, asResponse, true},
		"no JSON":                        {asJSON, `NONSENSE`, 400, asJSON, false},
		"no JSON as response":            {asResponse, `{"query":`, 400, asResponse, false},
		"misspelt":                       {asJSON, `{"qeury": "{ organization { id } }"}`, 400, asJSON, false},
		"query is no text":               {asJSON, `{"query": 7}`, 400, asJSON, false},
		"variables are a list":           {asJSON, `{"query": "{ organization { id } }", "variables": [7]}`, 400, asJSON, false},
		"operationName is a number":      {asJSON, `{"query": "{ organization { id } }", "operationName": 7}`, 400, asJSON, false},
		"null parameters":                {asJSON, `{"query": "{ organization { id } }", "variables": null, "operationName": null, "extensions": null}`, 200, asJSON, true},
		"a list of requests":             {asJSON, `[` + good + `,` + good + `]`, 400, asJSON, false},
		"something behind":               {asJSON, good + good, 400, asJSON, false},
		"empty":                          {asJSON, ``, 400, asJSON, false},
		"invalid UTF-8":                  {asJSON, "{\"query\": \"{ organization { id } }\", \"operationName\": \"\xff\"}", 400, asJSON, false},
		"half a surrogate pair":          {asJSON, `{"query": "{ organization { id } }", "variables": {"x": "\ud800"}}`, 400, asJSON, false},
		"a whole surrogate pair":         {asJSON, `{"query": "{ organization { id } }", "variables": {"x": "\ud83d\ude00\ufffd"}}`, 200, asJSON, true},
		"too large":                      {asJSON, `{"query": "{ organization { id } } #` + strings.Repeat("x", 1<<20) + `"}`, 413, asJSON, false},
		"subscription without streaming": {asJSON, `{"query": "subscription { auditEvents { type } }"}`, 406, asJSON, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			headers := []string{"Content-Type", "application/json"}
			if c.accept != "-" {
				headers = append(headers, "Accept", c.accept)
			}
			w := *w
			w.t = t
			a := w.post(w.admin, []byte(c.body), headers...)
			if a.status != c.status || a.header.Get("Content-Type") != c.media+"; charset=utf-8" {
				t.Errorf("got %d %s, want %d %s: %s", a.status, a.header.Get("Content-Type"), c.status, c.media, a.body)
			}
			if has := bytes.Contains(a.body, []byte(`"data":`)); has != c.data {
				t.Errorf("data in the answer: %v, want %v: %s", has, c.data, a.body)
			}
			if !c.data {
				a.refuses("BAD_USER_INPUT", "*")
			}
			if a.header.Get("Cache-Control") != "no-store" {
				t.Error("the answer may be stored")
			}
		})
	}
}

func TestContentTypes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for media, status := range map[string]int{
		"application/json": 200, "application/json; charset=UTF-8": 200, "application/json; charset=latin1": 415,
		"text/plain": 415, "application/x-www-form-urlencoded": 415, "application/graphql": 415, "": 415, "nonsense/": 415,
	} {
		if a := w.post(w.admin, []byte(`{"query": "{ organization { id } }"}`), "Content-Type", media); a.status != status {
			t.Errorf("%q: got %d, want %d", media, a.status, status)
		}
	}
}

func TestMethods(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	get := func(query string, more ...string) answer {
		v := url.Values{"query": {query}}
		for i := 0; i < len(more); i += 2 {
			v.Set(more[i], more[i+1])
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.server.URL+"?"+v.Encode(), nil)
		must(t, err)
		return w.roundTrip(r, w.admin)
	}
	if a := get(`query Q($id: ID!) { user(id: $id) { id } }`, "variables", fmt.Sprintf(`{"id": %q}`, w.user), "operationName", "Q"); a.at("user.id") != w.user.String() {
		t.Errorf("a query by GET: %d %s", a.status, a.body)
	}
	if a := get(`mutation { registerObject(name: "x") { receipt { position } } }`); a.status != 405 || a.header.Get("Allow") != "POST" {
		t.Errorf("a mutation by GET: got %d, Allow %q", a.status, a.header.Get("Allow"))
	}
	for _, bad := range [][]string{{"variables", "[]"}, {"variables", "{"}, {"extensions", "7"}, {"variables", "\"\xff\""}} {
		if a := get(`{ organization { id } }`, bad...); a.status != 400 {
			t.Errorf("%q: got %d", bad, a.status)
		}
	}
	if a := get(""); a.status != 400 {
		t.Errorf("without a query: got %d", a.status)
	}
	for method, status := range map[string]int{"PUT": 405, "DELETE": 405, "PATCH": 405, "HEAD": 405, "OPTIONS": 204} {
		r, err := http.NewRequestWithContext(t.Context(), method, w.server.URL, nil)
		must(t, err)
		if a := w.roundTrip(r, w.admin); a.status != status || a.header.Get("Allow") == "" {
			t.Errorf("%s: got %d, Allow %q", method, a.status, a.header.Get("Allow"))
		}
	}
	if w.events("organization.object_registered") != 0 {
		t.Error("a refused request left an event")
	}
}

// events counts the events of a type in the log.
func (w *world) events(kind string) int {
	w.t.Helper()
	n := 0
	for rec, err := range w.log.ReadAll(w.t.Context(), 0) {
		must(w.t, err)
		if string(rec.Event.Type()) == kind {
			n++
		}
	}
	return n
}

func TestWithoutCaller(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, query := range []string{`{ organization { id } }`, `{ __typename organization { id } }`, createAPIToken, `subscription { auditEvents { type } }`} {
		variables := vars{"input": vars{"name": "x"}}
		a := w.send("", query, variables)
		if a.status != http.StatusUnauthorized || a.header.Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("%s: got %d, WWW-Authenticate %q", query, a.status, a.header.Get("WWW-Authenticate"))
		}
		a.refuses("UNAUTHENTICATED", "")
	}
}

// A variable sent as null says the same as one left out.
func TestNullVariables(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.apiToken("one", "read")
	const query = `query($first: Int = 1, $where: APITokenWhereInput, $orderBy: [APITokenOrder!]) { apiTokens(first: $first, where: $where, orderBy: $orderBy) { totalCount edges { node { name } } } }`
	for name, v := range map[string]vars{
		"left out": {}, "null": {"first": nil, "where": nil, "orderBy": nil}, "null within": {"where": vars{"name": nil, "and": nil}},
	} {
		if a := w.ask(query, v); a.at("apiTokens.totalCount") != "1" {
			t.Errorf("%s: %s", name, a.body)
		}
	}
	if a := w.ask(`mutation($input: CreateAPITokenInput!) { createAPIToken(input: $input) { apiToken { description expiresAt } } }`,
		vars{"input": vars{"name": "two", "scopes": []string{"read"}, "description": nil, "expiresAt": nil, "revokedAt": nil}}); a.at("createAPIToken.apiToken.expiresAt") != "" {
		t.Errorf("null within an input: %s", a.body)
	}
}

// form sends a request with one file.
func (w *world) form(operations, places, file string) answer {
	w.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	must(w.t, form.WriteField("operations", operations))
	must(w.t, form.WriteField("map", places))
	part, err := form.CreateFormFile("0", "tokens.csv")
	must(w.t, err)
	_, err = part.Write([]byte(file))
	must(w.t, err)
	must(w.t, form.Close())
	return w.post(w.admin, body.Bytes(), "Content-Type", form.FormDataContentType(), "Accept", asJSON)
}

const createCSV = `{"query": "mutation($file: Upload!) { createBulkCSVAPIToken(input: $file) { apiTokens { name scopes tags expiresAt token } receipt { events { type } } } }", "variables": {"file": null}}`

func TestCSV(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.form(createCSV, `{"0": ["variables.file"]}`, "\uFEFFname,scopes,tags,expiresAt,description\n"+
		"one,read;evidence:write,\"a; b\",2099-01-01T00:00:00Z,\"with, comma\"\ntwo,write,,,\n")
	if len(a.Errors) > 0 {
		t.Fatal(string(a.body))
	}
	for path, want := range map[string]string{
		"0.name": "one", "0.scopes": "[evidence:write read]", "0.tags": "[a b]", "0.expiresAt": "2099-01-01T00:00:00Z",
		"1.name": "two", "1.scopes": "[write]", "1.tags": "[]", "1.expiresAt": "",
	} {
		if got := a.at("createBulkCSVAPIToken.apiTokens." + path); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
	if len(a.at("createBulkCSVAPIToken.apiTokens.1.token")) != 69 {
		t.Error("the answer does not show the value")
	}
	before := w.events("token.created")
	for name, file := range map[string]string{
		"empty": "", "no tokens": "name,scopes\n", "no name": "scopes\nread\n", "unknown column": "name,colour\nx,red\n",
		"twice": "name,name\nx,y\n", "for personal tokens": "name,organizationIDs\nx,y\n", "ragged": "name,scopes\nx\n",
		"a bad time": "name,scopes,expiresAt\nx,read,tomorrow\n", "a past time": "name,scopes,expiresAt\nx,read,2001-01-01T00:00:00Z\n",
		"an unknown scope": "name,scopes\nok,read\nx,fly\n", "an empty name": "name,scopes\nok,read\n,read\n", "a bare quote": "name\n\"x\n",
		"invalid UTF-8": "name,scopes\n\xff,read\n", "too many": "name,scopes\n" + strings.Repeat("x,read\n", 1001),
	} {
		a := w.form(createCSV, `{"0": ["variables.file"]}`, file)
		if a.status == 200 {
			a.refuses("BAD_USER_INPUT", "*")
		} else if a.status != 400 {
			t.Errorf("%s: got %d", name, a.status)
		}
	}
	if after := w.events("token.created"); after != before {
		t.Errorf("refused files made %d tokens", after-before)
	}
}

func TestForms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const file = "name,scopes\none,read\n"
	for name, c := range map[string]struct {
		operations, places, file string
		status                   int
	}{
		"operations are no JSON":   {`{`, `{"0": ["variables.file"]}`, file, 400},
		"the map is no JSON":       {createCSV, `{`, file, 400},
		"the map is empty":         {createCSV, `{}`, file, 400},
		"the map has two":          {createCSV, `{"0": ["variables.file"], "1": ["variables.file"]}`, file, 400},
		"another part comes next":  {createCSV, `{"1": ["variables.file"]}`, file, 400},
		"no place":                 {createCSV, `{"0": []}`, file, 400},
		"a place that is not":      {createCSV, `{"0": ["variables.other.deep"]}`, file, 400},
		"a place outside":          {createCSV, `{"0": ["query"]}`, file, 400},
		"variables are missing":    {`{"query": "mutation($file: Upload!) { createBulkCSVAPIToken(input: $file) { apiTokens { name } } }"}`, `{"0": ["variables.file"]}`, file, 400},
		"a file that is too large": {createCSV, `{"0": ["variables.file"]}`, "name\n" + strings.Repeat("x", 10<<20), 413},
	} {
		if a := w.form(c.operations, c.places, c.file); a.status != c.status {
			t.Errorf("%s: got %d, want %d: %s", name, a.status, c.status, a.body)
		}
	}
	a := w.send(w.admin, `mutation($file: Upload!) { createBulkCSVAPIToken(input: $file) { apiTokens { name } } }`, vars{"file": "text"})
	a.refuses("BAD_USER_INPUT", "*")
}

// An error never shows what was sent, which may be a token.
func TestErrorsHideTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	value := w.apiToken("leaky", "read").value
	quoted, err := json.Marshal(value)
	must(t, err)
	for _, body := range []string{
		`{"query": "{ apiToken(id: ` + strings.ReplaceAll(string(quoted), `"`, `\"`) + `) { id } }"}`,
		`{"query": "{ node(id: 7) { id } } ` + value + `"}`,
		`{"query": "mutation { verifyToken(input: {tokn: \"` + value + `\"}) { allowed } }"}`,
		`{"query": "mutation { createAPIToken(input: {name: \"` + value + `\", scopes: [\"read\"]}) { apiToken { id } } }"}`,
		`{"query": "query($x: Int) { organizations(first: $x) { totalCount } }", "variables": {"x": "` + value + `"}}`,
		`{"query": "query(` + value + `) { organization { id } }"}`,
		`{"query": "{ organization { id } }", "operationName": "` + value + `"}`,
		`{"query": "{ organization { ` + value + ` } }"}`,
		`{"query": "{", "x": "` + value,
	} {
		a := w.post(w.admin, []byte(body), "Content-Type", "application/json")
		if len(a.Errors) == 0 {
			t.Errorf("was not refused: %s", body)
		}
		if bytes.Contains(a.body, []byte(value[27:])) {
			t.Errorf("the answer shows a token's secret: %s", a.body)
		}
	}
	if strings.Contains(w.logged.String(), value[27:]) {
		t.Error("the log shows a token's secret")
	}
}
