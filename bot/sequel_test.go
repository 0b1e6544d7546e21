package bot

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/diagbot/diagbot/llm"
)

// few is a channel that takes three short parts for a message.
func few(c *fakeChannel) {
	c.traits = Traits{StableIDs: true, PartRunes: 120, PartBytes: 480, RepliesPerMessage: 3}
}

// essay is a long answer, whose lines are numbered.
func essay(lines int) string {
	var b strings.Builder
	for i := range lines {
		fmt.Fprintf(&b, "Line %d of a long answer.\n", i)
	}
	return strings.TrimSpace(b.String())
}

// inFew runs a test on such a channel, whose model answers with an essay.
func inFew(t *testing.T, s Store, lines int, test func(*world)) {
	t.Helper()
	w := newWorldOn(t, few, func(o *Options) { o.Store = s })
	w.completer.answer = func(context.Context, llm.Prompt) (string, error) { return essay(lines), nil }
	synctest.Wait()
	test(w)
}

var (
	partNumber = regexp.MustCompile(`\n\(\d+/\d+\)$`)
	offer      = regexp.MustCompile(`\n[(（][^\n]*(go on|继续|続けて|계속)[^\n]*[)）]$`)
)

// read takes what was said apart: the text, and whether more of it was offered.
func (w *world) read() (text string, parts int, offered bool) {
	var all []string
	for _, u := range w.channel.take() {
		part := partNumber.ReplaceAllString(u.text, "")
		if offer.MatchString(part) {
			part, offered = offer.ReplaceAllString(part, ""), true
		}
		all = append(all, part)
	}
	return strings.Join(all, "\n"), len(all), offered
}

func TestSequel(t *testing.T) {
	if _, err := catalogue(); err != nil {
		t.Fatal(err)
	}
	for name, words := range map[string][]string{
		"plain": {"go on", "go on", "go on", "go on"}, "languages": {"继续。", "続けて", "“계속”", " Ｃｏｎｔｉｎｕｅ!"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				inFew(t, nil, 40, func(w *world) {
					w.hear(private("alice", "tell me all"))
					said, offered := "", true
					for _, word := range words {
						text, parts, more := w.read()
						if parts > 3 {
							t.Errorf("%d parts", parts)
						}
						said += text + "\n"
						if offered = more; !offered {
							break
						}
						w.hear(private("alice", word))
					}
					if squeeze(said) != squeeze(essay(40)) {
						t.Errorf("said %q", said)
					}
					if n := len(w.completer.asked()); n != 1 || offered {
						t.Errorf("the model was asked %d times; there is more: %v", n, offered)
					}
					w.hear(private("alice", "go on"))
					if n := len(w.completer.asked()); n != 2 {
						t.Errorf("after the end the model was asked %d times", n)
					}
				})
			})
		})
	}
}

// TestSequelOfOne holds that an answer goes on for the one who asked, if nothing
// else came between.
func TestSequelOfOne(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.channel.traits = Traits{}
		text := strings.Repeat("一二三四五六七八九。", 3000)
		w.completer.answer = func(context.Context, llm.Prompt) (string, error) { return text, nil }
		for i, step := range []struct {
			m    Message
			asks bool // the model
		}{
			{inGroup("home", "alice", "tell me all"), true},
			{inGroup("home", "bob", "go on"), true},
			{inGroup("home", "alice", "go on"), false},
			{private("alice", "go on"), true},
			{private("alice", "go on"), false},
			{private("alice", "something else"), true},
			{private("alice", "/ping"), false},
			{private("alice", "go on"), false},
			{private("alice", "/reset"), false},
			{private("alice", "go on"), true},
		} {
			before := len(w.completer.asked())
			w.hear(step.m)
			if asked := len(w.completer.asked()) > before; asked != step.asks {
				t.Errorf("%d: %q asks the model: %v", i, step.m.Text, asked)
			}
			if n := len(w.texts()); n == 0 || n > maxParts {
				t.Errorf("%d: %d parts", i, n)
			}
		}
	})
}

// TestSequelKilled kills the relay at each call of the store while it goes on with
// an answer. The next one goes on where the first was, and nothing is missing.
func TestSequelKilled(t *testing.T) {
	if _, err := catalogue(); err != nil {
		t.Fatal(err)
	}
	calls := 1
	for kill := 0; kill < calls; kill++ {
		for _, after := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				s := &frailStore{Store: newMemory(0)}
				var said []string
				inFew(t, s, 20, func(w *world) {
					w.hear(private("alice", "tell me all"))
					n := 0
					die := func(context.Context, string) error {
						if n++; n == kill+1 {
							w.disown()
							return ErrNotOwner
						}
						return nil
					}
					if after {
						s.set(nil, die)
					} else {
						s.set(die, nil)
					}
					w.offer(private("alice", "go on"))
					synctest.Wait()
					if n > kill { // there may be further calls
						calls = kill + 2
					}
					w.disown()
					synctest.Wait()
					said = w.texts()
				})
				s.set(nil, nil)
				inFew(t, s, 20, func(w *world) {
					if n := len(w.completer.asked()); n > 0 {
						t.Errorf("killed at %d: the model was asked again", kill)
					}
					said = append(said, w.texts()...)
					if len(said) < 6 { // it was killed before it was heard
						w.hear(private("alice", "go on"))
						said = append(said, w.texts()...)
					}
				})
				if squeeze(whole(slices.Compact(said))) != squeeze(essay(20)) {
					t.Errorf("killed at %d, after: %v: said %q", kill, after, said)
				}
			})
		}
	}
	if calls < 5 {
		t.Errorf("%d calls", calls)
	}
}

// whole puts parts together.
func whole(parts []string) string {
	var all []string
	for _, p := range parts {
		p = partNumber.ReplaceAllString(p, "")
		all = append(all, offer.ReplaceAllString(p, ""))
	}
	return strings.Join(all, "\n")
}

// TestTightParts holds that parts are filled better before anything is left for
// later.
func TestTightParts(t *testing.T) {
	text := strings.TrimSpace(strings.Repeat(strings.Repeat("字", 54)+"\n", 9))
	l := limits{runes: 108, bytes: 999, parts: 5}
	if parts, rest := split(text, l, "more"); rest != "" || len(parts) != 5 {
		t.Errorf("%d parts, left %q", len(parts), rest)
	}
}
