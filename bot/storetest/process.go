package storetest

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/llm"
	"github.com/diagbot/diagbot/troubleshoot"
)

// outside is what a process does not take with it when it is killed: its store,
// what WeChat has sent and was not told is taken, what people have read, and what
// the model was asked.
type outside struct {
	mu      sync.Mutex
	store   bot.Store
	words   *troubleshoot.Catalogue
	pending []bot.Message
	read    map[string][]bot.Part // by chat
	asked   map[string]int        // by question
	want    map[string][]string   // what its parts hold that people are to read, by chat
	waits   time.Duration         // how long there is something to wait for
}

// slow is a question that takes the model longer than a process lives.
const slow = "slow"

// process is the bot in one life. It is killed at a step: a write to the store, a
// part sent, or messages acknowledged. From then on nothing it does has an effect.
type process struct {
	*outside
	kill  int  // the number of the step; 0: never
	after bool // the step had its effect

	mu    sync.Mutex
	steps int
	dead  chan struct{}
}

// step does something that has an effect outside.
func (p *process) step(ctx context.Context, effect func() error) error {
	p.mu.Lock()
	p.steps++
	n := p.steps
	killed := p.kill > 0 && n >= p.kill
	p.mu.Unlock()
	var err error
	if !killed || n == p.kill && p.after {
		err = effect()
	}
	if !killed {
		return err
	}
	if n == p.kill {
		close(p.dead)
	}
	<-ctx.Done()
	return ctx.Err()
}

func (p *process) Traits() bot.Traits {
	return bot.Traits{Groups: true, PartRunes: 1800, PartBytes: 6000}
}

// Run offers what is pending, two messages at a time, until it is acknowledged.
func (p *process) Run(ctx context.Context, ear bot.Ear) error {
	if err := ear.LoggedIn(ctx, "login"); err != nil {
		return err
	}
	for ctx.Err() == nil {
		p.outside.mu.Lock()
		batch := slices.Clone(p.pending[:min(2, len(p.pending))])
		p.outside.mu.Unlock()
		if len(batch) == 0 {
			<-ctx.Done()
			break
		}
		if err := ear.Hear(ctx, batch); err != nil {
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
			}
			continue
		}
		_ = p.step(ctx, func() error {
			p.outside.mu.Lock()
			defer p.outside.mu.Unlock()
			p.pending = p.pending[len(batch):]
			return nil
		})
	}
	return nil
}

func (p *process) Send(ctx context.Context, part bot.Part) error {
	return p.step(ctx, func() error {
		p.outside.mu.Lock()
		defer p.outside.mu.Unlock()
		p.read[part.To.ID] = append(p.read[part.To.ID], part)
		return nil
	})
}

// Fetch has every picture.
func (p *process) Fetch(context.Context, string, int) ([]byte, error) { return picture(), nil }

// SendFile notes a file by its body.
func (p *process) SendFile(ctx context.Context, part bot.Part, _ string, body []byte) error {
	part.Text = "file: " + string(body)
	return p.Send(ctx, part)
}

// picture is a picture.
func picture() []byte {
	var b bytes.Buffer
	_ = png.Encode(&b, image.NewGray(image.Rect(0, 0, 3, 3))) // a buffer takes all
	return b.Bytes()
}

// Complete answers a question with "long" in it in three parts, and says how many
// pictures it saw.
func (p *process) Complete(ctx context.Context, prompt llm.Prompt) (llm.Completion, error) {
	text, pictures := prompt.Messages[len(prompt.Messages)-1].Content, 0
	for _, m := range prompt.Messages {
		pictures += len(m.Pictures)
	}
	if text == slow && p.kill > 0 {
		<-ctx.Done()
		return llm.Completion{}, context.Cause(ctx)
	}
	p.outside.mu.Lock()
	p.asked[text]++
	p.outside.mu.Unlock()
	answer := "echo: " + text
	if pictures > 0 {
		answer += fmt.Sprintf(" (%d seen)", pictures)
	}
	if strings.Contains(text, "long") {
		answer += strings.Repeat(" 一二三四五六七八九。", 400)
	}
	return llm.Completion{Text: answer, FinishReason: "stop"}, nil
}

// steppedStore makes each write of the store a step.
type steppedStore struct {
	bot.Store
	p *process
}

func (s steppedStore) Receive(ctx context.Context, batch []bot.Message) (numbers []int64, err error) {
	err = s.p.step(ctx, func() (err error) { numbers, err = s.Store.Receive(ctx, batch); return err })
	return numbers, err
}

func (s steppedStore) Conclude(ctx context.Context, c bot.Conclusion) error {
	return s.p.step(ctx, func() error { return s.Store.Conclude(ctx, c) })
}

func (s steppedStore) Said(ctx context.Context, seq int64, parts int, done bool) error {
	return s.p.step(ctx, func() error { return s.Store.Said(ctx, seq, parts, done) })
}

// live runs a process until it is killed, or has nothing more to do, and returns
// how many steps it made.
func (p *process) live(t *testing.T) int {
	t.Helper()
	p.dead = make(chan struct{})
	r, err := bot.New(bot.Options{Channel: p, Completer: p, Catalogue: p.words, Store: steppedStore{p.store, p}, Locale: "en",
		Groups: []string{bot.AllGroups}, MemoryTurns: 5, MailboxSize: 20, ThinkingAfter: -1})
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancelCause(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	time.Sleep(p.waits)
	synctest.Wait()
	end(bot.ErrNotOwner) // it does nothing more
	<-ended
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.steps
}

// killed reports what the process was killed at, if it was.
func (p *process) killed() bool {
	select {
	case <-p.dead:
		return true
	default:
		return false
	}
}

// outside is the world before the first life: people have written.
func (s *suite) outside(t *testing.T) *outside {
	o := s.written(t,
		private("alice", "long one"), private("bob", "one"), private("alice", "two"), inGroup("home", "carol", "long hello"),
		private("alice", "/ping"), private("bob", "long two"), private("alice", "three"), inGroup("home", "dora", "hello"),
		bot.Message{Chat: bot.Chat{ID: "bob"}, Sender: bot.Sender{ID: "bob"}, Kind: bot.KindImage}, private("bob", "four"),
		bot.Message{Chat: bot.Chat{ID: "eve"}, Sender: bot.Sender{ID: "eve"}, Kind: bot.KindImage, Text: "look", Medium: &bot.Medium{Ref: "x"}},
		private("eve", "and this?"), private("eve", "/file"),
	)
	o.want = map[string][]string{
		"alice":  {"echo: long one", "", "", "echo: two", "I'm here.", "echo: three"},
		"bob":    {"echo: one", "echo: long two", "", "", "I can", "echo: four"},
		"eve":    {"echo: look (1 seen)", "echo: and this? (1 seen)", "file: echo: and this? (1 seen)"},
		"@@home": {"@carol\u2005echo: carol: long hello", "", "", "@dora\u2005echo: dora: hello"},
	}
	return o
}

// pictures is the world in which people send several of them at once.
func (s *suite) pictures(t *testing.T) *outside {
	o := s.written(t, private("gus", "hi"), photo("faye", "1"), photo("faye", "2"), private("faye", "which?"),
		photo("gus", "3"), private("faye", "why?"), photo("gus", "4"))
	o.waits = 2 * time.Second // pictures wait for more
	for i := range o.pending {
		if i > 0 {
			o.pending[i].At = time.Unix(1_000_000, 0) // long after what gus wrote
		}
	}
	o.want = map[string][]string{
		"faye": {"echo: which? (2 seen)", "echo: why? (2 seen)"},
		"gus":  {"echo: hi", "echo: " + s.words.Say("en", "pictures_alone", "n", "2") + " (2 seen)"},
	}
	return o
}

// written is the world in which these messages wait to be fetched.
func (s *suite) written(t *testing.T, all ...bot.Message) *outside {
	for i := range all {
		all[i].ID = fmt.Sprint("id", i)
	}
	return &outside{store: s.open(t), words: s.words, read: make(map[string][]bot.Part), asked: make(map[string]int), pending: all}
}

// private makes a private text.
func private(from, text string) bot.Message {
	return bot.Message{Chat: bot.Chat{ID: from, Name: from}, Sender: bot.Sender{ID: from, Name: from}, Kind: bot.KindText, Text: text}
}

// photo makes a picture without words.
func photo(from, ref string) bot.Message {
	m := private(from, "")
	m.Kind, m.Medium = bot.KindImage, &bot.Medium{Ref: ref}
	return m
}

// inGroup makes a text in a group that mentions us.
func inGroup(group, from, text string) bot.Message {
	m := private(from, text)
	m.Chat = bot.Chat{ID: "@@" + group, Group: true, Name: group}
	m.Mentioned = true
	return m
}

// settled are the questions that have a reply in the store, or had one.
func (o *outside) settled(t *testing.T) map[string]int {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	asked := make(map[string]int)
	for q, n := range o.asked {
		asked[q] = n
	}
	open, err := o.store.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range open {
		if m.Reply == nil {
			text := m.Message.Text
			if m.Message.Chat.Group {
				text = m.Message.Sender.Name + ": " + text
			}
			delete(asked, text)
			if m.Message.Medium != nil && text == "" {
				delete(asked, o.words.Say("en", "pictures_alone", "n", "2"))
			}
		}
	}
	return asked
}

// check expects that everybody has read every answer, in order, with at most so
// many parts of a chat twice.
func (o *outside) check(t *testing.T, repeats int) {
	t.Helper()
	for chat, want := range o.want {
		var parts []bot.Part
		again := 0
		for i, p := range o.read[chat] {
			if i > 0 && p.ID == o.read[chat][i-1].ID {
				again++
				continue
			}
			parts = append(parts, p)
		}
		if again > repeats {
			t.Errorf("%s has read %d parts twice, %d are allowed", chat, again, repeats)
		}
		for i, p := range parts {
			if i >= len(want) || !strings.Contains(p.Text, want[i]) || strings.HasPrefix(p.Text, "echo") != strings.HasPrefix(want[i], "echo") {
				t.Errorf("part %d in %s: %.40q", i, chat, p.Text)
			}
		}
		if len(parts) != len(want) {
			t.Errorf("%s has read %d parts, want %d", chat, len(parts), len(want))
		}
	}
	if open, err := o.store.Open(t.Context()); err != nil || len(open) > 0 || len(o.pending) > 0 {
		t.Errorf("open %+v, %v; %d pending", open, err, len(o.pending))
	}
}
