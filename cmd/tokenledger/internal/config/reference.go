// The settings as a list, for the reference page.

package config

import (
	"reflect"
	"slices"
)

// Setting is one variable of the environment.
type Setting struct {
	Variable string
	FromFile bool   // VARIABLE_FILE names a file with its value
	Default  string // as text for people
	Does     string
}

// elsewhere are variables that are read before or beside the rest.
var elsewhere = []string{"TOKENLEDGER_CONFIG", "TOKENLEDGER_POSTGRES_BIN"}

// Settings lists every variable, in the order of [Config].
func Settings() (all []Setting) {
	for field := range reflect.TypeFor[Config]().Fields() {
		if variable := field.Tag.Get("env"); variable != "" && variable != "-" {
			all = append(all, setting(variable, field.Tag.Get("envDefault")))
		}
	}
	for _, variable := range elsewhere {
		all = append(all, setting(variable, ""))
	}
	return all
}

func setting(variable, standard string) Setting {
	m := meanings[variable]
	if m.standard == "" && standard != "" {
		m.standard = "`" + standard + "`"
	}
	if m.standard == "" {
		m.standard = "none"
	}
	return Setting{Variable: variable, FromFile: slices.Contains(secrets, variable), Default: m.standard, Does: m.does}
}
