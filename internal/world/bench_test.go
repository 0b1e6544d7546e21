//go:build linux

package world_test

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/diagbot/diagbot/internal/simwechat"
)

// The benchmarks hold what docs/benchmarks.md says, which also tells how to run
// them. They assert that nothing is lost, doubled or out of order, and report
// times without judging them. They need Linux, whose /proc tells a process apart.

// person is somebody who writes and waits for the reply.
type person struct {
	rig   *rig
	chat  string // where the reply comes
	write func(text string)
	sent  <-chan simwechat.Sent
	count int
}

func (r *rig) friend(b *testing.B) *person {
	id := r.wechat.AddFriend(simwechat.Person{Nick: "Alice"})
	return r.listen(b, &person{chat: id, write: func(text string) { r.wechat.Say(id, text) }})
}

// member is a friend who mentions the bot in a group of 100.
func (r *rig) member(b *testing.B) *person {
	id := r.wechat.AddFriend(simwechat.Person{Nick: "Alice"})
	members := []simwechat.Member{{UserName: id}}
	for i := range 98 {
		members = append(members, simwechat.Member{Nick: fmt.Sprintf("stranger %d", i)})
	}
	group := r.wechat.AddGroup(simwechat.Group{Name: "team", Members: members})
	return r.listen(b, &person{chat: group, write: func(text string) { r.wechat.SayIn(group, id, "@小诊\u2005"+text) }})
}

func (r *rig) listen(b *testing.B, p *person) *person {
	sent, stop := r.wechat.Subscribe()
	b.Cleanup(stop)
	p.rig, p.sent = r, sent
	return p
}

// ask writes a message, waits for its reply and returns how long it took from
// the moment WeChat had the one to the moment it had the other, without the time
// the AI service took in between: that from having read the request to the first
// byte of the answer, which is its latency and the lateness of its timer.
func (p *person) ask(b *testing.B) time.Duration {
	p.count++
	words := fmt.Sprintf("question %06d", p.count)
	began := time.Now()
	p.write(words)
	select {
	case s := <-p.sent:
		if s.To != p.chat || !strings.Contains(s.Text, words) {
			b.Fatalf("the reply to %q is %+v", words, s)
		}
		return s.At.Sub(began) - time.Duration(p.rig.thought.Load())
	case <-time.After(30 * time.Second):
		b.Fatalf("no reply to %q", words)
		return 0
	}
}

// warm asks until what happens only once has happened: connections, names.
func (p *person) warm(b *testing.B) {
	for range 20 {
		p.ask(b)
	}
}

func quantile[T cmp.Ordered](all []T, q float64) T {
	all = slices.Sorted(slices.Values(all))
	return all[min(int(q*float64(len(all))), len(all)-1)]
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// BenchmarkLatency is what stands between a message and its reply besides the
// AI service: one chat, one message at a time. The bare libraries are asked by
// turns, so that both see the same machine.
func BenchmarkLatency(b *testing.B) {
	ours, bare := build(b, diagbot), build(b, barebot)
	for _, latency := range []time.Duration{0, thought} {
		b.Run(latency.String(), func(b *testing.B) {
			r := newRig(b, bench{program: ours, latency: latency})
			rb := newRig(b, bench{program: bare, latency: latency})
			alice, bob := r.friend(b), rb.friend(b)
			p, q := r.serve(b), rb.serve(b)
			alice.warm(b)
			bob.warm(b)
			var added, addedBare []time.Duration
			used, usedBare := p.meter(b), q.meter(b)
			for b.Loop() {
				added = append(added, alice.ask(b))
				addedBare = append(addedBare, bob.ask(b))
			}
			used.report(b, len(added), usedBare)
			b.ReportMetric(1000*(q.cpu(b)-usedBare.bot).Seconds()/float64(len(added)), "bare-cpu-s/1000msg")
			b.ReportMetric(ms(quantile(added, 0.5)), "p50-ms")
			b.ReportMetric(ms(quantile(added, 0.95)), "p95-ms")
			b.ReportMetric(ms(quantile(addedBare, 0.5)), "bare-p50-ms")
			b.ReportMetric(p.peak(b), "peak-MB")
			b.ReportMetric(0, "ns/op")
			p.finish(b, r, alice.count)
			q.finish(b, rb, bob.count)
		})
	}
}

// finish stops the bot and holds that WeChat got n messages and has nothing to
// complain about.
func (p *process) finish(b *testing.B, r *rig, n int) {
	b.Helper()
	p.stop(b)
	if got := r.wechat.Count("webwxsendmsg"); got != n {
		b.Errorf("%d messages were sent instead of %d", got, n)
	}
	if complaints := r.wechat.Complaints(); len(complaints) > 0 && path.Base(r.path) != path.Base(barebot) {
		b.Errorf("WeChat complained: %q", complaints[:min(len(complaints), 5)])
	}
}

// BenchmarkGroup asks by turns in a private chat of an account without contacts
// and by a mention in a group of an account with 4,000, so that both see the
// same machine.
func BenchmarkGroup(b *testing.B) {
	for _, source := range []string{diagbot, barebot} {
		program := build(b, source)
		b.Run(path.Base(source), func(b *testing.B) {
			few := newRig(b, bench{program: program})
			many := newRig(b, bench{program: program, contacts: 4000})
			alice, member := few.friend(b), many.member(b)
			p, q := few.serve(b), many.serve(b)
			alice.warm(b)
			member.warm(b)
			var private, group []time.Duration
			for b.Loop() {
				private = append(private, alice.ask(b))
				group = append(group, member.ask(b))
			}
			b.ReportMetric(ms(quantile(private, 0.5)), "private-p50-ms")
			b.ReportMetric(ms(quantile(group, 0.5)), "group-p50-ms")
			b.ReportMetric(ms(quantile(group, 0.5)-quantile(private, 0.5)), "added-p50-ms")
			b.ReportMetric(q.peak(b), "peak-MB")
			b.ReportMetric(0, "ns/op")
			p.finish(b, few, alice.count)
			q.finish(b, many, member.count)
		})
	}
}

// BenchmarkStart is the time from the start of the process to the QR code on
// the terminal, and to the first message it would answer. WeChat's answers take
// no time here but the handshake and the way through the proxy.
func BenchmarkStart(b *testing.B) {
	r := newRig(b, bench{program: build(b, diagbot)})
	var shown, ready []time.Duration
	for b.Loop() {
		p := r.start(b)
		shown = append(shown, p.waitFor(b, qrShown).Sub(p.started))
		ready = append(ready, p.waitFor(b, answering).Sub(p.started))
		b.StopTimer()
		p.stop(b)
		b.StartTimer()
	}
	b.ReportMetric(ms(quantile(shown, 0.5)), "qr-p50-ms")
	b.ReportMetric(ms(quantile(shown, 0.95)), "qr-p95-ms")
	b.ReportMetric(ms(quantile(ready, 0.5)), "ready-p50-ms")
	b.ReportMetric(0, "ns/op")
}
