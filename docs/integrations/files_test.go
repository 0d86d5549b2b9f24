// Files whose programs are not run here: they are read as those programs would read them.

package integrations

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"gopkg.in/yaml.v3"

	"github.com/tokenledger/tokenledger/docs/integrations/ledgertest"
)

func readYAML(t *testing.T, name string, into any) {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(raw, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// The rules find values and nothing that only looks like one in part.
func TestRulesForFindersOfLeaks(t *testing.T) {
	var gitleaks struct {
		Rules []struct {
			ID, Regex string
			Keywords  []string
		}
	}
	if _, err := toml.DecodeFile("gitleaks.toml", &gitleaks); err != nil {
		t.Fatal(err)
	}
	var trufflehog struct {
		Detectors []struct {
			Keywords []string
			Regex    map[string]string
		}
	}
	readYAML(t, "trufflehog.yaml", &trufflehog)
	type rule struct {
		pattern  *regexp.Regexp
		keywords []string
	}
	rules := map[string][]rule{}
	for _, r := range gitleaks.Rules {
		rules["gitleaks"] = append(rules["gitleaks"], rule{regexp.MustCompile(r.Regex), r.Keywords})
	}
	for _, d := range trufflehog.Detectors {
		rules["trufflehog"] = append(rules["trufflehog"], rule{regexp.MustCompile(d.Regex["token"]), d.Keywords})
	}
	l := ledgertest.Start(t)
	value := l.CreateToken("leaked", "read").Value
	for name, set := range rules {
		finds := func(text string) (n int) {
			for _, r := range set {
				for _, keyword := range r.keywords { // only where one stands is the pattern tried
					if strings.Contains(text, keyword) {
						n += len(r.pattern.FindAllString(text, -1))
						break
					}
				}
			}
			return n
		}
		for text, want := range map[string]int{
			"export TOKEN=" + value:                                   1,
			`{"token":"` + l.Token + `"}`:                             1,
			value + "\n" + l.Token:                                    2,
			value[:40] + "… is masked":                                0,
			value + "x is longer":                                     0,
			"tola_ and tolp_ are prefixes; tolx_" + value[5:] + " no": 0,
		} {
			if got := finds(text); got != want {
				t.Errorf("%s finds %d values, not %d, in a text of %d characters", name, got, want, len(text))
			}
		}
	}
}

// Envoy's and Traefik's files name the interface that the ledger has for them.
func TestFilesOfEnvoyAndTraefik(t *testing.T) {
	var traefik struct {
		HTTP struct {
			Routers     map[string]struct{ Middlewares []string }
			Middlewares map[string]struct {
				ForwardAuth struct {
					Address             string
					AuthResponseHeaders []string `yaml:"authResponseHeaders"`
				} `yaml:"forwardAuth"`
			}
		}
	}
	readYAML(t, "traefik.yml", &traefik)
	auth := traefik.HTTP.Middlewares["tokenledger"].ForwardAuth
	if !strings.Contains(auth.Address, "/auth/check?scope=") || len(auth.AuthResponseHeaders) != 4 {
		t.Errorf("traefik: %+v", auth)
	}
	if first := traefik.HTTP.Routers["application"].Middlewares; len(first) == 0 || first[0] != "tokenledger" {
		t.Errorf("traefik asks the ledger not first: %v", first)
	}
	var envoy map[string]any
	readYAML(t, "envoy.yaml", &envoy)
	raw, err := os.ReadFile("envoy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, needed := range []string{"path_prefix: /envoy", "failure_mode_allow: false", "x-required-scope", "request_headers_to_remove: [authorization]"} {
		if !strings.Contains(string(raw), needed) {
			t.Errorf("envoy.yaml lacks %q", needed)
		}
	}
}
