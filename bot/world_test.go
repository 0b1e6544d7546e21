package bot

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/diagbot/diagbot/llm"
	"github.com/diagbot/diagbot/troubleshoot"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var catalogue = sync.OnceValues(func() (*troubleshoot.Catalogue, error) { return troubleshoot.Load() })

// fakeChannel is a channel by hand: messages go in with hear, replies come out of
// said.
type fakeChannel struct {
	traits Traits
	in     chan Message
	logins chan string // further ones
	end    chan error
	login  string // the first

	mu   sync.Mutex
	said []utterance
	fail func(n int, to Chat, text string) error // n counts the calls of Send from 1
	n    int
	took time.Duration
	errs []error // what hear answered
}

type utterance struct {
	to   Chat
	text string
	at   time.Time
}

func newFakeChannel() *fakeChannel {
	return &fakeChannel{
		traits: Traits{Groups: true, PartRunes: 1800, PartBytes: 6000},
		in:     make(chan Message), logins: make(chan string), end: make(chan error, 1),
	}
}

func (c *fakeChannel) Traits() Traits { return c.traits }

func (c *fakeChannel) Run(ctx context.Context, ear Ear) error {
	if err := ear.LoggedIn(ctx, c.login); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-c.end:
			return err
		case login := <-c.logins:
			if err := ear.LoggedIn(ctx, login); err != nil {
				return err
			}
		case m := <-c.in:
			err := ear.Hear(ctx, []Message{m})
			c.mu.Lock()
			c.errs = append(c.errs, err)
			c.mu.Unlock()
		}
	}
}

func (c *fakeChannel) Send(ctx context.Context, p Part) error {
	to, text := p.To, p.Text
	c.mu.Lock()
	c.n++
	n, fail, took := c.n, c.fail, c.took
	c.mu.Unlock()
	if took > 0 {
		select {
		case <-time.After(took):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if fail != nil {
		if err := fail(n, to, text); err != nil {
			return err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.said = append(c.said, utterance{to, text, time.Now()})
	return nil
}

// heard returns what Hear answered.
func (c *fakeChannel) heard() []error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.errs
}

// try offers a message, if the channel still hears.
func (c *fakeChannel) try(m Message) {
	select {
	case c.in <- m:
	case <-time.After(time.Second):
	}
}

// take returns what was said since the last call.
func (c *fakeChannel) take() []utterance {
	c.mu.Lock()
	defer c.mu.Unlock()
	said := c.said
	c.said = nil
	return said
}

// fakeCompleter answers with answer, or repeats what it was asked.
type fakeCompleter struct {
	mu      sync.Mutex
	prompts []llm.Prompt
	answer  func(ctx context.Context, p llm.Prompt) (string, error)
	whole   func(ctx context.Context, p llm.Prompt) (llm.Completion, error) // instead of answer
}

func (c *fakeCompleter) Complete(ctx context.Context, p llm.Prompt) (llm.Completion, error) {
	c.mu.Lock()
	c.prompts = append(c.prompts, p)
	answer, whole := c.answer, c.whole
	c.mu.Unlock()
	if whole != nil {
		return whole(ctx, p)
	}
	if answer == nil {
		answer = echo
	}
	text, err := answer(ctx, p)
	if err != nil {
		return llm.Completion{}, err
	}
	return llm.Completion{Text: text, Provider: "fake", FinishReason: "stop"}, nil
}

// will has it answer so from now on.
func (c *fakeCompleter) will(answer func(context.Context, llm.Prompt) (string, error)) {
	c.set(answer, nil)
}

func (c *fakeCompleter) willWholly(whole func(context.Context, llm.Prompt) (llm.Completion, error)) {
	c.set(nil, whole)
}

func (c *fakeCompleter) asked() []llm.Prompt {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.prompts
}

func last(p llm.Prompt) string { return p.Messages[len(p.Messages)-1].Content }

func echo(_ context.Context, p llm.Prompt) (string, error) { return "echo: " + last(p), nil }

// slowly answers after d, also when nobody waits any more.
func slowly(d time.Duration) func(context.Context, llm.Prompt) (string, error) {
	return func(ctx context.Context, p llm.Prompt) (string, error) {
		select {
		case <-time.After(d):
			return echo(ctx, p)
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	}
}

// world is a running relay between a fake channel and a fake completer.
type world struct {
	*testing.T
	channel   *fakeChannel
	completer *fakeCompleter
	relay     *Relay
	stop      context.CancelFunc
	disown    func() // has another process take the account over
	ended     chan error
}

// lastID numbers the messages of all worlds, for they may share a store.
var lastID atomic.Int64

// newWorld starts a relay in a bubble of synctest; change may adapt its options.
func newWorld(t *testing.T, change func(*Options)) *world {
	t.Helper()
	return newWorldOn(t, func(*fakeChannel) {}, change)
}

// newWorldOn is newWorld with a channel of another kind.
func newWorldOn(t *testing.T, adapt func(*fakeChannel), change func(*Options)) *world {
	t.Helper()
	c, err := catalogue()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{T: t, channel: newFakeChannel(), completer: &fakeCompleter{}, ended: make(chan error, 1)}
	adapt(w.channel)
	o := Options{
		Channel: w.channel, Completer: w.completer, Catalogue: c, Name: "小诊",
		Groups: []string{AllGroups}, MemoryTurns: 20, MemoryExpiry: time.Hour, Locale: "en",
		ThinkingAfter: -1,
	}
	if change != nil {
		change(&o)
	}
	if w.relay, err = New(o); err != nil {
		t.Fatal(err)
	}
	owned, lose := context.WithCancelCause(context.WithoutCancel(t.Context()))
	ctx, cancel := context.WithCancel(owned)
	w.stop, w.disown = cancel, func() { lose(ErrNotOwner) }
	go func() { w.ended <- w.relay.Run(ctx) }()
	t.Cleanup(func() {
		w.disown() // which takes no grace
		cancel()
		synctest.Wait()
	})
	return w
}

// private makes a private text.
func private(from, text string) Message {
	return Message{Chat: Chat{ID: from, Name: from}, Sender: Sender{ID: from, Name: from}, Kind: KindText, Text: text}
}

// inGroup makes a text in a group that mentions us.
func inGroup(group, from, text string) Message {
	m := private(from, text)
	m.Chat = Chat{ID: "@@" + group, Group: true, Name: group}
	m.Mentioned = true
	return m
}

// hear gives the relay a message and waits until it has settled, also if it is a
// picture that waits for more.
func (w *world) hear(m Message) {
	w.Helper()
	w.offer(m)
	if m.Kind == KindImage && m.Text == "" {
		time.Sleep(gatherFor)
	}
	synctest.Wait()
}

func (w *world) offer(m Message) {
	if m.ID == "" {
		m.ID = fmt.Sprint("m", lastID.Add(1))
	}
	w.channel.in <- m
}

// texts returns what was said since the last call.
func (w *world) texts() (texts []string) {
	for _, u := range w.channel.take() {
		texts = append(texts, u.text)
	}
	return texts
}

// ui returns one of the bot's own texts in English.
func (w *world) ui(key string, args ...string) string {
	return w.relay.o.Catalogue.Say("en", key, args...)
}

// entry returns what people are told of an entry that has no reference.
func (w *world) entry(id string, to troubleshoot.Audience) string {
	return w.relay.o.Catalogue.Explain(id, troubleshoot.Telling{Audience: to, Locale: "en"})
}

// expect checks that exactly these were said since the last call.
func (w *world) expect(want ...string) {
	w.Helper()
	if got := w.texts(); !slices.Equal(got, want) {
		w.Fatalf("said %q, want %q", got, want)
	}
}

func inBubble(t *testing.T, change func(*Options), test func(*world)) {
	t.Helper()
	if _, err := catalogue(); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) { test(newWorld(t, change)) })
}

// incidents returns the latest ones.
func (w *world) incidents(most int) []Incident {
	w.Helper()
	all, err := w.relay.store.Incidents(w.Context(), IncidentFilter{Most: most})
	if err != nil {
		w.Fatal(err)
	}
	return all
}

// tally counts what became of the messages of the last 24 hours.
func (w *world) tally() Tally {
	w.Helper()
	sum, err := w.relay.store.Tally(w.Context(), time.Now().Add(-24*time.Hour))
	if err != nil {
		w.Fatal(err)
	}
	return sum
}
