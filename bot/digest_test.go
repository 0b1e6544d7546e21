package bot

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/diagbot/diagbot/troubleshoot"
)

// daily is a world whose owner is told at nine what failed.
func daily(s Store) func(*Options) {
	return func(o *Options) {
		atDesk(s)(o)
		o.DigestHour, o.Location = 9, time.UTC
	}
}

// stumble has somebody be told of a failure that admins are told of in a digest
// alone, and then be answered.
func (w *world) stumble() {
	w.completer.will(failing(&troubleshoot.Fault{Source: troubleshoot.SourceAPI, Provider: "openai", Status: 429}))
	w.hear(private("alice", "hi"))
	w.completer.willWholly(answers("openai"))
	w.hear(private("alice", "hi"))
	w.channel.take()
}

// TestDigest: once a day from nine o'clock on, only after a day with failures, held
// back while it is to be quiet, and not again after a restart.
func TestDigest(t *testing.T) {
	if _, err := catalogue(); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) { // begins at midnight
		s := newMemory(0)
		w := newWorld(t, daily(s))
		at := func(hour, minute int) { // today
			now := time.Now().UTC()
			time.Sleep(now.Truncate(24 * time.Hour).Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + time.Second).Sub(now))
			synctest.Wait()
		}
		expectTold := func(when string, want ...string) {
			t.Helper()
			if told := w.toldTo("filehelper"); !slices.Equal(told, want) {
				t.Errorf("%s: told %q, want %q", when, told, want)
			}
		}
		w.stumble()
		at(12, 0)
		expectTold("on the first day")
		at(32, 58)
		w.stumble()
		expectTold("before nine")
		at(9, 2)
		expectTold("at nine", "What went wrong in the last 24 hours\n24 h: 1 answered, 1 failed (0 rescued)\n"+
			"Last failures\n429 Too many requests, once, 2 min ago\nMore: /diag trend, /diag last")
		w.stop()
		<-w.ended
		w = newWorld(t, daily(s))
		at(23, 0)
		expectTold("after a restart")
		at(36, 0)
		expectTold("the day after, with nothing new")
		w.stumble()
		at(24+8, 0)
		w.hear(byOwner("/quiet 3h"))
		w.channel.take()
		at(9, 30)
		expectTold("while it is to be quiet")
		at(11, 30)
		if told := w.toldTo("filehelper"); len(told) != 1 || !strings.HasPrefix(told[0], "What went wrong") {
			t.Errorf("told %q after it was to be quiet", told)
		}
		at(23, 59)
		expectTold("twice on a day")
	})
}
