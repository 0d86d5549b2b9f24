// Package broken breaks one rule of each linter.
package broken

import (
	"errors"
	"io"
	"log/slog"
)

// Shape is a closed set, also for the packages that import it.
//
//sumtype:decl
type Shape interface{ sealed() }

// Circle and Square are all there is.
type (
	Circle struct{}
	Square struct{}
)

func (Circle) sealed() {}
func (Square) sealed() {}

var errEnd = errors.New("Capital letter")

func unused() {}

// Read compares, and logs a message that nobody can search for.
func Read(log *slog.Logger, err error) error {
	if err == io.EOF {
		return errEnd
	}
	//lint:ignore errorlint the reader in this example never wraps
	if err == io.ErrUnexpectedEOF {
		return errEnd
	}
	log.Info("failed: " + err.Error())
	return nil
}
