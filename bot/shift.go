package bot

import (
	"context"
	"errors"
	"time"
)

// errStopping is what Hear answers when the relay has been told to stop, and the
// cause of the contexts that end then.
var errStopping = errors.New("the relay is stopping")

// shift is one Run. Its contexts say what may go on; they end in this order, with
// errStopping as their cause, or all at once with ErrNotOwner.
type shift struct {
	hearing context.Context // the channel takes messages
	work    context.Context // answers are worth waiting for
	saying  context.Context // a part that waits may be sent, a write that failed tried again
	sending context.Context // a part that is on its way may arrive

	deaf, idle, mute, still context.CancelCauseFunc // end them
}

func newShift(ctx context.Context) *shift {
	s := &shift{}
	s.hearing, s.deaf = context.WithCancelCause(ctx)
	later := context.WithoutCancel(ctx)
	s.work, s.idle = context.WithCancelCause(later)
	s.saying, s.mute = context.WithCancelCause(later)
	s.sending, s.still = context.WithCancelCause(later)
	context.AfterFunc(s.hearing, func() {
		if errors.Is(context.Cause(s.hearing), ErrNotOwner) {
			s.disown()
		}
	})
	return s
}

// disown ends everything, for the account is another's.
func (s *shift) disown() { s.end(ErrNotOwner) }

func (s *shift) end(why error) {
	for _, end := range []context.CancelCauseFunc{s.mute, s.still, s.idle, s.deaf} {
		end(why)
	}
}

// disowned reports whether the account is another's.
func (s *shift) disowned() bool { return errors.Is(context.Cause(s.saying), ErrNotOwner) }

// within waits for what is done, but not for longer than d.
func within(d time.Duration, done <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}
