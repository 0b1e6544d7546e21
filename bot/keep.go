package bot

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/diagbot/diagbot/troubleshoot"
)

// TroubleStore is the kind of Options.Trouble for a store that fails: nothing is
// heard or said while it does.
const TroubleStore = "store"

const (
	storeTime  = 15 * time.Second      // for one call of the store
	firstWait  = 50 * time.Millisecond // after one that failed; doubled each time
	longestOne = 5 * time.Second
)

// keep makes a call of the store that must not be left undone: again and again,
// until it works, ctx ends (whose cause is the error then), or the account is
// another's, which ends the whole shift.
func (r *Relay) keep(ctx context.Context, call func(context.Context) error) error {
	err := r.try(ctx, call)
	if err == nil || errors.Is(err, ErrNotOwner) || ctx.Err() != nil {
		return r.kept(ctx, err)
	}
	r.trouble.begin(err)
	for wait := firstWait; err != nil && !errors.Is(err, ErrNotOwner); wait = min(2*wait, longestOne) {
		if sleep(ctx, wait); ctx.Err() != nil {
			break
		}
		err = r.try(ctx, call)
	}
	r.trouble.end(err == nil)
	return r.kept(ctx, err)
}

// kept is the error of keep.
func (r *Relay) kept(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrNotOwner):
		r.disown()
		return ErrNotOwner
	}
	return context.Cause(ctx)
}

// try makes one call of the store, and turns a panic into an error.
func (r *Relay) try(ctx context.Context, call func(context.Context) error) (err error) {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	defer func() {
		if v := recover(); v != nil {
			err = panicked("the store", v)
		}
	}()
	if r.durable { // memory does not hang
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, storeTime)
		defer cancel()
	}
	return call(ctx)
}

// disown ends the shift for which the account was claimed.
func (r *Relay) disown() {
	if s := r.shift.Load(); s != nil {
		s.disown()
	}
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// trouble knows whether the store fails. It is told of the beginning and of the
// end of every call that failed at first, and tells the operator of the first and
// of the last.
type trouble struct {
	relay *Relay
	deaf  atomic.Bool // one of the calls is that of a channel, which repeats it

	mu    sync.Mutex
	calls int
	since time.Time
}

func (t *trouble) begin(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.calls++; t.calls > 1 {
		return
	}
	t.since = time.Now()
	f := storeFault(err)
	t.relay.o.Logger.Error("the store fails", "entry", t.relay.entryOf(f), "fault", f, "cause", t.relay.redact(err.Error()))
	if t.relay.o.Trouble != nil {
		t.relay.o.Trouble(TroubleStore, f)
	}
}

// end says that a call was made in the end, or was given up.
func (t *trouble) end(made bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.calls--; t.calls > 0 || !made {
		return
	}
	t.relay.o.Logger.Info("the store works again", "after", time.Since(t.since))
	if t.relay.o.Trouble != nil {
		t.relay.o.Trouble(TroubleStore, nil)
	}
}

// storeFault is the fault of a store that fails.
func storeFault(err error) *troubleshoot.Fault {
	var patterns *troubleshoot.Redactor
	return &troubleshoot.Fault{Source: troubleshoot.SourceBot, Code: "store_failing",
		Detail: cutBytes(patterns.Redact(err.Error()), troubleshoot.MaxDetail), Cause: err}
}
