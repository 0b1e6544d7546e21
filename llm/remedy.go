package llm

import (
	"context"
	"errors"
	"time"

	"github.com/diagbot/diagbot/troubleshoot"
)

// Action is what to do after a failed attempt.
type Action string

// The actions. None stands after an attempt that succeeded.
const (
	ActionNone         Action = ""
	ActionRetry        Action = "retry"         // ask the same again at once
	ActionWait         Action = "wait"          // ask the same again after Attempt.Wait
	ActionTrim         Action = "trim"          // shorten the conversation and ask again
	ActionRepair       Action = "repair"        // leave out or rename what was refused and ask again
	ActionNextKey      Action = "next_key"      // the same model with another key
	ActionNextModel    Action = "next_model"    // another model of the provider
	ActionNextProvider Action = "next_provider" // another provider
	ActionStop         Action = "stop"          // tell the person
)

// scope is what a cooldown keeps out.
type scope string

// The scopes.
const (
	scopeNone     scope = ""
	scopeQuota    scope = "quota"    // one model, with all keys of the key's quota group
	scopeKey      scope = "key"      // one key
	scopeGroup    scope = "group"    // all keys of the key's quota group
	scopeModel    scope = "model"    // one model of the provider
	scopeProvider scope = "provider" // the whole provider
)

// remedy is what to do about a failed attempt.
type remedy struct {
	Action Action
	Wait   time.Duration // before the next attempt, never less than was asked for; jitter is added to it
	Cool   scope         // what to keep out
	For    time.Duration // and for how long; 0 is not at all
	// Trial: the cause does not pass by itself, so after the cooldown one
	// request alone tries whether it is gone.
	Trial bool
	Alert bool // somebody has to do something about it
	Fails bool // it counts against the provider's circuit breaker
}

// state is what a decision depends on besides the fault.
type state struct {
	Left     time.Duration // for waiting: until the deadline, less the room to answer
	Attempts int           // attempts left for the message
	Again    int           // how often the same was asked again, unchanged
	Strikes  int           // how often in a row a trial found what would be kept out no better

	// What else can be asked now: another key for the model, one of another
	// quota group, another model, another provider.
	Key, Group, Model, Provider bool

	Spare  bool // the process may spend another retry
	Open   bool // the provider's circuit breaker is open
	Stale  bool // a pooled connection was dead, and no new one has been tried
	Trim   bool // the conversation can be shortened
	Repair bool // it is known how to ask without what was refused

	Pauses Pauses // zero means the defaults
}

// decide says what to do about a fault that was diagnosed as e; nil is unknown.
// It is pure: the same fault in the same state has the same remedy.
func decide(f *troubleshoot.Fault, e *troubleshoot.Entry, s state) remedy {
	if errors.Is(f, context.Canceled) {
		return remedy{Action: ActionStop}
	}
	s.Pauses = s.Pauses.withDefaults()
	r := ruleFor(f, e)
	action, wait := r.act(f, s)
	m := remedy{Action: action, Wait: wait, Alert: r.alert}
	if s.Stale {
		return m
	}
	m.Fails = r.fails
	if d := min(r.cooling(f, s, m), s.Pauses.MostCooldown); d > 0 {
		m.Cool, m.For, m.Trial = r.cool, d, r.trial
	}
	return m
}

// act chooses: a cure first, then the same again, then something else. Only a
// limit of a key sends to another key at once.
func (r *rule) act(f *troubleshoot.Fault, s state) (Action, time.Duration) {
	switch {
	case s.Attempts <= 0 || s.Left <= 0:
		return ActionStop, 0
	case s.Stale:
		return ActionRetry, 0
	case r.cure == ActionTrim && s.Trim:
		return ActionTrim, 0
	case r.cure == ActionRepair && s.Repair:
		return ActionRepair, 0
	}
	other := r.other(s)
	if r.cool == scopeQuota && other == ActionNextKey {
		return other, 0
	}
	wait, ok := r.wait(f, s, other != ActionStop)
	switch {
	case ok && wait > 0:
		return ActionWait, wait
	case ok:
		return ActionRetry, 0
	}
	return other, 0
}

// wait says whether to ask the same again, and after which pause. Who has
// somewhere else to go asks less often and does not wait for long.
func (r *rule) wait(f *troubleshoot.Fault, s state, elsewhere bool) (time.Duration, bool) {
	most, longest := r.alone, s.Pauses.Longest
	if elsewhere {
		most, longest = r.beside, s.Pauses.Short
	}
	wait := max(r.pause.before(s.Again, s.Pauses), f.RetryAfter)
	return wait, s.Again < most && s.Spare && !s.Open && wait <= min(longest, s.Left)
}

// other returns the first of the rule's ways out that is open.
func (r *rule) other(s state) Action {
	for _, way := range r.then {
		switch {
		case way == ActionNextKey && (s.Group || s.Key && r.cool == scopeKey),
			way == ActionNextModel && s.Model,
			way == ActionNextProvider && s.Provider:
			return way
		}
	}
	return ActionStop
}

// cooling returns how long to keep others out: for as long as was asked, else
// as the rule says. A limit without a time is waited out by who met it; others
// wait as well.
func (r *rule) cooling(f *troubleshoot.Fault, s state, m remedy) time.Duration {
	switch {
	case r.cool == scopeNone:
		return 0
	case f.RetryAfter > 0 && !r.trial:
		return f.RetryAfter
	case r.lasts > 0 && m.Action == ActionWait:
		return m.Wait
	case r.first > 0 && s.Strikes == 0:
		return r.first
	}
	return r.lasts
}
