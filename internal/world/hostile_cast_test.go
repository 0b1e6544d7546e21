package world_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/internal/simllm"
	"github.com/diagbot/diagbot/internal/world"
	"github.com/diagbot/diagbot/llm"
	"github.com/diagbot/diagbot/troubleshoot"
)

// patience is how long a hostile test waits for what must come. Nothing is
// asserted about how long it took.
const patience = time.Minute

// arena is a world for hostile tests: every log line and every reply is kept.
type arena struct {
	*world.World
	t    *testing.T
	ctx  context.Context
	log  *journal
	post *postOffice
}

// newArena starts a world with pauses short enough for tests.
func newArena(t *testing.T, change func(*world.Options)) *arena {
	t.Helper()
	a := &arena{t: t, log: &journal{}}
	var cancel context.CancelFunc
	a.ctx, cancel = context.WithTimeout(context.Background(), 4*patience)
	t.Cleanup(cancel)
	o := world.Options{
		Catalogue: loadCatalogue(t), Nick: "小诊", Logger: slog.New(slog.NewJSONHandler(a.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Timeouts: patient,
	}
	if change != nil {
		change(&o)
	}
	own := o.Bot
	o.Bot = func(b *bot.Options) {
		b.Deadline, b.ThinkingAfter = 2*time.Minute, -1 // a slow machine is no failure
		if own != nil {
			own(b)
		}
	}
	var err error
	if a.World, err = world.Start(a.ctx, o); err != nil {
		t.Fatal(err)
	}
	a.post = newPostOffice(a.World)
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error("close:", err)
		}
		a.post.close()
		if t.Failed() {
			t.Logf("warnings in the log:\n%s", a.log.warnings(20))
		}
	})
	return a
}

// loaded is the catalogue, read once for all hostile tests.
var loaded = sync.OnceValues(func() (*troubleshoot.Catalogue, error) { return troubleshoot.Load() })

func loadCatalogue(t *testing.T) *troubleshoot.Catalogue {
	t.Helper()
	c, err := loaded()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// friend adds a person with a private chat.
func (a *arena) friend(nick string) world.Person {
	return world.Person{Name: nick, ID: a.AddFriend(nick)}
}

// group adds a group of friends and returns them as its members; nobody where there
// are no groups.
func (a *arena) group(name string, members ...world.Person) []world.Person {
	var list []string
	for _, m := range members {
		list = append(list, m.ID)
	}
	id := a.AddGroup(name, list...)
	if id == "" {
		return nil
	}
	inside := slices.Clone(members)
	for i := range inside {
		inside[i].Group = id
	}
	return inside
}

// chatOf is where a person reads replies.
func chatOf(p world.Person) string {
	switch {
	case p.Group != "":
		return p.Group
	case p.ID == "":
		return world.FileHelper
	}
	return p.ID
}

// complaints is what WeChat had to say of its client.
func (a *arena) complaints() []string {
	if a.ILink != nil {
		return a.ILink.Complaints()
	}
	return a.WeChat.Complaints()
}

// sent is how many messages the bot sent.
func (a *arena) sent() int {
	if a.ILink != nil {
		return len(a.ILink.Sent())
	}
	return len(a.WeChat.Sent())
}

// onEach runs a test over each channel.
func onEach(t *testing.T, test func(*testing.T, world.Channel)) {
	t.Parallel()
	for _, channel := range []world.Channel{world.OpenWeChat, world.ILink} {
		t.Run(string(channel), func(t *testing.T) { t.Parallel(); test(t, channel) })
	}
}

// say sends a message; in a group with a mention of the bot.
func (a *arena) say(p world.Person, text string) {
	if p.Group != "" {
		text = "@小诊\u2005" + text
	}
	a.Say(p, text)
}

// ask says something and returns the next reply in that chat.
func (a *arena) ask(p world.Person, text string) string {
	a.t.Helper()
	a.say(p, text)
	return a.hear(p)
}

// hear returns the next reply in p's chat, which must come.
func (a *arena) hear(p world.Person) string {
	a.t.Helper()
	s, ok := a.post.next(a.ctx, chatOf(p))
	if !ok {
		a.t.Fatalf("%s never got an answer", p.Name)
	}
	return s.Text
}

// postOffice sorts what the bot sent by chat, so that many people can wait for
// their own answers.
type postOffice struct {
	stop func()
	done chan struct{}

	mu    sync.Mutex
	boxes map[string]chan world.Said
}

func newPostOffice(w *world.World) *postOffice {
	sent, stop := w.Subscribe()
	p := &postOffice{stop: stop, done: make(chan struct{}), boxes: map[string]chan world.Said{}}
	go func() {
		defer close(p.done)
		for m := range sent {
			p.box(m.To) <- m
		}
	}()
	return p
}

func (p *postOffice) box(chat string) chan world.Said {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.boxes[chat] == nil {
		p.boxes[chat] = make(chan world.Said, 10_000)
	}
	return p.boxes[chat]
}

// next returns the next message sent to a chat.
func (p *postOffice) next(ctx context.Context, chat string) (world.Said, bool) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case m := <-p.box(chat):
		return m, true
	case <-ctx.Done():
	case <-timer.C:
	}
	return world.Said{}, false
}

// waiting is how many messages to a chat have not been read.
func (p *postOffice) waiting(chat string) int { return len(p.box(chat)) }

func (p *postOffice) close() { p.stop(); <-p.done }

// journal keeps the log.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// warnings returns the last n lines that are no routine.
func (j *journal) warnings(n int) string {
	var lines []string
	for line := range strings.Lines(j.String()) {
		if !strings.Contains(line, `"level":"DEBUG"`) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines[max(0, len(lines)-n):], "")
}

// incidents returns the entry of every reference in the log.
func (j *journal) incidents() map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(j.String()) {
		var r struct{ Msg, Entry, Ref string }
		if json.Unmarshal([]byte(line), &r) == nil && r.Ref != "" {
			if entry, known := all[r.Ref]; known && entry != r.Entry {
				r.Entry = anew
			}
			all[r.Ref] = r.Entry
		}
	}
	return all
}

// anew stands for the entry of a reference that was given again, which happens now
// and then once the bot has forgotten the first: it remembers five hundred here.
const anew = "given anew"

// refIn finds the reference in a reply: "(429 · 7K2F)", "（7K2F）".
func refIn(reply string) string {
	open := max(strings.LastIndex(reply, "("), strings.LastIndex(reply, "（"))
	if open < 0 {
		return ""
	}
	inside := strings.TrimRight(strings.TrimLeft(reply[open:], "(（"), ")）\n ")
	words := strings.Fields(inside)
	if len(words) == 0 || len(words) > 3 {
		return ""
	}
	last := words[len(words)-1]
	if len(last) != 4 || strings.Trim(last, "23456789ABCDEFGHJKMNPQRSTVWXYZ") != "" {
		return ""
	}
	return last
}

// hasHan reports whether text has a Chinese character.
func hasHan(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r >= 0x4e00 && r <= 0x9fff }) >= 0
}

// newSource starts a second AI service with short delays and returns clients of
// it for both families.
func newSource(t *testing.T, log *slog.Logger, timeouts llm.Timeouts) (*simllm.Server, map[troubleshoot.Source]*llm.Client) {
	t.Helper()
	ai, err := simllm.Start(simllm.Options{
		TLS: true, Keys: []string{world.Key}, Models: []string{world.Model}, Markers: true,
		Slow: 300 * time.Millisecond, KeepAlive: 200 * time.Millisecond, Keep: 5000, Reply: odd,
	})
	if err != nil {
		t.Fatal(err)
	}
	clients := map[troubleshoot.Source]*llm.Client{}
	for _, source := range []troubleshoot.Source{troubleshoot.SourceAPI, troubleshoot.SourceWeb} {
		clients[source], err = llm.New(llm.Options{Logger: log, Catalogue: loadCatalogue(t), MaxAttempts: 1, Pauses: nothingKept, Providers: []llm.ProviderOptions{{
			Name: "source-" + string(source), Source: source, BaseURL: ai.URL(), Models: []string{world.Model},
			Timeouts: timeouts, Keys: []llm.Key{{Name: "main", Secret: world.Key}}, Transport: ai.Transport(),
			Organization: "org-hostile4f9XwQ2aa",
		}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		for _, c := range clients {
			c.Close()
		}
		if err := ai.Close(); err != nil {
			t.Error(err)
		}
	})
	return ai, clients
}

// nothingKept keeps nothing out because it failed before: everybody is to meet
// their own failure.
var nothingKept = llm.Pauses{Breaker: -1, MostCooldown: -1}

// odd writes the answers that models write at their worst, when told to, and
// repeats everything else.
func odd(r simllm.Request) string {
	says := r.Newest()
	for word, answer := range map[string]string{
		"write-a-book":  strings.Repeat("A whole chapter of words, and more. ", 4000),
		"one-long-word": strings.Repeat("字", 30_000),
		"only-a-rule":   "---\n\n***\n",
		"only-a-mark":   "\u200b\u200e\n\t ",
		"some-controls": "fine\x00\x1b[31m red\x07 \u202eback\u202c",
		"some-markup":   "<script>alert(1)</script> & <b>bold</b> ![x](http://a.example/p.png)",
	} {
		if strings.Contains(says, word) {
			return answer
		}
	}
	return "You said: " + says
}

// bySource asks one of two clients, as the newest message says: "web:" or not.
type bySource map[troubleshoot.Source]*llm.Client

func (b bySource) Complete(ctx context.Context, p llm.Prompt) (llm.Completion, error) {
	if len(p.Messages) == 0 {
		return llm.Completion{}, fmt.Errorf("an empty prompt")
	}
	source := troubleshoot.SourceAPI
	if strings.Contains(p.Messages[len(p.Messages)-1].Content, "web!") {
		source = troubleshoot.SourceWeb
	}
	return b[source].Complete(ctx, p)
}
