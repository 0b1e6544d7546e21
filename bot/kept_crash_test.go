package bot

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/diagbot/diagbot/troubleshoot"
)

// axe kills a process at one of its steps: a write to the store or a part sent.
// From then on nothing it does has an effect.
type axe struct {
	kill  int
	after bool
	died  chan struct{}

	mu    sync.Mutex
	steps int
	dead  bool
}

// fall reports whether a step has an effect, and whether its maker hears of it.
func (x *axe) fall() (effect, known bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.steps++
	switch {
	case x.dead:
		return false, false
	case x.steps == x.kill:
		x.dead = true
		close(x.died)
		return x.after, false
	}
	return true, true
}

// choppedStore makes each write of a store a step.
type choppedStore struct {
	Store
	step func(effect func() error) error
}

func (s choppedStore) Receive(ctx context.Context, batch []Message) (numbers []int64, err error) {
	err = s.step(func() (err error) { numbers, err = s.Store.Receive(ctx, batch); return err })
	return numbers, err
}

func (s choppedStore) Conclude(ctx context.Context, c Conclusion) error {
	return s.step(func() error { return s.Store.Conclude(ctx, c) })
}

func (s choppedStore) Said(ctx context.Context, seq int64, parts int, done bool) error {
	return s.step(func() error { return s.Store.Said(ctx, seq, parts, done) })
}

func (s choppedStore) Record(ctx context.Context, i Incident) error {
	return s.step(func() error { return s.Store.Record(ctx, i) })
}

func (s choppedStore) Set(ctx context.Context, scope, name, value string) error {
	return s.step(func() error { return s.Store.Set(ctx, scope, name, value) })
}

// TestKilledWhileKeeping kills the process at every step of an outage in which
// questions are kept, and expects that the next one answers all of them, and that
// nobody reads the same more often than once more.
func TestKilledWhileKeeping(t *testing.T) {
	if _, err := catalogue(); err != nil {
		t.Fatal(err)
	}
	questions := []Message{private("alice", "one"), inGroup("home", "bob", "two"), inGroup("home", "carol", "three"), private("dora", "four"),
		shows("erin", "a", ""), shows("erin", "b", ""), private("erin", "which?")}
	for i := range questions {
		questions[i].ID = fmt.Sprint("kept", i)
	}
	for kill := 1; ; kill++ {
		reached := true
		for _, after := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				x := &axe{kill: kill, after: after, died: make(chan struct{})}
				said := outageWith(t, x, questions)
				reached = reached && x.dead
				judgeKilled(t, fmt.Sprint(kill, after), said)
			})
		}
		if !reached {
			if kill < 30 {
				t.Errorf("%d steps", kill)
			}
			return
		}
	}
}

// outageWith plays an outage with a process that is killed and one that is not, and
// returns what was said.
func outageWith(t *testing.T, x *axe, questions []Message) (said []utterance) {
	store := newMemory(0)
	w := newWorld(t, func(o *Options) {
		c := withPictures(o)
		o.Store = choppedStore{store, func(effect func() error) error {
			does, known := x.fall()
			if err := error(nil); does {
				if err = effect(); known {
					return err
				}
			}
			return ErrNotOwner
		}}
		o.Completer.(*fakeCompleter).answer = failing(down())
		c.fail = func(_ int, to Chat, text string) error {
			does, known := x.fall()
			if does && !known { // this is the last
				said = append(said, utterance{to, text, time.Now()})
			}
			if known {
				return nil
			}
			return &troubleshoot.Fault{Source: troubleshoot.SourceWeChat, Code: MaybeSent}
		}
	})
	go func() {
		select {
		case <-x.died:
			w.disown()
		case <-t.Context().Done():
		}
	}()
	for _, m := range questions {
		w.channel.try(m)
		synctest.Wait()
	}
	time.Sleep(time.Minute)
	w.completer.will(nil)
	time.Sleep(time.Minute)
	w.disown()
	<-w.ended
	said = append(said, w.channel.take()...)
	next := newWorld(t, func(o *Options) {
		withPictures(o)
		o.Store = store
	})
	for _, m := range questions { // those it knows it does not take again
		next.offer(m)
		synctest.Wait()
	}
	time.Sleep(keepFor + time.Minute)
	synctest.Wait()
	if n := open(t, store); n != 0 {
		t.Errorf("%d messages are not done", n)
	}
	return append(said, next.channel.take()...)
}

// withPictures gives a world a channel that has some.
func withPictures(o *Options) *fakeChannel {
	c := o.Channel.(*fakeChannel)
	o.Channel = &library{fakeChannel: c, media: map[string][]byte{"a": small(1), "b": small(2)}}
	return c
}

func judgeKilled(t *testing.T, when string, said []utterance) {
	t.Helper()
	times := make(map[string]int)
	for _, u := range said {
		text, _, _ := strings.Cut(u.text, " (DNS")
		times[u.to.ID+" "+text]++
	}
	for _, want := range []string{"alice echo: one", "@@home @bob\u2005echo: bob: two", "@@home @carol\u2005echo: carol: three", "dora echo: four", "erin echo: which?"} {
		if n := times[want]; n < 1 || n > 2 {
			t.Errorf("killed at %s: %q was said %d times of %v", when, want, n, times)
		}
	}
	for what, n := range times {
		if strings.Contains(what, "without any words") {
			t.Errorf("killed at %s: pictures were asked about without their words: %q", when, what)
		}
		if n > 2 {
			t.Errorf("killed at %s: %q was said %d times", when, what, n)
		}
	}
}
