package llm

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/diagbot/diagbot/troubleshoot"
)

// lines writes findings as a test reads them best.
func lines(p Probe) string {
	var all []string
	for _, f := range p.Findings() {
		line := f.What
		for _, part := range []string{f.Key, f.Name} {
			if part != "" {
				line += " " + part
			}
		}
		all = append(all, line+map[Verdict]string{VerdictFailing: "!", VerdictUnknown: "?"}[f.Verdict])
	}
	return strings.Join(all, ", ")
}

func models(ids ...string) http.HandlerFunc {
	return answers(200, `{"object":"list","data":[{"id":"`+strings.Join(ids, `"},{"id":"`)+`"}]}`)
}

func TestProbeOfAProvider(t *testing.T) {
	o := options("https://api.openai.com/v1")
	o.Models = []string{"gpt-4o", "gpt-99"}
	o.Transport = internet(t, map[string]http.HandlerFunc{
		"api.openai.com": models("gpt-4o"), "status.openai.com": answers(200, troubled),
	})
	p, err := newClient(t, o).Probe(t.Context(), o.Name)
	if err != nil || lines(p) != "tcp, tls, api, model gpt-4o, model gpt-99!, page status.openai.com!" {
		t.Errorf("%s, %v", lines(p), err)
	}
	if f, ok := p.Stopped(); !ok || f.What != StepModel || f.Fault.Entry != entryNoModel || p.Fault() != f.Fault {
		t.Errorf("stopped at %+v", f)
	}
	for _, f := range p.Findings() {
		if f.What == StepTLS && (!f.HasDays || f.Days < 0 || f.Days > 1) {
			t.Errorf("certificate: %+v", f)
		}
	}
	if p.Page.Component != "Chat Completions" || p.Age(p.Begun.Add(time.Second)) != time.Second {
		t.Errorf("got %+v", p)
	}
}

// The way is told once, what each key meets is told for each.
func TestProbeOfSeveralKeys(t *testing.T) {
	o := options("https://api.deepseek.com/v1")
	o.Models = []string{"deepseek-chat"}
	o.Keys = []Key{{Name: "good", Secret: "sk-good-0123456789"}, {Name: "bad", Secret: "sk-bad-0123456789"}}
	o.Transport = internet(t, map[string]http.HandlerFunc{"api.deepseek.com": func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.Contains(r.Header.Get("Authorization"), "bad"):
			answers(401, `{"error":{"message":"Authentication Fails","type":"authentication_error"}}`)(w, r)
		case r.URL.Path == "/user/balance":
			answers(200, `{"balance_infos":[{"currency":"CNY","total_balance":"5.00"}]}`)(w, r)
		default:
			models("deepseek-chat")(w, r)
		}
	}})
	p, err := newClient(t, o).Probe(t.Context(), o.Name)
	want := "tcp, tls, api good, model good deepseek-chat, api bad!, page status.deepseek.com?, balance good"
	if err != nil || lines(p) != want {
		t.Errorf("%s, %v", lines(p), err)
	}
}

func TestProbeThroughAProxyThatRefuses(t *testing.T) {
	proxy := serve(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusProxyAuthRequired) })
	host := strings.TrimSuffix(strings.TrimPrefix(proxy, "http://"), "/v1")
	o := options("https://api.example.com/v1")
	o.Proxy = "http://user:hunter2secret@" + host
	p, err := newClient(t, o).Probe(t.Context(), o.Name)
	if err != nil || lines(p) != "tcp, proxy "+host+"!" {
		t.Errorf("%s, %v", lines(p), err)
	}
	if f, ok := p.Stopped(); !ok || f.What != FindingProxy || f.Fault.Net != troubleshoot.NetProxy {
		t.Errorf("stopped at %+v", f)
	}
}

func TestProbeSuggestsAnotherPath(t *testing.T) {
	s := startSim(t)
	o := options(strings.TrimSuffix(s.URL(), "/v1"))
	p, err := newClient(t, o).Probe(t.Context(), o.Name)
	if err != nil || lines(p) != "tcp, api!, try_url "+s.URL()+"?" {
		t.Errorf("%s, %v", lines(p), err)
	}
}

// Many who ask at once, or soon after, cause one probe and one reading of the
// page.
func TestProbeIsSharedAndRare(t *testing.T) {
	var asked, read atomic.Int32
	release := make(chan struct{})
	o := options("https://api.openai.com/v1")
	o.Models = []string{"gpt-4o"}
	o.Transport = internet(t, map[string]http.HandlerFunc{
		"api.openai.com": func(w http.ResponseWriter, r *http.Request) {
			asked.Add(1)
			<-release
			models("gpt-4o")(w, r)
		},
		"status.openai.com": func(w http.ResponseWriter, r *http.Request) {
			read.Add(1)
			answers(200, troubled)(w, r)
		},
	})
	c := newClient(t, o)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if p, err := c.Probe(t.Context(), o.Name); err != nil || p.Fault() != nil {
				t.Errorf("%s, %v", lines(p), err)
			}
		})
	}
	close(release)
	all.Wait()
	if asked.Load() != 1 || read.Load() != 1 {
		t.Errorf("%d probes, %d readings", asked.Load(), read.Load())
	}
}

func TestProbeOfNobody(t *testing.T) {
	c := newClient(t, options("https://api.example.com/v1"))
	if _, err := c.Probe(t.Context(), "nobody"); !errors.Is(err, ErrNoProvider) {
		t.Error(err)
	}
	if names := c.Names(); len(names) != 1 || names[0] != options("").Name {
		t.Errorf("names %q", names)
	}
}

func TestRecent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recent[int]{turn: semaphore.NewWeighted(1)}
		n := 0
		look := func(ctx context.Context) (int, time.Time) {
			n++
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
			return n, time.Now()
		}
		get := func(ctx context.Context) string {
			v, err := r.get(ctx, 10*time.Second, look)
			return fmt.Sprint(v, err)
		}
		hasty, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if got := get(hasty); got != "1 context deadline exceeded" {
			t.Error(got)
		}
		for _, want := range []string{"2 <nil>", "2 <nil>"} { // what was given up is not kept
			if got := get(t.Context()); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
		time.Sleep(10 * time.Second)
		go get(t.Context())
		synctest.Wait()
		waiting, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		if got := get(waiting); got != "0 context deadline exceeded" {
			t.Error(got)
		}
		if got := get(t.Context()); got != "3 <nil>" {
			t.Error(got)
		}
	})
}
