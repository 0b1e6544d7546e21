//go:build linux

package world_test

import (
	"fmt"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/diagbot/diagbot/internal/simwechat"
)

// The shape of the load.
const (
	chats   = 100
	perChat = 10
	thought = 200 * time.Millisecond // the AI service's latency
)

// crowd is many people in chats of their own.
type crowd struct {
	rig   *rig
	ids   []string
	index map[string]int
	sent  <-chan simwechat.Sent
	round int
}

func (r *rig) crowd(b *testing.B) *crowd {
	c := &crowd{rig: r, index: map[string]int{}}
	for i := range chats {
		id := r.wechat.AddFriend(simwechat.Person{Nick: fmt.Sprintf("friend %d", i)})
		c.index[id] = i
		c.ids = append(c.ids, id)
	}
	sent, stop := r.wechat.Subscribe()
	b.Cleanup(stop)
	c.sent = sent
	return c
}

func (c *crowd) say(chat, n int) {
	c.rig.wechat.Say(c.ids[chat], fmt.Sprintf("r%d c%d m%d.", c.round, chat, n))
}

var marked = regexp.MustCompile(`\br(\d+) c(\d+) m(\d+)\.`)

// manner is how people write.
type manner struct {
	inTurn bool          // each waits for the reply before writing the next message; otherwise all ten at once
	apart  time.Duration // between one person's beginning and the next one's
}

// play has everybody write perChat messages and returns which share of the
// possible rate was reached, from the first message to the last reply.
func (c *crowd) play(b *testing.B, m manner) float64 {
	b.Helper()
	c.round++
	heard := make([]int, chats) // the number of replies in each chat
	began := time.Now()
	for chat := range chats {
		time.AfterFunc(time.Duration(chat)*m.apart, func() { c.begin(chat, m) })
	}
	var last time.Time
	for range chats * perChat {
		s := c.next(b)
		chat := c.index[s.To]
		want := []string{fmt.Sprint(c.round), fmt.Sprint(chat), fmt.Sprint(heard[chat])}
		if m := marked.FindStringSubmatch(s.Text); m == nil || !slices.Equal(m[1:], want) {
			b.Fatalf("chat %d got %q where %q is due", chat, s.Text, want)
		}
		if heard[chat]++; m.inTurn && heard[chat] < perChat {
			c.say(chat, heard[chat])
		}
		last = s.At
	}
	possible := perChat*thought + (chats-1)*m.apart
	return 100 * float64(possible) / float64(last.Sub(began))
}

func (c *crowd) begin(chat int, m manner) {
	for n := range perChat {
		if n == 0 || !m.inTurn {
			c.say(chat, n)
		}
	}
}

func (c *crowd) next(b *testing.B) simwechat.Sent {
	b.Helper()
	select {
	case s := <-c.sent:
		return s
	case <-time.After(60 * time.Second):
		b.Fatalf("round %d: a reply is missing", c.round)
		return simwechat.Sent{}
	}
}

// BenchmarkChats has 100 people ask 10 questions each of an AI service that
// takes 200 ms, so that 500 messages a second are possible. The cold round
// is the first of a fresh process, with all connections still to be made.
func BenchmarkChats(b *testing.B) {
	program := build(b, diagbot)
	for _, c := range []struct {
		name string
		manner
	}{
		{"at-once", manner{}},
		{"in-turn", manner{inTurn: true}},
		{"spread", manner{apart: thought / chats}},
	} {
		b.Run(c.name, func(b *testing.B) {
			r := newRig(b, bench{program: program, latency: thought, env: []string{"DIAGBOT_MAILBOX_SIZE=10"}})
			people := r.crowd(b)
			p := r.serve(b)
			cold := people.play(b, c.manner)
			peak := p.peak(b)
			var warm []float64
			used := p.meter(b)
			for b.Loop() {
				warm = append(warm, people.play(b, c.manner))
			}
			used.report(b, len(warm)*chats*perChat)
			b.ReportMetric(cold, "cold-%")
			b.ReportMetric(quantile(warm, 0.5), "warm-%")
			b.ReportMetric(peak, "cold-peak-MB")
			b.ReportMetric(p.peak(b), "peak-MB")
			b.ReportMetric(0, "ns/op")
			p.finish(b, r, people.round*chats*perChat)
		})
	}
}
