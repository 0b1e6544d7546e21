package bot

import "time"

// table remembers things by name: at least for a span of time after they were
// last put, unless there are too many. It holds at most twice most of them.
type table[T any] struct {
	span time.Duration
	most int

	fresh, stale map[string]T
	turned       time.Time // when fresh was begun
}

func newTable[T any](span time.Duration, most int) table[T] {
	return table[T]{span: span, most: most}
}

// get returns what is remembered under a name.
func (t *table[T]) get(name string, now time.Time) (v T, ok bool) {
	t.turn(now)
	if v, ok = t.fresh[name]; !ok {
		v, ok = t.stale[name]
	}
	return v, ok
}

// put remembers v.
func (t *table[T]) put(name string, v T, now time.Time) {
	if t.turn(now); len(t.fresh) >= t.most {
		t.begin(now)
	}
	delete(t.stale, name)
	t.fresh[name] = v
}

func (t *table[T]) drop(name string) {
	delete(t.fresh, name)
	delete(t.stale, name)
}

// turn forgets what is old enough.
func (t *table[T]) turn(now time.Time) {
	switch age := now.Sub(t.turned); {
	case t.fresh == nil, age >= 2*t.span:
		t.stale, t.fresh, t.turned = nil, make(map[string]T), now
	case age >= t.span:
		t.begin(now)
	}
}

func (t *table[T]) begin(now time.Time) {
	t.stale, t.fresh, t.turned = t.fresh, make(map[string]T), now
}
