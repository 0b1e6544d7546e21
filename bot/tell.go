package bot

import (
	"context"
	"time"
)

// Reaching is a channel that cannot write to everybody at any time. It says to whom
// it can now, as far as it knows.
type Reaching interface{ Reaches(to Chat) bool }

func (r *Relay) reaches(to Chat) bool {
	c, ok := r.o.Channel.(Reaching)
	return !ok || c.Reaches(to)
}

// Tell says something that is not of this account to its admins, each in their
// language, and returns to how many it is on its way: to nobody while the account
// is not logged in, none of them can be written to, or they want quiet. It does not
// wait until it is said, and for the store a short time only.
func (r *Relay) Tell(write func(locale string) string) int {
	d := r.now.Load()
	if d == nil || !d.switches.quietUntil(time.Now()).IsZero() {
		return 0
	}
	if c, ok := r.o.Channel.(Dated); ok && c.LoggedInSince().IsZero() {
		return 0
	}
	return d.tellAdmins("", nil, write)
}

// lastingAdmins are those whom the settings name and whose right was not taken
// away.
func (a *admins) lastingAdmins(ctx context.Context) (ids []string, err error) {
	if !a.stable || len(a.listed) == 0 {
		return nil, nil
	}
	revoked, err := a.store.Settings(ctx, scopeRevoked)
	if err != nil {
		return nil, err
	}
	for _, id := range a.listed {
		if revoked[a.name(id, "")] == "" {
			ids = append(ids, id)
		}
	}
	return ids, nil
}
