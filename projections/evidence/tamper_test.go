// The tamper corpus: every way to spoil a pack has its exit code, and both programs find it at the same place.

package evidence_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/tokenledger/tokenledger/eventstore/merkle"
	"github.com/tokenledger/tokenledger/projections/evidence"
	"github.com/tokenledger/tokenledger/projections/evidence/verify"
)

// forgery is a pack that somebody works on.
type forgery struct {
	t     *testing.T
	s     *sealed
	files map[string][]byte
	order []string
}

func (f *forgery) lines() [][]byte {
	return slices.Collect(bytes.Lines(f.files[verify.Events]))
}

func (f *forgery) setLines(lines [][]byte) { f.files[verify.Events] = bytes.Join(lines, nil) }

// edit changes the text of one line.
func (f *forgery) edit(n int, old, new string) {
	f.t.Helper()
	lines := f.lines()
	if !bytes.Contains(lines[n], []byte(old)) {
		f.t.Fatalf("line %d has no %s: %s", n, old, lines[n])
	}
	lines[n] = bytes.Replace(lines[n], []byte(old), []byte(new), 1)
	f.setLines(lines)
}

func (f *forgery) replace(name, old, new string) {
	f.t.Helper()
	if !bytes.Contains(f.files[name], []byte(old)) {
		f.t.Fatalf("%s has no %s: %.300s", name, old, f.files[name])
	}
	f.files[name] = bytes.Replace(f.files[name], []byte(old), []byte(new), 1)
}

// relist makes events.csv say what the lines say.
func (f *forgery) relist() {
	csv := verify.CSVHeader()
	for _, line := range f.lines() {
		line = bytes.TrimSuffix(line, []byte("\n"))
		leaf, err := verify.ParseLeaf(line)
		if err != nil {
			f.t.Fatal(err)
		}
		csv = verify.AppendCSV(csv, leaf, merkle.LeafHash(line))
	}
	f.files[verify.EventsCSV] = csv
}

// remake makes the manifest fit the files, and signs it.
func (f *forgery) remake(change func(*verify.Manifest), signer note.Signer) {
	f.t.Helper()
	var m verify.Manifest
	if err := json.Unmarshal(f.files[verify.ManifestAt], &m); err != nil {
		f.t.Fatal(err)
	}
	m.Files = nil
	for _, name := range f.order {
		if name != verify.ManifestAt && name != verify.ManifestSig && name != verify.Run {
			m.Files = append(m.Files, verify.File{Name: name, Size: int64(len(f.files[name])), SHA256: verify.HexSum(f.files[name])})
		}
	}
	if change != nil {
		change(&m)
	}
	text, err := m.JSON()
	if err != nil {
		f.t.Fatal(err)
	}
	signed, err := verify.SignManifest(text, signer)
	if err != nil {
		f.t.Fatal(err)
	}
	f.files[verify.ManifestAt], f.files[verify.ManifestSig] = text, signed
}

// flip changes one bit in the middle of a file.
func (f *forgery) flip(name string) {
	content := bytes.Clone(f.files[name])
	content[len(content)/2] ^= 1
	f.files[name] = content
}

// swap exchanges two files of the two ends.
func (f *forgery) swap(part string) {
	a, b := string(verify.Opening)+part, string(verify.Closing)+part
	f.files[a], f.files[b] = f.files[b], f.files[a]
}

// from takes a file out of another honest pack.
func (f *forgery) from(other map[string][]byte, names ...string) {
	for _, name := range names {
		f.files[name] = other[name]
	}
}

func (f *forgery) drop(name string) {
	f.order = slices.DeleteFunc(slices.Clone(f.order), func(n string) bool { return n == name })
}

// forgeEpoch signs, as somebody else, a log of one epoch that says what it likes.
func (f *forgery) forgeEpoch(signer note.Signer, size int64) {
	f.t.Helper()
	epoch, err := merkle.ParseEpoch(f.files[string(verify.Closing)+verify.Epoch])
	if err != nil {
		f.t.Fatal(err)
	}
	head, err := merkle.ParseHead(f.files[string(verify.Closing)+verify.Head])
	if err != nil {
		f.t.Fatal(err)
	}
	var trail merkle.Frontier
	if err := trail.UnmarshalText(f.files[verify.Frontier]); err != nil {
		f.t.Fatal(err)
	}
	for _, line := range f.lines() {
		trail.Append(merkle.LeafHash(bytes.TrimSuffix(line, []byte("\n"))))
	}
	head.Size, head.Root = trail.Size(), trail.Root()
	var heads, log merkle.Tree
	for range head.Index {
		heads.Append(merkle.Hash{})
	}
	line, err := head.Line()
	if err != nil {
		f.t.Fatal(err)
	}
	heads.Append(merkle.LeafHash(line))
	epoch.Organizations, epoch.Heads, epoch.Number = heads.Size(), heads.Root(), size
	record, err := epoch.Line()
	if err != nil {
		f.t.Fatal(err)
	}
	for range size {
		log.Append(merkle.Hash{})
	}
	log.Append(merkle.LeafHash(record))
	checkpoint, err := merkle.Checkpoint{Origin: signer.Name(), Size: log.Size(), Root: log.Root()}.Sign(signer)
	if err != nil {
		f.t.Fatal(err)
	}
	headProof, err := merkle.ProveInclusion(&heads, head.Index, heads.Size())
	if err != nil {
		f.t.Fatal(err)
	}
	epochProof, err := merkle.ProveInclusion(&log, size, log.Size())
	if err != nil {
		f.t.Fatal(err)
	}
	f.files[string(verify.Closing)+verify.Checkpoint], f.files[string(verify.Closing)+verify.Epoch] = checkpoint, record
	f.files[string(verify.Closing)+verify.Head] = line
	f.files[string(verify.Closing)+verify.HeadProof], _ = headProof.MarshalText()
	f.files[string(verify.Closing)+verify.EpochProof], _ = epochProof.MarshalText()
	f.files[verify.Consistency] = nil
}

func (f *forgery) zip() []byte { return f.zipped(zip.Store) }

func (f *forgery) zipped(method uint16) []byte {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, name := range f.order {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: method})
		if err != nil {
			f.t.Fatal(err)
		}
		if _, err := w.Write(f.files[name]); err != nil {
			f.t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		f.t.Fatal(err)
	}
	return out.Bytes()
}

func TestTamperCorpus(t *testing.T) {
	t.Parallel()
	s := seal(t)
	honest := s.export(t, s.later())
	files, order := unzip(t, honest)
	all, allOrder := unzip(t, s.export(t, s.everything()))
	n := bytes.Count(files[verify.Events], []byte("\n"))
	refused := slices.IndexFunc(slices.Collect(bytes.Lines(files[verify.Events])), func(l []byte) bool { return bytes.Contains(l, []byte("token.use_refused")) })
	opening, closing := string(verify.Opening), string(verify.Closing)

	type spoiled struct {
		spoil func(f *forgery)
		want  merkle.Verdict
	}
	cases := map[string]spoiled{
		"nothing at all":           {func(*forgery) {}, merkle.Verified},
		"run.json is free":         {func(f *forgery) { f.files[verify.Run] = []byte("{}\n") }, merkle.Verified},
		"event: byte changed":      {func(f *forgery) { f.edit(refused, "createEvidence", "createEvidencf") }, merkle.Altered},
		"event: changed, relisted": {func(f *forgery) { f.edit(refused, "createEvidence", "createEvidencf"); f.relist() }, merkle.Altered},
		"event: changed, relisted, manifest remade by a stranger": {func(f *forgery) {
			f.edit(refused, "createEvidence", "createEvidencf")
			f.relist()
			f.remake(nil, s.forge)
		}, merkle.Altered},
		"event: changed, all remade by the holder of the key": {func(f *forgery) {
			f.edit(refused, "createEvidence", "createEvidencf")
			f.relist()
			f.remake(nil, s.sign)
		}, merkle.Altered},
		"event: reason changed":        {func(f *forgery) { f.edit(n-5, `"actor":{"kind":"person"`, `"actor":{"kind":"system"`) }, merkle.Altered},
		"event: time changed":          {func(f *forgery) { f.edit(0, `"recorded_at":"2`, `"recorded_at":"1`) }, merkle.Altered},
		"event: dropped in the middle": {func(f *forgery) { f.setLines(slices.Delete(f.lines(), 2, 3)) }, merkle.Incomplete},
		"event: dropped in the middle, renumbered": {func(f *forgery) {
			lines := slices.Delete(f.lines(), 2, 3)
			for i := 2; i < len(lines); i++ {
				leaf, _ := verify.ParseLeaf(bytes.TrimSuffix(lines[i], []byte("\n")))
				at := evidence.Text(leaf.TrailPosition)
				lines[i] = bytes.Replace(lines[i], []byte(`"trail_position":`+at), []byte(`"trail_position":`+evidence.Text(leaf.TrailPosition-1)), 1)
			}
			f.setLines(lines)
			f.relist()
		}, merkle.Incomplete},
		"event: first dropped":   {func(f *forgery) { f.setLines(f.lines()[1:]) }, merkle.Incomplete},
		"event: dropped at tail": {func(f *forgery) { f.setLines(f.lines()[:n-1]) }, merkle.Incomplete},
		"event: dropped at tail, all remade by the holder of the key": {func(f *forgery) {
			f.setLines(f.lines()[:n-1])
			f.relist()
			f.remake(func(m *verify.Manifest) { m.Events--; m.Through-- }, s.sign)
		}, merkle.Incomplete},
		"event: all dropped": {func(f *forgery) { f.setLines(nil); f.relist() }, merkle.Incomplete},
		"event: two swapped": {func(f *forgery) { l := f.lines(); l[1], l[2] = l[2], l[1]; f.setLines(l) }, merkle.Incomplete},
		"event: repeated":    {func(f *forgery) { l := f.lines(); f.setLines(slices.Insert(l, 3, l[2])) }, merkle.Altered},
		"event: inserted": {func(f *forgery) {
			l := f.lines()
			f.setLines(append(l, bytes.Replace(l[n-1], []byte(`"trail_position":`), []byte(`"trail_position":1`), 1)))
		}, merkle.Incomplete},
		"event: appended": {func(f *forgery) {
			l := f.lines()
			leaf, _ := verify.ParseLeaf(bytes.TrimSuffix(l[n-1], []byte("\n")))
			f.setLines(append(l, bytes.Replace(l[n-1], []byte(`"trail_position":`+evidence.Text(leaf.TrailPosition)), []byte(`"trail_position":`+evidence.Text(leaf.TrailPosition+1)), 1)))
		}, merkle.Altered},
		"event: renumbered":       {func(f *forgery) { f.edit(3, `"position":`, `"position":9`) }, merkle.Altered},
		"event: of another trail": {func(f *forgery) { f.edit(3, s.ledger.org.String(), s.ledger.other.String()) }, merkle.Altered},
		"event: no JSON":          {func(f *forgery) { f.edit(4, `{"format":1`, `{"format":2`) }, merkle.Malformed},
		"event: last line cut":    {func(f *forgery) { f.files[verify.Events] = f.files[verify.Events][:len(f.files[verify.Events])-9] }, merkle.Malformed},
		"event: white space":      {func(f *forgery) { f.edit(2, `,"data":`, `, "data":`) }, merkle.Malformed},
		"csv: a cell changed":     {func(f *forgery) { f.replace(verify.EventsCSV, "createRisk", "createTask") }, merkle.Altered},
		"csv: a hash changed": {func(f *forgery) {
			f.files[verify.EventsCSV] = append(bytes.Clone(f.files[verify.EventsCSV][:len(f.files[verify.EventsCSV])-6]), "xyz\"\r\n"...)
		}, merkle.Altered},
		"csv: a row dropped": {func(f *forgery) { f.files[verify.EventsCSV] = verify.CSVHeader() }, merkle.Altered},
		"csv: a row added": {func(f *forgery) {
			f.files[verify.EventsCSV] = append(bytes.Clone(f.files[verify.EventsCSV]), "\"1\"\r\n"...)
		}, merkle.Altered},
		"csv: header changed":                               {func(f *forgery) { f.replace(verify.EventsCSV, "position", "place") }, merkle.Altered},
		"csv: changed, all remade by the holder of the key": {func(f *forgery) { f.replace(verify.EventsCSV, "createRisk", "createTask"); f.remake(nil, s.sign) }, merkle.Altered},
		"report changed":                                    {func(f *forgery) { f.replace(verify.ReportHTML, "Roll", "Rock") }, merkle.Altered},
		"pdf changed":                                       {func(f *forgery) { f.flip(verify.ReportPDF) }, merkle.Altered},
		"ocsf changed":                                      {func(f *forgery) { f.flip(verify.OCSF) }, merkle.Altered},
		"controls changed":                                  {func(f *forgery) { f.replace(verify.Controls, "token.revoked,1", "token.revoked,0") }, merkle.Altered},
		"verify.py changed":                                 {func(f *forgery) { f.replace(verify.Script, "UNPINNED", "VERIFIED") }, merkle.Altered},
		"report changed, manifest remade by a stranger":     {func(f *forgery) { f.replace(verify.ReportHTML, "Roll", "Rock"); f.remake(nil, s.forge) }, merkle.Unsigned},
		"manifest: period longer":                           {func(f *forgery) { f.remake(func(m *verify.Manifest) { m.To = m.To.AddDate(1, 0, 0) }, s.forge) }, merkle.Incomplete},
		"manifest: period earlier":                          {func(f *forgery) { f.remake(func(m *verify.Manifest) { m.From = m.From.AddDate(-1, 0, 0) }, s.forge) }, merkle.Incomplete},
		"manifest: period shorter":                          {func(f *forgery) { f.remake(func(m *verify.Manifest) { m.From = m.To.Add(-1000) }, s.forge) }, merkle.Unsigned},
		"manifest: backwards":                               {func(f *forgery) { f.remake(func(m *verify.Manifest) { m.From, m.To = m.To, m.From }, s.sign) }, merkle.Malformed},
		"manifest: other count":                             {func(f *forgery) { f.remake(func(m *verify.Manifest) { m.Events++ }, s.sign) }, merkle.Altered},
		"manifest: other checkpoint":                        {func(f *forgery) { f.remake(func(m *verify.Manifest) { m.Checkpoint.Size++ }, s.sign) }, merkle.Altered},
		"manifest: limits gone":                             {func(f *forgery) { f.remake(func(m *verify.Manifest) { m.Limits = []string{} }, s.forge) }, merkle.Unsigned},
		"manifest: other format":                            {func(f *forgery) { f.remake(func(m *verify.Manifest) { m.Format = "2" }, s.sign) }, merkle.Malformed},
		"manifest: other organization": {func(f *forgery) {
			f.remake(func(m *verify.Manifest) { m.Organization = s.ledger.other.String() }, s.sign)
		}, merkle.Malformed},
		"manifest: a file unlisted":  {func(f *forgery) { f.remake(func(m *verify.Manifest) { m.Files = m.Files[1:] }, s.sign) }, merkle.Malformed},
		"manifest: other spelling":   {func(f *forgery) { f.replace(verify.ManifestAt, "{\n", "{ \n") }, merkle.Malformed},
		"manifest: signature gone":   {func(f *forgery) { f.files[verify.ManifestSig] = nil }, merkle.Unsigned},
		"head forged":                {func(f *forgery) { f.replace(closing+verify.Head, `"size":`, `"size":1`) }, merkle.Altered},
		"head forged, unreadable":    {func(f *forgery) { f.replace(closing+verify.Head, `"v":1`, `"v":2`) }, merkle.Malformed},
		"head of the opening forged": {func(f *forgery) { f.replace(opening+verify.Head, `"size":`, `"size":1`) }, merkle.Altered},
		"head: index of another":     {func(f *forgery) { f.replace(closing+verify.Head, `"organization":1`, `"organization":0`) }, merkle.Altered},
		"stale head": {func(f *forgery) {
			f.from(files, opening+verify.Head)
			f.files[closing+verify.Head] = files[opening+verify.Head]
		}, merkle.Altered},
		"stale end: the opening twice": {func(f *forgery) {
			for _, part := range []string{verify.Checkpoint, verify.Epoch, verify.EpochProof, verify.Head, verify.HeadProof} {
				f.files[closing+part] = files[opening+part]
			}
		}, merkle.Incomplete},
		"ends swapped": {func(f *forgery) {
			for _, part := range []string{verify.Checkpoint, verify.Epoch, verify.EpochProof, verify.Head, verify.HeadProof} {
				f.swap(part)
			}
		}, merkle.Incomplete},
		"epoch: time changed":                     {func(f *forgery) { f.replace(closing+verify.Epoch, `"time":"2`, `"time":"3`) }, merkle.Altered},
		"epoch: number changed":                   {func(f *forgery) { f.replace(closing+verify.Epoch, `"epoch":`, `"epoch":1`) }, merkle.Altered},
		"epoch: proof changed":                    {func(f *forgery) { f.files[closing+verify.EpochProof] = nil }, merkle.Altered},
		"second epoch by a stranger":              {func(f *forgery) { f.setLines(f.lines()[:n-1]); f.forgeEpoch(s.forge, 3) }, merkle.Unsigned},
		"second history by the holder of the key": {func(f *forgery) { f.setLines(f.lines()[:n-1]); f.relist(); f.forgeEpoch(s.sign, 100_000) }, merkle.Forked},
		"rolled back: a smaller log signed anew":  {func(f *forgery) { f.forgeEpoch(s.sign, 0) }, merkle.Forked},
		"checkpoint: size changed":                {func(f *forgery) { f.replace(closing+verify.Checkpoint, "\n", "\n1") }, merkle.Unsigned},
		"checkpoint: signature cut": {func(f *forgery) {
			c := f.files[closing+verify.Checkpoint]
			f.files[closing+verify.Checkpoint] = c[:bytes.Index(c, []byte("\n\n"))+2]
		}, merkle.Malformed},
		"checkpoint: no note": {func(f *forgery) { f.files[closing+verify.Checkpoint] = []byte("trust me") }, merkle.Malformed},
		"consistency: proof changed": {func(f *forgery) {
			c := bytes.Clone(f.files[verify.Consistency])
			c[0] = map[bool]byte{true: 'B', false: 'A'}[c[0] == 'A']
			f.files[verify.Consistency] = c
		}, merkle.Forked},
		"consistency: proof gone": {func(f *forgery) { f.files[verify.Consistency] = nil }, merkle.Forked},
		"frontier: of nothing":    {func(f *forgery) { f.files[verify.Frontier] = []byte("0\n") }, merkle.Altered},
		"frontier: unreadable":    {func(f *forgery) { f.files[verify.Frontier] = []byte("x\n") }, merkle.Malformed},
		"opening left out": {func(f *forgery) {
			for _, part := range []string{verify.Checkpoint, verify.Epoch, verify.EpochProof, verify.Head, verify.HeadProof} {
				f.drop(opening + part)
			}
		}, merkle.Incomplete},
		"opening half left out":     {func(f *forgery) { f.drop(opening + verify.Head) }, merkle.Malformed},
		"first leaf of another":     {func(f *forgery) { f.files[verify.First] = bytes.TrimSuffix(f.lines()[0], []byte("\n")) }, merkle.Malformed},
		"first leaf: index changed": {func(f *forgery) { f.replace(verify.First, `"index":1`, `"index":0`) }, merkle.Altered},
		"first leaf: name changed":  {func(f *forgery) { f.replace(verify.First, `org-1`, `org-2`) }, merkle.Altered},
		"file missing":              {func(f *forgery) { f.drop(verify.OCSF) }, merkle.Malformed},
		"file added":                {func(f *forgery) { f.order = append(slices.Clone(f.order), "extra.txt") }, merkle.Malformed},
		"file twice":                {func(f *forgery) { f.order = append(slices.Clone(f.order), verify.Run) }, merkle.Malformed},
		"files in another order":    {func(f *forgery) { f.order = slices.Clone(f.order); f.order[0], f.order[1] = f.order[1], f.order[0] }, merkle.Malformed},
	}
	disclosed := map[string]spoiled{
		"disclosure: value changed":    {func(f *forgery) { f.replace(verify.Disclosures, "192.0.2.1", "192.0.2.2") }, merkle.Altered},
		"disclosure: field changed":    {func(f *forgery) { f.replace(verify.Disclosures, `"field":"address"`, `"field":"agent"`) }, merkle.Altered},
		"disclosure: nonce changed":    {func(f *forgery) { f.replace(verify.Disclosures, `"nonce":"`, `"nonce":"00`) }, merkle.Altered},
		"disclosure: position changed": {func(f *forgery) { f.replace(verify.Disclosures, `"position":`, `"position":1`) }, merkle.Altered},
		"disclosure: line changed":     {func(f *forgery) { f.replace(verify.Disclosures, `"line":`, `"line":1000`) }, merkle.Malformed},
		"disclosure: dropped":          {func(f *forgery) { f.files[verify.Disclosures] = nil }, merkle.Altered},
		"disclosure: no JSON":          {func(f *forgery) { f.replace(verify.Disclosures, `{"line"`, `"line"`) }, merkle.Malformed},
		"erased value made up":         {func(f *forgery) { f.replace(verify.Disclosures, "192.0.2.1", "erased"); f.remake(nil, s.sign) }, merkle.Altered},
		"everything, untouched":        {func(*forgery) {}, merkle.Verified},
		"opening invented": {func(f *forgery) {
			f.order = order
			for _, part := range []string{verify.Checkpoint, verify.Epoch, verify.EpochProof, verify.Head, verify.HeadProof} {
				f.files[opening+part] = files[opening+part]
			}
		}, merkle.Incomplete},
	}
	if len(cases)+len(disclosed) < 30 {
		t.Fatal("the corpus is too small")
	}
	for _, set := range []struct {
		cases map[string]spoiled
		files map[string][]byte
		order []string
	}{{cases, files, order}, {disclosed, all, allOrder}} {
		for name, c := range set.cases {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f := &forgery{t: t, s: s, files: map[string][]byte{}, order: set.order}
				for name, content := range set.files {
					f.files[name] = content
				}
				c.spoil(f)
				both(t, f.zip(), c.want, s.key)
			})
		}
	}
	t.Run("key swapped", func(t *testing.T) { t.Parallel(); both(t, honest, merkle.Unsigned, s.other) })
	t.Run("no key", func(t *testing.T) { t.Parallel(); both(t, honest, merkle.Unpinned) })
	t.Run("no verifier key", func(t *testing.T) { t.Parallel(); both(t, honest, merkle.Malformed, "key") })
	t.Run("compressed", func(t *testing.T) {
		t.Parallel()
		f := &forgery{t: t, files: files, order: order}
		both(t, f.zipped(zip.Deflate), merkle.Malformed, s.key)
	})
	t.Run("cut off", func(t *testing.T) { t.Parallel(); both(t, honest[:len(honest)/2], merkle.Malformed, s.key) })
	t.Run("empty", func(t *testing.T) { t.Parallel(); both(t, nil, merkle.Malformed, s.key) })
}

// both runs both programs, which must agree on the outcome and the place.
func both(t *testing.T, pack []byte, want merkle.Verdict, keys ...string) {
	t.Helper()
	verdict, says := byGo(pack, keys...)
	again, alsoSays := byPython(t, pack, keys...)
	if verdict != want || again != want {
		t.Errorf("Go: %v (%s), Python: %v (%s), want %v", verdict, says, again, alsoSays, want)
	}
	if where(says) != where(alsoSays) {
		t.Errorf("Go: %s, Python: %s", says, alsoSays)
	}
	if want != merkle.Verified && strings.TrimSpace(says) == "" {
		t.Error("it does not say why")
	}
}
