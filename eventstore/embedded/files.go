// Files that only the account of the server can read.

package embedded

import "os"

// writeFor writes a file that only the account can read.
func writeFor(who account, path, content string) error {
	if err := os.WriteFile(path, []byte(content+"\n"), 0o600); err != nil {
		return err
	}
	return who.own(path)
}
