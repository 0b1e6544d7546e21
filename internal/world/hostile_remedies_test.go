package world_test

import (
	"context"
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

// fresh asks a client of its own for each person, so that what was learnt of
// one failure is not held against the next one.
type fresh struct {
	ai        *simllm.Server
	log       *slog.Logger
	catalogue *troubleshoot.Catalogue

	mu  sync.Mutex
	all []*llm.Client
}

func (f *fresh) Complete(ctx context.Context, p llm.Prompt) (llm.Completion, error) {
	newest := p.Messages[len(p.Messages)-1].Content
	source := troubleshoot.SourceAPI
	if strings.Contains(newest, "web!") {
		source = troubleshoot.SourceWeb
	}
	c, err := llm.New(llm.Options{Logger: f.log, Catalogue: f.catalogue, Providers: []llm.ProviderOptions{{
		Name: "source-" + string(source), Source: source, BaseURL: f.ai.URL(), Models: []string{world.Model, world.Model + "-2"},
		Timeouts:  llm.Timeouts{Headers: time.Second, FirstToken: time.Second, Idle: time.Second, Total: 20 * time.Second},
		Keys:      []llm.Key{{Name: "main", Secret: world.Key}, {Name: "spare", Secret: world.Key + "2"}},
		Transport: f.ai.Transport(),
	}}})
	if err != nil {
		return llm.Completion{}, err
	}
	f.mu.Lock()
	f.all = append(f.all, c)
	f.mu.Unlock()
	return c.Complete(ctx, p)
}

// TestHostileRemedies has people meet every failure with all remedies on, two
// keys and two models, none of which helps. Each is told before the deadline,
// in the catalogue's words, and only what is true.
func TestHostileRemedies(t *testing.T) {
	t.Parallel()
	var f *fresh
	a := newArena(t, func(o *world.Options) {
		ai, _ := newSource(t, o.Logger, patient)
		f = &fresh{ai: ai, log: o.Logger, catalogue: o.Catalogue}
		o.Bot = func(o *bot.Options) { o.Completer, o.Deadline = f, 6*time.Second }
	})
	t.Cleanup(func() {
		for _, c := range f.all {
			c.Close()
		}
	})
	failures := simllm.Failures()
	results := make([][]asked, len(failures))
	var all sync.WaitGroup
	for i, failure := range failures {
		en, zh := a.friend("Ann"), a.friend("小明")
		team := a.group("team", en)[0]
		all.Go(func() {
			results[i] = a.meet(failure, []world.Person{en, zh, team})
		})
	}
	all.Wait()
	incidents := a.log.incidents()
	for _, q := range slices.Concat(results...) {
		if *verbose {
			t.Log(q)
		}
		judgeRemedied(t, a, q, incidents)
	}
	judgeLog(t, a.log.String())
}

func judgeRemedied(t *testing.T, a *arena, q asked, incidents map[string]string) {
	ref := refIn(q.reply)
	switch {
	case q.reply == "":
		t.Errorf("silence: %s", q)
	case q.failure.Harmless:
		if ref != "" || !strings.Contains(q.reply, "friend") && !strings.Contains(q.reply, "朋友") {
			t.Errorf("a harmless oddity: %s", q)
		}
	case partial(a, q), incidents[ref] == anew:
	case ref == "" || incidents[ref] == "":
		t.Errorf("no reference to an incident: %s", q)
	default:
		words := strings.TrimPrefix(q.reply, "@"+q.who.Name+"\u2005")
		if hasHan(words) != q.zh {
			t.Errorf("wrong language: %s", q)
		}
		for _, problem := range unfit(words) {
			t.Errorf("%s: %s", problem, q)
		}
		// What is tried until the deadline may end in a timeout.
		if entry := incidents[ref]; q.who.Group == "" && !q.zh && entry != "upstream-timeout" && entry != q.failure.Entry && !slices.Contains(q.failure.Also, entry) {
			t.Errorf("%s is explained as %s, not %s or %v", q.failure.Name, entry, q.failure.Entry, q.failure.Also)
		}
	}
}
