// Tests of docker-compose.yml and the Dockerfile, as far as they can be tested without a Docker engine: they parse, and
// the images, files, commands, flags, settings and addresses in them are real.

package main

import (
	"bytes"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"gopkg.in/yaml.v3"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/config"
)

// top is the repository's top folder, where Compose and the image's build start.
const top = "../.."

// composeFile has the keys that our file uses, and no others: a mistyped key is an error.
type composeFile struct {
	Name     string
	Ledger   any `yaml:"x-ledger"`
	Replica  any `yaml:"x-replica"`
	Node     any `yaml:"x-node"`
	Pair     any `yaml:"x-pair"`
	Networks any
	Services map[string]composeService
	Volumes  map[string]any
}

type composeService struct {
	Image           string
	Build           struct{ Context, Dockerfile string }
	Entrypoint      []string
	Command         []string
	Profiles        []string
	Networks        any
	WorkingDir      string `yaml:"working_dir"`
	NetworkMode     string `yaml:"network_mode"`
	Environment     map[string]string
	Volumes         []string
	Ports           []string
	ReadOnly        bool     `yaml:"read_only"`
	CapDrop         []string `yaml:"cap_drop"`
	SecurityOpt     []string `yaml:"security_opt"`
	ShmSize         string   `yaml:"shm_size"`
	StopGracePeriod string   `yaml:"stop_grace_period"`
	Restart         string
	DependsOn       map[string]struct{ Condition string } `yaml:"depends_on"`
	Healthcheck     struct {
		Test              []string
		Interval, Timeout string
		Retries           int
		Disable           bool
	}
}

func readCompose(t *testing.T) composeFile {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(top, "docker-compose.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var file composeFile
	decoder := yaml.NewDecoder(bytes.NewReader(interpolate(text)))
	decoder.KnownFields(true)
	if err := decoder.Decode(&file); err != nil {
		t.Fatal(err)
	}
	return file
}

// interpolate gives variables the defaults that the file has for them.
func interpolate(text []byte) []byte {
	return regexp.MustCompile(`\$\{\w+:?-([^}]*)\}`).ReplaceAll(text, []byte("$1"))
}

// readDockerfile gives the instructions, continued lines joined, in their order.
func readDockerfile(t *testing.T) (instructions [][2]string) {
	t.Helper()
	text, err := os.ReadFile("Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(strings.ReplaceAll(string(text), "\\\n", " ")) {
		if word, rest, ok := strings.Cut(strings.TrimSpace(line), " "); ok && word != "#" {
			instructions = append(instructions, [2]string{word, rest})
		}
	}
	return instructions
}

// argument is what the last instruction of a kind says; the last stage is the image.
func argument(t *testing.T, instructions [][2]string, word string) string {
	t.Helper()
	for _, in := range slices.Backward(instructions) {
		if in[0] == word {
			return in[1]
		}
	}
	t.Fatalf("the Dockerfile has no %s", word)
	return ""
}

// imageEnv is what the image sets in the service's environment.
func imageEnv(t *testing.T) map[string]string {
	t.Helper()
	env := map[string]string{}
	for _, assignment := range strings.Fields(argument(t, readDockerfile(t), "ENV")) {
		name, value, _ := strings.Cut(assignment, "=")
		env[name] = value
	}
	return env
}

// published are the images that may be named. Postgres, NATS and nginx are official images; the versions of Go and NATS are
// those that the tests run with.
func published(t *testing.T) *regexp.Regexp {
	t.Helper()
	info, ok := debug.ReadBuildInfo()
	if !ok {
		t.Fatal("the test binary does not know its Go version")
	}
	minor := regexp.MustCompile(`\d+\.\d+`)
	return regexp.MustCompile(`^(postgres:1[4-8]-bookworm` +
		`|nginx:1\.28-alpine` +
		`|nats:` + regexp.QuoteMeta(minor.FindString(server.VERSION)) + `-alpine` +
		`|golang:` + regexp.QuoteMeta(minor.FindString(info.GoVersion)) + `-bookworm` +
		`|gcr\.io/distroless/static-debian12:nonroot)$`)
}

func TestComposeNamesRealImagesAndFiles(t *testing.T) {
	t.Parallel()
	file, allowed := readCompose(t), published(t)
	for _, in := range readDockerfile(t) {
		if in[0] == "FROM" && !allowed.MatchString(strings.Fields(in[1])[0]) {
			t.Errorf("the Dockerfile builds from %s, want one of %s", in[1], allowed)
		}
	}
	for name, s := range file.Services {
		if s.Build.Dockerfile == "" && !allowed.MatchString(s.Image) {
			t.Errorf("%s: image %s, want one of %s", name, s.Image, allowed)
		}
		if s.Build.Dockerfile != "" {
			if want, err := os.Stat("Dockerfile"); err != nil {
				t.Error(err)
			} else if got, err := os.Stat(filepath.Join(top, s.Build.Context, s.Build.Dockerfile)); err != nil || !os.SameFile(want, got) {
				t.Errorf("%s is built by %s in %s (%v)", name, s.Build.Dockerfile, s.Build.Context, err)
			}
		}
		for _, volume := range s.Volumes {
			source, _, _ := strings.Cut(volume, ":")
			if _, declared := file.Volumes[source]; declared {
				continue
			}
			if _, err := os.Stat(filepath.Join(top, source)); err != nil || !strings.HasPrefix(source, "./") {
				t.Errorf("%s mounts %s, which is neither a volume nor a file here (%v)", name, source, err)
			}
		}
	}
}

func TestComposeWaitsForWhatExists(t *testing.T) {
	t.Parallel()
	file := readCompose(t)
	argument(t, readDockerfile(t), "HEALTHCHECK") // the built image brings its own
	for name, s := range file.Services {
		for other, on := range s.DependsOn {
			dependency, ok := file.Services[other]
			switch {
			case !ok:
				t.Errorf("%s waits for %s, which is no service", name, other)
			case on.Condition == "service_completed_successfully":
				if dependency.Restart != "" && dependency.Restart != "no" {
					t.Errorf("%s waits for the end of %s, which is started again and again", name, other)
				}
			case on.Condition != "service_healthy" || len(dependency.Healthcheck.Test) == 0 && dependency.Build.Dockerfile == "":
				t.Errorf("%s waits for %s to be %s, which it never tells", name, other, on.Condition)
			}
		}
	}
}

// composeCommands are the command lines that the containers run of our binary.
func composeCommands(t *testing.T) map[string][]string {
	t.Helper()
	dockerfile := readDockerfile(t)
	words := func(word string) (list []string) {
		text := argument(t, dockerfile, word)
		if err := yaml.Unmarshal([]byte(text[strings.Index(text, "["):]), &list); err != nil {
			t.Fatalf("%s %s: %v", word, text, err)
		}
		return list
	}
	entrypoint, health := words("ENTRYPOINT"), words("HEALTHCHECK")
	installed := slices.ContainsFunc(dockerfile, func(in [2]string) bool {
		return in[0] == "COPY" && strings.HasSuffix(in[1], "/tokenledger "+entrypoint[0])
	})
	if len(entrypoint) != 1 || health[0] != entrypoint[0] || !installed {
		t.Errorf("the image starts %q, its health check runs %q, and one of them is not installed", entrypoint, health[0])
	}
	commands := map[string][]string{"the image": words("CMD"), "the health check": health[1:]}
	for name, s := range readCompose(t).Services {
		if s.Build.Dockerfile != "" {
			commands[name] = s.Command
		}
	}
	return commands
}

func TestComposeCallsCommandsThatExist(t *testing.T) {
	t.Parallel()
	for name, args := range composeCommands(t) {
		root := newRootCommand(stdio{in: strings.NewReader(""), out: io.Discard, err: io.Discard})
		command, rest, err := root.Find(args)
		if err != nil || command == root {
			t.Errorf("%s runs %q, which is no command (%v)", name, args, err)
			continue
		}
		if err := command.ParseFlags(rest); err != nil {
			t.Errorf("%s runs %q: %v", name, args, err)
		}
		if err := command.ValidateArgs(command.Flags().Args()); err != nil {
			t.Errorf("%s runs %q: %v", name, args, err)
		}
	}
}

// settingNames are the variables that the service reads.
func settingNames() (names []string) {
	for _, f := range reflect.VisibleFields(reflect.TypeFor[config.Config]()) {
		if name := f.Tag.Get("env"); name != "" && name != "-" {
			names = append(names, name)
		}
	}
	return names
}

func TestComposeSettingsAreAccepted(t *testing.T) {
	t.Parallel()
	known := settingNames()
	for name, s := range readCompose(t).Services {
		if s.Build.Dockerfile == "" {
			continue
		}
		secrets := composeSecrets(t, s.secrets(t))
		vars := imageEnv(t)
		maps.Copy(vars, s.Environment)
		var environ []string
		for variable, value := range vars {
			if !slices.Contains(known, variable) && !slices.Contains(known, strings.TrimSuffix(variable, "_FILE")) {
				t.Errorf("%s sets %s, which nothing reads", name, variable)
			}
			if rest, ok := strings.CutPrefix(value, s.secretsMount(t)+"/"); ok {
				value = filepath.Join(secrets, rest)
			}
			environ = append(environ, variable+"="+value)
		}
		c, err := config.Load(nil, environ)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if c.Embedded() || c.EmbeddedNATS() {
			t.Errorf("%s would start a server of its own", name)
		}
	}
}

// secretsMount is where a container sees the volume of the secrets.
func (s composeService) secretsMount(t *testing.T) string {
	t.Helper()
	for _, volume := range s.Volumes {
		if name, rest, _ := strings.Cut(volume, ":"); name == s.secrets(t) {
			return strings.TrimSuffix(rest, ":ro")
		}
	}
	return ""
}

// secrets names the service that makes the secrets of this one, which is also the name of the volume.
func (s composeService) secrets(t *testing.T) string {
	t.Helper()
	for _, volume := range s.Volumes {
		if name, _, _ := strings.Cut(volume, ":"); strings.HasSuffix(name, "secrets") {
			return name
		}
	}
	t.Fatalf("%s does not mount the secrets", s.Image)
	return ""
}

// Whoever knows the embedded default finds the same addresses, on this host alone.
func TestComposePublishesTheDefaultAddresses(t *testing.T) {
	t.Parallel()
	defaults, err := config.Load(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	image := imageEnv(t)
	want := map[string]string{ // address on the host: port in the container
		defaults.Listen:      port(t, image["TOKENLEDGER_LISTEN"]),
		defaults.AdminListen: port(t, image["TOKENLEDGER_ADMIN_LISTEN"]),
		defaults.NATSListen:  port(t, defaults.NATSListen),
	}
	got, cluster := map[string]string{}, map[string]string{}
	for _, s := range readCompose(t).Services {
		to := got
		if slices.Contains(s.Profiles, "cluster") {
			to = cluster
		}
		for _, p := range s.Ports {
			cut := strings.LastIndexByte(p, ':')
			to[p[:cut]] = p[cut+1:]
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("published %v, want %v", got, want)
	}
	delete(want, defaults.AdminListen) // each replica has one of its own
	if !maps.Equal(cluster, want) {
		t.Errorf("the cluster publishes %v, want %v", cluster, want)
	}
	want[defaults.AdminListen] = port(t, image["TOKENLEDGER_ADMIN_LISTEN"])
	exposed := strings.Fields(argument(t, readDockerfile(t), "EXPOSE"))
	if !slices.Equal(exposed, []string{want[defaults.Listen], want[defaults.AdminListen]}) {
		t.Errorf("the image exposes %v", exposed)
	}
}

func port(t *testing.T, address string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	return port
}
