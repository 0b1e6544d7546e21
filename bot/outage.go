package bot

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/diagbot/diagbot/troubleshoot"
)

const (
	quietTime   = 15 * time.Minute // without a failure, for an outage to be over
	remindEvery = 6 * time.Hour    // while it is open
	tellEvery   = 30 * time.Second // tries to tell the admins

	// What usually passes by itself is told once it has lasted.
	lastingAfter = 10 * time.Minute
	lastingTimes = 3 // failures by then

	maxOutages  = 200
	maxStricken = 1000 // chats of one that are told apart
)

// outage is running trouble: the incidents of one entry with one provider, from
// the first until the provider answers again and stays quiet.
type outage struct {
	entry, provider string
	ref             string // of the incident it began with
	since, last     time.Time
	worked          time.Time // the provider answered first after the last failure; zero: it did not
	failures        int
	chats           map[string]bool // tokens
	heir            string          // another provider that answered in its place

	told  time.Time // when the admins were told; zero: they were not
	tag   string    // the language of who met it
	tried time.Time // when telling them was last begun
	cried time.Time // when it was last told outside the chats
	kept  bool      // in the store, since it was first told of either way
}

// outageKey names an outage.
type outageKey struct{ entry, provider string }

func (o *outage) key() outageKey { return outageKey{o.entry, o.provider} }

// outages are those that are open. They are safe for concurrent use.
type outages struct {
	mu  sync.Mutex
	all map[outageKey]*outage
}

func newOutages() *outages { return &outages{all: make(map[outageKey]*outage)} }

// saw counts an incident: for each provider the entry that it failed with, and the
// answer that ended it. tag is the language of who met it.
func (o *outages) saw(i *Incident, tag string) {
	if i == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for k := range i.outages() {
		o.open(k, i).count(i, tag)
	}
	o.ended(i)
}

// outages names what an incident belongs to: one entry for each provider that
// failed.
func (i *Incident) outages() map[outageKey]bool {
	failed := map[string]string{i.Provider: i.Entry}
	for _, a := range i.Attempts {
		if _, known := failed[a.Provider]; !known && a.Entry != "" {
			failed[a.Provider] = a.Entry
		}
	}
	keys := make(map[outageKey]bool, len(failed))
	for provider, entry := range failed {
		keys[outageKey{entry, provider}] = true
	}
	return keys
}

// ended notes the answer that ended an incident.
func (o *outages) ended(i *Incident) {
	if n := len(i.Attempts); n > 0 && i.Rescued {
		o.answeredBy(i.Attempts[n-1].Provider, i.At)
	}
}

// open returns an outage, which the incident opens if there is none.
func (o *outages) open(k outageKey, i *Incident) *outage {
	x := o.all[k]
	if x == nil {
		o.makeRoom()
		x = &outage{entry: k.entry, provider: k.provider, ref: i.Ref, since: i.At, chats: make(map[string]bool)}
		o.all[k] = x
	}
	return x
}

func (x *outage) count(i *Incident, tag string) {
	x.failures++
	x.last, x.worked, x.tag = i.At, time.Time{}, tag
	x.ref = orElse(x.ref, i.Ref)
	if i.Chat != "" && len(x.chats) < maxStricken {
		x.chats[i.Chat] = true
	}
	if n := len(i.Attempts); i.Rescued && n > 0 && i.Attempts[n-1].Provider != x.provider {
		x.heir = i.Attempts[n-1].Provider
	}
}

// makeRoom drops the outage that was quiet for longest: of those that nobody was
// told of, if there are any.
func (o *outages) makeRoom() {
	if len(o.all) < maxOutages {
		return
	}
	known := func(x *outage) int {
		if x.told.IsZero() {
			return 0
		}
		return 1
	}
	oldest := slices.MinFunc(slices.Collect(maps.Values(o.all)), func(a, b *outage) int {
		return cmp.Or(known(a)-known(b), a.last.Compare(b.last))
	})
	delete(o.all, oldest.key())
}

// answered notes that a provider answered.
func (o *outages) answered(provider string, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.answeredBy(provider, now)
}

func (o *outages) answeredBy(provider string, now time.Time) {
	for _, x := range o.all {
		if x.worked.IsZero() && (x.provider == provider || x.provider == "") {
			x.worked = now
		}
	}
}

// isTold reports whether the admins know of the outage that an incident belongs to.
func (o *outages) isTold(i *Incident) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	x := o.all[outageKey{i.Entry, i.Provider}]
	return x != nil && !x.told.IsZero()
}

// due returns copies of the outages that the admins are to be told of now, for the
// first time or again, and counts on its caller to try.
func (o *outages) due(entry func(id string) *troubleshoot.Entry, now time.Time) (all []outage) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, x := range o.all {
		if x.worked.IsZero() && now.Sub(x.tried) >= tellEvery && x.worthTelling(entry(x.entry), now) {
			x.tried = now
			all = append(all, x.copy())
		}
	}
	sortOutages(all)
	return all
}

func (x *outage) worthTelling(e *troubleshoot.Entry, now time.Time) bool {
	if x.told.IsZero() {
		return x.matters(e, now)
	}
	return e != nil && e.Notify == "immediate" && now.Sub(x.told) >= remindEvery
}

// wasTold notes that the admins have been told.
func (o *outages) wasTold(k outageKey, at time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if x := o.all[k]; x != nil {
		x.told, x.kept = at, true
	}
}

// over closes the outages that have ended, and returns them.
func (o *outages) over(now time.Time) (all []outage) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for k, x := range o.all {
		if !x.worked.IsZero() && now.Sub(x.last) >= quietTime {
			delete(o.all, k)
			all = append(all, x.copy())
		}
	}
	sortOutages(all)
	return all
}

func (x *outage) copy() outage {
	c := *x
	c.chats = maps.Clone(x.chats)
	return c
}

func sortOutages(all []outage) {
	slices.SortFunc(all, func(a, b outage) int {
		return cmp.Or(a.since.Compare(b.since), cmp.Compare(a.entry, b.entry), cmp.Compare(a.provider, b.provider))
	})
}
