package llm

import (
	"strings"
	"sync"
	"testing"
	"time"
)

// With nothing else to ask, a message may try what is kept out: whoever asks
// again after the key was mended gets an answer, not old news.
func TestLastResort(t *testing.T) {
	for _, failure := range []string{"401", "402", "429-quota", "404-model", "403"} {
		t.Run(failure, func(t *testing.T) {
			t.Parallel()
			s := service(t, nil)
			c := newClientOf(t, Options{Providers: []ProviderOptions{at("p", s)}, Pauses: Pauses{LastResort: time.Nanosecond}})
			if err := s.Next(failure, failure); err != nil {
				t.Fatal(err)
			}
			for range 2 { // really asked, both times
				if _, err := c.Complete(t.Context(), question()); err == nil {
					t.Fatal("answered")
				}
			}
			if s.Count() != 2 {
				t.Errorf("%d requests", s.Count())
			}
			mustAnswer(t, c)
			if status := c.Status()[0]; status.Trouble != "" {
				t.Errorf("still %+v after an answer", status)
			}
		})
	}
}

// A provider that is down is asked again by the next message, not after its rest.
func TestLastResortAfterAnOutage(t *testing.T) {
	s := service(t, nil)
	c := newClientOf(t, Options{
		Providers: []ProviderOptions{patient("p", s)},
		Pauses:    Pauses{Backoff: time.Millisecond, Breaker: time.Hour, LastResort: time.Nanosecond},
	})
	if err := s.Always("500"); err != nil {
		t.Fatal(err)
	}
	for range 2 * breakerLeast {
		if _, err := c.Complete(t.Context(), question()); err == nil {
			t.Fatal("answered")
		}
	}
	if c.Status()[0].Breaker == "closed" {
		t.Fatal("the breaker never opened")
	}
	s.Heal()
	mustAnswer(t, c)
	if got := c.Status()[0].Breaker; got != "closed" {
		t.Errorf("the breaker is %s after an answer", got)
	}
}

// A crowd does not hammer what is kept out.
func TestLastResortIsRare(t *testing.T) {
	s := service(t, nil)
	c := newClientOf(t, Options{Providers: []ProviderOptions{patient("p", s)}, Pauses: Pauses{LastResort: 2 * time.Second}})
	if err := s.Always("401"); err != nil {
		t.Fatal(err)
	}
	_, _ = c.Complete(t.Context(), question())
	begun, before := time.Now(), s.Count()
	var crowd sync.WaitGroup
	for range 200 {
		crowd.Go(func() {
			if _, err := c.Complete(t.Context(), question()); err == nil || !strings.Contains(err.Error(), "401") {
				t.Errorf("got %v", err)
			}
		})
	}
	crowd.Wait()
	if n, most := s.Count()-before, int(time.Since(begun)/(2*time.Second))+1; n > most {
		t.Errorf("%d requests, at most %d were due", n, most)
	}
}

// A pause that was asked for is kept, whoever else there is to ask.
func TestLastResortKeepsAskedPauses(t *testing.T) {
	s := service(t, nil)
	c := newClientOf(t, Options{Providers: []ProviderOptions{at("p", s)}, Pauses: Pauses{LastResort: time.Nanosecond, Short: time.Millisecond, Longest: time.Millisecond}})
	if err := s.Next("429"); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := c.Complete(t.Context(), question()); err == nil {
			t.Fatal("answered")
		}
	}
	if s.Count() != 1 {
		t.Errorf("%d requests before the pause was over", s.Count())
	}
}
