package llm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/diagbot/diagbot/internal/simllm"
	"github.com/diagbot/diagbot/troubleshoot"
)

// The keys and models of the simulated service.
const (
	keyA, keyB     = "sk-first-0123456789abcdefghij", "sk-second-0123456789abcdefghij"
	modelA, modelB = "first-model", "second-model"
)

// swift are pauses short enough for tests; cooldowns are as long as always, and
// nothing kept out is asked all the same.
var swift = Pauses{Backoff: 5 * time.Millisecond, LastResort: -1}

// service is a simulated provider.
func service(t *testing.T, change func(*simllm.Options)) *simllm.Server {
	t.Helper()
	o := simllm.Options{Keys: []string{keyA, keyB}, Models: []string{modelA, modelB}, Markers: true,
		Slow: 20 * time.Millisecond, KeepAlive: 20 * time.Millisecond, Keep: 10_000}
	if change != nil {
		change(&o)
	}
	s, err := simllm.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// at describes the service as a provider with one key and one model.
func at(name string, s *simllm.Server) ProviderOptions {
	return ProviderOptions{
		Name: name, BaseURL: s.URL(), Transport: s.Transport(), Timeouts: quick,
		Keys: []Key{{Name: "a", Secret: keyA}}, Models: []string{modelA},
	}
}

func clientOf(t *testing.T, providers ...ProviderOptions) *Client {
	t.Helper()
	return newClientOf(t, Options{Providers: providers, Pauses: swift, RetriesPerMinute: 1000})
}

// mustAnswer asks and expects an answer.
func mustAnswer(t *testing.T, c *Client) Completion {
	t.Helper()
	done, err := c.Complete(t.Context(), question())
	if err != nil || done.Text == "" || done.Partial {
		t.Fatalf("got %+v, %v", done, err)
	}
	return done
}

// mustFail asks and expects a fault of that entry.
func mustFail(t *testing.T, c *Client, entry string) (*troubleshoot.Fault, Completion) {
	t.Helper()
	done, err := c.Complete(t.Context(), question())
	f := faultOf(t, done, err)
	known, _ := catalogue()
	if got := known.Diagnose(f).Entry.ID; got != entry {
		t.Fatalf("failed with %s, not %s: %+v", got, entry, done.Attempts)
	}
	return f, done
}

// path is what was done in the attempts of a prompt.
func path(done Completion) string {
	var steps []string
	for _, a := range done.Attempts {
		step := a.Provider + "/" + a.Model + "/" + a.Key
		if a.Next != "" {
			step += " " + string(a.Next)
		}
		steps = append(steps, step)
	}
	return strings.Join(steps, ", ")
}

// What passes by itself is rescued without anything being seen of it.
func TestRescuesWhatPasses(t *testing.T) {
	for _, name := range strings.Fields(`429-ms 429-x-ms 500 502 503 504 524 529 empty-500 empty-503 string-error-no reset close cut
		cut-event reset-mid stall no-finish hang error-in-stream error-mid-stream error200 error-late-key error-event
		empty-choices empty-content truncated-answer short-answer stream-only-done empty 503-loading keepalive-forever-mid`) {
		if _, ok := simllm.Find(name); !ok {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := service(t, nil)
			c := clientOf(t, at("p", s))
			if err := s.Next(name); err != nil {
				t.Fatal(err)
			}
			done := mustAnswer(t, c)
			if s.Count() != 2 || len(done.Attempts) != 2 || done.Attempts[0].Entry == "" || done.Attempts[1].Fault != nil {
				t.Errorf("%d requests: %+v", s.Count(), done.Attempts)
			}
		})
	}
}

// What does not pass is asked exactly once of each key or provider.
func TestAsksOnceWhatDoesNotPass(t *testing.T) {
	for _, name := range strings.Fields(`401 401-bare 401-missing-key 401-organization 401-deactivated 401-ip 402 429-quota
		openai-429-credit openai-429-project-limit 403 403-region cloudflare 404 404-model 400 400-policy content-filter
		content-filter-mid azure-400-content-filter refusal 400-feature html200 redirect-login 429-cap unauthorized gemini-400-key dashscope-400-arrearage`) {
		failure, ok := simllm.Find(name)
		if !ok {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first, second := service(t, nil), service(t, nil)
			o := at("one", first)
			o.Source = troubleshoot.Source(failure.Source)
			alone := clientOf(t, o)
			if err := first.Always(name); err != nil {
				t.Fatal(err)
			}
			done, err := alone.Complete(t.Context(), question())
			failed := done
			if e := failed.Attempts[0].Entry; err == nil || e != failure.Entry && !slices.Contains(failure.Also, e) {
				t.Fatalf("got %+v, %v", done, err)
			}
			if first.Count() != 1 || len(failed.Attempts) != 1 {
				t.Errorf("%d requests without a choice: %s", first.Count(), path(failed))
			}
			o.Keys = append(o.Keys, Key{Name: "b", Secret: keyB})
			both := clientOf(t, o, at("two", second))
			done, err = both.Complete(t.Context(), question())
			counts := map[string]int{}
			for _, r := range first.Requests() {
				counts[r.Key]++
			}
			if counts[keyA] > 2 || counts[keyB] > 1 {
				t.Errorf("requests by key %v: %s", counts, path(done))
			}
			if failure.Entry == "gpt-400-content-policy" {
				if err == nil || second.Count() != 0 {
					t.Errorf("what was refused went elsewhere: %s", path(done))
				}
			} else if err != nil || done.Provider != "two" {
				t.Errorf("not rescued: %s", path(done))
			}
		})
	}
}

func TestRescuesWithAnotherKey(t *testing.T) {
	for _, name := range []string{"401", "401-deactivated", "429-quota", "402", "429-cap", "429", "403"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := service(t, nil)
			if err := s.ForKey(keyA, name); err != nil {
				t.Fatal(err)
			}
			o := at("p", s)
			o.Keys = append(o.Keys, Key{Name: "b", Secret: keyB})
			c := clientOf(t, o)
			if got := path(mustAnswer(t, c)); got != "p/first-model/a next_key, p/first-model/b" {
				t.Error(got)
			}
			for range 3 { // the key is known by now
				if got := path(mustAnswer(t, c)); got != "p/first-model/b" {
					t.Error(got)
				}
			}
		})
	}
}

// Keys of one group have one limit.
func TestKeysOfAGroupAreOne(t *testing.T) {
	for name, want := range map[string]string{
		"429-quota": "one/first-model/a next_provider, two/first-model/a",
		"401":       "one/first-model/a next_key, one/first-model/b",
	} {
		first, second := service(t, nil), service(t, nil)
		if err := first.ForKey(keyA, name); err != nil {
			t.Fatal(err)
		}
		o := at("one", first)
		o.Keys = []Key{{Name: "a", Secret: keyA, QuotaGroup: "org"}, {Name: "b", Secret: keyB, QuotaGroup: "org"}}
		if got := path(mustAnswer(t, clientOf(t, o, at("two", second)))); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestRescuesWithAnotherModelOrProvider(t *testing.T) {
	for name, want := range map[string]string{
		"404-model":       "one/first-model/a next_model, one/second-model/a",
		"500-memory":      "one/first-model/a next_model, one/second-model/a",
		"503-loading":     "one/first-model/a next_model, one/second-model/a",
		"402":             "one/first-model/a next_provider, two/first-model/a",
		"403-region":      "one/first-model/a next_provider, two/first-model/a",
		"cloudflare":      "one/first-model/a next_provider, two/first-model/a",
		"524":             "one/first-model/a next_provider, two/first-model/a",
		"hang":            "one/first-model/a next_provider, two/first-model/a",
		"500":             "one/first-model/a wait, one/first-model/a next_provider, two/first-model/a",
		"429-long":        "one/first-model/a next_provider, two/first-model/a",
		"401-web":         "one/first-model/a next_provider, two/first-model/a",
		"failed-to-fetch": "one/first-model/a wait, one/first-model/a next_provider, two/first-model/a",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first, second := service(t, nil), service(t, nil)
			if err := first.ForModel(modelA, name); err != nil {
				t.Fatal(err)
			}
			o := at("one", first)
			o.Models = append(o.Models, modelB)
			if f, _ := simllm.Find(name); f.Source == "web" {
				o.Source = troubleshoot.SourceWeb
			}
			if got := path(mustAnswer(t, clientOf(t, o, at("two", second)))); got != want {
				t.Error(got)
			}
		})
	}
}

// A pause that was asked for is kept to the millisecond, in every form.
func TestKeepsAskedPauses(t *testing.T) {
	for name, headers := range map[string]struct {
		asked time.Duration
		set   func(h http.Header, now time.Time) string // returns the body
	}{
		"ms":    {310 * time.Millisecond, func(h http.Header, _ time.Time) string { h.Set("Retry-After-Ms", "310"); return "" }},
		"azure": {270 * time.Millisecond, func(h http.Header, _ time.Time) string { h.Set("X-Ms-Retry-After-Ms", "270"); return "" }},
		"s":     {time.Second, func(h http.Header, _ time.Time) string { h.Set("Retry-After", "1"); return "" }},
		"float": {250 * time.Millisecond, func(h http.Header, _ time.Time) string { h.Set("Retry-After", "0.25"); return "" }},
		"date": {0, func(h http.Header, now time.Time) string {
			h.Set("Retry-After", now.Add(2*time.Second).UTC().Format(http.TimeFormat))
			return ""
		}},
		"body": {340 * time.Millisecond, func(http.Header, time.Time) string { return "Rate limit reached. Please try again in 340ms." }},
		"bucket": {290 * time.Millisecond, func(h http.Header, _ time.Time) string {
			h.Set("X-Ratelimit-Remaining-Requests", "0")
			h.Set("X-Ratelimit-Reset-Requests", "290ms")
			return ""
		}},
	} {
		for _, status := range []int{429, 503} {
			t.Run(fmt.Sprint(name, status), func(t *testing.T) {
				t.Parallel()
				var due atomic.Pointer[time.Time]
				base := serve(t, func(w http.ResponseWriter, _ *http.Request) {
					now := time.Now()
					if at := due.Load(); at != nil {
						if now.Before(*at) {
							t.Errorf("%v too early", at.Sub(now))
						}
						_, _ = io.WriteString(w, hello+lo+stop+done)
						return
					}
					text := headers.set(w.Header(), now)
					at := now.Add(headers.asked)
					if v, err := http.ParseTime(w.Header().Get("Retry-After")); err == nil {
						at = v
					}
					due.Store(&at)
					w.WriteHeader(status)
					fmt.Fprintf(w, `{"error":{"message":%q,"type":"rate_limit_error","code":null}}`, text)
				})
				c := newClientOf(t, Options{Providers: []ProviderOptions{options(base)}, Pauses: swift})
				done := mustAnswer(t, c)
				if len(done.Attempts) != 2 || done.Attempts[0].Next != ActionWait || done.Attempts[0].Wait < headers.asked {
					t.Errorf("attempts %+v", done.Attempts)
				}
			})
		}
	}
}

// Pauses come from the latest answer, and nobody waits in vain.
func TestNeverWaitsPastTheDeadline(t *testing.T) {
	s := service(t, nil)
	c := clientOf(t, at("p", s))
	if err := s.Next("429-ms", "429-date"); err != nil { // 0.85 s, then 20 s
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	begun := time.Now()
	done, err := c.Complete(ctx, question())
	f := faultOf(t, done, err)
	if f.RetryAfter < 18*time.Second || path(done) != "p/first-model/a wait, p/first-model/a stop" {
		t.Errorf("%v after %v: %s", f.RetryAfter, time.Since(begun), path(done))
	}
	done, err = c.Complete(ctx, question())
	f = faultOf(t, done, err)
	if s.Count() != 2 || len(done.Attempts) != 0 || f.RetryAfter < 10*time.Second || f.Entry != "gpt-429" || !errors.Is(err, errStanding) {
		t.Errorf("asked again before the time: %+v", f)
	}
}

// A short cooldown is waited for even by those who did not meet the limit.
func TestWaitsForAShortCooldown(t *testing.T) {
	s := service(t, nil)
	c := clientOf(t, at("p", s))
	if err := s.Next("429-ms"); err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	wait.Go(func() { mustAnswer(t, c) })
	for c.Status()[0].LastFault == nil {
		time.Sleep(time.Millisecond) // a poll
	}
	mustAnswer(t, c)
	wait.Wait()
	requests := s.Requests()
	if len(requests) != 3 || requests[1].At.Sub(requests[0].At) < 850*time.Millisecond {
		t.Errorf("%d requests", len(requests))
	}
}

func TestSendsWhatCameOfAnAnswer(t *testing.T) {
	for _, name := range []string{"cut", "stall", "reset-mid", "error-mid-stream"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := service(t, nil)
			c := clientOf(t, at("p", s))
			if err := s.Always(name); err != nil {
				t.Fatal(err)
			}
			done, err := c.Complete(t.Context(), question())
			if err != nil || !done.Partial || done.Text == "" || s.Count() != 3 || len(done.Attempts) != 3 {
				t.Errorf("got %+v, %v", done, err)
			}
		})
	}
	s := service(t, nil)
	if err := s.Always("content-filter-mid"); err != nil {
		t.Fatal(err)
	}
	mustFail(t, clientOf(t, at("p", s)), "gpt-400-content-policy")
}

// When the deadline passes in the middle of an answer, its beginning is sent;
// when the caller leaves, nothing is.
func TestDeadlineInAnAnswer(t *testing.T) {
	s := service(t, nil)
	o := at("p", s)
	o.Timeouts = Timeouts{}
	c := clientOf(t, o)
	if err := s.Always("stall"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	done, err := c.Complete(ctx, question())
	if err != nil || !done.Partial || len(done.Attempts) != 1 {
		t.Errorf("got %+v, %v", done, err)
	}
	left, leave := context.WithCancel(t.Context())
	go func() {
		for s.Count() < 2 {
			time.Sleep(time.Millisecond) // a poll
		}
		leave()
	}()
	done, err = c.Complete(left, question())
	if f := faultOf(t, done, err); !errors.Is(err, context.Canceled) || f.Entry != "" || done.Partial || s.Count() != 2 {
		t.Errorf("got %+v, %v", done, err)
	}
}

// Who leaves while waiting leaves at once.
func TestCancelWhileWaiting(t *testing.T) {
	s := service(t, nil)
	c := clientOf(t, at("p", s))
	if err := s.Always("429-date"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("stopped")
	go func() {
		for c.Status()[0].LastFault == nil {
			time.Sleep(time.Millisecond) // a poll
		}
		cancel(why)
	}()
	done, err := c.Complete(ctx, question())
	if faultOf(t, done, err); !errors.Is(err, context.Canceled) || !errors.Is(err, why) || s.Count() != 1 || len(done.Attempts) != 1 {
		t.Errorf("got %+v, %v", done, err)
	}
}

func TestTrimsWhatIsTooLong(t *testing.T) {
	s := service(t, func(o *simllm.Options) { o.Window = 600 })
	c := clientOf(t, at("p", s))
	prompt := Prompt{Messages: []Message{{Role: RoleSystem, Content: "be brief"}}}
	for i := range 40 {
		prompt.Messages = append(prompt.Messages, Message{Role: RoleUser, Content: fmt.Sprintf("question %d %s", i, strings.Repeat("word ", 20))},
			Message{Role: RoleAssistant, Content: "an answer " + strings.Repeat("said ", 20)})
	}
	prompt.Messages = append(prompt.Messages, Message{Role: RoleUser, Content: "the newest"})
	ask := func() Completion {
		done, err := c.Complete(t.Context(), prompt)
		if err != nil || done.Trimmed == 0 || done.Shortened {
			t.Fatalf("got %+v, %v", done, err)
		}
		return done
	}
	if got := path(ask()); got != "p/first-model/a trim, p/first-model/a" {
		t.Error(got)
	}
	if got := path(ask()); got != "p/first-model/a" { // the limit is known
		t.Error(got)
	}
	last := s.Requests()[2].Messages
	if last[0].Role != "system" || last[1].Role != "user" || last[len(last)-1].Content != "the newest" {
		t.Errorf("sent %d messages", len(last))
	}
}

// What a provider refuses by name is left out, and stays so.
func TestRepairsRequests(t *testing.T) {
	warm := float32(0.7)
	for name, tc := range map[string]struct {
		change  func(*ProviderOptions)
		message string
		param   string
		without string // what the second request must not have
		with    string // and must have
	}{
		"temperature": {func(o *ProviderOptions) { o.Temperature = &warm }, "Unsupported value: 'temperature' does not support 0.7", "temperature", `"temperature"`, `"model"`},
		"top_p":       {func(o *ProviderOptions) { o.TopP = &warm }, "top_p is not supported by this model", "", `"top_p"`, `"model"`},
		"max_tokens": {func(o *ProviderOptions) { o.MaxTokens = 50 },
			"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.", "max_tokens", `"max_tokens"`, `"max_completion_tokens":50`},
		"max_completion_tokens": {func(o *ProviderOptions) { o.MaxCompletionTokens = 50 },
			"Unknown field max_completion_tokens", "", `"max_completion_tokens"`, `"max_tokens":50`},
		"effort":         {func(o *ProviderOptions) { o.ReasoningEffort = "low" }, "Unrecognized request argument supplied: reasoning_effort", "", `"reasoning_effort"`, `"model"`},
		"stream_options": {nil, "Unknown parameter: 'stream_options'.", "stream_options", `"stream_options"`, `"stream":true`},
		"stream only":    {func(o *ProviderOptions) { o.NoStream = true }, "This model only support stream mode, please enable the stream parameter", "", `"never"`, `"stream":true`},
		"no stream":      {nil, "Your organization must be verified to stream this model.", "stream", `"stream":true`, `"model"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var sent []string
			base := serve(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				sent = append(sent, string(body))
				switch {
				case len(sent) == 1:
					w.WriteHeader(400)
					fmt.Fprintf(w, `{"error":{"message":%q,"type":"invalid_request_error","param":%q,"code":"unsupported_parameter"}}`, tc.message, tc.param)
				case strings.Contains(string(body), `"stream":true`):
					_, _ = io.WriteString(w, hello+lo+stop+done)
				default:
					_, _ = io.WriteString(w, full)
				}
			})
			o := options(base)
			if tc.change != nil {
				tc.change(&o)
			}
			c := newClientOf(t, Options{Providers: []ProviderOptions{o}, Pauses: swift})
			if got := path(mustAnswer(t, c)); got != "p/gpt-4o-mini/main repair, p/gpt-4o-mini/main" {
				t.Error(got)
			}
			if got := path(mustAnswer(t, c)); got != "p/gpt-4o-mini/main" {
				t.Error(got)
			}
			for _, body := range sent[1:] {
				if strings.Contains(body, tc.without) || !strings.Contains(body, tc.with) {
					t.Errorf("sent %s", body)
				}
			}
		})
	}
}

// What go-openai itself would not send is repaired before anybody is asked.
func TestRepairsWhatCannotBeSent(t *testing.T) {
	warm := float32(0.7)
	var sent []string
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		sent = append(sent, string(body))
		_, _ = io.WriteString(w, hello+lo+stop+done)
	})
	o := options(base)
	o.Models, o.MaxTokens, o.Temperature = []string{"o3-mini"}, 50, &warm
	mustAnswer(t, newClientOf(t, Options{Providers: []ProviderOptions{o}, Pauses: swift}))
	if len(sent) != 1 || !strings.Contains(sent[0], `"max_completion_tokens":50`) || strings.Contains(sent[0], "temperature") {
		t.Errorf("sent %s", sent)
	}
}

// A refusal that names nothing we sent is not repaired, however it is worded.
func TestRepairsOnlyWhatWasSent(t *testing.T) {
	s := service(t, nil)
	for _, name := range []string{"400-temperature", "openai-400-max-tokens", "openai-400-echo", "openai-400-string-too-long"} {
		if err := s.Always(name); err != nil {
			t.Fatal(err)
		}
		before := s.Count()
		_, _ = clientOf(t, at("p", s)).Complete(t.Context(), question())
		if n := s.Count() - before; n != 1 {
			t.Errorf("%s: %d requests", name, n)
		}
	}
}

// A status that only one vendor's edge has is rescued like its neighbours.
func TestRescuesOddStatuses(t *testing.T) {
	for _, status := range []int{408, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529, 530, 599} {
		var n atomic.Int32
		base := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			if n.Add(1) == 1 {
				w.WriteHeader(status)
				return
			}
			_, _ = io.WriteString(w, hello+lo+stop+done)
		})
		c := newClientOf(t, Options{Providers: []ProviderOptions{options(base)}, Pauses: swift})
		if got := mustAnswer(t, c); len(got.Attempts) != 2 {
			t.Errorf("%d: %s", status, path(got))
		}
	}
}

// A server that is being restarted is met again a moment later.
func TestRescuesARestart(t *testing.T) {
	address := closedPort(t)
	o := options("http://" + address + "/v1")
	c := newClientOf(t, Options{Providers: []ProviderOptions{o}, Pauses: Pauses{Backoff: 200 * time.Millisecond}})
	go func() {
		for c.Status()[0].LastFault == nil {
			time.Sleep(time.Millisecond) // a poll
		}
		l, err := net.Listen("tcp", address)
		if err != nil {
			return // somebody else has the port: the test fails below
		}
		s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, hello+lo+stop+done)
		})}
		t.Cleanup(func() { _ = s.Close() })
		_ = s.Serve(l)
	}()
	if got := path(mustAnswer(t, c)); got != "p/gpt-4o-mini/main wait, p/gpt-4o-mini/main" {
		t.Error(got)
	}
}

// A connection from the pool that the other side has closed is not the
// provider's fault, and nobody waits for it.
func TestExcusesDeadConnections(t *testing.T) {
	var requests atomic.Int32
	base := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if requests.Add(1) == 2 {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				_ = conn.Close()
			}
			return
		}
		_, _ = io.WriteString(w, hello+lo+stop+done)
	})
	c := newClientOf(t, Options{Providers: []ProviderOptions{options(base)}, RetriesPerMinute: 1})
	mustAnswer(t, c)
	c.retries.retry(time.Now()) // nothing is left to spend
	if done := mustAnswer(t, c); path(done) != "p/gpt-4o-mini/main retry, p/gpt-4o-mini/main" || done.Attempts[0].Wait != 0 {
		t.Errorf("attempts %+v", done.Attempts)
	}
	if c.providers()[0].breaker.row != 0 {
		t.Error("it counted as a failure")
	}
}

// No message is tried more than four times, whatever there is to try.
func TestFourAttempts(t *testing.T) {
	s := service(t, func(o *simllm.Options) { o.Keys = nil })
	if err := s.Always("401"); err != nil {
		t.Fatal(err)
	}
	o := at("p", s)
	for i := range 9 {
		o.Keys = append(o.Keys, Key{Name: fmt.Sprint(i), Secret: fmt.Sprint(keyA, i)})
	}
	c := clientOf(t, o)
	for _, want := range []int{4, 8, 10, 10} {
		_, _ = c.Complete(t.Context(), question())
		if s.Count() != want {
			t.Errorf("%d requests, want %d", s.Count(), want)
		}
	}
	f, done := mustFail(t, c, "chatgpt-401-invalid-api-key")
	if f.RetryAfter < 9*time.Minute || f.RetryAfter > accessTime || len(done.Attempts) != 0 {
		t.Errorf("got %+v, %v", f, f.RetryAfter)
	}
	status := c.Status()[0]
	if status.Trouble != "chatgpt-401-invalid-api-key" || len(status.Keys) != 10 || status.Keys[3].Entry != status.Trouble ||
		slices.ContainsFunc(status.Keys, func(k PartStatus) bool { return strings.Contains(k.Name, "sk-") }) {
		t.Errorf("status %+v", status)
	}
}
