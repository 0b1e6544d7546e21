package bot

import (
	"context"
	"time"
)

// readTime bounds how long a report waits for what the store knows.
const readTime = 10 * time.Second

func (r *Relay) incidents(ctx context.Context, f IncidentFilter) ([]Incident, error) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	return r.store.Incidents(ctx, f)
}

// seen counts the incidents of the last 24 hours by entry.
func (r *Relay) seen(ctx context.Context, now time.Time) (map[string]EntryCount, error) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	counts, err := r.store.Trend(ctx, now.Add(-seenWithin), 0)
	if err != nil {
		return nil, err
	}
	byEntry := make(map[string]EntryCount, len(counts))
	for _, c := range counts {
		byEntry[c.Entry] = c
	}
	return byEntry, nil
}

func (r *Relay) sums(ctx context.Context, now time.Time) (Tally, error) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	return r.store.Tally(ctx, now.Add(-seenWithin))
}

// unread says that what was asked for is in the store and cannot be read.
func (r *Relay) unread(tag string, err error) string {
	r.o.Logger.Warn("records not read", "fault", storeFault(err), "cause", r.redact(err.Error()))
	return r.catalogue().Say(tag, "records_failing")
}
