package alert

import (
	"cmp"
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/diagbot/diagbot/troubleshoot"
)

// The defaults of [Options], and the limits of what is kept.
const (
	Every  = 6 * time.Hour
	GiveUp = 30 * time.Minute

	maxQueue = 64  // alerts waiting for one target
	maxKeys  = 512 // troubles remembered for one target
)

// Options say where alerts go and how often.
type Options struct {
	Targets  []Target
	Redactor *troubleshoot.Redactor // knows the configured secrets; nil: the patterns only
	Logger   *slog.Logger           // nil: nothing is logged

	Every  time.Duration // the same trouble again at most so often; 0: [Every]
	GiveUp time.Duration // how long an alert is tried; 0: [GiveUp]

	// Noted is called when a target was told of a trouble, and when it has heard that
	// the trouble is over. It must return at once and not call the Alerter; its calls
	// about one target come one after the other. nil: nobody keeps it.
	Noted func(Note)

	Transport http.RoundTripper // for webhooks; nil: one of our own, with the system's proxies
	Roots     *x509.CertPool    // whom to trust as mail server; nil: the system's
}

// Alerter tells the operator of trouble.
type Alerter struct {
	o       Options
	own     *http.Transport // nil if another was given
	posts   []*post
	cancel  context.CancelFunc
	closing chan struct{}
	once    sync.Once
	ended   chan struct{} // all goroutines have ended
}

// courier takes alerts to one target.
type courier interface {
	// deliver takes one alert there, once. Its error is a *Failure.
	deliver(context.Context, Alert) error
}

// New returns an Alerter for the targets, which may be none. Its error tells all
// that is wrong with them, each a [*Problem], joined. An Alerter is to be closed.
func New(o Options) (*Alerter, error) {
	if err := check(o.Targets); err != nil {
		return nil, err
	}
	o.Every, o.GiveUp = cmp.Or(o.Every, Every), cmp.Or(o.GiveUp, GiveUp)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	a := &Alerter{closing: make(chan struct{}), ended: make(chan struct{})}
	if o.Transport == nil {
		a.own = &http.Transport{
			Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true,
			TLSHandshakeTimeout: timeout, MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute,
		}
		o.Transport = a.own
	}
	a.o = o
	ctx, cancel := context.WithCancel(context.Background())
	a.cancel = cancel
	var group sync.WaitGroup
	for _, t := range o.Targets {
		p := newPost(t, &a.o, a.closing)
		a.posts = append(a.posts, p)
		group.Go(func() { p.run(ctx) })
	}
	go func() {
		group.Wait()
		close(a.ended)
	}()
	return a, nil
}

// newCourier returns who goes to the target, which has been checked.
func newCourier(t Target, o *Options) courier {
	switch t.Kind {
	case KindEmail:
		return newMailbox(t, o.Roots)
	case KindFeishu:
		return newHook(t, feishu(), o.Transport)
	case KindDingTalk:
		return newHook(t, dingtalk(), o.Transport)
	case KindWeCom:
		return newHook(t, wecom(), o.Transport)
	case KindBark:
		return newHook(t, bark(), o.Transport)
	case KindNtfy:
		return newHook(t, ntfy(), o.Transport)
	}
	return newHook(t, generic(), o.Transport)
}

// Tell hands the alert to every target's queue and returns at once. An alert of
// a trouble that a target was told of within Options.Every is left out there, as
// is the recovery of a trouble it was not told of. A trouble that lasts is best
// told again and again: that is how a target hears of it that was out of reach.
// After Close, Tell does nothing.
func (a *Alerter) Tell(al Alert) {
	al = al.cleaned(a.o.Redactor, time.Now())
	for _, p := range a.posts {
		p.tell(al)
	}
}

// Close tries at once what is still waiting, goes on with the last alert of each
// target as long as ctx lasts, and ends the Alerter. Its error says how many
// alerts were not delivered.
func (a *Alerter) Close(ctx context.Context) error {
	a.once.Do(func() {
		for _, p := range a.posts {
			p.close()
		}
		close(a.closing)
	})
	select {
	case <-a.ended:
	case <-ctx.Done():
		a.cancel()
		<-a.ended
	}
	a.cancel()
	if a.own != nil {
		a.own.CloseIdleConnections()
	}
	lost := 0
	for _, p := range a.posts {
		lost += p.lost()
	}
	if lost > 0 {
		return fmt.Errorf("close alerts: %d not delivered", lost)
	}
	return nil
}

// Result is what became of a test.
type Result struct {
	Target string
	Kind   string
	Host   string
	Took   time.Duration
	Err    error // nil, or a *Failure
}

// Test sends the alert, which should say that it is a test, to all targets at
// once, one time each, past queues and throttles. Results are in the targets'
// order.
func (a *Alerter) Test(ctx context.Context, al Alert) []Result {
	al = al.cleaned(a.o.Redactor, time.Now())
	results := make([]Result, len(a.posts))
	var group sync.WaitGroup
	for i, p := range a.posts {
		group.Go(func() {
			start := time.Now()
			err := p.attempt(ctx, al)
			results[i] = Result{p.target.Name, p.target.Kind, p.host, time.Since(start), err}
		})
	}
	group.Wait()
	return results
}
