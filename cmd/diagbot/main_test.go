package main

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// asMain makes the test binary act as diagbot, so that tests can run the real
// process without building it again.
const asMain = "DIAGBOT_TEST_AS_MAIN"

// asLimited makes it survive the signal for a file that would become longer than
// is allowed: the write fails all the same.
const asLimited = "DIAGBOT_TEST_AS_LIMITED"

func TestMain(m *testing.M) {
	if os.Getenv(asMain) != "" {
		_ = os.Unsetenv(asMain)
		if os.Getenv(asLimited) != "" {
			_ = os.Unsetenv(asLimited)
			ignoreLimit()
		}
		main()
	}
	// Much of what these tests do is wait for other processes.
	_ = flag.Set("test.parallel", strconv.Itoa(runtime.GOMAXPROCS(0)+1))
	os.Exit(m.Run())
}

// output is what a command did.
type output struct {
	status   int
	out, err string
}

// diagbot runs a command in this process, in an empty environment but for env.
func diagbot(t *testing.T, stdin string, env []string, args ...string) output {
	t.Helper()
	var out, err bytes.Buffer
	status := run(context.Background(), args, terminal{
		in: strings.NewReader(stdin), out: &out, err: &err, environ: env,
	})
	return output{status, out.String(), err.String()}
}

// TestWordsAgree holds that both languages have the same keys with the same
// placeholders, and none without a text.
func TestWordsAgree(t *testing.T) {
	all := map[string]map[string]string{}
	for _, tag := range []string{"en", "zh-Hans"} {
		raw, err := textFiles.ReadFile("text/" + tag + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		var text map[string]string
		if err := yaml.Unmarshal(raw, &text); err != nil {
			t.Fatal(err)
		}
		all[tag] = text
	}
	for key, en := range all["en"] {
		zh, ok := all["zh-Hans"][key]
		if !ok || strings.TrimSpace(en) == "" || strings.TrimSpace(zh) == "" {
			t.Errorf("%s is missing or empty in a language", key)
		}
		if a, b := placeholders(en), placeholders(zh); !slices.Equal(a, b) {
			t.Errorf("%s has placeholders %v in en, %v in zh-Hans", key, a, b)
		}
	}
	if len(all["en"]) != len(all["zh-Hans"]) {
		t.Errorf("%d texts in en, %d in zh-Hans", len(all["en"]), len(all["zh-Hans"]))
	}
}

func placeholders(text string) []string {
	var names []string
	for _, part := range strings.Split(text, "{")[1:] {
		if name, _, ok := strings.Cut(part, "}"); ok && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func TestLanguageOfOutput(t *testing.T) {
	for _, c := range []struct {
		env  []string
		args []string
		want string
	}{
		{nil, []string{"--help"}, "Commands:"},
		{[]string{"LANG=zh_CN.UTF-8"}, []string{"--help"}, "命令："},
		{[]string{"LANG=zh_CN.UTF-8", "LC_ALL=C"}, []string{"--help"}, "Commands:"},
		{[]string{"LANG=fr_FR.UTF-8"}, []string{"--help"}, "Commands:"},
		{[]string{"LANG=zh_CN.UTF-8"}, []string{"--lang", "en", "--help"}, "Commands:"},
		{nil, []string{"serve", "--help", "--lang=zh"}, "登录微信"},
	} {
		if got := diagbot(t, "", c.env, c.args...); got.status != 0 || !strings.Contains(got.out, c.want) {
			t.Errorf("%v %v: status %d, no %q in %s%s", c.env, c.args, got.status, c.want, got.out, got.err)
		}
	}
}

// TestWordsUsed holds that no text is left over from words nobody says.
func TestWordsUsed(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var source strings.Builder
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		source.Write(raw)
	}
	w, err := wordsFor("en", func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	for key := range w.text {
		if !strings.HasPrefix(key, "state_") && !strings.Contains(source.String(), `"`+key+`"`) {
			t.Errorf("nobody says %s", key)
		}
	}
}
