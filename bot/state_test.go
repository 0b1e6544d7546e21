package bot

import (
	"strings"
	"testing"
	"time"

	"github.com/diagbot/diagbot/troubleshoot"
)

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
	l := newLanguages(func() *troubleshoot.Catalogue { return c }, "en", newMemory(0))
	step := func(text, want string) {
		t.Helper()
		if got, _ := l.choose(t.Context(), reader{person: "alice", text: text}); got != want {
			t.Errorf("choose(%q) = %s, want %s", text, got, want)
		}
	}
	put := func(tag string) {
		t.Helper()
		if err := l.put(t.Context(), languageOf("alice"), tag); err != nil {
			t.Error(err)
		}
	}
	step("ok", "en")
	step("这个问题怎么办", "zh-Hans")
	step("ok", "zh-Hans")
	step("這個問題怎麼辦", "zh-Hant")
	step("ok", "zh-Hans") // once is not enough
	step("這個問題怎麼辦", "zh-Hant")
	step("ok", "zh-Hant")
	put("ja")
	step("這個問題怎麼辦", "ja")
	put("")
	step("ok", "zh-Hant")
}

// TestGroupsKeepTheirLanguage over a restart, and who chose one of their own keeps
// that.
func TestGroupsKeepTheirLanguage(t *testing.T) {
	c, err := catalogue()
	if err != nil {
		t.Fatal(err)
	}
	s := newMemory(0)
	before := newLanguages(func() *troubleshoot.Catalogue { return c }, "en", s)
	for scope, tag := range map[string]string{languageOfGroup("Home"): "ja", languageOf("carl"): "ko"} {
		if err := before.put(t.Context(), scope, tag); err != nil {
			t.Fatal(err)
		}
	}
	after := newLanguages(func() *troubleshoot.Catalogue { return c }, "en", s)
	for to, want := range map[reader]string{
		{person: "dave", group: "Home", text: "这个问题怎么办"}: "ja group", {person: "dave", group: "Work"}: "en default", {person: "dave"}: "en default",
		{person: "carl", group: "Home"}: "ko set", {person: "Home"}: "en default", {person: "dave", group: "carl"}: "en default",
	} {
		if tag, how := after.choose(t.Context(), to); tag+" "+how != want {
			t.Errorf("%+v: %s %s, want %s", to, tag, how, want)
		}
	}
}

func TestConversationIsBounded(t *testing.T) {
	c := conversation{most: 1000}
	now := time.Now()
	for range 100 {
		c.add(Turn{Asked: strings.Repeat("a", 1000), Answered: strings.Repeat("b", 1000)}, now)
	}
	if c.size > maxConversation || len(c.turns) != maxConversation/2000 {
		t.Errorf("%d turns of %d bytes", len(c.turns), c.size)
	}
	c.add(Turn{Asked: strings.Repeat("词", maxConversation), Answered: "b"}, now)
	if len(c.turns) != 1 || c.size > maxConversation || c.size < maxConversation-3 || !strings.HasSuffix(c.turns[0].Asked, "词…") {
		t.Errorf("%d turns of %d bytes", len(c.turns), c.size)
	}
	c.add(Turn{Asked: "a", Answered: strings.Repeat("b", 2*maxConversation)}, now)
	if len(c.turns) != 0 || c.size != 0 {
		t.Errorf("%d turns of %d bytes after one that is too big", len(c.turns), c.size)
	}
	none := conversation{}
	none.add(Turn{Asked: "a"}, now)
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
