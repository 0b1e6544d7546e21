package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/diagbot/diagbot/bot"
)

// forgetful is a database that carries writes out and says that it did not know.
type forgetful struct {
	engine
	forgets bool
}

func (f *forgetful) write(ctx context.Context, job func(*tx) error) error {
	err := f.engine.write(ctx, job)
	if err == nil && f.forgets {
		return trouble("here", errors.Join(io.ErrUnexpectedEOF, errDoubt))
	}
	return err
}

// TestDoubt loses the answer to a commit: what is offered again is new then, and
// is there once.
func TestDoubt(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		db := p.open(t)
		f := &forgetful{engine: db.engine}
		db.engine = f
		a := claim(t, db, "one", "node")
		before := receive(t, a, "before")
		batch := []bot.Message{said("a", "x"), said("", "y"), said("before", "z")}
		f.forgets = true
		for range 2 {
			if seqs, err := a.Receive(t.Context(), batch); err == nil {
				t.Fatalf("received %v", seqs)
			}
		}
		f.forgets = false
		seqs := must[[]int64](t)(a.Receive(t.Context(), batch))
		if seqs[0] == 0 || seqs[1] == 0 || seqs[2] != 0 {
			t.Fatalf("numbers %v", seqs)
		}
		var open []int64
		for _, o := range must[[]bot.Open](t)(a.Open(t.Context())) {
			open = append(open, o.Seq)
		}
		same(t, "open", open, []int64{before[0], seqs[0], seqs[1]})
		same(t, "known", receive(t, a, "a", "before"), []int64{0, 0})
		if len(a.doubt.all()) != 0 {
			t.Fatalf("doubt remains: %v", a.doubt.all())
		}

		// The same with a conclusion: it counts once.
		c := bot.Conclusion{Seq: seqs[0], Day: "d", Spent: []string{"s"}}
		f.forgets = true
		if err := a.Conclude(t.Context(), c); err == nil {
			t.Fatal("concluded")
		}
		f.forgets = false
		check(t, a.Conclude(t.Context(), c))
		same(t, "spent", must[[]int](t)(a.Spent(t.Context(), "d", "s")), []int{1})
	})
}

// TestConnectionBreaks has the server end connections, in the middle of a write
// and in between. The store goes on by itself.
func TestConnectionBreaks(t *testing.T) {
	p := place{Options{URL: newDatabase(t)}, false}
	a := p.claim(t)
	err := a.write(t.Context(), "test", func(x *tx) error {
		if _, err := x.exec(sqlSet, a.name, "s", "half", "done"); err != nil {
			return err
		}
		_, err := x.exec("SELECT pg_terminate_backend(pg_backend_pid())")
		return err
	})
	var e *Error
	if !errors.As(err, &e) || e.Kind != Gone {
		t.Fatalf("in the middle: %v", err)
	}
	err = a.write(t.Context(), "test", func(x *tx) error { // before the commit, which finds it out
		_, _ = x.exec("SELECT pg_terminate_backend(pg_backend_pid())")
		return nil
	})
	if !errors.As(err, &e) || e.Kind != Gone || strings.Contains(err.Error(), "pgconn") {
		t.Fatalf("before the commit: %v", err)
	}
	for range 3 {
		_ = a.read(t.Context(), "test", func(x *tx) error {
			_, err := x.exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
			return err
		})
		stored := false
		for range 2 * pgConnections { // each of which may be broken
			if err := a.Set(t.Context(), "s", "whole", "done"); err == nil {
				stored = true
				break
			}
		}
		if !stored || !a.Owns() {
			t.Fatal("it does not go on")
		}
	}
	same(t, "settings", must[map[string]string](t)(a.Settings(t.Context(), "s")), map[string]string{"whole": "done"})
}

// TestIsolation writes in many places at once on a server that is set up to be
// stricter than we need it.
func TestIsolation(t *testing.T) {
	for _, level := range []string{"serializable", "repeatable%20read"} {
		p := place{Options{URL: newDatabase(t) + "&default_transaction_isolation=" + level}, false}
		a := p.claim(t)
		var writing sync.WaitGroup
		for w := range 8 {
			writing.Go(func() {
				for i := range 100 {
					seqs, err := a.Receive(t.Context(), []bot.Message{said(fmt.Sprint(w, "-", i), "x")})
					if err == nil {
						err = a.Conclude(t.Context(), bot.Conclusion{Seq: seqs[0], Day: "d", Spent: []string{"s"}})
					}
					if err != nil {
						t.Errorf("%s: %v", level, err)
						return
					}
				}
			})
		}
		writing.Wait()
	}
}
