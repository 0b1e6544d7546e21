package bot

import (
	"context"
	"encoding/json"
	"slices"
	"time"
)

// scopeOutage is the scope of the outages that admins were told of, in chats or
// elsewhere, by their names.
const scopeOutage = "outage"

// maxReplayed is how many incidents are looked at to know, after a restart, what
// was going on.
const maxReplayed = 5000

// announced is what is kept of an outage that admins were told of.
type announced struct {
	Entry, Provider string
	Ref             string
	Since           time.Time
	Told            time.Time // in chats; zero: they were not
	Tag             string
}

// name is what an outage is kept under.
func (o *outage) name() string { return o.entry + " " + o.provider }

// markOf is what is to be kept of an outage that admins are told of, in chats at told.
func (d *dispatcher) markOf(x *outage, told time.Time) *mark {
	raw, err := json.Marshal(announced{x.entry, x.provider, x.ref, x.since, told, x.tag})
	if err != nil {
		return nil
	}
	return &mark{scopeOutage, x.name(), string(raw)}
}

// lookBack learns, before the first message of a process, what was going on. What
// cannot be read is done without.
func (d *dispatcher) lookBack() {
	if d.lookedBack {
		return
	}
	ctx, cancel := context.WithTimeout(d.work, readTime)
	defer cancel()
	now := time.Now()
	known, err := d.announced(ctx)
	if err == nil {
		err = d.replay(ctx, known, now)
	}
	if d.lookedBack = err == nil; err != nil {
		d.o.Logger.Warn("earlier incidents not read", "cause", d.redact(err.Error()))
	}
}

func (d *dispatcher) replay(ctx context.Context, known []announced, now time.Time) error {
	since := now.Add(-quietTime)
	for _, a := range known {
		if a.Since.Before(since) {
			since = a.Since
		}
	}
	all, err := d.store.Incidents(ctx, IncidentFilter{Since: since, Most: maxReplayed})
	if err != nil {
		return err
	}
	slices.Reverse(all)
	d.manners.recall(all, now)
	d.outages.replay(all, known, now)
	return nil
}

func (d *dispatcher) announced(ctx context.Context) (all []announced, err error) {
	kept, err := d.store.Settings(ctx, scopeOutage)
	for _, raw := range kept {
		var a announced
		if json.Unmarshal([]byte(raw), &a) == nil {
			all = append(all, a)
		}
	}
	return all, err
}

// replay opens the outages that admins know of, and those of the last minutes, as
// the incidents tell, oldest first.
func (o *outages) replay(all []Incident, known []announced, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, a := range known {
		x := o.open(outageKey{a.Entry, a.Provider}, &Incident{Ref: a.Ref, At: a.Since})
		x.last, x.told, x.tag, x.kept = a.Told, a.Told, a.Tag, true
		if x.told.IsZero() {
			x.last = a.Since
		}
	}
	for k := range all {
		i := &all[k]
		for key := range i.outages() {
			if x := o.open(key, i); !i.At.Before(x.since) {
				x.count(i, x.tag)
			}
		}
		o.ended(i)
	}
	for k, x := range o.all {
		if x.failures = max(x.failures, 1); !x.kept && now.Sub(x.last) >= quietTime {
			delete(o.all, k)
		}
	}
}
