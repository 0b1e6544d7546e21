package bot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"math/rand/v2"
)

const (
	refLen      = 4
	refAlphabet = "23456789ABCDEFGHJKMNPQRSTVWXYZ" // no 0, 1, I, L, O, U: they are misread
)

// newRef returns a reference that no status code can be taken for.
func newRef() string {
	for {
		var b [refLen]byte
		digits := true
		for i := range b {
			b[i] = refAlphabet[rand.N(len(refAlphabet))]
			digits = digits && b[i] <= '9'
		}
		if !digits {
			return string(b[:])
		}
	}
}

// tokenOf names a conversation in incidents, so that chats can be counted.
func tokenOf(c Conversation) string {
	sum := sha256.Sum256([]byte(c.Key))
	return hex.EncodeToString(sum[:6])
}

// culprit is the attempt an incident is named after: the last one that failed as
// its entry says, or else the last that failed.
func (i Incident) culprit() (found Attempt) {
	for _, a := range i.Attempts {
		if a.Entry != "" && (a.Entry == i.Entry || found.Entry != i.Entry) {
			found = a
		}
	}
	return found
}

// retries counts the attempts that were made after the first at the same provider
// with the same model.
func (i Incident) retries() (n int) {
	for k, a := range i.Attempts {
		if k > 0 && a.Provider == i.Attempts[0].Provider && a.Model == i.Attempts[0].Model {
			n++
		}
	}
	return n
}

// successor names who took over and answered: another provider, or else another
// model; empty if nobody did.
func (i Incident) successor() string {
	if !i.Rescued || len(i.Attempts) == 0 {
		return ""
	}
	first, last := i.Attempts[0], i.Attempts[len(i.Attempts)-1]
	switch {
	case first.Provider != last.Provider:
		return last.Provider
	case first.Model != last.Model:
		return last.Model
	}
	return ""
}

// newRef returns a reference that no incident has which is still remembered: among
// a thousand, two would else be alike more often than not.
func (r *Relay) newRef() string {
	ctx, cancel := context.WithTimeout(context.Background(), readTime)
	defer cancel()
	for range 5 {
		ref := newRef()
		if known, err := r.store.Incidents(ctx, IncidentFilter{Ref: ref, Most: 1}); err != nil || len(known) == 0 {
			return ref
		}
	}
	return newRef()
}
