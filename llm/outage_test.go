package llm

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/diagbot/diagbot/internal/simllm"
	"github.com/diagbot/diagbot/troubleshoot"
)

// patient is at, with limits that nothing but a hang meets.
func patient(name string, s *simllm.Server) ProviderOptions {
	o := at(name, s)
	o.Timeouts = Timeouts{}
	return o
}

// chats talk side by side, each message by message, and everybody is answered.
func chats(t *testing.T, c *Client, people, messages int) (byProvider map[string]int) {
	t.Helper()
	byProvider = map[string]int{}
	var mu sync.Mutex
	var wait sync.WaitGroup
	for range people {
		wait.Go(func() {
			for range messages {
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
				done, err := c.Complete(ctx, question())
				cancel()
				if err != nil {
					t.Errorf("not answered: %v (%s)", err, path(done))
				}
				mu.Lock()
				byProvider[done.Provider]++
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	return byProvider
}

// A provider that is down while 500 chats talk is left alone but for probes,
// the other carries on, and after the recovery traffic returns by itself.
func TestOutage(t *testing.T) {
	first := service(t, nil)
	second := service(t, nil)
	const rest = 50 * time.Millisecond
	c := newClientOf(t, Options{
		Providers: []ProviderOptions{patient("one", first), patient("two", second)}, RetriesPerMinute: 5,
		Pauses: Pauses{Backoff: time.Millisecond, Breaker: rest},
	})
	if err := first.Always("500"); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	for range breakerLeast { // quiet hours: one message at a time
		mustAnswer(t, c)
	}
	quiet := first.Count()
	if most := 2 * breakerLeast; quiet > most {
		t.Errorf("%d requests until it was left alone, want at most %d", quiet, most)
	}
	if got := chats(t, c, 500, 4); got["two"] != 2000 {
		t.Errorf("answers by %v", got)
	}
	probes, most := first.Count()-quiet, int(time.Since(begun)/rest)+1
	if probes > most {
		t.Errorf("%d requests to what is down, at most %d probes were due", probes, most)
	}
	if s := c.Status()[0]; s.Breaker == "closed" || s.LastFault == nil || c.Status()[1].Trouble != "" {
		t.Errorf("status %+v", s)
	}
	t.Logf("2000 messages, %d requests to what is down", probes)
	first.Heal()
	for deadline := time.Now().Add(20 * time.Second); ; {
		if mustAnswer(t, c).Provider == "one" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("traffic never returned")
		}
		time.Sleep(5 * time.Millisecond) // a poll: rests are real time
	}
	if got := chats(t, c, 50, 2); got["one"] != 100 {
		t.Errorf("answers by %v after the recovery", got)
	}
}

// When everybody asks at once of what is down, retries stay within the budget.
func TestRetryBudget(t *testing.T) {
	s := service(t, nil)
	c := newClientOf(t, Options{
		Providers: []ProviderOptions{patient("p", s)}, RetriesPerMinute: 5, Pauses: Pauses{Backoff: time.Millisecond, Breaker: -1},
	})
	if err := s.Always("500"); err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for range 500 {
		wait.Go(func() {
			if done, err := c.Complete(t.Context(), question()); err == nil {
				t.Errorf("got %+v", done)
			}
		})
	}
	wait.Wait()
	if n := s.Count(); n < 500 || n > 500+100+5 {
		t.Errorf("%d requests for 500 messages", n)
	}
}

// A key that died is tried again after its time by one message alone.
func TestTrials(t *testing.T) {
	now := time.Now()
	p := &provider{pool: pool{
		models:  []*model{{name: modelA}},
		keys:    []*key{{Key: Key{Name: "a"}, quota: make([]cooling, 1)}},
		breaker: newBreaker(-1),
	}}
	f := &troubleshoot.Fault{Status: 403}
	m := remedy{Cool: scopeKey, For: time.Minute, Trial: true}
	enter := func() (route, bool) { return p.enter(nil, now) }
	early, _ := enter() // a long answer begins before the key dies
	r, ok := enter()
	if !ok {
		t.Fatal("no way")
	}
	p.keepOut(r, m, "gpt-403", f, now)
	p.learn(early, shape{}, false)
	if _, ok := enter(); ok {
		t.Fatal("an answer that began before the failure disproved it")
	}
	if out, ok := p.recovery(nil, now); !ok || out.entry != "gpt-403" || out.until != now.Add(time.Minute) {
		t.Errorf("recovery %+v", out)
	}
	now = now.Add(time.Minute)
	r, ok = enter()
	if _, second := enter(); !ok || second {
		t.Fatal("not one trial", ok, second)
	}
	if p.strikes(r, scopeKey) != 1 {
		t.Error("a failing trial is no strike")
	}
	p.release(r) // the caller left
	if r, ok = enter(); !ok {
		t.Fatal("nobody tries any more")
	}
	p.keepOut(r, m, "gpt-403", f, now)
	if _, ok := enter(); ok || p.keys[0].out.strikes != 1 {
		t.Fatal("not kept out after the trial")
	}
	now = time.Now().Add(2 * time.Minute)
	if r, ok = enter(); !ok {
		t.Fatal("no second trial")
	}
	p.learn(r, shape{}, false)
	if p.keys[0].out != (cooling{}) {
		t.Errorf("still %+v after an answer", p.keys[0].out)
	}
}

// The key that was limited longest ago goes first.
func TestTakesTheLeastRecentlyLimitedKey(t *testing.T) {
	now := time.Now()
	p := &provider{pool: pool{models: []*model{{name: modelA}}, breaker: newBreaker(-1)}}
	for _, name := range []string{"a", "b", "c"} {
		p.keys = append(p.keys, &key{Key: Key{Name: name}, quota: make([]cooling, 1)})
	}
	limited := remedy{Cool: scopeQuota, For: time.Second}
	for i, want := range []string{"a", "b", "c", "a", "b", "c"} {
		r, ok := p.enter(nil, now)
		if !ok || r.k.Name != want {
			t.Fatalf("turn %d: %v", i, r.k)
		}
		p.keepOut(r, limited, "gpt-429", &troubleshoot.Fault{Status: 429}, now)
		now = now.Add(500 * time.Millisecond)
	}
}

// A look that finds a provider well lets it be asked again at once.
func TestCheckRevives(t *testing.T) {
	s := service(t, nil)
	c := clientOf(t, at("p", s))
	if err := s.Next("401"); err != nil {
		t.Fatal(err)
	}
	mustFail(t, c, "chatgpt-401-invalid-api-key")
	mustFail(t, c, "chatgpt-401-invalid-api-key")
	if s.Count() != 1 {
		t.Errorf("%d requests", s.Count())
	}
	if f := c.Check(t.Context())[0].Fault(); f != nil {
		t.Fatal(f)
	}
	mustAnswer(t, c)
}

// Whatever a mixture of failures there is, every message ends in time with an
// answer or a fault, no message has more than four attempts, and nothing stays
// taken.
func TestChaos(t *testing.T) {
	first, second := service(t, nil), service(t, nil)
	o := at("one", first)
	o.Keys = append(o.Keys, Key{Name: "b", Secret: keyB, QuotaGroup: "g"})
	o.Models = append(o.Models, modelB)
	c := newClientOf(t, Options{
		Providers: []ProviderOptions{o, at("two", second)},
		Pauses:    Pauses{Backoff: time.Millisecond, Breaker: time.Millisecond, MostCooldown: time.Millisecond},
	})
	all := simllm.Failures()
	cat := []Picture{paint(t, "image/png", 20)}
	var answered, failed atomic.Int32
	var wait sync.WaitGroup
	for i := range 40 {
		wait.Go(func() {
			for range 25 {
				ask := question()
				if rand.IntN(4) == 0 {
					ask.Messages = append(ask.Messages, Message{Role: RoleUser, Content: "!" + all[rand.IntN(len(all))].Name})
				}
				if rand.IntN(4) == 0 {
					ask.Messages[rand.IntN(len(ask.Messages))].Pictures = cat
				}
				deadline := time.Now().Add(3 * time.Second)
				ctx, cancel := context.WithDeadline(t.Context(), deadline)
				if i%10 == 0 && rand.IntN(3) == 0 {
					cancel()
				}
				done, err := c.Complete(ctx, ask)
				cancel()
				if late := time.Since(deadline); late > time.Second {
					t.Errorf("%v after the deadline: %s", late, path(done))
				}
				refused := func(a Attempt) bool { return a.Entry == entryUnseen }
				if most := 4; len(slices.DeleteFunc(slices.Clone(done.Attempts), refused)) > most || len(done.Attempts) > most+mostBlinks {
					t.Errorf("%s", path(done))
				}
				if err != nil {
					faultOf(t, done, err)
					failed.Add(1)
				} else {
					answered.Add(1)
				}
			}
		})
	}
	wait.Wait()
	t.Logf("%d answered, %d failed", answered.Load(), failed.Load())
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) { // a poll: cooldowns are real time
		status := fmt.Sprintf("%+v", c.Status())
		if _, err := c.Complete(t.Context(), question()); err == nil {
			if s := c.Status(); s[0].Trouble == "" && s[1].Trouble == "" {
				break
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("does not recover: %s", status)
		}
	}
}

// Status may be read while everything goes on.
func TestStatusTellsTrouble(t *testing.T) {
	first, second := service(t, nil), service(t, nil)
	o := at("one", first)
	o.Models = append(o.Models, modelB)
	c := clientOf(t, o, at("two", second))
	if s := c.Status(); len(s) != 2 || s[0].Trouble != "" || s[0].Breaker != "closed" || s[0].LastFault != nil || !s[0].LastAnswer.IsZero() {
		t.Errorf("at first %+v", s)
	}
	if err := first.ForModel(modelA, "404-model"); err != nil {
		t.Fatal(err)
	}
	mustAnswer(t, c)
	s := c.Status()[0]
	if s.Trouble != "" || s.Models[0].Entry != "gpt-404-model-not-found" || s.Models[1].Entry != "" || s.LastAnswer.IsZero() || s.LastFault == nil {
		t.Errorf("without a model: %+v", s)
	}
	if err := first.Always("402"); err != nil {
		t.Fatal(err)
	}
	if got := path(mustAnswer(t, c)); got != "one/second-model/a next_provider, two/first-model/a" {
		t.Error(got)
	}
	s = c.Status()[0]
	if s.Trouble != "gpt-402-insufficient-balance" || s.Keys[0].Entry != s.Trouble || time.Until(s.Until) < 40*time.Minute {
		t.Errorf("without money: %+v", s)
	}
}
