package llm

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// byteCount and wordCount stand for the densest and a thin vocabulary.
func byteCount(text string, _ bool) int { return len(text) }

func wordCount(text string, _ bool) int { return len(strings.Fields(text)) }

func history(turns int, size int) []Message {
	messages := []Message{{Role: RoleSystem, Content: "You are a helpful bot."}}
	for i := range turns {
		messages = append(messages,
			Message{Role: RoleUser, Content: fmt.Sprintf("question %d %s", i, strings.Repeat("q", size))},
			Message{Role: RoleAssistant, Content: fmt.Sprintf("answer %d %s", i, strings.Repeat("a", size))})
	}
	return append(messages, Message{Role: RoleUser, Content: "newest"})
}

func TestFitKeepsWhatFits(t *testing.T) {
	messages := history(3, 10)
	f := fit(messages, mostTokens(messages), func(string, bool) int {
		t.Error("counted though the bytes fit")
		return 0
	})
	if !reflect.DeepEqual(f.messages, messages) || f.trimmed != 0 || f.shortened || f.tokens != 0 {
		t.Errorf("got %+v", f)
	}
	f = fit(messages, mostTokens(messages)-1, wordCount)
	if !reflect.DeepEqual(f.messages, messages) || f.trimmed != 0 || f.tokens != primingTokens+costOf(messages, wordCount, false) {
		t.Errorf("got %+v", f)
	}
}

func TestFitTrimsWholeTurnsToThreeQuarters(t *testing.T) {
	messages := history(20, 40)
	limit := mostTokens(messages) - 1
	f := fit(messages, limit, byteCount)
	if f.tokens > limit*3/4 || f.tokens < limit/2 || f.trimmed < 5 || f.shortened {
		t.Errorf("%d of %d tokens, %d turns left out", f.tokens, limit, f.trimmed)
	}
	if f.messages[0].Content != messages[0].Content || f.messages[1].Role != RoleUser || len(f.messages) != len(messages)-2*f.trimmed {
		t.Errorf("kept %v", f.messages)
	}
}

func TestFitCutsTheNewestInTheMiddle(t *testing.T) {
	long := "BEGIN " + strings.Repeat("天气 🇩🇪👨‍👩‍👧 e\u0301 ", 2000) + " END?"
	messages := append(history(3, 10), Message{Role: RoleAssistant, Content: "a"}, Message{Role: RoleUser, Content: long})
	f := fit(messages, 3000, byteCount)
	newest := f.messages[len(f.messages)-1].Content
	head, tail, cut := strings.Cut(newest, cutMark)
	switch {
	case !f.shortened || f.trimmed != 4 || len(f.messages) != 2 || f.tokens > 3000:
		t.Errorf("%d turns, shortened %v, %d tokens", f.trimmed, f.shortened, f.tokens)
	case !cut || !strings.HasPrefix(head, "BEGIN ") || !strings.HasSuffix(tail, " END?"):
		t.Errorf("cut to %q", newest)
	case !strings.HasPrefix(long, head) || !strings.HasSuffix(long, tail) || !utf8.ValidString(newest):
		t.Error("the parts are not the text's own")
	case len(head) < 2*len(tail) || len(newest) < 2500:
		t.Errorf("%d bytes of head, %d of tail", len(head), len(tail))
	case strings.HasPrefix(tail, "\u0301") || strings.HasSuffix(head, "\u200d"):
		t.Errorf("a character was cut: %q, %q", head[len(head)-20:], tail[:20])
	}
}

func TestFitSharesWithALongSystemMessage(t *testing.T) {
	system, newest := Message{Role: RoleSystem, Content: strings.Repeat("s", 5000)}, Message{Role: RoleUser, Content: strings.Repeat("n", 5000)}
	for _, c := range []struct {
		messages  []Message
		shortened bool
	}{
		{[]Message{system, {Role: RoleUser, Content: "hi"}}, false},
		{[]Message{system, newest}, true},
		{[]Message{{Role: RoleSystem, Content: "be nice"}, newest}, true},
		{[]Message{newest}, true},
	} {
		f := fit(c.messages, 1000, byteCount)
		if f.tokens > 1000 || f.tokens < 900 || len(f.messages) != len(c.messages) || f.shortened != c.shortened {
			t.Errorf("%d tokens, %d messages, shortened %v", f.tokens, len(f.messages), f.shortened)
		}
	}
	f := fit([]Message{system, {Role: RoleUser, Content: "hi"}}, 1000, byteCount)
	if f.messages[1].Content != "hi" {
		t.Errorf("the newest became %q", f.messages[1].Content)
	}
}

func TestCanCut(t *testing.T) {
	for text, want := range map[string]int{ // bytes of the first part of two characters
		"ab": 1, "天气": 3, "e\u0301x": 3, "👨‍👩‍👧x": 18, "👍🏽x": 8, "🇩🇪🇨🇳": 8, "\r\nx": 2, "\u1112\u1161\u11abx": 9, "한글": 3, "❤️x": 6,
	} {
		at := 1
		for !canCut(text, at) {
			at++
		}
		if at != want {
			t.Errorf("%q is cut at %d, not %d", text, at, want)
		}
	}
}

// sound holds what every prompt must keep, however it was cut.
func sound(t *testing.T, messages []Message, limit int, count countFunc) {
	t.Helper()
	before := slices.Clone(messages)
	f := fit(messages, limit, count)
	if !reflect.DeepEqual(messages, before) {
		t.Fatal("fit changed its input")
	}
	limit = max(limit, leastLimit)
	if cost := primingTokens + costOf(f.messages, count, false); cost > limit || f.tokens != 0 && f.tokens != cost {
		t.Fatalf("%d tokens, said to be %d, limit %d", cost, f.tokens, limit)
	}
	if len(messages) == 0 {
		return
	}
	last, newest := f.messages[len(f.messages)-1], messages[len(messages)-1]
	if last.Role != newest.Role || !f.shortened && !reflect.DeepEqual(last, newest) {
		t.Fatalf("the newest message became %v", last)
	}
	if len(f.messages) < len(messages) {
		rest := slices.DeleteFunc(slices.Clone(f.messages), func(m Message) bool { return m.Role == RoleSystem })
		if rest[0].Role != RoleUser {
			t.Fatalf("begins with %v", rest[0].Role)
		}
	}
	checkOrder(t, messages, f)
	if f.shortened && !strings.Contains(last.Content, cutMark) {
		t.Fatal("shortened without a mark")
	}
	if again := fit(messages, limit, count); !reflect.DeepEqual(again.messages, f.messages) {
		t.Fatal("not the same twice")
	}
}

// checkOrder holds that what was kept is the messages' end, after the system
// message, with no change but the cuts.
func checkOrder(t *testing.T, messages []Message, f fitted) {
	t.Helper()
	from := len(messages)
	for i := len(f.messages) - 1; i >= 0; i-- {
		kept := f.messages[i]
		for from--; from >= 0 && !same(messages[from], kept); from-- {
		}
		if from < 0 {
			t.Fatalf("message %d is none of the prompt's, or out of order", i)
		}
	}
}

func same(m, kept Message) bool {
	head, tail, cut := strings.Cut(kept.Content, cutMark)
	if m.Role != kept.Role || !cut {
		return reflect.DeepEqual(m, kept)
	}
	return reflect.DeepEqual(m, kept) || strings.HasPrefix(m.Content, head) && strings.HasSuffix(m.Content, tail) && len(kept.Content) < len(m.Content)
}

func TestFitIsSound(t *testing.T) {
	texts := []string{"", "x", "你好，今天天气怎么样？", "🇩🇪👨‍👩‍👧", "word word word ", "a\u0301", "\xff\xfe", "line\n\n"}
	random := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		var messages []Message
		if random.IntN(3) > 0 {
			messages = append(messages, Message{Role: RoleSystem, Content: strings.Repeat(texts[random.IntN(len(texts))], random.IntN(60))})
		}
		for range random.IntN(12) {
			for _, role := range []Role{RoleUser, RoleAssistant} {
				messages = append(messages, Message{Role: role, Content: strings.Repeat(texts[random.IntN(len(texts))], random.IntN(90))})
			}
		}
		messages = append(messages, Message{Role: RoleUser, Content: strings.Repeat(texts[random.IntN(len(texts))], random.IntN(400))})
		limit := random.IntN(3000)
		sound(t, messages, limit, byteCount)
		sound(t, messages, limit, wordCount)
		sound(t, messages, limit, func(text string, _ bool) int { return o200k.estimate(text) })
	}
}

func FuzzFit(f *testing.F) {
	f.Add("system", "hello|hi|how are you?", 70)
	f.Add("", strings.Repeat("天气|🇩🇪", 50), 100)
	f.Add("s", strings.Repeat("👨‍👩‍👧", 50), 64)
	f.Fuzz(func(t *testing.T, system, said string, limit int) {
		var messages []Message
		if system != "" {
			messages = append(messages, Message{Role: RoleSystem, Content: system})
		}
		roles := []Role{RoleUser, RoleAssistant}
		for i, text := range strings.Split(said, "|") {
			messages = append(messages, Message{Role: roles[i%2], Content: text})
		}
		if messages[len(messages)-1].Role == RoleAssistant {
			messages = append(messages, Message{Role: RoleUser, Content: said})
		}
		limit %= 1 << 20
		sound(t, messages, limit, byteCount)
		sound(t, messages, limit, wordCount)
		for _, m := range fit(messages, limit, byteCount).messages {
			if utf8.ValidString(said) && utf8.ValidString(system) && !utf8.ValidString(m.Content) {
				t.Fatalf("a rune was cut: %q", m.Content)
			}
		}
	})
}

// Pictures are counted, so that turns with them make room, and never cost the
// newest message its words.
func TestFitCountsPictures(t *testing.T) {
	one := []Picture{{Type: "image/png", Data: []byte("x")}}
	messages := history(4, 100)
	messages[1].Pictures, messages[len(messages)-1].Pictures = one, one
	if mostTokens(messages) < 2*pictureTokens {
		t.Fatal("not counted")
	}
	limit := mostTokens(messages) - 1
	f := fit(messages, limit, byteCount)
	if f.trimmed == 0 || len(f.messages[len(f.messages)-1].Pictures) != 1 {
		t.Errorf("kept %+v", f.messages)
	}
	f = fit(messages, 500, byteCount)
	if newest := f.messages[len(f.messages)-1]; newest.Content != "newest" || len(newest.Pictures) != 1 {
		t.Errorf("the newest message became %+v", newest)
	}
}
