// Command permissions writes the page that says who may do what, as the policies
// have it, to a file.
package main

import (
	"fmt"
	"os"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: permissions FILE")
		os.Exit(2)
	}
	if err := os.WriteFile(os.Args[1], page(), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, "permissions: writing the page:", err)
		os.Exit(1)
	}
}
