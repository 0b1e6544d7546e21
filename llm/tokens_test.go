package llm

import (
	"strings"
	"testing"
	"time"
)

var samples = map[string]string{
	"english": strings.Repeat("When a bot fails, it says what happened and what to do next, in plain words. ", 40),
	"chinese": strings.Repeat("机器人出错的时候，会用对方的语言说明发生了什么、接下来该怎么办。", 40),
	"code":    strings.Repeat("func (c *Client) Close() {\n\tfor _, p := range c.providers {\n\t\tp.http.CloseIdleConnections()\n\t}\n}\n", 40),
	"json":    strings.Repeat(`{"id": 12345, "name": "x_y", "tags": ["a", "b"], "ok": true}, `, 40),
	"emoji":   strings.Repeat("😀👍🏽🎉 ", 100),
	"mixed":   strings.Repeat("今天 weather 怎么样 in 北京? 23°C, sunny ☀️\n", 60),
}

func TestCountKnowsTheVocabularies(t *testing.T) {
	if a, b := o200k.count("hello world"), cl100k.count("hello world"); a != 2 || b != 2 {
		t.Errorf("hello world: %d and %d", a, b)
	}
	if a, b := o200k.count(samples["chinese"]), cl100k.count(samples["chinese"]); a*12/10 > b {
		t.Errorf("Chinese: %d and %d", a, b)
	}
	if n := o200k.count(""); n != 0 {
		t.Errorf("nothing: %d", n)
	}
}

// The quick estimate is rather too high than too low, and not by much.
func TestEstimateErrsToTheSafeSide(t *testing.T) {
	for name, text := range samples {
		for _, v := range []vocabulary{o200k, cl100k} {
			if got, want := v.estimate(text), v.count(text); got < want*9/10 || got > want*23/10 {
				t.Errorf("%s, vocabulary %d: %d for %d", name, v, got, want)
			}
		}
	}
}

func TestCountTakesLongTextsByTheirEnds(t *testing.T) {
	for name, text := range samples {
		long := strings.Repeat(text, 1<<20/len(text))
		got, want := o200k.count(long), o200k.count(text)*(1<<20/len(text))
		if got < want || got > want*12/10 {
			t.Errorf("%s: %d for %d", name, got, want)
		}
	}
	if n := o200k.count("\xff\xfe\x80 broken"); n < 1 || n > 10 {
		t.Errorf("%d tokens", n)
	}
}

func TestFamilies(t *testing.T) {
	for model, want := range map[string]int{
		"gpt-4o-mini": 128_000, "openai/gpt-4o": 128_000, "gpt-4": 8192, "GPT-4-Turbo-2024-04-09": 128_000,
		"ft:gpt-3.5-turbo:org": 16_385, "moonshot-v1-32k": 32_000, "doubao-pro-256k-240828": 256_000,
		"Qwen/Qwen2.5-7B-Instruct": 32_768, "gpt-4-32k": 32_000, "o1-mini": 128_000, "deepseek-chat": 131_072,
		"claude-sonnet-4-5": 200_000, "llama3.1:8b": 131_072, "llama3:8b": 8192, "nobody-knows": 16_384, "": 16_384, "3k": 16_384, "99999k": 16_384,
	} {
		if f := familyOf(model); f.window != want || f.margin < 1 || reserve(f.window, 0, f.reserve) > want/2 {
			t.Errorf("%s: %+v", model, f)
		}
	}
	seen := map[string]bool{}
	for _, f := range families {
		if f.name != strings.ToLower(f.name) || seen[f.name] || f.window < 4096 || f.reserve <= 0 || f.margin < 1 || f.margin > 2 {
			t.Errorf("family %+v", f)
		}
		seen[f.name] = true
	}
}

func TestMeterLearnsTheWindow(t *testing.T) {
	m := newMeter()
	model := target{provider: "p", model: "unheard-of", output: 1000}
	if got := m.limit(model); got != (16_384-1000)*10/12 {
		t.Errorf("limit %d", got)
	}
	messages := history(30, 2000)
	sent := m.fit(model, messages)
	if sent.trimmed == 0 || !m.refused(model, sent, 8192) {
		t.Fatalf("%d turns trimmed", sent.trimmed)
	}
	if got := m.limit(model); got != (8192-1000)*10/12 {
		t.Errorf("limit %d", got)
	}
	next := m.fit(model, messages)
	if next.tokens >= sent.tokens || next.trimmed <= sent.trimmed {
		t.Errorf("%d tokens after %d", next.tokens, sent.tokens)
	}
	m.refused(model, next, 32_768) // the smaller one stays
	if got := m.limit(model); got > (8192-1000)*10/12 {
		t.Errorf("limit %d", got)
	}
	if other := m.limit(target{provider: "q", model: "unheard-of", output: 1000}); other != (16_384-1000)*10/12 {
		t.Errorf("another provider's limit %d", other)
	}
	if got := m.limit(target{provider: "p", model: "unheard-of", window: 4096, output: 1000}); got != (4096-1000)*10/12 {
		t.Errorf("configured smaller: %d", got)
	}
}

// A refusal without a number lowers the limit for a while, until nothing is
// left to cut.
func TestMeterLearnsFromBareRefusals(t *testing.T) {
	m := newMeter()
	now := time.Unix(0, 0)
	m.now = func() time.Time { return now }
	model := target{provider: "p", model: "gpt-4o"}
	messages := history(20, 500)
	before := m.limit(model)
	size := mostTokens(messages) + 1
	for range 40 {
		sent := m.fit(model, messages)
		again := m.refused(model, sent, 0)
		if sent.tokens > 0 && sent.tokens >= size {
			t.Fatalf("%d tokens after %d", sent.tokens, size)
		}
		if sent.tokens > 0 {
			size = sent.tokens
		}
		if !again {
			break
		}
	}
	if size > leastLimit {
		t.Errorf("gave up at %d tokens", size)
	}
	if now = now.Add(ceilingTime); m.limit(model) != before {
		t.Errorf("limit %d, was %d", m.limit(model), before)
	}
}

func TestMeterCalibrates(t *testing.T) {
	m := newMeter()
	model := target{provider: "p", model: "qwen-max"}
	sent := measured{fitted: fitted{tokens: 1000}, exact: true}
	for _, c := range []struct {
		prompt int
		ratio  float64
	}{{800, 0.8}, {1800, 0.3*1.8 + 0.7*0.8}, {0, 1.1}, {-5, 1.1}} {
		m.reported(model, sent, c.prompt)
		if got := m.lesson(model).ratio; got < c.ratio-0.001 || got > c.ratio+0.001 {
			t.Errorf("after %d: %v, want %v", c.prompt, got, c.ratio)
		}
	}
	for range 50 {
		m.reported(model, sent, 1_000_000)
	}
	if got := m.lesson(model).ratio; got > mostRatio {
		t.Errorf("ratio %v", got)
	}
	for _, unfair := range []measured{{}, {fitted: fitted{tokens: 1000}}, {fitted: fitted{tokens: 50}, exact: true}} {
		m.reported(target{provider: "q"}, unfair, 500)
	}
	if got := m.lesson(target{provider: "q"}).ratio; got != 0 {
		t.Errorf("ratio %v", got)
	}
}

// What is older and was never counted is estimated the first time, within a
// bounded effort, and counted in the end.
func TestMeterCountsOldTextsByAndBy(t *testing.T) {
	m := newMeter()
	model := target{provider: "p", model: "gpt-4o", window: 20_000}
	var messages []Message
	for range 40 {
		for _, text := range samples {
			messages = append(messages, Message{Role: RoleUser, Content: text + strings.Repeat("!", len(messages))}, Message{Role: RoleAssistant, Content: "ok"})
		}
	}
	messages = append(messages, Message{Role: RoleUser, Content: "newest"})
	first := m.fit(model, messages)
	if first.exact || first.trimmed == 0 {
		t.Errorf("exact %v, %d trimmed", first.exact, first.trimmed)
	}
	for range 200 {
		if m.fit(model, messages).exact {
			return
		}
	}
	t.Error("never counted")
}

func TestCountsStayBounded(t *testing.T) {
	c := newCounts()
	for i := range 5 * generation {
		c.keep(o200k, strings.Repeat("x", i%5000)+string(rune('a'+i%26)), i)
	}
	if n := len(c.young) + len(c.old); n > 2*generation {
		t.Errorf("%d kept", n)
	}
	c.keep(o200k, "text", 7)
	if n, ok := c.of(o200k, "text"); !ok || n != 7 {
		t.Errorf("%d, %v", n, ok)
	}
	if _, ok := c.of(cl100k, "text"); ok {
		t.Error("one vocabulary's count served another")
	}
}

func BenchmarkFit200Turns(b *testing.B) {
	var messages []Message
	for i := range 200 {
		messages = append(messages,
			Message{Role: RoleUser, Content: samples["english"][i%60 : i%60+150]}, Message{Role: RoleAssistant, Content: samples["mixed"][:600+i]})
	}
	messages = append(messages, Message{Role: RoleUser, Content: "and now?"})
	model := target{provider: "p", model: "gpt-4o", window: 32_000}
	o200k.count("load")
	b.Run("new", func(b *testing.B) {
		for b.Loop() {
			newMeter().fit(model, messages)
		}
	})
	b.Run("known", func(b *testing.B) {
		m := newMeter()
		for range 50 {
			m.fit(model, messages)
		}
		b.ResetTimer()
		for b.Loop() {
			if f := m.fit(model, messages); f.trimmed == 0 || !f.exact {
				b.Fatalf("%d trimmed", f.trimmed)
			}
		}
	})
	b.Run("short", func(b *testing.B) {
		m := newMeter()
		for b.Loop() {
			m.fit(model, messages[len(messages)-20:])
		}
	})
}
