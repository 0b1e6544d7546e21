package main

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// planted is a key that must never be printed.
const planted = "sk-planted0123456789abcdefghij"

// refused is a command line that ends in a clear message.
type refused struct {
	args   string // separated by "|"
	env    []string
	stdin  string
	status exitError
	want   string // part of what is said
}

func judgeRefused(t *testing.T, c refused) {
	t.Helper()
	defer func() {
		if v := recover(); v != nil {
			t.Errorf("diagbot %s %v: panic: %v", c.args, c.env, v)
		}
	}()
	got := diagbot(t, c.stdin, c.env, strings.Split(c.args, "|")...)
	if got.status != int(c.status) || !strings.Contains(got.err, c.want) {
		t.Errorf("diagbot %s %v: status %d, want %d; no %q in %q (out %.100q)", c.args, c.env, got.status, c.status, c.want, got.err, got.out)
	}
	if all := got.out + got.err; strings.Contains(all, planted) || strings.Contains(all, "goroutine ") {
		t.Errorf("diagbot %s: said %q", c.args, all)
	}
}

func TestHostileArguments(t *testing.T) {
	zh := []string{"LANG=zh_CN.UTF-8"}
	for _, c := range []refused{
		{args: "nope", status: statusUsage, want: `no command "nope"`},
		{args: "srve", status: statusUsage, want: "serve?"},
		{args: "explian|401", status: statusUsage, want: "explain?"},
		{args: "nope", env: zh, status: statusUsage, want: "没有“nope”这个命令"},
		{args: "--nope", status: statusUsage, want: "--nope"},
		{args: "serve|--nope", status: statusUsage, want: "diagbot serve --help"},
		{args: "serve|--nope", env: zh, status: statusUsage, want: "没有 --nope 这个选项"},
		{args: "serve|-x", env: zh, status: statusUsage, want: "没有 -x 这个选项"},
		{args: "serve|extra", status: statusUsage, want: `"extra"`},
		{args: "serve|extra", env: zh, status: statusUsage, want: "不需要“extra”"},
		{args: "demo|a|b", status: statusUsage, want: `"a"`},
		{args: "classify|file.json", status: statusUsage, want: `"file.json"`},
		{args: "explain", status: statusUsage, want: "diagbot explain 401"},
		{args: "explain", env: zh, status: statusUsage, want: "diagbot explain 401"},
		{args: "explain|401|402", status: statusUsage, want: "diagbot explain 401"},
		{args: "explain|", status: statusUsage, want: "diagbot explain 401"},
		{args: "explain|9999", status: statusFailed, want: "no entry for 9999"},
		{args: "explain|gtp-401", status: statusFailed, want: "gpt-401"},
		{args: "explain|9999", env: zh, status: statusFailed, want: "没有 9999"},
		{args: "explain|401|--audience=boss", status: statusUsage, want: "boss"},
		{args: "explain|-|--source=mars", status: statusUsage, want: "mars"},
		{args: "explain|-", status: statusUsage, want: "standard input is empty"},
		{args: "explain|-", stdin: " \n\t ", status: statusUsage, want: "standard input is empty"},
		{args: "--lang", status: statusUsage, want: "--lang"},
		{args: "explain|401|--lang=\xff", status: statusUsage, want: "zh-Hans"},
		{args: "explain|401|--lang=klingon", env: zh, status: statusUsage, want: "zh-Hans"},
		{args: "help|nope", status: statusUsage, want: `no command "nope"`},
		{args: "health|--config|/nonexistent/x.yaml", status: statusUsage, want: "x.yaml"},
	} {
		judgeRefused(t, c)
	}
	if got := diagbot(t, "", nil); got.status != 0 || len(got.out) < 200 {
		t.Errorf("diagbot: %+v", got)
	}
	for _, args := range []string{"help", "help|serve", "serve|--help", "--lang=klingon|--help", "--lang=../../etc/passwd|--help"} {
		if got := diagbot(t, "", nil, strings.Split(args, "|")...); got.status != 0 || len(got.out) < 200 || got.err != "" {
			t.Errorf("diagbot %q: %+v", args, got)
		}
	}
}

// TestHostileConfiguration holds that every problem of a configuration is told
// at once, with its place, without a secret.
func TestHostileConfiguration(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	loop := filepath.Join(dir, "loop.yaml")
	must(t, os.Symlink(loop, loop))
	key := "OPENAI_API_KEY=" + planted
	for _, c := range []refused{
		{args: filepath.Join(dir, "missing.yaml"), want: "there is no such file"},
		{args: dir, want: "directory"},
		{args: loop, want: "loop.yaml"},
		{args: write("empty.yaml", ""), want: "OPENAI_API_KEY"},
		{args: write("list.yaml", "- a\n- b\n"), want: "list.yaml"},
		{args: write("word.yaml", "word"), want: "word.yaml"},
		{args: write("binary.yaml", "\x00\xff\xfe"), want: "UTF-8"},
		{args: write("broken.yaml", "a: [1\n"), want: "broken.yaml"},
		{args: write("twice.yaml", "locale: en\nlocale: ja\n"), want: "locale"},
		{args: write("bomb.yaml", "a: &a [x,x]\nb: &b [*a,*a,*a]\nc: &c [*b,*b,*b]\nd: [*c,*c]\n"), want: "bomb.yaml"},
		{args: write("deep.yaml", strings.Repeat("[", 20_000)), want: "deep.yaml"},
		{args: write("large.yaml", "a: "+strings.Repeat("x", 8<<20)), want: "large.yaml"},
		{args: write("keys.yaml", "sned_interval: 3s\nproviders: [{name: a, keys: [k], modles: [m]}]\n"), want: "did you mean send_interval?"},
		{args: write("both.yaml", "sned_interval: 3s\nproviders: [{name: a, keys: [k], modles: [m]}]\n"), want: "did you mean models?"},
		{args: write("types.yaml", "deadline: [1]\nmemory_turns: many\nproviders: 5\n"), want: "memory_turns: a whole number is expected"},
		{args: write("unset.yaml", "providers: [{name: a, keys: ['env:DIAGBOT_NO_SUCH']}]\n"), want: "DIAGBOT_NO_SUCH"},
		{args: write("nofile.yaml", "providers: [{name: a, keys: ['file:no-such-file.key']}]\n"), want: "no-such-file.key"},
		{args: write("secrets.yaml", "nope: "+planted+"\nlocale: "+planted+"\nproviders: [{name: a, keys: [{secret: "+planted+"}], base_url: 'ht!tp://joe:"+planted+"@x', proxy: 'ftp://joe:"+planted+"@h'}]\n"), want: "base_url"},
		{args: write("catalogue.yaml", "catalogue: {dir: "+dir+"/none}\n"), env: []string{key}, want: "catalogue.dir"},
		{env: []string{key, "DIAGBOT_DEADLINE=soon"}, want: "DIAGBOT_DEADLINE"},
		{env: []string{key, "DIAGBOT_NO_SUCH=1"}, want: "DIAGBOT_NO_SUCH"},
		{env: []string{"OPENAI_API_KEY="}, want: "OPENAI_API_KEY"},
		{env: []string{key, "OPENAI_BASE_URL=::"}, want: "OPENAI_BASE_URL"},
		{want: "OPENAI_API_KEY"},
	} {
		c.status = statusUsage
		if c.args != "" {
			c.args = "|--config|" + c.args
		}
		c.env = append(c.env, "DIAGBOT_DATA_DIR="+filepath.Join(dir, "data"))
		for _, command := range []string{"check|--offline", "serve"} {
			again := c
			again.args = command + c.args
			judgeRefused(t, again)
		}
	}
}

// TestHostileDataDirectory points data_dir at what is no directory.
func TestHostileDataDirectory(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	must(t, os.WriteFile(file, nil, 0o600))
	locked := filepath.Join(dir, "locked")
	must(t, os.MkdirAll(filepath.Join(locked, "lock"), 0o700))
	for _, data := range []string{file, filepath.Join(file, "below"), "/dev/null", "/proc/nothing/here", locked} {
		env := []string{"OPENAI_API_KEY=" + planted, "DIAGBOT_DATA_DIR=" + data}
		judgeRefused(t, refused{args: "serve", env: env, status: statusUsage, want: data})
	}
	env := []string{"OPENAI_API_KEY=" + planted, "DIAGBOT_DATA_DIR=" + file}
	if got := diagbot(t, "", env, "check", "--offline"); got.status != int(statusFailed) || !strings.Contains(got.out, "cannot be written") {
		t.Errorf("check: %+v", got)
	}
}

// TestHealthOfAnotherUser says that it may not look, which is not that nothing runs.
func TestHealthOfAnotherUser(t *testing.T) {
	var said bytes.Buffer
	w, err := wordsFor("en", func(string) string { return "" })
	must(t, err)
	a := &app{terminal: terminal{err: &said}, words: w}
	why := &fs.PathError{Op: "open", Path: "/data/" + heartbeatFile, Err: syscall.EACCES} // root would not get that
	if err := a.readPulse("/data", nil, why); err != statusFailed || !strings.Contains(said.String(), "not for this user") {
		t.Errorf("%v: %s", err, said.String())
	}
}

// TestHostileHeartbeat reads heartbeats that serve did not write.
func TestHostileHeartbeat(t *testing.T) {
	now := time.Now().Format(time.RFC3339)
	for text, want := range map[string]string{
		"": "No heartbeat", "garbage": "No heartbeat", "[]": "No heartbeat", `{"states":5}`: "No heartbeat", "\x00\xff": "No heartbeat",
		"null": "No heartbeat", "{}": "No heartbeat", `{"states":{"main":"online"},"at":"1999-01-01T00:00:00Z"}`: "heartbeat is",
		`{"states":{"main":"online"},"at":"2999-01-01T00:00:00Z"}`: "heartbeat is",
	} {
		dir := t.TempDir()
		must(t, os.WriteFile(filepath.Join(dir, heartbeatFile), []byte(text), 0o600))
		judgeRefused(t, refused{args: "health", env: []string{"DIAGBOT_DATA_DIR=" + dir}, status: statusFailed, want: want})
	}
	for _, state := range []string{"weird", "", "\x1b[31m", strings.Repeat("x", 10_000)} {
		dir := t.TempDir()
		must(t, os.WriteFile(filepath.Join(dir, heartbeatFile), []byte(`{"states":{"main":`+quoted(state)+`},"at":"`+now+`"}`), 0o600))
		func() {
			defer func() {
				if v := recover(); v != nil {
					t.Errorf("state %.20q: panic: %v", state, v)
				}
			}()
			got := diagbot(t, "", []string{"DIAGBOT_DATA_DIR=" + dir}, "health")
			if got.status != 0 || strings.Contains(got.out, "\x1b") || len(got.out) > 200 {
				t.Errorf("state %.20q: %d %.300q", state, got.status, got.out+got.err)
			}
		}()
	}
}

func quoted(s string) string { b, _ := json.Marshal(s); return string(b) }

// TestHostileClassify gives classify lines it cannot read among others, and
// holds that each has its answer, in order.
func TestHostileClassify(t *testing.T) {
	lines := []struct{ in, want string }{
		{`garbage`, `"error"`},
		{`[]`, `"error"`},
		{`5`, `"error"`},
		{`null`, `"error"`},
		{`"text"`, `"error"`},
		{`{"status":"x"}`, `"error"`},
		{`{"status":99999999999999999999}`, `"error"`},
		{`{"headers":[1]}`, `"error"`},
		{`{"body":{"a":1}}`, `"error"`},
		{`{`, `"error"`},
		{strings.Repeat("[", 100_000), `"error"`},
		{strings.Repeat("x", 5<<20), `"error"`},
		{`{"status":401}`, `"entry":"gpt-401"`},
		{`{"status":401,"source":"web"}`, `"entry":"chatgpt-401"`},
		{`{"status":null,"error":"EOF"}`, `"entry":"connection-reset"`},
		{`{"status":429,"headers":{"Retry-After":["5",7,null]}}`, `"retry_after_ms":5000`},
		{`{"status":429,"headers":{"Retry-After":5}}`, `"retry_after_ms":5000`},
		{`{}`, `"entry":"unknown-error"`},
		{`{"status":-5}`, `"entry":"unknown-error"`},
		{"{\"status\":500,\"body\":\"\xff\xfe\"}", `"entry":"gpt-500"`},
		{`{"status":500,"body":"` + strings.Repeat("y", 1<<20) + `"}`, `"entry":"gpt-500"`},
		{`{"status":401,"body":"{\"error\":{\"message\":\"Incorrect API key provided: ` + planted + `\"}}","unknown":1}`, `"entry":"chatgpt-401-invalid-api-key"`},
	}
	var in strings.Builder
	for _, l := range lines {
		in.WriteString(l.in + "\n")
	}
	got := diagbot(t, in.String()+`{"status":413}`, nil, "classify") // the last line has no end
	out := strings.Split(strings.TrimSuffix(got.out, "\n"), "\n")
	if got.status != int(statusFailed) || len(out) != len(lines)+1 {
		t.Fatalf("status %d, %d lines for %d; %s", got.status, len(out), len(lines)+1, got.err)
	}
	for i, l := range lines {
		if !strings.Contains(out[i], l.want) || len(out[i]) > 1000 || !json.Valid([]byte(out[i])) {
			t.Errorf("%.60q: no %s in %.300q", l.in, l.want, out[i])
		}
		for _, bad := range []string{planted, "main.", "Go struct", "Go value", `"evidence":null`, `"Rule"`} {
			if strings.Contains(out[i], bad) {
				t.Errorf("%.60q: %q in %.300q", l.in, bad, out[i])
			}
		}
	}
	if !strings.Contains(out[len(lines)], "gpt-413") {
		t.Errorf("the last line: %q", out[len(lines)])
	}
}

// TestHostilePastes explains what nobody should paste.
func TestHostilePastes(t *testing.T) {
	for _, paste := range []string{
		"\x00\xff\xfe\x00", strings.Repeat("\xff", 2<<20), strings.Repeat("{", 200_000), strings.Repeat("<div>", 100_000), "{}", "[]", "null", "0", "......",
		"HTTP/1.1\n\n", "HTTP/1.1 999 x\n\n", "HTTP/1.1 429 Too Many Requests\r\nRetry-After: -5\r\n\r\n", "data: [DONE]\n\n",
		"curl: (7) Failed to connect to 203.0.113.9 port 443: key " + planted, `{"error":{"message":"` + planted + `","code":"` + planted + `","type":"` + planted + `"}}`,
	} {
		for _, tag := range []string{"en", "zh-Hans", "ja"} {
			got := diagbot(t, paste, nil, "explain", "-", "--lang", tag)
			if got.status != 0 || len(got.out) < 20 || len(got.out) > 8000 || strings.Contains(got.out, planted) || strings.Contains(got.out, "203.0.113.9") {
				t.Errorf("%.40q in %s: %d %.500q", paste, tag, got.status, got.out+got.err)
			}
			if strings.Contains(got.out, "Recognised by: \n") || strings.HasSuffix(got.out, "：\n") {
				t.Errorf("%.40q in %s ends with an empty reason", paste, tag)
			}
		}
	}
}
