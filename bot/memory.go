package bot

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	maxRecent    = 8192   // message ids known against repeats
	maxPeople    = 20_000 // scopes with settings; beyond it, some are forgotten
	maxIncidents = 500
	maxDeeds     = 500
)

// memory is a Store that lasts as long as the process, and is bounded: what is
// oldest is forgotten. It never fails.
type memory struct {
	mu        sync.Mutex
	seq       int64
	known     *recent
	open      map[int64]*Open
	talks     *talks
	tally     *tally
	incidents ring[Incident]
	deeds     ring[Deed]
	settings  map[string]map[string]string // by scope
	spent     map[string]map[string]int    // by day
	days      []string                     // of spent, in the order of their first use
}

// newMemory returns a store that keeps conversations until they were quiet for
// expiry; 0: for as long as there is room.
func newMemory(expiry time.Duration) *memory {
	return &memory{
		known: newRecent(maxRecent), open: make(map[int64]*Open), talks: newTalks(expiry), tally: &tally{},
		incidents: ring[Incident]{size: maxIncidents}, deeds: ring[Deed]{size: maxDeeds},
		settings: make(map[string]map[string]string), spent: make(map[string]map[string]int),
	}
}

// Receive implements Store.
func (m *memory) Receive(_ context.Context, batch []Message) ([]int64, error) {
	now, numbers := time.Now(), make([]int64, len(batch))
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range batch {
		if m.known.repeated(batch[i].ID) {
			continue
		}
		m.seq++
		numbers[i] = m.seq
		m.open[m.seq] = &Open{Seq: m.seq, Message: batch[i], Heard: now}
	}
	return numbers, nil
}

// Open implements Store.
func (m *memory) Open(context.Context) ([]Open, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make([]Open, 0, len(m.open))
	for _, seq := range slices.Sorted(maps.Keys(m.open)) {
		o := *m.open[seq]
		if o.Reply != nil {
			r := *o.Reply
			o.Reply = &r
		}
		all = append(all, o)
	}
	return all, nil
}

// Conclude implements Store.
func (m *memory) Conclude(_ context.Context, c Conclusion) error {
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	o := m.open[c.Seq]
	if o == nil || o.Reply != nil {
		return nil
	}
	if len(c.Reply.Parts) == 0 {
		delete(m.open, c.Seq)
	} else {
		o.Reply = &c.Reply
		o.Message.Text, o.Message.Quote, o.Message.Medium = "", "", nil // it is answered
	}
	for _, seq := range c.Also {
		if o := m.open[seq]; o != nil && o.Reply == nil {
			delete(m.open, seq)
		}
	}
	m.talks.conclude(c, now)
	m.tally.conclude(c.Outcome, c.Took, now)
	if c.Incident != nil {
		m.record(*c.Incident)
	}
	m.spend(c.Day, c.Spent)
	return nil
}

// Said implements Store.
func (m *memory) Said(_ context.Context, seq int64, parts int, done bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if done {
		delete(m.open, seq)
	} else if o := m.open[seq]; o != nil && o.Reply != nil {
		o.Reply.Said = max(o.Reply.Said, parts)
	}
	return nil
}

// Recall implements Store.
func (m *memory) Recall(_ context.Context, c Conversation, since time.Time) (Memory, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.talks.recall(c, since), nil
}

// Record implements Store.
func (m *memory) Record(_ context.Context, i Incident) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.record(i)
	return nil
}

func (m *memory) record(i Incident) {
	for k := range m.incidents.all {
		if old := &m.incidents.all[k]; old.Ref == i.Ref {
			*old = i
			return
		}
	}
	m.incidents.add(i)
}

// Incidents implements Store.
func (m *memory) Incidents(_ context.Context, f IncidentFilter) (found []Incident, err error) {
	if f.Most == 0 {
		f.Most = 100
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range m.incidents.latest {
		if f.matches(i) {
			found = append(found, *i)
		}
	}
	slices.SortStableFunc(found, func(a, b Incident) int { return b.At.Compare(a.At) })
	return slices.Clip(found[:min(len(found), f.Most)]), nil
}

func (f IncidentFilter) matches(i *Incident) bool {
	return (f.Ref == "" || f.Ref == i.Ref) && (f.Entry == "" || f.Entry == i.Entry) && !i.At.Before(f.Since)
}

// Trend implements Store.
func (m *memory) Trend(_ context.Context, since time.Time, step time.Duration) ([]EntryCount, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return trend(m.incidents.all, since, step), nil
}

// Tally implements Store.
func (m *memory) Tally(_ context.Context, since time.Time) (Tally, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.tally.since(since), nil
}

// Settings implements Store.
func (m *memory) Settings(_ context.Context, scope string) (map[string]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.settings[scope]), nil
}

// Set implements Store.
func (m *memory) Set(_ context.Context, scope, name, value string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.settings[scope]
	switch {
	case value == "":
		if delete(s, name); len(s) == 0 {
			delete(m.settings, scope)
		}
	case s == nil:
		m.roomForSettings()
		m.settings[scope] = map[string]string{name: value}
	default:
		s[name] = value
	}
	return nil
}

// roomForSettings drops some person's settings when there are too many.
func (m *memory) roomForSettings() {
	if len(m.settings) < maxPeople {
		return
	}
	for scope := range m.settings {
		if strings.HasPrefix(scope, scopePerson) {
			delete(m.settings, scope)
			return
		}
	}
}

// Spent implements Store.
func (m *memory) Spent(_ context.Context, day string, names ...string) ([]int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	counts := make([]int, len(names))
	for i, name := range names {
		counts[i] = m.spent[day][name]
	}
	return counts, nil
}

// spend counts what was spent on one of the latest days.
func (m *memory) spend(day string, names []string) {
	const most = 3 // days
	if len(names) == 0 {
		return
	}
	if m.spent[day] == nil {
		m.spent[day] = make(map[string]int)
		if m.days = append(m.days, day); len(m.days) > most {
			delete(m.spent, m.days[0])
			m.days = m.days[1:]
		}
	}
	for _, name := range names {
		makeRoom(m.spent[day])
		m.spent[day][name]++
	}
}

// Audit implements Store.
func (m *memory) Audit(_ context.Context, d Deed) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.deeds.add(d)
	return nil
}

// Audits implements Store.
func (m *memory) Audits(_ context.Context, n int) (all []Deed, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for d := range m.deeds.latest {
		if len(all) >= n {
			break
		}
		all = append(all, *d)
	}
	return all, nil
}

// Owns implements Store.
func (m *memory) Owns() bool { return true }

// ring keeps the latest things, at most size of them.
type ring[T any] struct {
	size int
	all  []T
	next int // is overwritten next, once all is full
}

func (r *ring[T]) add(v T) {
	if len(r.all) < r.size {
		r.all = append(r.all, v)
		return
	}
	r.all[r.next] = v
	r.next = (r.next + 1) % r.size
}

// latest goes through them, the latest first.
func (r *ring[T]) latest(yield func(*T) bool) {
	for k := range r.all {
		if !yield(&r.all[(r.next+2*len(r.all)-1-k)%len(r.all)]) {
			return
		}
	}
}
