// What Docker Compose makes of the file: by default one ledger, and with the profile that
// docs/operations.md names another of three replicas.

package composetest

import (
	"maps"
	"slices"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// load reads the file as `docker compose --profile …` does, with these variables.
func load(t *testing.T, environ []string, profiles ...string) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{"../../docker-compose.yml"},
		cli.WithWorkingDirectory("../.."), cli.WithEnv(environ), cli.WithProfiles(profiles), cli.WithResolvedPaths(true))
	if err != nil {
		t.Fatal(err)
	}
	p, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.CheckContainerNameUnicity(); err != nil {
		t.Error(err)
	}
	return p
}

func TestTheDefaultIsOneLedger(t *testing.T) {
	t.Parallel()
	p := load(t, nil)
	if p.Name != "tokenledger" {
		t.Errorf("the project is called %s", p.Name)
	}
	want := []string{"init", "nats", "postgres", "secrets", "tokenledger"}
	if got := slices.Sorted(maps.Keys(p.Services)); !slices.Equal(got, want) {
		t.Errorf("up starts %v, want %v", got, want)
	}
}

// With one profile more nothing of the default is taken away, and what docs/operations.md
// starts by naming nginx is all of the cluster and nothing else.
func TestTheClusterComesWithNginx(t *testing.T) {
	t.Parallel()
	p := load(t, nil, "cluster")
	if p, err := p.WithSelectedServices([]string{"nginx"}); err != nil {
		t.Error(err)
	} else {
		want := []string{
			"cluster-init", "cluster-secrets", "nats-1", "nats-2", "nats-3", "nginx", "postgres-1", "postgres-2",
			"tokenledger-1", "tokenledger-2", "tokenledger-3",
		}
		if got := slices.Sorted(maps.Keys(p.Services)); !slices.Equal(got, want) {
			t.Errorf("nginx brings %v, want %v", got, want)
		}
	}
}

// The variables that the documents name reach the containers: after a promotion none is told
// to follow the server that is a copy of it.
func TestVariablesReachTheContainers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		environ []string
		follows map[string]string
	}{
		{nil, map[string]string{"postgres-1": "", "postgres-2": "postgres-1"}},
		{[]string{"POSTGRES_1_FOLLOWS=postgres-2", "POSTGRES_2_FOLLOWS="}, map[string]string{"postgres-1": "postgres-2", "postgres-2": ""}},
	} {
		p := load(t, append(c.environ, "TOKENLEDGER_ORGANIZATION=Acme", "TOKENLEDGER_EMAIL=a@example.com"), "cluster")
		for name, want := range c.follows {
			got := p.Services[name].Environment["PRIMARY"]
			if got == nil || *got != want {
				t.Errorf("with %v %s follows %v, want %q", c.environ, name, got, want)
			}
		}
		for _, name := range []string{"init", "cluster-init"} {
			for _, flag := range []string{"--organization=Acme", "--email=a@example.com"} {
				if !slices.Contains(p.Services[name].Command, flag) {
					t.Errorf("%s runs %v", name, p.Services[name].Command)
				}
			}
		}
	}
}
