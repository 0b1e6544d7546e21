package bot

import (
	"strings"
	"testing"
)

// TestTableIsWhole holds every command to have words in every language, and names
// that are its own.
func TestTableIsWhole(t *testing.T) {
	c, err := catalogue()
	if err != nil {
		t.Fatal(err)
	}
	owners := make(map[string]string)
	for _, x := range commands() {
		if x.run == nil || x.name == "" || x.name != fold(x.name) {
			t.Errorf("command %+v", x)
		}
		for _, name := range append([]string{x.name}, x.aliases...) {
			if other, taken := owners[fold(name)]; taken && other != x.name {
				t.Errorf("%s means %s and %s", name, other, x.name)
			}
			owners[fold(name)] = x.name
			if !isWordy(fold(name)) && name != "?" || len([]rune(name)) > maxWord {
				t.Errorf("%s: %q cannot be typed as a command", x.name, name)
			}
		}
		for _, h := range x.hints {
			for _, l := range c.Locales() {
				about, usage := c.Say(l.Tag, h.about), c.Say(l.Tag, h.usage)
				if about == h.about || h.usage != "" && (usage == h.usage || !strings.HasPrefix(usage, "/"+x.name)) {
					t.Errorf("%s in %s: %q, %q", x.name, l.Tag, usage, about)
				}
			}
			if x.admin && !h.admin {
				t.Errorf("%s is shown to everybody", x.name)
			}
		}
	}
}

// TestBeginnings takes a cut name for the only command it can mean.
func TestBeginnings(t *testing.T) {
	table := newCommandTable()
	for in, want := range map[string]string{
		"/dia": "diag", "/prov": "provider", "/mod": "model", "/pau": "pause", "/au": "?au", "/aud": "audit", "/aut": "auth", "/re": "?re", "/res": "?res", "/rese": "reset",
		"/adm": "admin", "/p": "?p", "/诊": "diag", "/暂": "pause", "/屏": "block", "/解": "unblock", "/恢": "resume",
		"#dia": "diag", "#di": "?di", "#暂": "", "#暂停服": "pause", "#in": "", "#topic": "", "/unb": "unblock",
	} {
		c, _, ok := table.parse(in)
		got := ""
		if ok {
			if got = c.name; c.run == nil {
				got = "?" + c.name
			}
		}
		if got != want {
			t.Errorf("parse(%q) = %q, want %q", in, got, want)
		}
	}
}

// TestHidden: of a command that is not stored whole, what it is a reply to is not
// stored either.
func TestHidden(t *testing.T) {
	table := newCommandTable()
	for text, want := range map[string]bool{
		"/diag explain": true, "/诊断 解释": true, "/ diag explain x": true, "/key add a": true, "/key": false, "/diag 401": false, "/diag": false, "explain": false, "": false,
	} {
		if got := table.hidden(text); got != want {
			t.Errorf("hidden(%q) = %v", text, got)
		}
	}
}

// TestStoredCommands keeps no more of a command than may be kept.
func TestStoredCommands(t *testing.T) {
	table := newCommandTable()
	for in, want := range map[string]string{
		"/key add a b sk-x":       "/key",
		"＃密钥 add a b sk-x":        "/key",
		"/key":                    "/key",
		"/ky add a b sk-x":        "/ky",
		"/keyy add a b sk-x":      "/keyy",
		"/key:add a b sk-x":       "/key",
		"/ key add a b sk-x":      "/key",
		"/key：add a b sk-x":       "/key",
		"/keyy:add a b sk-x":      "/keyy",
		"/auth「ABCDE-FGHJK」":      "/auth",
		"/auth ABCDE-FGHJK":       "/auth",
		"#配对\u3000ABCDE-FGHJK":    "/auth",
		"/diag explain 401 sk-x":  "/diag explain",
		"/diag EXPLAIN\nsk-x":     "/diag explain",
		"#诊断 解释 sk-x":             "/diag 解释",
		"/diag 401":               "/diag 401",
		"/model gpt-4o":           "/model gpt-4o",
		"what is /key add a b c?": "what is /key add a b c?",
		"hello":                   "hello",
	} {
		if got := table.stored(in); got != want {
			t.Errorf("stored(%q) = %q, want %q", in, got, want)
		}
	}
}
