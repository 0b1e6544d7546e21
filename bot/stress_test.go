package bot

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/diagbot/diagbot/llm"
	"github.com/diagbot/diagbot/troubleshoot"
)

// TestNothingLostRepeatedOrOutOfOrder has many chats talk at random through slow
// answers, a throttled account, lost connections and pauses long enough for their
// goroutines to go.
func TestNothingLostRepeatedOrOutOfOrder(t *testing.T) {
	const chats, messages = 40, 30
	for seed := range uint64(5) {
		t.Run(fmt.Sprint("seed", seed), func(t *testing.T) {
			inBubble(t, func(o *Options) { o.MailboxSize = messages }, func(w *world) {
				random := rand.New(rand.NewPCG(seed, 0))
				w.completer.answer = func(ctx context.Context, p llm.Prompt) (string, error) {
					time.Sleep(time.Duration(rand.N(3000)) * time.Millisecond)
					return last(p), nil
				}
				w.channel.fail = func(n int, _ Chat, _ string) error {
					switch {
					case n%97 == 0:
						return &troubleshoot.Fault{Source: troubleshoot.SourceWeChat, Ret: 1205}
					case n%31 == 0:
						return &troubleshoot.Fault{Source: troubleshoot.SourceWeChat, Net: troubleshoot.NetRefused}
					}
					return nil
				}
				next := make([]int, chats)
				for range chats * messages {
					c := random.IntN(chats)
					for next[c] == messages {
						c = (c + 1) % chats
					}
					w.offer(private(fmt.Sprint("c", c), fmt.Sprint(next[c])))
					next[c]++
					if random.IntN(50) == 0 {
						time.Sleep(time.Duration(random.IntN(150)) * time.Second)
					}
				}
				time.Sleep(time.Hour)
				synctest.Wait()
				got := make(map[string]int)
				for _, u := range w.channel.take() {
					if u.text != fmt.Sprint(got[u.to.ID]) {
						t.Errorf("%s got %q, want %d", u.to.ID, u.text, got[u.to.ID])
					}
					got[u.to.ID]++
				}
				for c := range chats {
					if n := got[fmt.Sprint("c", c)]; n != messages {
						t.Errorf("c%d got %d answers, want %d", c, n, messages)
					}
				}
			})
		})
	}
}

// TestRestartsUnderLoad stops and starts the relay while people write: whoever
// was heard hears something.
func TestRestartsUnderLoad(t *testing.T) {
	inBubble(t, func(o *Options) { o.Grace = 4 * time.Second }, func(w *world) {
		w.completer.answer = slowly(3500 * time.Millisecond)
		for round := range 20 {
			for i := range 10 {
				w.offer(private(fmt.Sprint("r", round, "p", i), "hi"))
			}
			time.Sleep(time.Duration(round%5) * time.Second)
			w.stop()
			<-w.ended
			if got := len(w.channel.take()); got != 10 {
				t.Errorf("round %d: %d replies to 10 people", round, got)
			}
			ctx, cancel := context.WithCancel(w.Context())
			w.stop = cancel
			go func() { w.ended <- w.relay.Run(ctx) }()
		}
		w.stop()
		<-w.ended
	})
}

// TestThroughput shows in made-up time how close 100 chats with 10 messages
// each come to what a provider that takes 200 ms allows, when a send takes 1 ms.
func TestThroughput(t *testing.T) {
	inBubble(t, func(o *Options) { o.MailboxSize = 10 }, func(w *world) {
		w.completer.answer = slowly(200 * time.Millisecond)
		w.channel.took = time.Millisecond
		start := time.Now()
		for range 10 {
			for c := range 100 {
				w.offer(private(fmt.Sprint("c", c), "hi"))
			}
		}
		var said []utterance
		for len(said) < 1000 {
			time.Sleep(10 * time.Millisecond)
			said = append(said, w.channel.take()...)
		}
		if took := time.Since(start); took > 2100*time.Millisecond {
			t.Errorf("1000 messages took %v, 2 s are possible", took)
		}
	})
}
