//go:build unix

package store

import (
	"errors"
	"testing"

	"github.com/diagbot/diagbot/bot"
)

// TestDiskTrouble has the disk full, and then fail, and then work again, all
// while the database is open.
func TestDiskTrouble(t *testing.T) {
	p := place{Options{Dir: t.TempDir()}, true}
	p.test.vfs = shimName
	d := newDisk(t, p.Dir)
	a := p.claim(t)
	first := receive(t, a, "a")
	for round, c := range []struct {
		syncFails, full bool
		want            Kind
	}{{false, true, Full}, {true, false, IO}, {true, true, Full}, {false, true, Full}} {
		d.trouble(c.syncFails, c.full)
		for range 3 {
			for what, err := range map[string]error{
				"conclude": a.Conclude(t.Context(), bot.Conclusion{Seq: first[0], Reply: bot.StoredReply{Parts: []string{"x"}}, Day: "d", Spent: []string{"s"}}),
				"said":     a.Said(t.Context(), first[0], 1, true), "set": a.Set(t.Context(), "s", "n", "v"),
				"receive": func() error { _, err := a.Receive(t.Context(), []bot.Message{said("b", "x")}); return err }(),
			} {
				var e *Error
				if !errors.As(err, &e) || e.Kind != c.want {
					t.Fatalf("round %d, %s: %v, want kind %s", round, what, err, c.want)
				}
			}
		}
		open := must[[]bot.Open](t)(a.Open(t.Context())) // reading goes on
		if len(open) != 1 || open[0].Reply != nil || !a.Owns() {
			t.Fatalf("round %d: open %+v", round, open)
		}
		same(t, "spent", must[[]int](t)(a.Spent(t.Context(), "d", "s")), []int{0})
		d.trouble(false, false)
		check(t, a.Set(t.Context(), "s", "n", ""))
	}
	if seqs := receive(t, a, "b"); seqs[0] == 0 {
		t.Fatal("what was never stored is known")
	}
	check(t, a.Conclude(t.Context(), bot.Conclusion{Seq: first[0], Day: "d", Spent: []string{"s"}}))
	same(t, "spent", must[[]int](t)(a.Spent(t.Context(), "d", "s")), []int{1})
}

// TestSyncs counts them: each write that was acknowledged has one at least, and
// those that wait together share it.
func TestSyncs(t *testing.T) {
	p := place{Options{Dir: t.TempDir()}, true}
	p.test.vfs = shimName
	d := newDisk(t, p.Dir)
	a := p.claim(t)
	before := d.syncs
	for range 20 {
		receive(t, a, "")
	}
	if n := d.syncs - before; n < 20 {
		t.Fatalf("%d syncs for 20 writes", n)
	}
}
