package bot

import (
	"context"
	"sync"
	"time"
)

// Limits bound how much people may ask; 0 is no limit. The account's owner and
// admins are exempt.
type Limits struct {
	PersonMinute, PersonDay int // questions of one person, everywhere
	GroupMinute, GroupDay   int // questions in one group
}

const (
	limitWindow = time.Minute // a person hears that they asked too much once in so long
	maxBuckets  = 10_000      // people and groups whose questions are counted, twice at most
)

// quotas count questions. Those of a minute are in memory; those of a day are in
// the store. They are safe for concurrent use.
type quotas struct {
	limits Limits

	mu      sync.Mutex
	buckets table[bucket]    // by name
	told    table[time.Time] // by person or group
	exempt  table[bool]      // people who asked too much: are they admins
}

// bucket holds what may be asked at once; it fills in a minute.
type bucket struct {
	left float64
	at   time.Time
}

func newQuotas(l Limits) *quotas {
	return &quotas{limits: l, buckets: newTable[bucket](time.Minute, maxBuckets),
		told: newTable[time.Time](limitWindow, maxBuckets), exempt: newTable[bool](limitWindow, maxBuckets)}
}

// limit is one of those that hold for a question.
type limit struct {
	name        string // of whose questions are counted
	minute, day int
	key         string // of the texts that tell of it begins with
}

// limitsFor are the limits for a question: the person's, and in a group the
// group's.
func (d *dispatcher) limitsFor(t task) []limit {
	l := d.quotas.limits
	all := []limit{{scopePerson + t.person, l.PersonMinute, l.PersonDay, "limit_person"}}
	if t.Chat.Group {
		all = append(all, limit{"group:" + d.conversation(t.Message).Key, l.GroupMinute, l.GroupDay, "limit_group"})
	}
	return all
}

// overLimit is what is said to a question that is one too many; nil if it is not.
func (d *dispatcher) overLimit(ctx context.Context, t task, now time.Time) *response {
	if d.quotas.limits == (Limits{}) || t.Sender.Owner || t.way == toRetry || t.counted {
		return nil
	}
	all := d.limitsFor(t)
	over, key := d.spentDay(ctx, all, now)
	var wait time.Duration
	if over == nil {
		if over, wait = d.quotas.take(all, now); over == nil {
			return nil
		}
		key = over.key + "_minute"
	}
	if d.exempt(ctx, t, now) {
		return nil
	}
	if !d.quotas.tell(over.name, now) {
		return &response{quiet: true}
	}
	d.o.Logger.Info("over the limit", "chat", d.hash(t.Chat.ID), "limit", key)
	return &response{text: d.catalogue().Say(t.tag, key, "wait", d.catalogue().Duration(t.tag, wait))}
}

// spentDay returns the limit of the day that is reached, and the text that tells of
// it. What cannot be read holds nobody back.
func (d *dispatcher) spentDay(ctx context.Context, all []limit, now time.Time) (*limit, string) {
	day, names := d.spendable(all, now)
	if len(names) == 0 {
		return nil, ""
	}
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	spent, err := d.store.Spent(ctx, day, names...)
	if err != nil || len(spent) != len(names) {
		return nil, ""
	}
	for i := range all {
		for k, name := range names {
			if all[i].name == name && spent[k] >= all[i].day {
				return &all[i], all[i].key + "_day"
			}
		}
	}
	return nil, ""
}

// spendable names the day, and of limits those that hold for days.
func (d *dispatcher) spendable(all []limit, now time.Time) (day string, names []string) {
	for _, l := range all {
		if l.day > 0 {
			names = append(names, l.name)
		}
	}
	return now.In(d.o.Location).Format(time.DateOnly), names
}

// spends is what an answer counts against.
func (d *dispatcher) spends(t task, now time.Time) (day string, names []string) {
	if t.Sender.Owner {
		return "", nil
	}
	if day, names = d.spendable(d.limitsFor(t), now); len(names) == 0 {
		day = ""
	}
	return day, names
}

// take counts a question against all limits of a minute, or returns the one that
// does not hold it, and how long until it does.
func (q *quotas) take(all []limit, now time.Time) (*limit, time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	full := make([]bucket, len(all))
	for i, l := range all {
		if l.minute == 0 {
			continue
		}
		b, known := q.buckets.get(l.name, now)
		if full[i] = b.fill(float64(l.minute), known, now); full[i].left < 1 {
			return &all[i], time.Duration((1 - full[i].left) / float64(l.minute) * float64(time.Minute))
		}
	}
	for i, l := range all {
		if l.minute > 0 {
			full[i].left--
			q.buckets.put(l.name, full[i], now)
		}
	}
	return nil, 0
}

func (b bucket) fill(most float64, known bool, now time.Time) bucket {
	if !known {
		return bucket{most, now}
	}
	return bucket{min(most, b.left+now.Sub(b.at).Minutes()*most), now}
}

// tell reports whether somebody is to hear of a limit: a person of their own once in
// a minute, and a group of its own.
func (q *quotas) tell(limit string, now time.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return once(&q.told, limit, limitWindow, now) == toneFull
}

// exempt finds out whether somebody who asked too much is an admin, once in a
// minute: until then it is remembered.
func (d *dispatcher) exempt(ctx context.Context, t task, now time.Time) bool {
	q := d.quotas
	q.mu.Lock()
	admin, known := q.exempt.get(t.person, now)
	q.mu.Unlock()
	if known {
		return admin
	}
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	proof, err := d.admins.proof(ctx, t.Sender, t.Login)
	admin = err == nil && proof != ""
	q.mu.Lock()
	defer q.mu.Unlock()
	q.exempt.put(t.person, admin, now)
	return admin
}
