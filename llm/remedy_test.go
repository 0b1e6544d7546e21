package llm

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/diagbot/diagbot/troubleshoot"
)

// alone is a quest with time and tries left, and nobody else to ask.
func alone() state {
	return state{Left: time.Minute, Attempts: 3, Spare: true}
}

// spoilt has somebody else of every kind to ask.
func spoilt() state {
	s := alone()
	s.Key, s.Group, s.Model, s.Provider = true, true, true, true
	return s
}

func entryOfID(t *testing.T, id string) *troubleshoot.Entry {
	t.Helper()
	c, err := catalogue()
	if err != nil {
		t.Fatal(err)
	}
	e, ok := c.Entry(id)
	if !ok {
		t.Fatalf("no entry %s", id)
	}
	return e
}

// The table: each entry of an AI service, alone and with every choice.
func TestDecide(t *testing.T) {
	const ms, s = time.Millisecond, time.Second
	for id, want := range map[string]struct {
		alone, spoilt remedy
	}{
		"chatgpt-429": {remedy{Action: ActionWait, Wait: 500 * ms, Cool: scopeQuota, For: 500 * ms},
			remedy{Action: ActionNextKey, Cool: scopeQuota, For: 10 * s}},
		"chatgpt-401":                         keyOut(accessTime),
		"chatgpt-401-invalid-api-key":         keyOut(accessTime),
		"chatgpt-400":                         {remedy{Action: ActionStop, Alert: true}, remedy{Action: ActionNextProvider, Alert: true}},
		"chatgpt-400-context-length-exceeded": {remedy{Action: ActionStop}, remedy{Action: ActionNextModel}},
		"chatgpt-403":                         keyOut(doubtTime),
		"chatgpt-404":                         providerOut(doubtTime),
		"chatgpt-500":                         backsOff(),
		"chatgpt-502":                         backsOff(),
		"gpt-429": {remedy{Action: ActionWait, Wait: 500 * ms, Cool: scopeQuota, For: 500 * ms},
			remedy{Action: ActionNextKey, Cool: scopeQuota, For: 10 * s}},
		"gpt-429-tokens": {remedy{Action: ActionWait, Wait: 500 * ms, Cool: scopeQuota, For: 500 * ms},
			remedy{Action: ActionNextKey, Cool: scopeQuota, For: 10 * s}},
		"gpt-429-usage-cap": {remedy{Action: ActionStop, Cool: scopeQuota, For: capTime, Alert: true},
			remedy{Action: ActionNextKey, Cool: scopeQuota, For: capTime, Alert: true}},
		"gpt-429-request-too-large":    {remedy{Action: ActionStop}, remedy{Action: ActionNextModel}},
		"gpt-429-insufficient-quota":   walletOut(),
		"gpt-402-insufficient-balance": walletOut(),
		"gpt-400":                      {remedy{Action: ActionStop, Alert: true}, remedy{Action: ActionNextProvider, Alert: true}},
		"gpt-400-unsupported-feature":  {remedy{Action: ActionStop, Alert: true}, remedy{Action: ActionNextModel, Alert: true}},
		"gpt-400-content-policy":       {remedy{Action: ActionStop}, remedy{Action: ActionStop}},
		"gpt-404":                      providerOut(doubtTime),
		"gpt-404-conversation-lost":    {remedy{Action: ActionRetry}, remedy{Action: ActionRetry}},
		"gpt-404-model-not-found": {remedy{Action: ActionStop, Cool: scopeModel, For: modelTime, Trial: true, Alert: true},
			remedy{Action: ActionNextModel, Cool: scopeModel, For: modelTime, Trial: true, Alert: true}},
		"gpt-401":                      keyOut(accessTime),
		"gpt-401-account-deactivated":  keyOut(accessTime),
		"gpt-401-ip-not-authorized":    providerOut(accessTime),
		"gpt-401-missing-key":          keyOut(accessTime),
		"gpt-401-organization":         keyOut(accessTime),
		"gpt-403":                      keyOut(doubtTime),
		"gpt-403-region-not-supported": providerOut(accessTime),
		"cloudflare-challenge":         providerOut(doubtTime),
		"gpt-413":                      {remedy{Action: ActionStop}, remedy{Action: ActionNextModel}},
		"gpt-500":                      backsOff(),
		"gpt-500-out-of-memory": {remedy{Action: ActionStop, Cool: scopeModel, For: hostTime, Trial: true, Alert: true, Fails: true},
			remedy{Action: ActionNextModel, Cool: scopeModel, For: hostTime, Trial: true, Alert: true, Fails: true}},
		"gpt-502":            backsOff(),
		"gpt-503":            backsOff(),
		"gpt-503-overloaded": backsOff(),
		"gpt-503-model-loading": {remedy{Action: ActionWait, Wait: 5 * s, Cool: scopeModel, For: 5 * s},
			remedy{Action: ActionNextModel, Cool: scopeModel, For: loadingTime}},
		"gpt-504":            {remedy{Action: ActionWait, Wait: 500 * ms, Fails: true}, remedy{Action: ActionNextProvider, Fails: true}},
		"gpt-524":            {remedy{Action: ActionWait, Wait: 500 * ms, Fails: true}, remedy{Action: ActionNextProvider, Fails: true}},
		"upstream-timeout":   {remedy{Action: ActionWait, Wait: 300 * ms, Fails: true}, remedy{Action: ActionNextProvider, Fails: true}},
		"dns-failure":        blip(),
		"connection-refused": blip(),
		"connection-reset":   blip(),
		"failed-to-fetch":    blip(),
		"network-error":      blip(),
		"invalid-response":   blip(),
		"empty-answer":       {remedy{Action: ActionRetry}, remedy{Action: ActionRetry}},
		"stream-interrupted": {remedy{Action: ActionRetry, Fails: true}, remedy{Action: ActionRetry, Fails: true}},
		"proxy-failure":      {remedy{Action: ActionStop, Alert: true, Fails: true}, remedy{Action: ActionNextProvider, Alert: true, Fails: true}},
		"tls-failure":        providerOut(accessTime),
		"unauthorized":       keyOut(accessTime),
		"unknown-error":      {remedy{Action: ActionStop}, remedy{Action: ActionNextProvider}},
	} {
		f := &troubleshoot.Fault{Source: troubleshoot.SourceAPI, Status: 400}
		e := entryOfID(t, id)
		if got := decide(f, e, alone()); got != want.alone {
			t.Errorf("%s alone:\n got %+v\nwant %+v", id, got, want.alone)
		}
		if got := decide(f, e, spoilt()); got != want.spoilt {
			t.Errorf("%s with a choice:\n got %+v\nwant %+v", id, got, want.spoilt)
		}
	}
}

type pair = struct{ alone, spoilt remedy }

func keyOut(d time.Duration) pair {
	r := remedy{Cool: scopeKey, For: d, Trial: true, Alert: true}
	return both(r, ActionStop, ActionNextKey)
}

func walletOut() pair {
	r := remedy{Cool: scopeGroup, For: moneyTime, Trial: true, Alert: true}
	return both(r, ActionStop, ActionNextKey)
}

func providerOut(d time.Duration) pair {
	r := remedy{Cool: scopeProvider, For: d, Trial: true, Alert: true}
	return both(r, ActionStop, ActionNextProvider)
}

func backsOff() pair {
	r := remedy{Wait: 500 * time.Millisecond, Fails: true}
	return both(r, ActionWait, ActionWait)
}

func blip() pair {
	r := remedy{Wait: 300 * time.Millisecond, Fails: true}
	return both(r, ActionWait, ActionWait)
}

func both(r remedy, alone, spoilt Action) pair {
	p := pair{r, r}
	p.alone.Action, p.spoilt.Action = alone, spoilt
	return p
}

// Every entry there is has a line, and none asks again for ever, waits longer
// than there is time, or does anything when no attempt is left.
func TestDecideCoversTheCatalogue(t *testing.T) {
	c, err := catalogue()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range c.Entries() {
		if _, ok := byCause[e.Cause]; !ok {
			t.Errorf("%s: no line for the cause %s", e.ID, e.Cause)
		}
		for _, f := range []*troubleshoot.Fault{{}, {Status: 429, RetryAfter: 7 * time.Second}, {Status: 503, RetryAfter: 3 * time.Hour}} {
			bound(t, e, f)
		}
	}
	for id := range byEntry {
		entryOfID(t, id)
	}
}

// bound follows decide until it gives up.
func bound(t *testing.T, e *troubleshoot.Entry, f *troubleshoot.Fault) {
	s := spoilt()
	s.Trim, s.Repair = true, true
	for range 20 {
		m := decide(f, e, s)
		if m.Wait > s.Left || m.Wait > defaultLongest || m.Action == ActionWait && m.Wait < f.RetryAfter || m.For > defaultMostCooldown {
			t.Errorf("%s: %+v", e.ID, m)
		}
		switch m.Action {
		case ActionStop:
			s.Attempts = 0
			if m := decide(f, e, s); m.Action != ActionStop {
				t.Errorf("%s: %+v without attempts", e.ID, m)
			}
			return
		case ActionRetry, ActionWait:
			s.Again++
		case ActionTrim:
			s.Trim = false
		case ActionRepair:
			s.Repair = false
		case ActionNextKey:
			s.Key, s.Group = false, false
		case ActionNextModel:
			s.Model = false
		case ActionNextProvider:
			s.Provider = false
		}
	}
	t.Errorf("%s: no end", e.ID)
}

func TestDecideByState(t *testing.T) {
	limited := func(d time.Duration) *troubleshoot.Fault { return &troubleshoot.Fault{Status: 429, RetryAfter: d} }
	broken := &troubleshoot.Fault{Status: 500}
	for name, tc := range map[string]struct {
		entry  string
		fault  *troubleshoot.Fault
		change func(*state)
		want   remedy
	}{
		"asked to wait": {"gpt-429", limited(20 * time.Second), nil,
			remedy{Action: ActionWait, Wait: 20 * time.Second, Cool: scopeQuota, For: 20 * time.Second}},
		"asked to wait for a bit": {"gpt-429", limited(time.Millisecond), func(s *state) { s.Again = 2 },
			remedy{Action: ActionWait, Wait: 2 * time.Second, Cool: scopeQuota, For: time.Millisecond}},
		"longer than the deadline": {"gpt-429", limited(20 * time.Second), func(s *state) { s.Left = 19 * time.Second },
			remedy{Action: ActionStop, Cool: scopeQuota, For: 20 * time.Second}},
		"longer than anybody waits": {"gpt-429", limited(121 * time.Second), func(s *state) { s.Left = time.Hour },
			remedy{Action: ActionStop, Cool: scopeQuota, For: 121 * time.Second}},
		"a short wait": {"gpt-429", limited(3 * time.Second), func(s *state) { s.Provider, s.Model = true, true },
			remedy{Action: ActionWait, Wait: 3 * time.Second, Cool: scopeQuota, For: 3 * time.Second}},
		"somebody else instead of a long wait": {"gpt-429", limited(6 * time.Second), func(s *state) { s.Provider, s.Model = true, true },
			remedy{Action: ActionNextProvider, Cool: scopeQuota, For: 6 * time.Second}},
		"a key with the same limits is no help": {"gpt-429", limited(time.Second), func(s *state) { s.Key = true },
			remedy{Action: ActionWait, Wait: time.Second, Cool: scopeQuota, For: time.Second}},
		"the fourth time": {"gpt-429", limited(0), func(s *state) { s.Again = 3 },
			remedy{Action: ActionStop, Cool: scopeQuota, For: limitTime}},
		"backing off": {"gpt-500", broken, func(s *state) { s.Again = 1 }, remedy{Action: ActionWait, Wait: time.Second, Fails: true}},
		"after that":  {"gpt-500", broken, func(s *state) { s.Again = 2 }, remedy{Action: ActionStop, Fails: true}},
		"once, then somebody else": {"gpt-500", broken, func(s *state) { s.Again, s.Provider = 1, true },
			remedy{Action: ActionNextProvider, Fails: true}},
		"no retry to spare":          {"gpt-500", broken, func(s *state) { s.Spare = false }, remedy{Action: ActionStop, Fails: true}},
		"the breaker is open":        {"gpt-500", broken, func(s *state) { s.Open = true }, remedy{Action: ActionStop, Fails: true}},
		"no time":                    {"gpt-500", broken, func(s *state) { s.Left = 0 }, remedy{Action: ActionStop, Fails: true}},
		"down for so long":           {"gpt-503", limited(9 * time.Second), nil, remedy{Action: ActionWait, Wait: 9 * time.Second, Cool: scopeProvider, For: 9 * time.Second, Fails: true}},
		"trims":                      {"chatgpt-400-context-length-exceeded", broken, func(s *state) { s.Trim = true }, remedy{Action: ActionTrim}},
		"repairs":                    {"gpt-400", broken, func(s *state) { s.Repair, s.Provider = true, true }, remedy{Action: ActionRepair, Alert: true}},
		"a dead connection":          {"connection-reset", broken, func(s *state) { s.Stale, s.Spare = true, false }, remedy{Action: ActionRetry}},
		"a trial that failed":        {"gpt-403", broken, func(s *state) { s.Strikes = 1 }, keyOut(accessTime).alone},
		"a date far away":            {"gpt-429-usage-cap", limited(300 * time.Hour), nil, remedy{Action: ActionStop, Cool: scopeQuota, For: 24 * time.Hour, Alert: true}},
		"money is not waited for":    {"gpt-429-insufficient-quota", limited(time.Second), nil, walletOut().alone},
		"nothing is kept out":        {"gpt-401", broken, func(s *state) { s.Pauses.MostCooldown = -1 }, remedy{Action: ActionStop, Alert: true}},
		"canceled":                   {"connection-reset", &troubleshoot.Fault{Cause: fmt.Errorf("post: %w", context.Canceled)}, nil, remedy{Action: ActionStop}},
		"no such URL":                {"gpt-404", &troubleshoot.Fault{Net: troubleshoot.NetConfig}, nil, providerOut(accessTime).alone},
		"never sent":                 {"unknown-error", &troubleshoot.Fault{Cause: errNoMessages}, func(s *state) { s.Provider = true }, remedy{Action: ActionStop}},
		"a handshake that broke off": {"tls-failure", &troubleshoot.Fault{Net: troubleshoot.NetTLS, Cause: io.EOF}, nil, blip().alone},
		"a certificate": {"tls-failure", &troubleshoot.Fault{Net: troubleshoot.NetTLS, Cause: &tls.CertificateVerificationError{Err: errors.New("x")}},
			nil, providerOut(accessTime).alone},
		"a page":     {"invalid-response", &troubleshoot.Fault{Status: 200, Detail: "<html>"}, nil, providerOut(doubtTime).alone},
		"a redirect": {"invalid-response", &troubleshoot.Fault{Status: 307}, nil, providerOut(doubtTime).alone},
	} {
		s := alone()
		if tc.change != nil {
			tc.change(&s)
		}
		if got := decide(tc.fault, entryOfID(t, tc.entry), s); got != tc.want {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got, tc.want)
		}
	}
	if got := decide(broken, nil, spoilt()); got != (remedy{Action: ActionStop}) {
		t.Errorf("without an entry: %+v", got)
	}
}

func TestAllowance(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	a := &allowance{extra: 5}
	take := func() (n int) {
		for a.spare(now) && a.retry(now) {
			n++
		}
		return n
	}
	if n := take(); n != 5 || a.retry(now) {
		t.Errorf("%d at the start", n)
	}
	for range 500 {
		a.request(now)
	}
	now = now.Add(59 * time.Second)
	if n := take(); n != 100 {
		t.Errorf("%d for 500 requests", n)
	}
	now = now.Add(time.Second)
	if n := take(); n != 0 { // five left the minute together with 500 requests
		t.Errorf("%d more after a minute", n)
	}
	now = now.Add(time.Hour)
	if n := take(); n != 5 {
		t.Errorf("%d after an hour", n)
	}
}

func TestBreaker(t *testing.T) {
	now, f := time.Now(), &troubleshoot.Fault{Status: 500}
	b := newBreaker(30 * time.Second)
	fail := func(n int) {
		for range n {
			b.failed(b.enter(), "gpt-500", f, now)
		}
	}
	fail(4)
	if !b.ready(now) {
		t.Fatal("open after 4")
	}
	fail(1)
	if b.ready(now) || b.ready(now.Add(30*time.Second-1)) || b.String() != "open" {
		t.Fatal("closed after 5")
	}
	b.succeeded(false) // one that began before
	for trip, rest := range []time.Duration{30, 60, 120, 240, 300, 300} {
		rest *= time.Second
		if b.until != now.Add(rest) {
			t.Fatalf("rest %d is %v, not %v", trip, b.until.Sub(now), rest)
		}
		now = now.Add(rest)
		if !b.ready(now) || !b.enter() || b.ready(now) || b.String() != "half-open" {
			t.Fatal("not one request after the rest")
		}
		b.failed(true, "gpt-500", f, now)
	}
	now = b.until
	b.released(b.enter())
	if !b.ready(now) {
		t.Fatal("the next does not try instead of one that was given up")
	}
	f.RetryAfter = time.Hour
	b.failed(b.enter(), "gpt-503", f, now)
	if b.until != now.Add(time.Hour) {
		t.Fatal("did not rest as long as asked")
	}
	now = b.until
	b.succeeded(b.enter())
	if !b.ready(now) || b.String() != "closed" || b.trips != 0 {
		t.Fatal("not closed after an answer")
	}
	for range 6 { // half of them, though never five in a row
		b.succeeded(b.enter())
		b.failed(b.enter(), "gpt-500", f, now)
	}
	if b.ready(now) {
		t.Error("closed although half fails")
	}
	none := newBreaker(-1)
	for range 20 {
		none.failed(none.enter(), "gpt-500", f, now)
	}
	if !none.ready(now) || none.String() != "closed" {
		t.Error("there should be none")
	}
}
