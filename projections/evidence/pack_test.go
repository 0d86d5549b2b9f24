// Packs of a real log: made twice alike, verified by both programs, and refused where they cannot be made.

package evidence_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore/merkle"
	"github.com/tokenledger/tokenledger/eventstore/sealer"
	"github.com/tokenledger/tokenledger/projections/evidence"
	"github.com/tokenledger/tokenledger/projections/evidence/verify"
)

// sealed is a recorded story that a sealer has sealed, with an epoch in its middle.
type sealed struct {
	recorded
	ledger     *ledger
	reader     *sealer.Reader
	exporter   evidence.Exporter
	middle     time.Time // between the two halves of the story
	end        time.Time
	key, other string // verifier keys: the log's, and somebody else's under the same name
	sign       note.Signer
	forge      note.Signer // signs as somebody else under the log's name
	outside    string      // where it keeps its checkpoints
	stop       func()      // ends the sealer
}

// keyPair makes a key for a name, the same for a seed each time.
func keyPair(t *testing.T, name string, seed byte) (note.Signer, string) {
	t.Helper()
	private, public, err := note.GenerateKey(rand.NewChaCha8([32]byte{seed}), name)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	return signer, public
}

// story has all kinds of lines: uses, refusals, texts that need escaping.
func story(l *ledger) (half int) {
	first := l.token("ci", "evidence:write")
	l.tell(first, events.TokenDescribed{Description: "=cmd|' /C calc'!A0 \"quoted\",\nand\u2028more"}, "+because, \"it\" needs\r\none")
	source := l.source(first)
	for range 3 {
		l.use(first, source, "createEvidence")
	}
	user := l.id()
	l.add(events.UserStream(user), events.UserTrail(user), events.UserCreated{})
	l.member(user, events.RoleMember)
	grant := l.grant(user, "laptop", "risk:write")
	half = len(l.requests)
	second := l.token("deploy", "risk:write")
	l.tell(second, events.TokenUseRefused{Code: "SCOPE_INSUFFICIENT", Action: "createEvidence"})
	l.tell(first, events.TokenRevoked{}, "leaked")
	l.use(second, l.source(second), "createRisk")
	l.endGrant(grant, events.CauseMembershipEnded)
	l.leave(user)
	l.use(second, 0, "createRisk")
	return half
}

func seal(t *testing.T, cuts ...int64) *sealed {
	t.Helper()
	l := newLedger(t)
	half := story(l)
	s := &sealed{ledger: l, outside: t.TempDir()}
	rest := l.requests[half:]
	l.requests = l.requests[:half]
	s.recorded = record(t, l, cuts...)
	origin := sealer.Origin(s.log.Origin(), 1)
	s.sign, s.key = keyPair(t, origin, 1)
	s.forge, s.other = keyPair(t, origin, 2)
	verifiers := func(string) ([]note.Verifier, error) { return merkle.ParseKeys(s.key) }
	blinding := make([]byte, 32)
	work, err := sealer.New(sealer.Config{
		Log: s.log, URL: s.url, Blinding: blinding, Outside: s.outside,
		Signer: func(string) (note.Signer, error) { return s.sign, nil }, Verifiers: verifiers, Every: 5 * time.Millisecond, Idle: 20 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = work.Run(ctx) }()
	s.stop = func() { stop(); <-done }
	t.Cleanup(s.stop)
	if s.reader, err = sealer.OpenReader(t.Context(), sealer.ReaderConfig{Log: s.log, URL: s.url, Blinding: blinding, Verifiers: verifiers}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.reader.Close)
	s.middle = s.sealNow(t)
	s.tell(t, rest)
	s.end = s.sealNow(t)
	s.exporter = evidence.Exporter{
		Trails: s.views, Log: s.log, Sealed: s.reader, Generator: "tokenledger test",
		Signer: func(string) (note.Signer, error) { return s.sign, nil },
		Keys:   func(string) ([]string, error) { return []string{s.key}, nil },
		Now:    func() time.Time { return dawn },
	}
	return s
}

func (s *sealed) sealNow(t *testing.T) time.Time {
	t.Helper()
	one, err := s.reader.Seal(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return one.Epoch.Time
}

// later is the second half of the story, everything the whole of it.
func (s *sealed) later() evidence.Order {
	return evidence.Order{Organization: s.ledger.org, From: s.middle, To: s.end, Operator: "grace"}
}

func (s *sealed) everything() evidence.Order {
	o := s.later()
	o.From = dawn.AddDate(-1, 0, 0)
	o.Disclose = []string{"address", "agent"}
	return o
}

func (s *sealed) export(t *testing.T, o evidence.Order) []byte {
	t.Helper()
	plan, err := s.exporter.Plan(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := plan.Write(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// byGo and byPython are the two verifiers. Their outcome is the exit code and the
// sentence.
func byGo(pack []byte, keys ...string) (merkle.Verdict, string) {
	_, err := verify.Pack(bytes.NewReader(pack), int64(len(pack)), verify.Options{Keys: keys})
	if err != nil {
		return merkle.VerdictOf(err), err.Error()
	}
	return merkle.Verified, ""
}

func byPython(t *testing.T, pack []byte, keys ...string) (merkle.Verdict, string) {
	t.Helper()
	dir := t.TempDir()
	script, file := filepath.Join(dir, "verify.py"), filepath.Join(dir, "pack.zip")
	if err := errors.Join(os.WriteFile(script, verify.Program, 0o600), os.WriteFile(file, pack, 0o600)); err != nil {
		t.Fatal(err)
	}
	args := []string{"-I", script, file}
	for _, key := range keys {
		args = append(args, "--key", key)
	}
	out, err := exec.CommandContext(t.Context(), "python3", args...).CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if strings.Contains(string(out), "Traceback") {
			t.Errorf("verify.py broke:\n%s", out)
		}
		return merkle.Verdict(exit.ExitCode()), strings.TrimSpace(string(out))
	}
	if err != nil {
		t.Fatal(err)
	}
	return merkle.Verified, ""
}

// where is the verdict's name and place, which both programs put before the colon.
func where(sentence string) string {
	place, _, _ := strings.Cut(sentence, ":")
	return place
}

func TestPacksVerifyByBothPrograms(t *testing.T) {
	t.Parallel()
	s := seal(t)
	for name, o := range map[string]evidence.Order{"a part": s.later(), "everything": s.everything()} {
		pack := s.export(t, o)
		first, _ := unzip(t, pack)
		second, _ := unzip(t, s.export(t, o))
		for file := range first {
			if !bytes.Equal(first[file], second[file]) {
				t.Errorf("%s: made twice, %s differs:\n%.2000s\n%.2000s", name, file, first[file], second[file])
			}
		}
		for _, program := range []func() (merkle.Verdict, string){
			func() (merkle.Verdict, string) { return byGo(pack, s.key) },
			func() (merkle.Verdict, string) { return byPython(t, pack, s.key) },
		} {
			if verdict, says := program(); verdict != merkle.Verified {
				t.Errorf("%s: %v %s", name, verdict, says)
			}
		}
		result, err := verify.Pack(bytes.NewReader(pack), int64(len(pack)), verify.Options{Keys: []string{s.key}, Organization: s.ledger.org.String()})
		if err != nil || result.Manifest.Events < 5 || (name == "everything") != (result.Disclosed > 0) {
			t.Errorf("%s: %+v, %v", name, result, err)
		}
	}
}

func TestAPackHoldsTheExactLeaves(t *testing.T) {
	t.Parallel()
	s := seal(t)
	files, _ := unzip(t, s.export(t, s.everything()))
	var want bytes.Buffer
	for rec, err := range (evidence.Log{Blocks: s.log}).Trail(t.Context(), s.ledger.trail(), 0, 0) {
		if err != nil {
			t.Fatal(err)
		}
		want.Write(rec.Leaf)
		want.WriteByte('\n')
	}
	if !bytes.Equal(files[verify.Events], want.Bytes()) {
		t.Error("events.jsonl is not the trail")
	}
	if strings.Contains(string(files[verify.EventsCSV]), `,"+because`) || !strings.Contains(string(files[verify.EventsCSV]), `,"'+because, ""it""`) {
		t.Error("events.csv has a formula")
	}
	if !strings.Contains(string(files[verify.Disclosures]), `"value":"192.0.2.1"`) {
		t.Errorf("disclosed: %s", files[verify.Disclosures])
	}
	for line := range bytes.Lines(files[verify.OCSF]) {
		var o struct {
			Class    int `json:"class_uid"`
			Type     int `json:"type_uid"`
			Activity int `json:"activity_id"`
			Time     int64
			Metadata struct{ Version string }
		}
		if err := json.Unmarshal(line, &o); err != nil || o.Type != o.Class*100+o.Activity || o.Time == 0 || !slices.Contains([]int{3002, 3004, 6003}, o.Class) {
			t.Errorf("OCSF: %s %v", line, err)
		}
	}
	if !strings.Contains(string(files[verify.Controls]), "SOC 2 CC6.3") || !strings.Contains(string(files[verify.Controls]), "token.revoked,1\r\n") {
		t.Errorf("controls: %s", files[verify.Controls])
	}
}

func TestPacksThatCannotBeMade(t *testing.T) {
	t.Parallel()
	s := seal(t)
	future, unknown, backwards, field := s.later(), s.later(), s.later(), s.later()
	future.To = time.Now().Add(time.Hour)
	unknown.Organization = s.ledger.owner
	backwards.From, backwards.To = backwards.To, backwards.From
	field.Disclose = []string{"shoe_size"}
	for name, c := range map[string]struct {
		order evidence.Order
		want  error
	}{
		"ends in the future": {future, evidence.ErrNotSealedYet}, "of nobody": {unknown, evidence.ErrTooEarly},
		"backwards": {backwards, evidence.ErrPeriod}, "an unknown field": {field, evidence.ErrField},
	} {
		if _, err := s.exporter.Plan(t.Context(), c.order); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// unzip gives a pack's files and their order.
func unzip(t *testing.T, pack []byte) (files map[string][]byte, order []string) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(pack), int64(len(pack)))
	if err != nil {
		t.Fatal(err)
	}
	files = map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if files[f.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
		order = append(order, f.Name)
	}
	return files, order
}
