// What the doctor sees of this machine: files, who may read them, and room.

package main

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/tokenledger/tokenledger/aggregate/secret"
	"github.com/tokenledger/tokenledger/eventstore/embedded"
)

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// private checks that nobody but its owner may read a file.
func (d *doctor) private(check, path string) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		d.fail(check, "make it readable for this user, or name another", "%v", err)
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0:
		d.fail(check, "chmod 600 "+path, "others may read or change %s: its mode is %#o", path, info.Mode().Perm())
	default:
		d.ok(check, "%s, mode %#o", path, info.Mode().Perm())
	}
}

// clientFiles checks the contexts and the token.
func (d *doctor) clientFiles() {
	if all, err := d.contexts(); err != nil {
		d.fail("contexts", "mend or remove the file", "%v", err)
	} else if exists(all.file()) {
		d.private("contexts", all.file())
	}
	path := d.target.tokenFile
	switch {
	case path == "" && d.target.context != "":
		d.warn("token file", "tokenledger login --context "+d.target.context, "the context %s has no token", d.target.context)
		return
	case path == "":
		d.warn("token file", "tokenledger login --server "+d.target.server, "no token is named for %s", d.target.server)
		return
	case !exists(path) && path == d.settings.AdminTokenFile() && d.settings.Embedded() && !exists(d.settings.Data):
		d.ok("token file", "%s is made at the first start", path)
		return
	case !exists(path):
		d.warn("token file", "tokenledger login, or name another with TOKENLEDGER_TOKEN_FILE", "there is no file %s", path)
		return
	}
	d.private("token file", path)
	raw, err := os.ReadFile(path)
	if err != nil {
		return
	}
	if _, err := secret.Parse(strings.TrimSpace(string(raw))); err != nil {
		d.fail("token file", "tokenledger login", "%s holds no token's value", path)
	}
}

// machine checks what the service needs of the machine it runs on.
func (d *doctor) machine() {
	data := d.settings.Data
	info, err := os.Stat(data)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.ok("data directory", "%s is made at the first start", data)
	case err != nil:
		d.fail("data directory", "name another with TOKENLEDGER_DATA", "%v", err)
	case !info.IsDir():
		d.fail("data directory", "name another with TOKENLEDGER_DATA", "%s is no directory", data)
	case info.Mode().Perm()&0o022 != 0:
		d.fail("data directory", "chmod go-w "+data, "others may write to %s: its mode is %#o", data, info.Mode().Perm())
	default:
		d.ok("data directory", "%s, mode %#o", data, info.Mode().Perm())
	}
	d.keyFile()
	for _, creds := range []string{d.settings.NATSCreds, embedded.RelayCreds(data), filepath.Join(data, "nats", "reader.creds")} {
		if creds != "" && exists(creds) {
			d.private("NATS credentials", creds)
		}
	}
	d.room()
}

// keyFile comes first of all that must not be lost: without it every token ends.
func (d *doctor) keyFile() {
	path := d.settings.KeyFile
	if !exists(path) {
		if !d.settings.Embedded() || exists(filepath.Join(d.settings.Data, "postgres", "PG_VERSION")) {
			d.fail("key file", "bring "+path+" back from its backup; on a new installation: tokenledger init",
				"there is no file %s: without it no token verifies", path)
			return
		}
		d.ok("key file", "%s is made at the first start", path)
		return
	}
	d.private("key file", path)
	if _, err := d.settings.Keys().Load(); err != nil {
		d.fail("key file", "set TOKENLEDGER_KEY_PASSPHRASE_FILE, or bring the file back from its backup", "%v", err)
	}
}

// room looks at the file system that holds the data directory, or is about to.
func (d *doctor) room() {
	at := d.settings.Data
	for !exists(at) && at != filepath.Dir(at) {
		at = filepath.Dir(at)
	}
	free, total, err := roomAt(at)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		d.ok("room", "not known on this system")
	case err != nil:
		d.fail("room", "", "%v", err)
	case free < d.minFree:
		d.fail("room", "make room on the file system of "+at+", or move TOKENLEDGER_DATA", "%s free of %s, less than %s", amountOf(free), amountOf(total), amountOf(d.minFree))
	case free < total/10:
		d.warn("room", "make room on the file system of "+at, "%s free of %s, less than a tenth", amountOf(free), amountOf(total))
	default:
		d.ok("room", "%s free of %s", amountOf(free), amountOf(total))
	}
}

// couldStart checks, where nothing runs, what a start would need.
func (d *doctor) couldStart(ctx context.Context) {
	for _, at := range []struct{ variable, address string }{
		{"TOKENLEDGER_LISTEN", d.settings.Listen}, {"TOKENLEDGER_ADMIN_LISTEN", d.settings.AdminListen},
	} {
		l, err := net.Listen("tcp", at.address)
		if err != nil {
			d.fail("address", "free it, or set "+at.variable+" to another", "%v", err)
			continue
		}
		_ = l.Close()
		d.ok("address", "%s is free (%s)", at.address, at.variable)
	}
	bin, major, err := embedded.FindPostgres(ctx, d.settings.Data)
	if err != nil {
		d.fail("Postgres programs", "apt-get install postgresql, or name their directory in TOKENLEDGER_POSTGRES_BIN", "%v", err)
		return
	}
	d.ok("Postgres programs", "Postgres %d in %s", major, bin)
}
