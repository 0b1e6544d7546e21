package simkit_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/diagbot/diagbot/internal/simkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestHistory(t *testing.T) {
	h := simkit.History[int]{Limit: 3}
	for n := 1; n <= 100; n++ {
		h.Add(n)
		if h.Last() != int64(n) || len(h.Items()) < min(n, 3) || len(h.Items()) > 6 || h.Items()[0] != int(h.Dropped())+1 {
			t.Fatalf("after %d: %v, of which %d are gone", n, h.Items(), h.Dropped())
		}
	}
	for _, c := range []struct {
		after int64
		most  int
		want  []int
	}{{98, 5, []int{99, 100}}, {97, 2, []int{98, 99}}, {100, 5, nil}, {200, 5, nil}, {-5, 1, []int{int(h.Dropped()) + 1}}} {
		if got := h.After(c.after, c.most); !slices.Equal(got, c.want) {
			t.Errorf("%d after %d: %v", c.most, c.after, got)
		}
	}
}

// failure is one of a server that knows two ways.
type failure struct{ how string }

type stage struct {
	*simkit.Stage[failure]
	met int // requests
}

const host = "example.weixin.qq.com"

// open plays a server that says "hello" unless it is to fail.
func open(t *testing.T) (*stage, *http.Client) {
	t.Helper()
	made, err := simkit.New[failure](nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{Stage: made}
	t.Cleanup(s.Close)
	play := func(w http.ResponseWriter, r *http.Request) {
		if !s.Enter() {
			return
		}
		defer s.Leave()
		s.Mu.Lock()
		f := s.Meet(r.URL.Path)
		s.met++
		s.Seen.Ring()
		s.Mu.Unlock()
		switch f.Failure.how {
		case "reset":
			simkit.Reset(w)
		case "hang":
			s.Hang(r.Context(), f)
			simkit.Reset(w)
		case "cut", "stall":
			s.Cut(w, f, "text/plain", []byte("hello"), f.Failure.how == "stall")
		case "page":
			_, _ = io.WriteString(w, simkit.Page(502, "nginx"))
		default:
			_, _ = io.WriteString(w, "hello")
		}
	}
	if err := s.Open("127.0.0.1:0", []string{host}, http.HandlerFunc(play)); err != nil {
		t.Fatal(err)
	}
	return s, &http.Client{Transport: s.Transport([]string{host})}
}

func get(ctx context.Context, c *http.Client, path string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+host+path, nil)
	if err != nil {
		return "", err
	}
	resp, err := c.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return string(b), err
}

func TestFailures(t *testing.T) {
	s, c := open(t)
	ctx := t.Context()
	s.Fail("/a", failure{"page"}, 1)
	s.Fail("/a", failure{"cut"}, 1)
	s.Fail(simkit.AnyEndpoint, failure{"page"}, 1)
	s.Fail("/a", failure{"reset"}, 0) // never
	if b, err := get(ctx, c, "/a"); err != nil || !strings.Contains(b, "502 Bad Gateway") {
		t.Errorf("first: %q, %v", b, err)
	}
	if b, err := get(ctx, c, "/a"); b != "he" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("second: %q, %v", b, err)
	}
	if b, err := get(ctx, c, "/b"); err != nil || !strings.Contains(b, "502") {
		t.Errorf("another: %q, %v", b, err)
	}
	if b, err := get(ctx, c, "/a"); b != "hello" || err != nil {
		t.Errorf("at last: %q, %v", b, err)
	}
	s.Fail("/a", failure{"reset"}, -1)
	if _, err := get(ctx, c, "/a"); err == nil {
		t.Error("no reset")
	}
	s.Heal()
	if b, err := get(ctx, c, "/a"); b != "hello" || err != nil {
		t.Errorf("healed: %q, %v", b, err)
	}
}

// What hangs or stalls ends with the failure, with the client, and with the stage.
func TestHanging(t *testing.T) {
	for _, how := range []string{"hang", "stall"} {
		for name, end := range map[string]func(s *stage, leave func()){
			"healed": func(s *stage, _ func()) { s.Heal() },
			"left":   func(_ *stage, leave func()) { leave() },
			"closed": func(s *stage, _ func()) { s.Close() },
		} {
			s, c := open(t)
			s.Fail("/a", failure{how}, 1)
			ctx, leave := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() {
				_, err := get(ctx, c, "/a")
				ended <- err
			}()
			if err := s.Wait(t.Context(), func() bool { return s.met > 0 }); err != nil {
				t.Fatal(err)
			}
			end(s, leave)
			if err := <-ended; err == nil {
				t.Errorf("%s, %s: no error", how, name)
			}
			leave()
			s.Close()
		}
	}
}

func TestHold(t *testing.T) {
	s, _ := open(t)
	s.Mu.Lock()
	f := s.Meet("/a")
	s.Mu.Unlock()
	ready := false
	held := make(chan bool, 1)
	hold := func(ctx context.Context, d time.Duration) {
		go func() { held <- s.Hold(ctx, f, d, func() bool { return ready }) }()
	}
	hold(t.Context(), time.Hour)
	s.Mu.Lock()
	ready = true
	s.News.Ring()
	s.Mu.Unlock()
	if !<-held {
		t.Error("what came was not noticed")
	}
	ready = false
	hold(t.Context(), time.Millisecond)
	if <-held {
		t.Error("nothing came")
	}
	ctx, cancel := context.WithCancel(t.Context())
	hold(ctx, time.Hour)
	cancel()
	if <-held {
		t.Error("for a client that left")
	}
	hold(t.Context(), time.Hour)
	s.Fail("/a", failure{"reset"}, 1)
	if <-held {
		t.Error("held on though it is to fail")
	}
	if !s.Pause(t.Context(), time.Millisecond) {
		t.Error("nobody left")
	}
	s.Close()
	if s.Pause(t.Context(), time.Hour) || s.Enter() || !errors.Is(s.Wait(t.Context(), func() bool { return false }), http.ErrServerClosed) {
		t.Error("it goes on after Close")
	}
}

func TestSubscribe(t *testing.T) {
	s, _ := open(t)
	h := simkit.History[int]{Limit: 10}
	add := func(n int) {
		s.Mu.Lock()
		defer s.Mu.Unlock()
		h.Add(n)
		s.Seen.Ring()
	}
	add(1)
	got, stop := simkit.Subscribe(s.Stage, &h)
	add(2)
	add(3)
	if a, b := <-got, <-got; a != 2 || b != 3 {
		t.Errorf("%d, %d", a, b)
	}
	stop()
	if _, open := <-got; open {
		t.Error("not closed")
	}
	got, stop = simkit.Subscribe(s.Stage, &h)
	s.Close()
	if _, open := <-got; open {
		t.Error("not closed by Close")
	}
	stop()
	got, _ = simkit.Subscribe(s.Stage, &h)
	if _, open := <-got; open {
		t.Error("open on a closed stage")
	}
}

func TestLoopbackOnly(t *testing.T) {
	s, err := simkit.New[failure](nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Open("0.0.0.0:0", []string{host}, http.NotFoundHandler()); err == nil {
		t.Error("it can be reached from everywhere")
	}
}
