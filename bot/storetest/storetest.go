// Package storetest holds tests that every store of the relay must pass, with the
// relay on top. It is imported by tests only.
package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/troubleshoot"
)

// suite makes the stores that are tested.
type suite struct {
	open  func(t *testing.T) bot.Store
	words *troubleshoot.Catalogue
}

// Killed kills relays over a store in all the moments that make a difference, and
// expects that every message is answered, once and in order, by the next one. open
// makes an empty store; it is called inside of a bubble of synctest.
func Killed(t *testing.T, open func(t *testing.T) bot.Store) {
	words, err := troubleshoot.Load()
	if err != nil {
		t.Fatal(err)
	}
	s := &suite{open: open, words: words}
	t.Run("at every step", func(t *testing.T) { atEveryStep(t, s.outside, 40) })
	t.Run("again and again", func(t *testing.T) { againAndAgain(t, s.outside, 100) })
	t.Run("at every step of pictures", func(t *testing.T) { atEveryStep(t, s.pictures, 15) })
	t.Run("again and again with pictures", func(t *testing.T) { againAndAgain(t, s.pictures, 30) })
	t.Run("while stopping", s.whileStopping)
}

// atEveryStep kills the process before and after each of its steps, of which there
// are at least some. The next one answers what is unanswered, in order, and repeats at
// most the part of each chat that was on its way; the model is not asked again for what
// it has answered.
func atEveryStep(t *testing.T, outside func(*testing.T) *outside, least int) {
	steps := 0
	synctest.Test(t, func(t *testing.T) {
		o := outside(t)
		steps = (&process{outside: o}).live(t)
		o.check(t, 0)
	})
	if steps < least {
		t.Fatalf("%d steps", steps)
	}
	for kill := 1; kill <= steps; kill++ {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprint(kill, after), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					o := outside(t)
					first := &process{outside: o, kill: kill, after: after}
					if first.live(t); !first.killed() {
						t.Skip("it had done all before")
					}
					settled := o.settled(t)
					time.Sleep(time.Minute)
					(&process{outside: o}).live(t)
					o.check(t, 1)
					for q, n := range settled {
						if o.asked[q] != n {
							t.Errorf("the model was asked %q again, which was answered", q)
						}
					}
				})
			})
		}
	}
}

// againAndAgain kills process after process at random steps, so many times.
func againAndAgain(t *testing.T, outside func(*testing.T) *outside, times uint64) {
	for seed := range times {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			o := outside(t)
			for lives := 0; ; lives++ {
				p := &process{outside: o, kill: 1 + random.IntN(12), after: random.IntN(2) == 0}
				p.live(t)
				if time.Sleep(time.Second); !p.killed() {
					o.check(t, lives)
					return
				}
			}
		})
	}
}

// whileStopping kills the process at every step of a /stop: whoever has
// read that the question is stopped reads no answer to it from the next one. (That
// nothing was to be stopped may be read when it was stopped just before the kill.)
func (s *suite) whileStopping(t *testing.T) {
	done, nothing := s.words.Say("en", "stop_done"), s.words.Say("en", "stop_nothing")
	stopped := 0
	for kill := range 12 {
		for _, after := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				o := s.outside(t)
				o.pending = []bot.Message{private("alice", slow), private("alice", "/stop")}
				o.pending[0].ID, o.pending[1].ID = "a", "b"
				(&process{outside: o, kill: kill + 1, after: after}).live(t)
				(&process{outside: o}).live(t)
				var read []string
				for i, p := range o.read["alice"] {
					if i == 0 || p.ID != o.read["alice"][i-1].ID {
						read = append(read, p.Text)
					}
				}
				slices.Sort(read)
				if slices.Equal(read, []string{done}) || slices.Equal(read, []string{nothing}) {
					stopped++
				} else if !slices.Equal(read, []string{"echo: slow", nothing}) && !slices.Equal(read, []string{nothing, "echo: slow"}) {
					t.Errorf("killed at %d, %v: read %q", kill+1, after, read)
				}
			})
		}
	}
	if stopped < 10 {
		t.Errorf("stopped %d times", stopped)
	}
}
