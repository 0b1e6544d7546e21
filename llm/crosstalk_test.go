package llm

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// mark is what one person's words are made of, and nobody else's.
func mark(person int) string { return fmt.Sprintf("<%d>", person) }

var marks = regexp.MustCompile(`<\d+>`)

// stray returns a mark in text that is not that person's; "" if there is none.
func stray(text, own string) string {
	for _, found := range marks.FindAllString(brackets.Replace(text), -1) {
		if found != own {
			return found
		}
	}
	return ""
}

var brackets = strings.NewReplacer(`\u003c`, "<", `\u003e`, ">")

// gossip answers with the words of whoever asks, before it has heard all of them:
// whole, broken off, as a refusal that repeats them, or in one piece.
func gossip(t *testing.T) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex() // HTTP/2 needs no leave
		beginning := make([]byte, 200)
		if _, err := io.ReadFull(r.Body, beginning); err != nil {
			return // given up
		}
		own := marks.FindString(brackets.Replace(string(beginning)))
		abort := answerWith(w, own)
		_ = http.NewResponseController(w).Flush()
		rest, err := io.ReadAll(r.Body)
		if said := stray(string(beginning)+string(rest), own); said != "" {
			t.Errorf("%s is in the request of %s", said, own)
		}
		if err == nil && !json.Valid(append(beginning, rest...)) {
			t.Errorf("%s asked %.200q…", own, beginning)
		}
		if abort {
			panic(http.ErrAbortHandler)
		}
	}
}

func answerWith(w http.ResponseWriter, own string) (abort bool) {
	switch rand.IntN(5) {
	case 0:
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, `{"error":{"message":%q}}`, "not allowed: "+strings.Repeat(own, 200))
		return false
	case 1:
		_, _ = fmt.Fprintf(w, `{"choices":[{"message":{"content":%q},"finish_reason":"stop"}]}`, strings.Repeat(own, 300))
		return false
	}
	stream(w, own)
	if rand.IntN(3) == 0 {
		return true
	}
	_, _ = io.WriteString(w, stop+done)
	return false
}

func stream(w http.ResponseWriter, own string) {
	for i := range 40 {
		_, err := fmt.Fprintf(w, `data: {"id":%q,"model":"m","choices":[{"index":0,"delta":{"content":%q}}]}`+"\n\n", own, strings.Repeat(own, 1+i%7))
		if err != nil {
			return
		}
		if i%8 == 0 {
			_ = http.NewResponseController(w).Flush()
		}
	}
}

// Many people ask at once, and give up at any moment, as do the services: nobody
// ever reads, or is told to have said, what somebody else did. Under the race
// detector it also tells of room that is used again too early.
func TestPeopleDoNotHearEachOther(t *testing.T) {
	for _, version := range []int{1, 2} {
		t.Run(fmt.Sprint("HTTP/", version), func(t *testing.T) {
			s := httptest.NewUnstartedServer(gossip(t))
			if s.EnableHTTP2 = version == 2; s.EnableHTTP2 {
				s.StartTLS()
			} else {
				s.Start()
			}
			t.Cleanup(s.Close)
			o := options(s.URL + "/v1")
			o.Transport = s.Client().Transport
			c := newClient(t, o)
			var work sync.WaitGroup
			for person := range 16 {
				work.Go(func() {
					for range 8 {
						talk(t, c, person)
					}
				})
			}
			work.Wait()
		})
	}
}

// talk asks with a person's words, and gives up some time.
func talk(t *testing.T, c *Client, person int) {
	own := mark(person)
	ask := Prompt{Messages: []Message{{Role: RoleSystem, Content: own}}}
	for range 1 + rand.IntN(10) {
		ask.Messages = append(ask.Messages, Message{Role: RoleUser, Content: strings.Repeat(own, 1+rand.IntN(1000))})
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	switch patience := time.Duration(rand.Int64N(int64(20 * time.Millisecond))); rand.IntN(3) {
	case 0:
		defer time.AfterFunc(patience, cancel).Stop()
	case 1: // what has come by then is an answer
		short, end := context.WithTimeout(ctx, patience)
		defer end()
		ctx = short
	}
	done, err := c.Complete(ctx, ask)
	if said := stray(done.Text, own); said != "" || err == nil && !strings.HasPrefix(done.Text, own) {
		t.Errorf("%s reads %s in %.100q", own, said, done.Text)
	}
	for _, a := range done.Attempts {
		if a.Fault == nil {
			continue
		}
		if said := stray(fmt.Sprintf("%+v %v", *a.Fault, a.Fault.Cause), own); said != "" {
			t.Errorf("%s is in the fault of %s: %+v", said, own, a.Fault)
		}
	}
}
