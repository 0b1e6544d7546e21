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
// language, and returns to how many it is on its way, and how many of them are trusted
// to log other accounts in: to nobody while the account is not logged in, none of them
// can be written to, or they want quiet. Who is written an empty text is told nothing.
// It does not wait until it is said, and for the store a short time only.
func (r *Relay) Tell(write func(locale string, trusted bool) string) (told, trusted int) {
	d := r.now.Load()
	if d == nil || !d.switches.quietUntil(time.Now()).IsZero() {
		return 0, 0
	}
	if c, ok := r.o.Channel.(Dated); ok && c.LoggedInSince().IsZero() {
		return 0, 0
	}
	all := d.tellEach("", nil, func(to adminChat, tag string) string { return write(tag, r.trusts(to.proof)) })
	for _, to := range all {
		if r.trusts(to.proof) {
			trusted++
		}
	}
	return len(all), trusted
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
