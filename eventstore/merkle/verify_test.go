// The completeness check: honest evidence passes, and each way to spoil it gets its own verdict.

package merkle_test

import (
	"errors"
	"io"
	"iter"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"pgregory.net/rapid"

	"github.com/tokenledger/tokenledger/eventstore/merkle"
)

// story is a ledger with three organizations, the last of which is founded after epoch 1, and six
// epochs, the last without news.
func story(t testing.TB) *ledger {
	l := newLedger(t)
	l.found()
	l.seal() // epoch 0
	l.found()
	l.use(0, 3)
	l.use(1, 6)
	l.seal() // epoch 1
	l.found()
	l.use(1, 5)
	l.use(2, 2)
	l.seal() // epoch 2
	l.use(0, 9)
	l.use(1, 4)
	l.seal() // epoch 3
	l.use(2, 1)
	l.seal() // epoch 4
	l.seal() // epoch 5
	return l
}

func TestVerifyHonestEvidence(t *testing.T) {
	t.Parallel()
	l := story(t)
	for name, c := range map[string]struct {
		organization   int
		from, to       int64
		after, through int64
	}{
		"from the beginning":           {0, -1, 5, 0, 13},
		"one epoch":                    {1, 2, 3, 12, 16},
		"many epochs":                  {1, 1, 5, 7, 16},
		"an epoch without news":        {0, 4, 5, 13, 13},
		"founded after the opening":    {2, 1, 4, 0, 4},
		"founded after, to the middle": {2, 0, 2, 0, 3},
		"from the very first epoch":    {0, 0, 1, 1, 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := l.pack(c.organization, c.from, c.to)
			proven, err := l.auditor().Verify(p.Evidence, p.each())
			if err != nil || merkle.VerdictOf(err) != merkle.Verified {
				t.Fatal(err)
			}
			if proven.After != c.after || proven.Through != c.through || proven.Closing.Number != c.to || proven.ClosingCheckpoint.Size != c.to+1 {
				t.Errorf("proven: %+v", proven)
			}
			for i := range p.leaves { // the list of hashes helps to find faults, but nothing needs it
				p.leaves[i].Listed = merkle.Hash{}
			}
			if _, err := l.auditor().Verify(p.Evidence, p.each()); err != nil {
				t.Errorf("without a list of hashes: %v", err)
			}
		})
	}
}

// spoiled is one way to spoil the evidence of organization 1 from epoch 1 to 3 (trail positions 8
// to 16, lines 1 to 9), and what must come of it.
type spoiled struct {
	spoil          func(*pack)
	verdict        merkle.Verdict
	position, line int64
}

func checkSpoiled(t *testing.T, cases map[string]spoiled) {
	l := story(t)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := l.pack(1, 1, 3)
			c.spoil(&p)
			proven, err := l.auditor().Verify(p.Evidence, p.each())
			var f *merkle.Failure
			if !errors.As(err, &f) || merkle.VerdictOf(err) != c.verdict || f.TrailPosition != c.position || f.Line != c.line {
				t.Errorf("%v (%+v), want %v at %d, line %d", err, f, c.verdict, c.position, c.line)
			}
			if !reflect.DeepEqual(proven, merkle.Proven{}) {
				t.Errorf("proven all the same: %+v", proven)
			}
		})
	}
}

func TestVerifyFindsSpoiledEvents(t *testing.T) {
	t.Parallel()
	rewrite := func(leaf *merkle.Leaf) { leaf.Bytes = []byte(strings.Replace(string(leaf.Bytes), "use", "abuse", 1)) }
	relist := func(leaf *merkle.Leaf) { leaf.Listed = merkle.LeafHash(leaf.Bytes) }
	checkSpoiled(t, map[string]spoiled{
		"altered":               {func(p *pack) { rewrite(&p.leaves[3]) }, merkle.Altered, 11, 4},
		"altered twice":         {func(p *pack) { rewrite(&p.leaves[6]); rewrite(&p.leaves[2]) }, merkle.Altered, 10, 3},
		"altered with its hash": {func(p *pack) { rewrite(&p.leaves[3]); relist(&p.leaves[3]) }, merkle.Altered, 0, 0},
		"altered, one hash of two": {func(p *pack) {
			rewrite(&p.leaves[3])
			rewrite(&p.leaves[5])
			relist(&p.leaves[3])
		}, merkle.Altered, 0, 0},
		"altered without a list": {func(p *pack) {
			rewrite(&p.leaves[3])
			for i := range p.leaves {
				p.leaves[i].Listed = merkle.Hash{}
			}
		}, merkle.Altered, 0, 0},
		"removed": {func(p *pack) { p.leaves = slices.Delete(p.leaves, 4, 5) }, merkle.Incomplete, 12, 6},
		"removed and renumbered": {func(p *pack) {
			p.leaves = slices.Delete(p.leaves, 4, 5)
			for i := range p.leaves {
				p.leaves[i].TrailPosition, p.leaves[i].Line = int64(8+i), int64(1+i)
				relist(&p.leaves[i])
			}
		}, merkle.Incomplete, 16, 0},
		"first removed":      {func(p *pack) { p.leaves = p.leaves[1:] }, merkle.Incomplete, 8, 2},
		"last removed":       {func(p *pack) { p.leaves = p.leaves[:8] }, merkle.Incomplete, 16, 0},
		"all removed":        {func(p *pack) { p.leaves = nil }, merkle.Incomplete, 8, 0},
		"doubled":            {func(p *pack) { p.leaves = slices.Insert(p.leaves, 2, p.leaves[1]) }, merkle.Altered, 10, 2},
		"swapped":            {func(p *pack) { p.leaves[2], p.leaves[3] = p.leaves[3], p.leaves[2] }, merkle.Incomplete, 10, 4},
		"added":              {func(p *pack) { p.leaves = append(p.leaves, merkle.Leaf{Line: 10, TrailPosition: 17}) }, merkle.Altered, 17, 10},
		"list of another":    {func(p *pack) { p.leaves[3].Listed[0] ^= 1 }, merkle.Malformed, 11, 4},
		"earlier ones added": {func(p *pack) { p.Frontier = merkle.Frontier{} }, merkle.Altered, 0, 0},
	})
}

func TestVerifyFindsSpoiledProofs(t *testing.T) {
	t.Parallel()
	l := story(t)
	other := l.pack(0, 1, 3)
	late := l.pack(1, 2, 3)
	checkSpoiled(t, map[string]spoiled{
		"stale closing epoch":       {func(p *pack) { p.End = p.End.Add(time.Microsecond) }, merkle.Incomplete, 0, 0},
		"opening epoch too late":    {func(p *pack) { p.Start = p.Start.Add(-time.Microsecond) }, merkle.Incomplete, 0, 0},
		"period of nothing":         {func(p *pack) { p.Start = p.End }, merkle.Malformed, 0, 0},
		"opening left out":          {func(p *pack) { p.Opening = nil }, merkle.Incomplete, 0, 0},
		"opening and frontier out":  {func(p *pack) { p.Opening, p.Frontier = nil, merkle.Frontier{} }, merkle.Incomplete, 1, 1},
		"ends exchanged":            {func(p *pack) { *p.Opening, p.Closing = p.Closing, *p.Opening }, merkle.Incomplete, 0, 0},
		"no consistency":            {func(p *pack) { p.Consistency = nil }, merkle.Forked, 0, 0},
		"consistency spoiled":       {func(p *pack) { p.Consistency[0][0] ^= 1 }, merkle.Forked, 0, 0},
		"checkpoint unreadable":     {func(p *pack) { p.Closing.Checkpoint = []byte("x") }, merkle.Malformed, 0, 0},
		"checkpoint altered":        {func(p *pack) { p.Closing.Checkpoint[len(origin)+1]++ }, merkle.Unsigned, 0, 0},
		"signature cut":             {func(p *pack) { p.Opening.Checkpoint = p.Opening.Checkpoint[:60] }, merkle.Malformed, 0, 0},
		"epoch unreadable":          {func(p *pack) { p.Closing.Epoch = p.Closing.Epoch[1:] }, merkle.Malformed, 0, 0},
		"epoch altered":             {func(p *pack) { p.Closing.Epoch[26]++ }, merkle.Altered, 0, 0},
		"epoch proof spoiled":       {func(p *pack) { p.Closing.EpochProof[0][0] ^= 1 }, merkle.Altered, 0, 0},
		"head unreadable":           {func(p *pack) { p.Closing.Head = nil }, merkle.Malformed, 0, 0},
		"head proof spoiled":        {func(p *pack) { p.Closing.HeadProof = p.Closing.HeadProof[1:] }, merkle.Altered, 0, 0},
		"opening head left out":     {func(p *pack) { p.Opening.Head = nil }, merkle.Malformed, 0, 0},
		"another's head":            {func(p *pack) { p.Closing.Head, p.Closing.HeadProof = other.Closing.Head, other.Closing.HeadProof }, merkle.Altered, 0, 0},
		"another's first event":     {func(p *pack) { p.First, p.FirstProof = other.First, other.FirstProof }, merkle.Altered, 0, 0},
		"another event as first":    {func(p *pack) { p.First = p.leaves[0].Bytes }, merkle.Malformed, 0, 0},
		"first event's proof":       {func(p *pack) { p.FirstProof = p.FirstProof[1:] }, merkle.Altered, 0, 0},
		"first event renamed":       {func(p *pack) { p.First = append(p.First, '!') }, merkle.Altered, 0, 0},
		"frontier of another epoch": {func(p *pack) { p.Frontier = late.Frontier }, merkle.Altered, 0, 0},
	})
}

// Two histories under one key: only the consistency proof can show it, and no proof can be made.
func TestVerifyFindsAFork(t *testing.T) {
	t.Parallel()
	one, two := newLedger(t), newLedger(t)
	two.key = one.key
	for _, l := range []*ledger{one, two} {
		l.found()
		l.seal()
		if l == two {
			l.use(0, 1)
		}
		l.use(0, 2)
		l.seal()
		l.use(0, 2)
		l.seal()
	}
	p := two.pack(0, 1, 2)
	opening := one.bound(1, 0)
	p.Opening, p.Frontier = &opening, frontierOf(one.trails[0][:3])
	if _, err := one.auditor().Verify(p.Evidence, p.each()); merkle.VerdictOf(err) != merkle.Forked {
		t.Errorf("got %v", err)
	}
}

// A log that signs contradictions is no better than two logs.
func TestVerifyFindsALogThatContradictsItself(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lie  lie
		want merkle.Verdict
	}{
		"nothing":                    {func(*merkle.Epoch, *[]merkle.Head) {}, merkle.Verified},
		"the events tree shrinks":    {func(e *merkle.Epoch, _ *[]merkle.Head) { e.Size = 20 }, merkle.Forked},
		"an organization vanishes":   {func(_ *merkle.Epoch, h *[]merkle.Head) { *h = (*h)[:2] }, merkle.Forked},
		"a trail outgrows the log":   {func(_ *merkle.Epoch, h *[]merkle.Head) { (*h)[1].Size = 99 }, merkle.Forked},
		"a trail shrinks":            {func(_ *merkle.Epoch, h *[]merkle.Head) { (*h)[1].Size = 4 }, merkle.Forked},
		"a head in another's place":  {func(_ *merkle.Epoch, h *[]merkle.Head) { (*h)[1].Index = 0 }, merkle.Altered},
		"a head without its history": {func(_ *merkle.Epoch, h *[]merkle.Head) { (*h)[1].Root[0] ^= 1 }, merkle.Altered},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLedger(t)
			for range 3 {
				l.found()
			}
			l.use(0, 20)
			l.use(1, 5)
			l.seal()
			l.use(1, 3)
			p := l.lyingPack(1, c.lie)
			if _, err := l.auditor().Verify(p.Evidence, p.each()); merkle.VerdictOf(err) != c.want {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// The opening epoch stands behind the closing one in the log and claims an earlier time.
func TestVerifyFindsTimeRunningBackwards(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	l.found()
	l.seal(func(e *merkle.Epoch, _ *[]merkle.Head) { e.Time = epochTime(9) })
	l.seal()
	p := l.pack(0, 0, 1)
	opening := l.bound(1, 0)
	p.Opening, p.Closing.Epoch, p.Closing.Head, p.Closing.HeadProof = &opening, p.Opening.Epoch, p.Opening.Head, p.Opening.HeadProof
	p.Closing.EpochProof = must[merkle.Proof](t)(merkle.ProveInclusion(&l.log, 0, 2))
	p.Consistency = nil // both ends have the same checkpoint
	p.Start, p.End = epochTime(1), epochTime(9)
	if _, err := l.auditor().Verify(p.Evidence, p.each()); merkle.VerdictOf(err) != merkle.Forked {
		t.Errorf("got %v", err)
	}
}

func TestVerifyNeedsKeysFromElsewhere(t *testing.T) {
	t.Parallel()
	l := story(t)
	p := l.pack(1, 1, 3)
	auditor := l.auditor()
	auditor.Pinned = false
	proven, err := auditor.Verify(p.Evidence, p.each())
	if merkle.VerdictOf(err) != merkle.Unpinned || proven.Through != 16 {
		t.Errorf("keys from the pack: %+v, %v", proven, err)
	}
	auditor.Keys = nil
	if _, err := auditor.Verify(p.Evidence, p.each()); merkle.VerdictOf(err) != merkle.Unpinned {
		t.Errorf("no key: %v", err)
	}
	auditor.Keys, auditor.Pinned = []note.Verifier{newKey(t, origin).verifier}, true
	if _, err := auditor.Verify(p.Evidence, p.each()); merkle.VerdictOf(err) != merkle.Unsigned {
		t.Errorf("another key: %v", err)
	}
	// What is spoiled stays spoiled, pinned or not.
	auditor = l.auditor()
	auditor.Pinned = false
	p.leaves = p.leaves[1:]
	if _, err := auditor.Verify(p.Evidence, p.each()); merkle.VerdictOf(err) != merkle.Incomplete {
		t.Errorf("incomplete and unpinned: %v", err)
	}
}

func TestVerifyPassesOnTheReadersVerdict(t *testing.T) {
	t.Parallel()
	l := story(t)
	p := l.pack(1, 1, 3)
	broken := func(err error) iter.Seq2[merkle.Leaf, error] {
		return func(yield func(merkle.Leaf, error) bool) {
			_ = yield(p.leaves[0], nil) && yield(merkle.Leaf{Line: 2}, err)
		}
	}
	for _, c := range []struct {
		err  error
		want merkle.Verdict
	}{
		{io.ErrUnexpectedEOF, merkle.Malformed},
		{&merkle.Failure{Verdict: merkle.Altered, Err: io.ErrUnexpectedEOF}, merkle.Altered},
	} {
		_, err := l.auditor().Verify(p.Evidence, broken(c.err))
		var f *merkle.Failure
		if !errors.As(err, &f) || f.Verdict != c.want || f.TrailPosition != 9 || f.Line != 2 || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%v became %v", c.err, err)
		}
		if want := c.want.String() + " at trail position 9 (line 2): unexpected EOF"; f != nil && f.Error() != want {
			t.Errorf("%q, want %q", f.Error(), want)
		}
	}
	if merkle.VerdictOf(io.EOF) != merkle.Malformed {
		t.Error("an error of reading is no verdict of its own")
	}
}

func TestVerifyNoticesAnyChangedByte(t *testing.T) {
	t.Parallel()
	l := story(t)
	rapid.Check(t, func(t *rapid.T) {
		p := l.pack(1, rapid.Int64Range(1, 2).Draw(t, "from"), 3)
		honest, err := l.auditor().Verify(p.Evidence, p.each())
		if err != nil {
			t.Fatal(err)
		}
		notes := [][]byte{p.Opening.Checkpoint, p.Closing.Checkpoint}
		texts := append(notes, p.First, p.Closing.Epoch, p.Closing.Head, p.Opening.Epoch, p.Opening.Head)
		for _, leaf := range p.leaves {
			texts = append(texts, leaf.Bytes)
		}
		which := rapid.IntRange(0, len(texts)-1).Draw(t, "text")
		text := texts[which]
		at := rapid.IntRange(0, len(text)-1).Draw(t, "at")
		text[at] ^= byte(rapid.IntRange(1, 255).Draw(t, "bits"))
		proven, err := l.auditor().Verify(p.Evidence, p.each())
		// The last letter of a signature in base64 has two bits that mean nothing, so that a changed
		// note can be right; what it says cannot have changed.
		harmless := which < len(notes) && at == len(text)-3 && reflect.DeepEqual(proven, honest)
		if err == nil && !harmless {
			t.Fatalf("unnoticed at byte %d of %q", at, text)
		}
	})
}

func TestVerifyNoticesAnyChangedHash(t *testing.T) {
	t.Parallel()
	l := story(t)
	for _, pick := range []func(*pack) merkle.Proof{
		func(p *pack) merkle.Proof { return p.Consistency },
		func(p *pack) merkle.Proof { return p.FirstProof },
		func(p *pack) merkle.Proof { return p.Opening.EpochProof },
		func(p *pack) merkle.Proof { return p.Opening.HeadProof },
		func(p *pack) merkle.Proof { return p.Closing.EpochProof },
		func(p *pack) merkle.Proof { return p.Closing.HeadProof },
	} {
		for n := range 64 {
			p := l.pack(1, 1, 3)
			proof := pick(&p)
			if len(proof) == 0 {
				t.Fatal("this proof is empty, so the story is too short to test it")
			}
			proof[n%len(proof)][n/2] ^= 1 << (n % 8)
			if _, err := l.auditor().Verify(p.Evidence, p.each()); err == nil {
				t.Fatalf("unnoticed in hash %d of %v", n%len(proof), proof)
			}
		}
	}
}
