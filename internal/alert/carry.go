package alert

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// run delivers letters until the post is closed and empty, or ctx ends.
func (p *post) run(ctx context.Context) {
	for ctx.Err() == nil {
		if l := p.take(); l != nil {
			err := p.carry(ctx, l)
			p.report(l, err)
			p.conclude(l, err == nil, time.Now())
			continue
		}
		select {
		case <-p.wake:
		case <-p.closing:
			if p.idle() {
				return
			}
		case <-ctx.Done():
		}
	}
}

func (p *post) take() *letter {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) == 0 {
		return nil
	}
	p.carried, p.queue = p.queue[0], p.queue[1:]
	return p.carried
}

func (p *post) idle() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.queue) == 0
}

// The pauses between attempts: the first, doubled each time up to the longest,
// and up to a fifth more or less.
const (
	firstPause   = 3 * time.Second
	longestPause = 5 * time.Minute
)

// carry tries until the letter is delivered, refused for good, overtaken, or too
// old. Once the Alerter closes, it is tried at once; the last letter then takes
// what time Close's context leaves.
func (p *post) carry(ctx context.Context, l *letter) error {
	pauses := &backoff.ExponentialBackOff{
		InitialInterval: firstPause, RandomizationFactor: 0.2, Multiplier: 2, MaxInterval: longestPause,
	}
	pauses.Reset()
	closing := p.closing
	for try := 1; ; try++ {
		err := p.attempt(ctx, l.alert)
		var f *Failure
		if err == nil || !errors.As(err, &f) || !f.Retry || ctx.Err() != nil {
			return err
		}
		if closing == nil && !p.idle() {
			return err // the time that is left is for those that had no chance yet
		}
		pause := max(pauses.NextBackOff(), f.RetryAfter)
		if time.Since(l.queued)+pause > p.o.GiveUp {
			return err
		}
		p.log.Warn("alert not delivered yet", "alert", l.alert.Key, "try", try, "again_in", pause, "error", err)
		select {
		case <-time.After(pause):
		case <-l.over:
			return err
		case <-closing:
			closing = nil
			pauses.Reset()
		case <-ctx.Done():
		}
	}
}

// attempt delivers once. A panic on the way is a failure.
func (p *post) attempt(ctx context.Context, al Alert) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &Failure{Target: p.target.Name, Kind: p.target.Kind, Host: p.host, Detail: fmt.Sprintf("panic: %T", v)}
		}
	}()
	return p.courier.deliver(ctx, al)
}

func (p *post) report(l *letter, err error) {
	if err == nil {
		p.log.Info("alert delivered", "alert", l.alert.Key, "recovered", l.alert.Recovered)
		return
	}
	p.log.Error("alert not delivered", "alert", l.alert.Key, "recovered", l.alert.Recovered, "error", err)
}
