package bot

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestIncidents(t *testing.T) {
	s := &incidents{}
	start := time.Now()
	refs := make(map[string]bool)
	for i := range 150 {
		ref := s.add(incident{entry: fmt.Sprint("e", i%3), at: start.Add(time.Duration(i) * time.Minute)})
		if refs[ref] || len(ref) != refLen || strings.Trim(ref, refAlphabet) != "" {
			t.Errorf("reference %q", ref)
		}
		refs[ref] = true
		if got, ok := s.find(strings.ToLower(ref)); !ok || got.entry != fmt.Sprint("e", i%3) {
			t.Errorf("find(%q) = %+v, %v", ref, got, ok)
		}
	}
	if n, last := s.seen("e0", start.Add(100*time.Minute)); n != 16 || last != start.Add(147*time.Minute) {
		t.Errorf("seen %d, last %v", n, last.Sub(start))
	}
	if n, _ := s.seen("e0", start); n > maxIncidents {
		t.Errorf("%d incidents kept", n)
	}
}

func TestReferencesAreNotNumbers(t *testing.T) {
	for range 100_000 {
		if ref := newRef(); strings.Trim(ref, "0123456789") == "" {
			t.Fatalf("reference %q could be a code", ref)
		}
	}
}

func TestRecent(t *testing.T) {
	r := newRecent(3)
	for _, tt := range []struct {
		id   string
		want bool
	}{{"a", false}, {"a", true}, {"", false}, {"", false}, {"b", false}, {"c", false}, {"d", false}, {"a", false}, {"d", true}} {
		if got := r.repeated(tt.id); got != tt.want {
			t.Errorf("repeated(%q) = %v", tt.id, got)
		}
	}
	if len(r.ids) > 3 {
		t.Errorf("%d ids kept", len(r.ids))
	}
}

func TestLanguageChangesAfterTwoMessages(t *testing.T) {
	c, err := catalogue()
	if err != nil {
		t.Fatal(err)
	}
	l := newLanguages(c, "en")
	step := func(text, want string) {
		t.Helper()
		if got, _ := l.choose("alice", text); got != want {
			t.Errorf("choose(%q) = %s, want %s", text, got, want)
		}
	}
	step("ok", "en")
	step("这个问题怎么办", "zh-Hans")
	step("ok", "zh-Hans")
	step("這個問題怎麼辦", "zh-Hant")
	step("ok", "zh-Hans") // once is not enough
	step("這個問題怎麼辦", "zh-Hant")
	step("ok", "zh-Hant")
	l.put("alice", "ja")
	step("這個問題怎麼辦", "ja")
	l.put("alice", "")
	step("ok", "zh-Hant")
}

func TestConversationIsBounded(t *testing.T) {
	c := conversation{most: 1000}
	now := time.Now()
	for range 100 {
		c.add(turn{asked: strings.Repeat("a", 1000), answered: strings.Repeat("b", 1000)}, now)
	}
	if c.size > maxConversation || len(c.turns) != maxConversation/2000 {
		t.Errorf("%d turns of %d bytes", len(c.turns), c.size)
	}
	c.add(turn{asked: strings.Repeat("a", 2*maxConversation)}, now)
	if len(c.turns) != 0 || c.size != 0 {
		t.Errorf("%d turns of %d bytes after one that is too big", len(c.turns), c.size)
	}
	none := conversation{}
	none.add(turn{asked: "a"}, now)
	if len(none.turns) != 0 {
		t.Error("a chat without memory remembers")
	}
}

func TestMention(t *testing.T) {
	for in, want := range map[string]string{
		"小明": "@小明\u2005", "": "", " \n ": "", "a\nb\u2005c": "@a b c\u2005", "\u202Eevil": "@evil\u2005",
		strings.Repeat("长", 99): "@" + strings.Repeat("长", maxName) + "\u2005",
	} {
		if got := mention(in); got != want {
			t.Errorf("mention(%q) = %q, want %q", in, got, want)
		}
	}
}
