// Command catalogue writes the reference of the event types below a directory:
// events.md, and a JSON Schema for each type in events/schema.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: catalogue DIRECTORY")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "catalogue:", err)
		os.Exit(1)
	}
}

// write replaces the files below dir and removes schemas of types that are gone.
func write(dir string) error {
	files, err := render()
	if err != nil {
		return err
	}
	for _, name := range stale(dir, files) {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("removing a schema without a type: %w", err)
		}
	}
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("making room for %s: %w", name, err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
	}
	return nil
}

// stale lists the schemas below dir that are not among files.
func stale(dir string, files map[string][]byte) []string {
	var names []string
	found, _ := filepath.Glob(filepath.Join(dir, schemaFile("*"))) // the pattern is well formed
	for _, path := range found {
		if name := schemaFile(filepath.Base(path[:len(path)-len(".json")])); files[name] == nil {
			names = append(names, name)
		}
	}
	return names
}
