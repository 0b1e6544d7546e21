package logs

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// gate is a writer that takes nothing until it is opened.
type gate struct {
	open    chan struct{}
	written bytes.Buffer // to be read when the Output is closed
}

func newGate() *gate { return &gate{open: make(chan struct{})} }

func (g *gate) Write(p []byte) (int, error) {
	<-g.open
	return g.written.Write(p)
}

// messages returns the messages of the lines.
func messages(text string) []string {
	var all []string
	for _, l := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		_, m, _ := strings.Cut(l, "msg=")
		all = append(all, strings.Trim(m, `"`))
	}
	return all
}

func TestBlockedPipe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		log, out := New(w, Options{Lines: 10})
		start := time.Now()
		log.Info("taken")
		synctest.Wait() // the goroutine is stuck with it
		for i := range 100 {
			log.Info(fmt.Sprint("line", i))
		}
		if time.Since(start) != 0 {
			t.Error("logging waited")
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := out.Flush(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error("flushed into a stuck pipe:", err)
		}
		if err := out.Close(); !errors.Is(err, errStuck) || time.Since(start) != time.Second+Grace {
			t.Error(err, time.Since(start))
		}
		log.Info("too late")

		var got []string
		read := make(chan struct{})
		go func() {
			defer close(read)
			for s := bufio.NewScanner(r); s.Scan(); {
				got = append(got, messages(s.Text())...)
			}
		}()
		<-out.done
		w.Close()
		<-read
		want := []string{"taken", "90 log lines were dropped"}
		for i := 90; i < 100; i++ {
			want = append(want, fmt.Sprint("line", i))
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got %q", got)
		}
	})
}

func TestGraveLinesStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		log, out := New(g, Options{Lines: 4, Level: slog.LevelDebug})
		log.Info("taken")
		synctest.Wait()
		log.Warn("w1")
		for i := range 5 {
			log.Debug(fmt.Sprint("d", i))
		}
		log.Error("e1")
		log.Error("e2")
		log.Info("i1")
		close(g.open)
		if err := out.Close(); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(messages(g.written.String())); got != "[taken 5 log lines were dropped w1 e1 e2 i1]" {
			t.Error(got)
		}
	})
}

func TestOnlyGraveLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		log, out := New(g, Options{Lines: 2})
		log.Info("taken")
		synctest.Wait()
		for i := range 5 {
			log.Error(fmt.Sprint("e", i))
		}
		log.Info("least")
		close(g.open)
		if err := out.Close(); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(messages(g.written.String())); got != "[taken 4 log lines were dropped e3 e4]" {
			t.Error(got)
		}
	})
}

func TestBytesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		log, out := New(g, Options{Bytes: 1000})
		log.Info("taken")
		synctest.Wait()
		for range 50 {
			log.Info(strings.Repeat("x", 200))
		}
		if out.size > 1000 {
			t.Error(out.size, "bytes wait")
		}
		log.Info(strings.Repeat("y", 2000)) // does not fit at all
		if out.size != 0 || out.waiting() != 0 {
			t.Error(out.size, "bytes wait")
		}
		close(g.open)
		if err := out.Flush(t.Context()); err != nil {
			t.Error(err)
		}
		if err := out.Close(); err != nil {
			t.Error(err)
		}
		if got := fmt.Sprint(messages(g.written.String())); got != "[taken 51 log lines were dropped]" {
			t.Error(got)
		}
	})
}

func TestOrderOfManyWriters(t *testing.T) {
	var b bytes.Buffer
	log, out := New(&b, Options{Lines: 1 << 20, Bytes: 1 << 30})
	var group sync.WaitGroup
	for w := range 8 {
		group.Go(func() {
			for i := range 500 {
				if i%3 == 0 {
					log.Warn("m", "w", w, "i", i)
				} else {
					log.Info("m", "w", w, "i", i)
				}
			}
		})
	}
	group.Wait()
	if err := out.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	next := [8]int{}
	for s := bufio.NewScanner(&b); s.Scan(); {
		var w, i int
		_, rest, _ := strings.Cut(s.Text(), "msg=m ")
		if _, err := fmt.Sscanf(rest, "w=%d i=%d", &w, &i); err != nil || i != next[w] {
			t.Fatalf("%q: %v, want %d", s.Text(), err, next[w])
		}
		next[w]++
	}
	if next != [8]int{500, 500, 500, 500, 500, 500, 500, 500} {
		t.Error(next)
	}
}

// flaky fails, panics or writes too little as often as told, then works.
type flaky struct {
	bytes.Buffer
	trouble []func(p []byte) (int, error)
}

func (f *flaky) Write(p []byte) (int, error) {
	if len(f.trouble) > 0 {
		now := f.trouble[0]
		f.trouble = f.trouble[1:]
		return now(p)
	}
	return f.Buffer.Write(p)
}

func TestFailingWriter(t *testing.T) {
	f := &flaky{trouble: []func([]byte) (int, error){
		func([]byte) (int, error) { return 0, errors.New("disk full") },
		func([]byte) (int, error) { panic("writer") },
		func(p []byte) (int, error) { return len(p) - 1, nil },
	}}
	log, out := New(f, Options{})
	for i := range 4 {
		log.Info(fmt.Sprint("line", i))
		if err := out.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	if got := messages(f.String()); got[len(got)-1] != "line3" && got[0] != "3 log lines were dropped" {
		t.Errorf("%q", got)
	}
}

func TestBrokenForEver(t *testing.T) {
	r, w := io.Pipe()
	r.Close()
	log, out := New(w, Options{})
	log.Info("into the void")
	if err := out.Close(); err != nil {
		t.Error(err)
	}
	if err := out.Close(); err != nil {
		t.Error("closed twice:", err)
	}
}
