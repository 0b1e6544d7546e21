package configs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// TestEveryRuleInChinese reads the rules from the source, so that a new one
// can't be forgotten.
func TestEveryRuleInChinese(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "rules.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		n++
		sameInChinese(t, rule(text))
		return true
	})
	if n < 60 {
		t.Errorf("only %d rules found", n)
	}
}

func sameInChinese(t *testing.T, r rule) {
	t.Helper()
	zh := r.in("zh-Hans")
	if !strings.ContainsFunc(zh, func(c rune) bool { return unicode.Is(unicode.Han, c) }) {
		t.Errorf("%q has no Chinese: %q", string(r), zh)
	}
	verbs := regexp.MustCompile(`%[a-z]`)
	if a, b := verbs.FindAllString(string(r), -1), verbs.FindAllString(zh, -1); !slices.Equal(a, b) {
		t.Errorf("%q has %v, its Chinese %v", string(r), a, b)
	}
}

func TestBothLanguages(t *testing.T) {
	_, err := load(t, "send_intervall: 3s\nopen_ai_api_key: x\ndeadline: 5\n", "OPENAI_API_KEY=k")
	e, ok := err.(*Error)
	if !ok {
		t.Fatal(err)
	}
	en := `the configuration has 3 problems:
  config.yaml:1: send_intervall: unknown key; did you mean send_interval?
  config.yaml:2: open_ai_api_key: unknown key; here it is providers[].keys
  config.yaml:3: deadline: 5 has no unit; durations are written with one, such as ms, s, m or h; for example 120s`
	zh := `配置有 3 个问题：
  config.yaml:1: send_intervall: 没有这个配置项，是不是 send_interval？
  config.yaml:2: open_ai_api_key: 没有这个配置项；在这里是 providers[].keys
  config.yaml:3: deadline: 5 没有单位；时长要带单位，如 ms、s、m、h；例如 120s`
	if e.Error() != en || e.In("zh-Hant") != zh {
		t.Errorf("got:\n%s\n%s", e, e.In("zh-Hant"))
	}
	var p Problem
	if !asProblem(err, &p) || p.Message != "unknown key; did you mean send_interval?" || p.Line != 1 || p.Path != "send_intervall" {
		t.Errorf("%+v", p)
	}
}

func asProblem(err error, p *Problem) bool {
	for _, e := range err.(*Error).Unwrap() {
		*p = e.(Problem)
		return true
	}
	return false
}

func TestWhyAFileIsUnreadable(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{&fs.PathError{Err: fs.ErrPermission}, "the file can't be read: permission denied"},
		{&fs.PathError{Err: fs.ErrNotExist}, "there is no such file"},
		{fs.ErrInvalid, "the file can't be read: input/output error"},
	} {
		if got := fileRule(c.err).Error(); got != c.want {
			t.Errorf("%v: %q, want %q", c.err, got, c.want)
		}
	}
}

// TestFamiliarKeysLeadSomewhere: each place a hint names exists.
func TestFamiliarKeysLeadSomewhere(t *testing.T) {
	keys := schema()
	for _, name := range []string{"open_ai_api_key", "open_ai_api_base", "model", "proxy", "temperature", "max_tokens", "organization",
		"request_timeout", "session_timeout", "reply_prefix", "wake_prefix", "system_prompt", "cow_lang", "debug"} {
		place := moved(name)
		if !slices.ContainsFunc(keys, func(k key) bool { return k.path == place }) {
			t.Errorf("%s leads to %q", name, place)
		}
		if slices.ContainsFunc(keys, func(k key) bool { return k.path == name }) {
			t.Errorf("%s is a key itself", name)
		}
	}
}

func TestLooksSecret(t *testing.T) {
	for _, s := range []string{"sk-abc", "sk-proj-x", "gsk_abc", "AIzaSy", "eyJhbGciOi", "Bearer x", "LTAI5t", "deadbeefdeadbeefdeadbeef01", "user:sk-x"} {
		if !looksSecret(s) {
			t.Errorf("%q passes for harmless", s)
		}
	}
	for _, s := range []string{"openai-main", "gpt-4o-mini", "task-force", "clear_memory_commands", "https://api.openai.com/v1", "risk-free", "./data", ""} {
		if looksSecret(s) {
			t.Errorf("%q passes for a key", s)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(ExampleYAML, "k")
	f.Add("catalogue: &a {dir: x}\nproviders: [{<<: *a, name: b}]", "0s")
	f.Add("a: &a [*a]", "[x")
	f.Add("providers: [[[]], {keys: {a: 1}}]\n? [x]\n: y", "1,2")
	f.Fuzz(func(t *testing.T, file, value string) {
		environ := []string{"OPENAI_API_KEY=" + value}
		for _, k := range schema() {
			if k.fromEnv() {
				environ = append(environ, k.env()+"="+value)
			}
		}
		c, err := load(t, file, environ...)
		if (c == nil) == (err == nil) {
			t.Fatalf("%v, %v", c, err)
		}
		if e, ok := err.(*Error); err != nil && (!ok || e.Error() == "" || len(e.Problems) == 0) {
			t.Fatalf("%#v", err)
		}
	})
}
