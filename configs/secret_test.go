package configs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestSecretIsMasked(t *testing.T) {
	type holder struct {
		Key  Key
		Ptr  *Secret
		List []Secret
		Map  map[string]Secret
	}
	s := NewSecret("hunter2")
	h := holder{Key{Name: "a", Secret: s}, &s, []Secret{s}, map[string]Secret{"x": s}}
	var shown strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%c"} {
		fmt.Fprintf(&shown, verb+verb+verb, s, &s, h)
	}
	var logged bytes.Buffer
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "s", s, "h", h)
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "s", s, "h", h)
	asJSON, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	asYAML, err := yaml.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	all := shown.String() + logged.String() + string(asJSON) + string(asYAML)
	hex := fmt.Sprintf("%x", "hunter2")
	if strings.Contains(all, "hunter") || strings.Contains(strings.ToLower(all), hex) {
		t.Errorf("shown:\n%s", all)
	}
	if s.Reveal() != "hunter2" || s.Empty() || !(Secret{}).Empty() || (Secret{}).String() != "" {
		t.Error("the secret itself is wrong")
	}
}

func TestSecretReferences(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "one.key"), "from-file\r\n", 0o600)
	write(t, filepath.Join(dir, "two.key"), "f1\nf2\n", 0o600)
	write(t, filepath.Join(dir, "config.yaml"), `
providers:
  - name: main
    keys: [literal, env:ONE, file:one.key, {name: pair, secret: file:two.key, quota_group: org}, {name: env, secret: env:ONE}]
    proxy: env:PROXY
    headers: {x-title: diagbot, X-Token: env:ONE}
`, 0o600)
	c, err := Load(Options{Dir: dir, Environ: []string{"ONE=from-env\n", "PROXY=http://u:p@127.0.0.1:1"}})
	if err != nil {
		t.Fatal(err)
	}
	p := c.Providers[0]
	want := []Key{{Name: "1", Secret: NewSecret("literal")}, {Name: "2", Secret: NewSecret("from-env")}, {Name: "3", Secret: NewSecret("from-file")},
		{Name: "pair-1", Secret: NewSecret("f1"), QuotaGroup: "org"}, {Name: "pair-2", Secret: NewSecret("f2"), QuotaGroup: "org"}, {Name: "env", Secret: NewSecret("from-env")}}
	if !reflect.DeepEqual(p.Keys, want) {
		for _, k := range p.Keys {
			t.Errorf("%s = %q", k.Name, k.Secret.Reveal())
		}
	}
	headers := map[string]Secret{"X-Title": NewSecret("diagbot"), "X-Token": NewSecret("from-env")}
	if !reflect.DeepEqual(p.Headers, headers) || p.Proxy.Reveal() != "http://u:p@127.0.0.1:1" {
		t.Errorf("%d headers", len(p.Headers))
	}
	if len(c.Warnings) > 0 {
		t.Error(c.Warnings)
	}
}

func TestWarnings(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "open.key"), "k", 0o644)
	write(t, filepath.Join(dir, "config.yaml"), `
deadline: 60s
providers:
  - name: main
    base_url: http://ai.example
    allow_http: true
    keys: [file:open.key, file:open.key, literal]
    models: [m]
`, 0o644)
	c, err := Load(Options{Dir: dir, Environ: []string{"OPENAI_MODEL=x", "OPENAI_API_KEY=k"}})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"OPENAI_MODEL: this is ignored, because config.yaml lists the services",
		"config.yaml: open.key holds a secret and other users of this machine can read it; chmod 600 it",
		"config.yaml: config.yaml holds a secret and other users of this machine can read it; chmod 600 it",
		"config.yaml:5: providers[0].base_url: the URL has no path; most services expect one that ends in /v1",
		"config.yaml:5: providers[0].base_url: the key travels unencrypted to a host that isn't local; use https if the service offers it",
		"config.yaml:4: providers[0].timeouts.total: 1m30s is longer than the deadline of a whole message, 1m0s, which ends it first",
	}
	if runtime.GOOS == "windows" {
		want = append(want[:1], want[3:]...)
	}
	var got []string
	for _, w := range c.Warnings {
		got = append(got, w.Error())
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestNoSecretIsRepeated puts a key in every place a file and the environment
// have, right or wrong, and looks for it in all that is said.
func TestNoSecretIsRepeated(t *testing.T) {
	const planted = "sk-Planted0123456789abcdefgh"
	files := []string{
		planted, planted + ": 1", "- " + planted, "locale: en\n  x: " + planted, "a: *" + planted, "a: !" + planted + " 1", "locale: [" + planted,
		"catalogue: {" + planted + ": 1}", "providers: [{" + planted + ": {}}]", "locale: en\n" + planted + ": 1\n" + planted + ": 2",
		"providers: [{name: a, headers: {" + planted + ": [1]}}]", "providers: [{name: a, headers: {X-A: [" + planted + "]}}]",
		"providers: [{name: a, keys: ['env:" + planted + "', 'file:" + planted + "', [" + planted + "], {" + planted + ": 1}, {name: " + planted + "}]}]",
		"providers: [{name: a, keys: ['" + planted + " x', 'x " + planted + "', '" + planted + "\t']}]",
	}
	for _, k := range schema() {
		path := strings.ReplaceAll(k.path, "[]", "")
		for _, value := range []string{planted, "[" + planted + "]", "{" + planted + ": " + planted + "}", "'https://u:" + planted + "@h/?k=" + planted + "'"} {
			text := value
			for i, name := range reversed(strings.Split(path, ".")) {
				if text = name + ": " + text; name == "keys" && i > 0 || name == "providers" && i > 0 {
					text = strings.Replace(text, ": ", ": [", 1) + "]"
				}
				text = "{" + text + "}"
			}
			files = append(files, text)
		}
	}
	for _, file := range files {
		for _, environ := range [][]string{nil, {"OPENAI_API_KEY=" + planted + " " + planted}} {
			repeats(t, planted, file, environ...)
		}
	}
	for _, k := range schema() {
		if k.fromEnv() {
			repeats(t, planted, "", k.env()+"="+planted, "OPENAI_API_KEY="+planted)
		}
	}
	repeats(t, planted, "", "DIAGBOT_"+planted+"=1", "OPENAI_BASE_URL=https://u:"+planted+"@h", "OPENAI_API_KEY=x")
}

func reversed(list []string) []string {
	var r []string
	for i := range list {
		r = append(r, list[len(list)-1-i])
	}
	return r
}

// repeats fails the test when loading repeats the planted secret.
func repeats(t *testing.T, planted, file string, environ ...string) {
	t.Helper()
	c, err := load(t, file, environ...)
	text := fmt.Sprintf("%v %+v %#v", err, err, err)
	if e, ok := err.(*Error); ok {
		text += e.In("zh-Hans") + fmt.Sprintf("%+v", e.Problems)
	}
	if c != nil {
		text += fmt.Sprintf("%+v %#v", c.Providers, c.Warnings)
	}
	if strings.Contains(text, planted[3:]) {
		t.Errorf("repeated for %q %q:\n%s", file, environ, text)
	}
}
