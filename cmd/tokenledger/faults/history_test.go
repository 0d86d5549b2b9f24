// What clients did and what they were answered, and whether that is linearizable.

//go:build faults

package faults_test

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"
)

// kind is what a client wants.
type kind string

const (
	use     kind = "use"
	create  kind = "create"
	rename  kind = "rename"
	suspend kind = "suspend"
	resume  kind = "resume"
	revoke  kind = "revoke"
)

// types are the events that the kinds leave.
var types = map[kind]string{
	use: "token.used", create: "token.created", rename: "token.renamed",
	suspend: "token.suspended", resume: "token.resumed", revoke: "token.revoked",
}

// outcome is what a client knows afterwards.
type outcome int

const (
	unknown outcome = iota // it may stand in the log or not
	done                   // it was answered that it stands there
	refused                // it was answered that it does not
)

// op is one thing that a client wanted.
type op struct {
	kind     kind
	token    string // the id
	marker   string // stands in the event, and in no other
	client   int
	service  int
	began    time.Duration // since the world began
	ended    time.Duration
	outcome  outcome
	position int64
	lagging  bool // a refusal may come from a process that does not know yet that the token is open
}

// history collects from all clients.
type history struct {
	mu  sync.Mutex // guards ops
	ops []op
}

func (h *history) add(o op) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ops = append(h.ops, o)
}

func (h *history) all() []op {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.ops)
}

// life is a token as the sequential specification knows it.
type life struct{ made, suspended, revoked bool }

// follows says whether an answer is right for a token in a state, and what the token is
// then. An allowed use is always of an open token. A refusal is of a closed one,
// unless the process that gave it may be behind: it errs to the safe side.
func (l life) follows(o op) (bool, life) {
	ok := o.outcome == done
	switch o.kind {
	case create:
		return ok && !l.made, life{made: true}
	case use:
		open := l.made && !l.suspended && !l.revoked
		return ok == open || !ok && o.lagging, l
	case suspend:
		if ok {
			return l.made && !l.revoked, life{l.made, true, l.revoked}
		}
	case resume:
		if ok {
			return l.made && l.suspended && !l.revoked, life{l.made, false, l.revoked}
		}
	case rename:
		if ok {
			return l.made && !l.revoked, l
		}
	case revoke:
		if ok {
			return l.made && !l.revoked, life{l.made, l.suspended, true}
		}
	}
	return l.revoked, l // nothing else refuses what these clients command
}

// specification is one token; each is checked by itself.
var specification = porcupine.Model{
	Init: func() any { return life{} },
	Step: func(state, input, _ any) (bool, any) {
		good, after := state.(life).follows(input.(op))
		return good, after
	},
	DescribeOperation: func(input, _ any) string { return fmt.Sprintf("%+v", input) },
}

// linearizable checks the history of each token, and names the tokens of those that are
// not. A use whose outcome nobody knows changes nothing and says nothing; a command
// was asked again until it was answered.
func linearizable(ops []op) (checked int, guilty []string) {
	byToken := map[string][]porcupine.Operation{}
	for _, o := range ops {
		if o.outcome == unknown && o.kind == use {
			continue
		}
		byToken[o.token] = append(byToken[o.token], porcupine.Operation{
			ClientId: o.client, Input: o, Call: int64(o.began), Return: int64(o.ended),
		})
	}
	for token, history := range byToken {
		checked += len(history)
		switch porcupine.CheckOperationsTimeout(specification, history, time.Minute) {
		case porcupine.Illegal:
			guilty = append(guilty, "the history of token "+token+" is not linearizable: "+describe(history))
		case porcupine.Unknown:
			guilty = append(guilty, "the history of token "+token+" took too long to check")
		}
	}
	return checked, guilty
}

// describe writes the history without the uses that went as most do.
func describe(history []porcupine.Operation) (text string) {
	for _, h := range history {
		if o := h.Input.(op); o.kind != use || o.outcome == refused {
			text += fmt.Sprintf("\n\t%s by client %d on service %d, %v to %v: outcome %d at %d", o.kind, o.client, o.service, o.began, o.ended, o.outcome, o.position)
		}
	}
	return text
}
