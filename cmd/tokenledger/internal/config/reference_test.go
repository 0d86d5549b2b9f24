package config_test

import (
	"testing"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/config"
)

func TestEverySettingSaysWhatItDoes(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, s := range config.Settings() {
		if s.Does == "" {
			t.Errorf("%s: say in meanings.go what it does", s.Variable)
		}
		if seen[s.Variable] {
			t.Errorf("%s stands twice", s.Variable)
		}
		seen[s.Variable] = true
	}
	for _, variable := range config.Meant() {
		if !seen[variable] {
			t.Errorf("meanings.go speaks of %s, which nothing reads", variable)
		}
	}
}
