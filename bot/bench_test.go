package bot

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/diagbot/diagbot/llm"
)

// answer is what a model writes: headings, lists, code, a table, an address.
const answer = "## 步骤\n\n1. 打开**设置：**里的 `config.yaml`\n2. 改 `timeout`\n\n```yaml\ntimeout: 30s\n```\n\n" +
	"| 参数 | 说明 |\n|---|---|\n| timeout | 等待的最长时间 |\n| retries | 重试的次数 |\n\n> 详见 [文档](https://example.com/docs/a_b_c)。\n\n"

func BenchmarkPlain(b *testing.B) {
	p := newPlainer()
	for _, n := range []int{1, 10} {
		text := strings.Repeat(answer, n)
		b.Run(fmt.Sprint(len(text), "B"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.Plain(text)
			}
		})
	}
}

// BenchmarkHostile is Markdown made to be slow.
func BenchmarkHostile(b *testing.B) {
	p := newPlainer()
	for name, unit := range map[string]string{
		"quotes": "> ", "brackets": "[", "links": "[a](", "stars": "*a", "starsclosed": "**a** ", "backticks": "`a``", "lists": "- ", "html": "<a ", "comments": "<!--",
		"images": "![", "nested": "- a\n ", "entities": "&#", "tables": "|a", "underscores": "_a_", "urls": "http://", "tilde": "~~a", "deep": "* + ", "ordered": "1. ", "mixed": "> - ", "fences": "```\n> ", "steps": "\n-\n ",
	} {
		text := strings.Repeat(unit, maxPlain/len(unit))
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				p.Plain(text)
			}
		})
	}
}

func BenchmarkSplit(b *testing.B) {
	text := strings.Repeat("这是一段不长不短的话，后面还有一句。\n", 500)
	l := limits{runes: 1800, bytes: 6000, parts: maxParts}
	b.ReportAllocs()
	for b.Loop() {
		split(text, l, "…")
	}
}

// loop is a channel that hands over prepared messages and counts what is said.
type loop struct {
	in   chan Message
	said sync.WaitGroup
}

func (*loop) Traits() Traits { return Traits{Groups: true, PartRunes: 1800, PartBytes: 6000} }

func (l *loop) Run(ctx context.Context, ear Ear) error {
	for {
		select {
		case m := <-l.in:
			if err := ear.Hear(ctx, []Message{m}); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

func (l *loop) Send(context.Context, Part) error {
	l.said.Done()
	return nil
}

type instant struct{}

func (instant) Complete(context.Context, llm.Prompt) (llm.Completion, error) {
	return llm.Completion{Text: answer}, nil
}

// BenchmarkRelay is what the relay adds to a message: filing, the prompt, plain
// text, sending; one at a time, and from many chats at once.
func BenchmarkRelay(b *testing.B) {
	for _, chats := range []int{1, 100} {
		b.Run(fmt.Sprint(chats, "chats"), func(b *testing.B) {
			c, err := catalogue()
			if err != nil {
				b.Fatal(err)
			}
			l := &loop{in: make(chan Message)}
			r, err := New(Options{Channel: l, Completer: instant{}, Catalogue: c, MemoryTurns: 10})
			if err != nil {
				b.Fatal(err)
			}
			ctx, stop := context.WithCancel(b.Context())
			ended := background(func() {
				if err := r.Run(ctx); err != nil {
					b.Error(err)
				}
			})
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				l.said.Add(chats)
				for i := range chats {
					n++
					m := private(fmt.Sprint("p", i), "你好")
					m.ID = fmt.Sprint(n)
					l.in <- m
				}
				l.said.Wait()
			}
			stop()
			<-ended
		})
	}
}

// resumed is a channel that tells how long a login takes.
type resumed struct {
	loop
	in chan error
}

func (c *resumed) Run(ctx context.Context, ear Ear) error {
	c.in <- ear.LoggedIn(ctx, "")
	<-ctx.Done()
	return nil
}

// BenchmarkResume is a start with 10,000 messages that are not answered.
func BenchmarkResume(b *testing.B) {
	const messages = 10_000
	c, err := catalogue()
	if err != nil {
		b.Fatal(err)
	}
	var batch []Message
	for i := range messages {
		batch = append(batch, private(fmt.Sprint("p", i/5), "你好"))
	}
	for b.Loop() {
		b.StopTimer()
		s := newMemory(0)
		if _, err := s.Receive(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
		l := &resumed{in: make(chan error)}
		l.said.Add(messages)
		r, err := New(Options{Channel: l, Completer: instant{}, Catalogue: c, Store: s})
		if err != nil {
			b.Fatal(err)
		}
		ctx, stop := context.WithCancel(b.Context())
		b.StartTimer()
		ended := background(func() { _ = r.Run(ctx) })
		if err := <-l.in; err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		l.said.Wait()
		stop()
		<-ended
		b.StartTimer()
	}
}
