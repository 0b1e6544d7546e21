package configs

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

func load(t *testing.T, file string, environ ...string) (*Config, error) {
	t.Helper()
	dir := t.TempDir()
	if file != "" {
		write(t, filepath.Join(dir, "config.yaml"), file, 0o600)
	}
	return Load(Options{Environ: append([]string{"HOME=/"}, environ...), Dir: dir})
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // whatever the umask
		t.Fatal(err)
	}
}

func TestStartsWithNothingButAKey(t *testing.T) {
	c, err := load(t, "", "OPENAI_API_KEY=sk-one,sk-two")
	if err != nil {
		t.Fatal(err)
	}
	if c.Locale != "auto" || c.SendInterval != 2500*time.Millisecond || c.MemoryExpiry != time.Hour || c.File != "" {
		t.Errorf("defaults: %+v", c)
	}
	p := c.Providers[0]
	if p.Name != "openai" || p.BaseURL != openAIURL || p.Source != "api" || p.Timeouts.Dial != 5*time.Second {
		t.Errorf("provider: %+v", p)
	}
	want := []Key{{Name: "1", Secret: NewSecret("sk-one")}, {Name: "2", Secret: NewSecret("sk-two")}}
	if !reflect.DeepEqual(p.Keys, want) {
		t.Errorf("keys: %d", len(p.Keys))
	}
	if len(c.Warnings) > 0 {
		t.Errorf("warnings: %v", c.Warnings)
	}
}

func TestExampleEqualsTheDefaults(t *testing.T) {
	example, err := load(t, ExampleYAML, "OPENAI_API_KEY=k")
	if err != nil {
		t.Fatal(err)
	}
	plain, err := load(t, "", "OPENAI_API_KEY=k")
	if err != nil {
		t.Fatal(err)
	}
	if example.ImpliedAccount || !plain.ImpliedAccount {
		t.Error("only what is not listed is implied")
	}
	example.File, example.ImpliedAccount = "", true
	if !reflect.DeepEqual(example, plain) {
		t.Errorf("example:\n%+v\ndefaults:\n%+v", example, plain)
	}
}

func TestExampleNamesEveryKey(t *testing.T) {
	var root yaml.Node
	if err := yaml.Unmarshal([]byte(exampleWithAlerts()), &root); err != nil {
		t.Fatal(err)
	}
	f := findings{keys: schema(), lines: map[string]int{}}
	x := index{findings: &f, budget: maxNodes}
	x.root(root.Content[0])
	shown := map[string]bool{ // in a comment there
		"providers[].keys[].name": true, "providers[].keys[].secret": true, "providers[].keys[].quota_group": true,
	}
	for path := range f.lines {
		shown[pattern(path)] = true
	}
	for _, k := range f.keys {
		if !shown[k.path] {
			t.Errorf("config.example.yaml lacks %s", k.path)
		}
	}
	if len(f.problems) > 0 {
		t.Error(f.err())
	}
}

// exampleWithAlerts is the example with the alerts that stand in a comment there.
func exampleWithAlerts() string {
	text := strings.Replace(ExampleYAML, "alerts: []", "alerts:", 1)
	return strings.ReplaceAll(text, "\n#   ", "\n    ")
}

func TestExampleAlerts(t *testing.T) {
	c, err := load(t, exampleWithAlerts(), "OPENAI_API_KEY=k", "ALERT_URL=https://ntfy.sh/topic", "SMTP_PASSWORD=p")
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Alerts) != 2 || c.Alerts[0].URL.Reveal() != "https://ntfy.sh/topic" || c.Alerts[1].From != "bot@example.com" || c.Alerts[1].Security != "tls" {
		t.Errorf("alerts %+v", c.Alerts)
	}
}

// TestDatabases holds which URLs of a database are good: of one host, of several,
// and of a socket.
func TestDatabases(t *testing.T) {
	for url, good := range map[string]bool{
		"postgres://u:p@h/d": true, "postgresql://u@h1:5432,h2:5432/d?target_session_attrs=read-write": true,
		"postgres:///d?host=/run/postgresql": true, "postgres:///d": false, "postgres:///d?host=": false, "mysql:///d?host=/run": false, "/run/postgresql": false,
	} {
		_, err := load(t, "", "OPENAI_API_KEY=k", "DIAGBOT_STORE_URL="+url)
		if (err == nil) != good {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestLaterSourcesWin(t *testing.T) {
	file := "locale: ja\nsend_burst: 7\ncatalogue: {dir: .}\n"
	c, err := load(t, file, "OPENAI_API_KEY=k", "DIAGBOT_LOCALE=ko", "DIAGBOT_SEND_INTERVAL=0s", "DIAGBOT_DATA_DIR=", "DIAGBOT_PORT_80_TCP=tcp://x", "DIAGBOT_SERVICE_HOST=x")
	if err != nil {
		t.Fatal(err)
	}
	if c.Locale != "ko" || c.SendBurst != 7 || c.SendInterval != 0 || c.DataDir != "./data" || c.Catalogue.Dir != "." || c.File != "config.yaml" {
		t.Errorf("%+v", c)
	}
}

func TestEveryScalarByEnvironment(t *testing.T) {
	values := map[string]string{
		"locale": "zh_CN", "log_level": "warn", "log_format": "json", "wechat_mode": "normal", "hot_reload": "0",
		"expires_in_seconds": "90", "single_chat_prefix": "bot, @bot", "group_chat_prefix": `["a,b", ""]`,
		"group_name_white_list": "family", "single_chat_reply_prefix": "[bot] ", "character_desc": "x: y", "catalogue.dir": ".",
		"store.url": "postgres://u:p@h/d", "store.key": "0123456789abcdef", "stale_after": "11s",
		"login_links": "admins",
	}
	environ := []string{"OPENAI_API_KEY=k"}
	for _, k := range schema() {
		if !k.fromEnv() {
			continue
		}
		value, ok := values[k.path]
		if !ok {
			value = "9"
			if k.kind == reflect.TypeFor[time.Duration]() {
				value = "9s"
			}
		}
		environ = append(environ, k.env()+"="+value)
	}
	c, err := load(t, "", environ...)
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		Locale: "zh_CN", DataDir: "9", LogLevel: "warn", LogFormat: "json", WeChatMode: "normal",
		SendInterval: 9 * time.Second, SendBurst: 9, PrivatePrefixes: []string{"bot", "@bot"}, ReplyPrefix: "[bot] ",
		GroupPrefixes: []string{"a,b", ""}, Groups: []string{"family"}, System: "x: y", MemoryTurns: 9,
		MemoryExpiry: 90 * time.Second, Deadline: 9 * time.Second, ThinkingAfter: 9 * time.Second, Grace: 9 * time.Second, MailboxSize: 9, MaxMessage: 9,
		Catalogue: Catalogue{Dir: "."}, StaleAfter: 11 * time.Second, Node: "9", LoginLinks: LoginLinksAdmins, AdminRemarks: []string{"9"}, DigestHour: 9,
		Store:    Store{URL: NewSecret("postgres://u:p@h/d"), Key: NewSecret("0123456789abcdef")},
		Accounts: []Account{{Name: "main", Channel: ChannelOpenWeChat, Admins: []string{}}}, Alerts: []Alert{}, ImpliedAccount: true,
		Limits: Limits{PersonMinute: 9, PersonDay: 9, GroupMinute: 9, GroupDay: 9},
	}
	c.Providers, c.Warnings = nil, nil
	if !reflect.DeepEqual(*c, want) {
		t.Errorf("got  %+v\nwant %+v", *c, want)
	}
}

func TestOpenAIVariables(t *testing.T) {
	c, err := load(t, "locale: en", "OPENAI_API_KEY= k1, k2\n", "OPENAI_BASE_URL=https://ai.example/v1/", "OPENAI_MODEL=a,b", "OPENAI_ORG_ID=o", "OPENAI_PROJECT_ID=p")
	if err != nil {
		t.Fatal(err)
	}
	p := c.Providers[0]
	if p.BaseURL != "https://ai.example/v1" || !reflect.DeepEqual(p.Models, []string{"a", "b"}) || p.Organization != "o" || p.Project != "p" {
		t.Errorf("%+v", p)
	}
	if len(p.Keys) != 2 || p.Keys[1].Secret.Reveal() != "k2" {
		t.Errorf("%d keys", len(p.Keys))
	}
}

func TestLocalServiceNeedsNoKey(t *testing.T) {
	c, err := load(t, "", "OPENAI_BASE_URL=http://ollama:11434/v1", "OPENAI_MODEL=qwen")
	if err != nil || len(c.Providers[0].Keys) != 0 || len(c.Warnings) > 0 {
		t.Errorf("%v %+v", err, c)
	}
	for _, address := range []string{"http://127.0.0.1:1/v1", "http://[::1]/v1", "http://192.168.1.2/v1", "http://localhost/v1", "http://nas.local/v1"} {
		if !local(address) {
			t.Errorf("%s isn't local", address)
		}
	}
	for _, address := range []string{"https://api.openai.com/v1", "http://8.8.8.8/v1", "", "http:///v1", "%"} {
		if local(address) {
			t.Errorf("%s is local", address)
		}
	}
}

func TestNoProvider(t *testing.T) {
	_, err := load(t, "")
	want := "the configuration has a problem: providers: no AI service is set; put OPENAI_API_KEY into the environment, or list a service here; for example [{name: openai, keys: ['env:OPENAI_API_KEY']}]"
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

func TestChoosesTheFile(t *testing.T) {
	dir := t.TempDir()
	choose := func(path string, environ ...string) (string, []Problem, error) {
		c, err := Load(Options{Path: path, Dir: dir, Environ: append(environ, "OPENAI_API_KEY=k")})
		if err != nil {
			return "", nil, err
		}
		return c.File, c.Warnings, nil
	}
	write(t, filepath.Join(dir, "config.yaml"), "", 0o600)
	if file, _, err := choose(""); file != "config.yaml" || err != nil {
		t.Error(file, err)
	}
	write(t, filepath.Join(dir, "configs", "config.yaml"), "# nothing\n", 0o600)
	file, warnings, err := choose("")
	if file != "configs/config.yaml" || err != nil || len(warnings) != 1 || warnings[0].Error() != "configs/config.yaml: config.yaml is there too and is ignored" {
		t.Error(file, warnings, err)
	}
	write(t, filepath.Join(dir, "mine.yaml"), "{}", 0o600)
	if file, _, err := choose("", "DIAGBOT_CONFIG=mine.yaml"); file != "mine.yaml" || err != nil {
		t.Error(file, err)
	}
	if file, _, err := choose(filepath.Join(dir, "mine.yaml"), "DIAGBOT_CONFIG=other.yaml"); filepath.Base(file) != "mine.yaml" || err != nil {
		t.Error(file, err)
	}
	for path, want := range map[string]string{
		"none.yaml": "none.yaml: there is no such file",
		"configs":   "configs: this is a directory, not a file",
	} {
		if _, _, err := choose(path); problems(err) != want+"\n" {
			t.Errorf("got %q, want %q", problems(err), want)
		}
	}
	if _, _, err := choose("", "DIAGBOT_CONFIG=none.yaml"); problems(err) != "none.yaml: there is no such file\n" {
		t.Error(err)
	}
}

func TestRefusesHugeFiles(t *testing.T) {
	big := "# " + strings.Repeat("x", maxFile)
	if _, err := load(t, big, "OPENAI_API_KEY=k"); problems(err) != "config.yaml: the file is larger than 1024 KiB\n" {
		t.Error(err)
	}
	bomb := "catalogue: &a {dir: x}\nproviders:\n"
	for i := range 8 {
		prev, name := string(rune('a'+i)), string(rune('b'+i))
		bomb += "  - &" + name + " [" + strings.TrimSuffix(strings.Repeat("*"+prev+", ", 10), ", ") + "]\n"
	}
	if _, err := load(t, bomb, "OPENAI_API_KEY=k"); err == nil {
		t.Error("a multiplying file was accepted")
	}
}

func TestPartsNeedNoMore(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "config.yaml"), "data_dir: /d\ncatalogue: {dir: .}\nlocal: en\nproviders: [{keys: 1}]\n", 0o600)
	write(t, filepath.Join(dir, "bad.yaml"), "data_dir: 5\ncatalogue: x\n", 0o600)
	data, err := DataDir(Options{Dir: dir, Environ: []string{"DIAGBOT_X=1"}})
	if data != "/d" || err != nil {
		t.Error(data, err)
	}
	catalogue, err := CatalogueDir(Options{Dir: dir, Environ: []string{"DIAGBOT_CATALOGUE_DIR=configs"}})
	if problems(err) != "DIAGBOT_CATALOGUE_DIR: catalogue.dir: \"configs\" is not a directory that can be read; for example /etc/diagbot/catalogue\n" {
		t.Error(catalogue, err)
	}
	if _, err := DataDir(Options{Dir: dir, Path: "bad.yaml", Environ: []string{}}); problems(err) != "bad.yaml:1: data_dir: text is expected, not a number; put it in quotes; for example /var/lib/diagbot\n" {
		t.Error(err)
	}
	if _, err := CatalogueDir(Options{Dir: dir, Path: "bad.yaml", Environ: []string{}}); problems(err) != "bad.yaml:2: catalogue: a group of keys is expected, not text\n" {
		t.Error(err)
	}
	if _, err := CatalogueDir(Options{Dir: dir, Path: "none.yaml", Environ: []string{}}); problems(err) != "none.yaml: there is no such file\n" {
		t.Error(err)
	}
}

// yes and no are words here, as YAML 1.2 has it.
func TestVision(t *testing.T) {
	for _, setting := range []string{"auto", "yes", "no"} {
		c, err := load(t, "providers:\n  - {name: main, keys: [sk-1], vision: "+setting+"}\n")
		if err != nil || c.Providers[0].Vision != setting {
			t.Errorf("vision %s: %v", setting, err)
		}
	}
}
