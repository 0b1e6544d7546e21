//go:build linux

package world_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/internal/simwechat"
	"github.com/diagbot/diagbot/internal/store"
	"github.com/diagbot/diagbot/internal/world"
)

// town is a world with 100 people who each wait for a reply before they write
// again.
type town struct {
	*world.World
	ids   []string
	index map[string]int
	sent  <-chan simwechat.Sent
	round int
	took  []time.Duration // of each message, from its writing to the reply
	spent time.Duration   // on all rounds
	cpu   time.Duration   // of the whole process meanwhile
}

// newTown builds one whose bot keeps nothing, or everything if kept is not nil.
func newTown(b *testing.B, latency time.Duration, kept bot.Store) *town {
	b.Helper()
	w, err := world.Start(b.Context(), world.Options{Nick: "小诊", Latency: latency, Bot: func(o *bot.Options) {
		o.MemoryTurns, o.MailboxSize, o.ThinkingAfter = 20, perChat, -1
		if kept != nil {
			o.Store = kept
		}
	}})
	check(b, err)
	b.Cleanup(func() { check(b, w.Close()) })
	t := &town{World: w, index: map[string]int{}}
	for i := range chats {
		id := w.WeChat.AddFriend(simwechat.Person{Nick: fmt.Sprintf("friend %d", i)})
		t.index[id] = i
		t.ids = append(t.ids, id)
	}
	sent, stop := w.WeChat.Subscribe()
	b.Cleanup(stop)
	t.sent = sent
	return t
}

// play has everybody write perChat messages.
func (t *town) play(b *testing.B) {
	b.Helper()
	t.round++
	used := ownCPU(b)
	began, asked, heard := time.Now(), make([]time.Time, chats), make([]int, chats)
	ask := func(chat int) {
		asked[chat] = time.Now()
		t.WeChat.Say(t.ids[chat], fmt.Sprintf("r%d c%d m%d.", t.round, chat, heard[chat]))
	}
	for chat := range chats {
		ask(chat)
	}
	for range chats * perChat {
		select {
		case s := <-t.sent:
			chat := t.index[s.To]
			t.took = append(t.took, s.At.Sub(asked[chat]))
			if heard[chat]++; heard[chat] < perChat {
				ask(chat)
			}
		case <-time.After(60 * time.Second):
			b.Fatalf("round %d: a reply is missing", t.round)
		}
	}
	t.spent += time.Since(began)
	t.cpu += ownCPU(b) - used
}

// BenchmarkDurable compares a bot that keeps everything on disk with one that
// keeps nothing, round by round: what durability costs in time per message and in
// messages per second. Everything is in one process, so that the simulators take
// their share of both.
func BenchmarkDurable(b *testing.B) {
	places := runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 1) // as serve has
	b.Cleanup(func() { runtime.GOMAXPROCS(places) })
	for _, latency := range []time.Duration{0, 20 * time.Millisecond, thought} {
		b.Run(fmt.Sprint("ai", latency), func(b *testing.B) {
			db, err := store.Open(b.Context(), store.Options{Dir: b.TempDir()})
			check(b, err)
			b.Cleanup(func() { check(b, db.Close()) })
			account, err := db.Claim(b.Context(), "main", "bench")
			check(b, err)
			b.Cleanup(func() { check(b, account.Release(context.Background())) })
			plain, kept := newTown(b, latency, nil), newTown(b, latency, account)
			plain.play(b) // connections
			kept.play(b)
			for _, t := range []*town{plain, kept} {
				t.took, t.spent, t.cpu = nil, 0, 0
			}
			for b.Loop() {
				plain.play(b)
				kept.play(b)
			}
			p50 := func(t *town) float64 {
				slices.Sort(t.took)
				return ms(quantile(t.took, 0.5))
			}
			b.ReportMetric(p50(plain), "plain-p50-ms")
			b.ReportMetric(p50(kept), "durable-p50-ms")
			b.ReportMetric(p50(kept)/p50(plain), "p50-ratio")
			b.ReportMetric(100*float64(plain.spent)/float64(kept.spent), "rate-%")
			b.ReportMetric(float64(kept.cpu)/float64(plain.cpu), "cpu-ratio")
			b.ReportMetric((kept.cpu-plain.cpu).Seconds()/float64(len(kept.took))*1000, "store-cpu-s/1000msg")
			b.ReportMetric(0, "ns/op")
		})
	}
}
