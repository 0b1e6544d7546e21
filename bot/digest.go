package bot

import (
	"strings"
	"time"
)

// nameDigest is the setting that holds the day of the last digest.
const nameDigest = "digest"

// digest tells the owner, once a day, what failed in the last 24 hours: also what
// they were not told of when it happened. There is none on a day without failures;
// while admins want quiet it waits, to the end of the day at most.
func (d *dispatcher) digest(now time.Time) {
	local := now.In(d.o.Location)
	day := local.Format(time.DateOnly)
	last, known := d.switches.digested()
	if d.o.DigestHour == 0 || local.Hour() < d.o.DigestHour%24 || !known || last == day || !d.switches.quietUntil(now).IsZero() {
		return
	}
	done := mark{scopeBot, nameDigest, day}
	if last == "" { // the bot is new here
		d.switches.digest(day)
		d.set(d.work, done)
		return
	}
	to, ok := d.ownerChat()
	if !ok || !d.reaches(to) {
		return
	}
	tag := d.ownerTag(d.work)
	text, err := d.lookBackOn(tag, now)
	if err != nil {
		d.o.Logger.Warn("no digest", "cause", d.redact(err.Error()))
		return
	}
	d.switches.digest(day)
	if text == "" {
		d.set(d.work, done)
		return
	}
	r := d.Relay.aside(to, tag, text)
	r.mark = &done
	d.out.put(r)
}

// lookBackOn says what failed in the last 24 hours; empty if nothing did that
// admins care for.
func (d *dispatcher) lookBackOn(tag string, now time.Time) (string, error) {
	seen, err := d.seen(d.work, now)
	if err != nil {
		return "", err
	}
	for id := range seen {
		if e := d.entryByID(id); e == nil || e.Notify == "never" {
			delete(seen, id)
		}
	}
	if len(seen) == 0 {
		return "", nil
	}
	sum, err := d.sums(d.work, now)
	if err != nil {
		return "", err
	}
	say := d.catalogue().Say
	lines := []string{say(tag, "digest_title"), d.counts(tag, sum)}
	lines = append(lines, d.failures(tag, now, seen)...)
	return strings.Join(append(lines, say(tag, "digest_more")), "\n"), nil
}

// digested returns the day of the last digest, empty if there was none, and whether
// that is known yet.
func (s *switches) digested() (day string, known bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.lastDigest, s.known
}

// digest notes a digest of a day.
func (s *switches) digest(day string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastDigest = day
}
