// Programs that are measured from outside: built, started, asked when they are ready, and ended.

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// program is a process that runs until stop.
type program struct {
	command *exec.Cmd
	said    *bytes.Buffer // to be read once it has ended
	ended   chan struct{}
	err     error // set before ended is closed
}

// startProgram hands the standard output to out, which reads it to its end.
func startProgram(path string, args, env []string, out func(io.Reader)) (*program, error) {
	p := &program{command: exec.Command(path, args...), said: new(bytes.Buffer), ended: make(chan struct{})}
	p.command.Env, p.command.Stderr = append(os.Environ(), env...), p.said
	stdout, err := p.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.ended)
		out(stdout)
		p.err = p.command.Wait()
	}()
	return p, nil
}

func (p *program) stop() error {
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.ended:
		return nil
	case <-time.After(time.Minute):
		return errors.Join(errors.New("a program does not end"), p.command.Process.Kill())
	}
}

// failure is why it ended, which it should not have.
func (p *program) failure() error { return fmt.Errorf("ended: %w: %.2000s", p.err, p.said) }

// newVerifier builds the ledger, runs it as its users do, and makes tokens.
func newVerifier(ctx context.Context, s *server, a asker, tokens int) (contestant, error) {
	binary := filepath.Join(s.dir, "tokenledger")
	_, here, _, _ := runtime.Caller(0)
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/tokenledger")
	build.Dir = filepath.Join(filepath.Dir(here), "..", "..")
	if said, err := build.CombinedOutput(); err != nil {
		return contestant{}, fmt.Errorf("build the ledger: %w: %s", err, said)
	}
	ready := make(chan map[string]string, 1)
	p, err := startProgram(binary, []string{"serve"}, []string{
		"TOKENLEDGER_DATA=" + filepath.Join(s.dir, "ledger"), "TOKENLEDGER_LISTEN=127.0.0.1:0",
		"TOKENLEDGER_ADMIN_LISTEN=127.0.0.1:0", "TOKENLEDGER_NATS_LISTEN=off",
	}, func(r io.Reader) { readBanner(r, ready) })
	if err != nil {
		return contestant{}, err
	}
	select {
	case said := <-ready:
		value, err := os.ReadFile(said["token file"])
		if err == nil {
			err = a.makeTokens(ctx, said["URL"], strings.TrimSpace(string(value)), tokens)
		}
		if err != nil {
			return contestant{}, errors.Join(err, p.stop())
		}
	case <-p.ended:
		return contestant{}, p.failure()
	case <-ctx.Done():
		return contestant{}, errors.Join(ctx.Err(), p.stop())
	}
	return contestant{
		name: "tokenledger", perCall: 1,
		guarantees: "every use durable in the log before its answer, and refused from the commit of a revocation on; relay and read models run",
		write:      func(ctx context.Context, worker, call int) error { return a.ask(ctx, worker, call) },
		close:      func(context.Context) error { return p.stop() },
	}, nil
}

// readBanner gives what the service says when it is ready, and reads on.
func readBanner(r io.Reader, ready chan<- map[string]string) {
	said := map[string]string{}
	for lines := bufio.NewScanner(r); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		for _, name := range []string{"URL", "token file"} {
			if value, ok := strings.CutPrefix(line, name+" "); ok {
				said[name] = strings.TrimSpace(value)
			}
		}
		if line == "Try:" {
			ready <- said
		}
	}
}

// makeTokens makes the tokens that are asked about, and the asker's own.
func (a *asker) makeTokens(ctx context.Context, base, admin string, n int) error {
	create := func(inputs []map[string]any) (values []string, err error) {
		var answer struct {
			Data struct {
				CreateBulkAPIToken struct{ APITokens []struct{ Token string } }
			}
		}
		err = post(ctx, base+"/query", admin, map[string]any{
			"query":     `mutation($input: [CreateAPITokenInput!]) { createBulkAPIToken(input: $input) { apiTokens { token } } }`,
			"variables": map[string]any{"input": inputs},
		}, &answer)
		for _, t := range answer.Data.CreateBulkAPIToken.APITokens {
			values = append(values, t.Token)
		}
		return values, err
	}
	own, err := create([]map[string]any{{"name": "asker", "scopes": []string{"token:introspect"}}})
	if err != nil {
		return fmt.Errorf("make the asker's token: %w", err)
	}
	a.url, a.bearer, a.known = base+"/oauth2/introspect", own[0], true
	a.extra = "&action=createEvidence&resource=evidence%2Fbench&source_ip=192.0.2.7"
	for len(a.values) < n {
		var inputs []map[string]any
		for i := range min(50, n-len(a.values)) {
			inputs = append(inputs, map[string]any{"name": fmt.Sprintf("bench-%d", len(a.values)+i), "scopes": []string{"evidence:write"}})
		}
		made, err := create(inputs)
		if err != nil {
			return fmt.Errorf("make tokens: %w", err)
		}
		a.values = append(a.values, made...)
	}
	return nil
}

// freePort is one that nobody listens on at this moment.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}

// awaitOK polls an address that a program will listen on.
func awaitOK(ctx context.Context, p *program, address string) error {
	poll := time.NewTicker(50 * time.Millisecond)
	defer poll.Stop()
	for {
		if response, err := http.Get(address); err == nil {
			if err := response.Body.Close(); err != nil || response.StatusCode == http.StatusOK {
				return err
			}
		}
		select {
		case <-poll.C:
		case <-p.ended:
			return p.failure()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
