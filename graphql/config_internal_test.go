// What the interface cannot do without, and says so before it begins.

package graphql

import (
	"context"
	"reflect"
	"strings"
	"testing"
)

func TestConfigNamesAllThatIsMissing(t *testing.T) {
	t.Parallel()
	optional := map[string]bool{
		"Proofs": true, "PublicURL": true, "Introspection": true, "Limits": true, "Draining": true, "Timeout": true, "Now": true, "Logger": true, "Span": true,
	}
	err := Config{}.validate()
	if err == nil {
		t.Fatal("an empty configuration is accepted")
	}
	for i := range reflect.TypeFor[Config]().NumField() {
		name := reflect.TypeFor[Config]().Field(i).Name
		if said := strings.Contains(err.Error(), "Config."+name+" is required"); said == optional[name] {
			t.Errorf("%s: said to be missing: %v", name, said)
		}
	}
	c := Config{CheckTarget: func(context.Context, string) error { return nil }}
	if err := c.validate(); err == nil || strings.Contains(err.Error(), "CheckTarget") {
		t.Errorf("with CheckTarget: %v", err)
	}
}
