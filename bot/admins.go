package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Remarked is a channel that can look up the remark a human set on a person, on
// the account's own phone. It asks the server, for a remark that once held may
// have been taken away; it is empty where there is none, or another contact has
// the same one.
type Remarked interface {
	Remark(ctx context.Context, s Sender) (string, error)
}

// proof says how an admin is known to be one.
type proof string

// The proofs, the strongest first.
const (
	proofOwner  proof = "owner"  // holds the account itself, or bound the bot to it
	proofListed proof = "listed" // named in the settings by an id that lasts
	proofPaired proof = "paired" // typed the code that the server showed, in this login
	proofRemark proof = "remark" // has the remark that the settings name
)

// scopeAdmins is the scope of those who paired; the names are adminName's.
const scopeAdmins = "admin"

// grant is what is kept of a person who paired.
type grant struct {
	Name   string // of the person then, for lists; no identity
	Login  string
	Person string // as Sender.Key; empty: they are known in that login only
	At     time.Time
	key    string // in the store
}

// scopeRevoked is the scope of those whose right was taken away, by the same names
// and by what lasts of them: neither a remark nor the settings give it back, only a
// new code does.
const scopeRevoked = "revoked"

// What the names of scopeRevoked are: of a person in a login, or for good.
const (
	revokedHere = "login"
	revokedEver = "person"
)

// admins knows who may give the commands of admins. It asks the store and the
// channel each time: who lost a right must not keep it.
type admins struct {
	store   Store
	channel Channel
	listed  []string // ids, where they last
	remarks []string
	stable  bool // ids last
}

// proof returns how the sender of m is known to be an admin in a login, or "" if
// they are none. An error says that it could not be found out.
func (a *admins) proof(ctx context.Context, s Sender, login string) (proof, error) {
	switch {
	case s.ID == "":
		return "", nil
	case s.Owner:
		return proofOwner, nil
	}
	revoked, err := a.store.Settings(ctx, scopeRevoked)
	if err != nil {
		return "", err
	}
	if revoked[a.name(s.ID, login)] != "" || s.Key != "" && revoked[s.Key] != "" {
		return "", nil
	}
	if a.stable && slices.Contains(a.listed, s.ID) {
		return proofListed, nil
	}
	paired, err := a.paired(ctx)
	if err != nil {
		return "", err
	}
	if g, ok := paired[a.name(s.ID, login)]; ok && (a.stable || g.Login == login) {
		return proofPaired, nil
	}
	// Who cannot be told from those whose right was taken away counts as one of them.
	if s.Key == "" && slices.Contains(slices.Collect(maps.Values(revoked)), revokedEver) {
		return "", nil
	}
	return a.remarked(ctx, s)
}

// kept is proof without asking the server: who is one by a remark alone is left out.
func (a *admins) kept(ctx context.Context, s Sender, login string) (proof, error) {
	known := *a
	known.remarks = nil
	return known.proof(ctx, s, login)
}

// remarked asks the server, and only where a remark is configured at all.
func (a *admins) remarked(ctx context.Context, s Sender) (proof, error) {
	channel, ok := a.channel.(Remarked)
	if !ok || len(a.remarks) == 0 {
		return "", nil
	}
	remark, err := channel.Remark(ctx, s)
	if err != nil {
		return "", fmt.Errorf("look up remark: %w", err)
	}
	if remark != "" && slices.Contains(a.remarks, remark) {
		return proofRemark, nil
	}
	return "", nil
}

// name is what an admin is kept under. The id of a login that is over names
// nobody.
func (a *admins) name(id, login string) string {
	if a.stable {
		return id
	}
	return login + "/" + id
}

// admit makes a person who paired an admin.
func (a *admins) admit(ctx context.Context, s Sender, login string, now time.Time) error {
	raw, err := json.Marshal(grant{Name: nameOf(s), Login: login, Person: s.Key, At: now})
	if err != nil {
		return err
	}
	for _, name := range []string{a.name(s.ID, login), s.Key} {
		if name == "" {
			continue
		}
		if err := a.store.Set(ctx, scopeRevoked, name, ""); err != nil {
			return err
		}
	}
	return a.store.Set(ctx, scopeAdmins, a.name(s.ID, login), string(raw))
}

// forget drops what is kept of those who paired in earlier logins.
func (a *admins) forget(ctx context.Context, login string) error {
	all, err := a.paired(ctx)
	if err != nil || a.stable {
		return err
	}
	for name, g := range all {
		if g.Login == login {
			continue
		}
		if err := a.store.Set(ctx, scopeAdmins, name, ""); err != nil {
			return err
		}
	}
	revoked, err := a.store.Settings(ctx, scopeRevoked)
	if err != nil {
		return err
	}
	for name, what := range revoked {
		if what != revokedHere || strings.HasPrefix(name, login+"/") {
			continue
		}
		if err := a.store.Set(ctx, scopeRevoked, name, ""); err != nil {
			return err
		}
	}
	return nil
}

// paired returns who paired, by name.
func (a *admins) paired(ctx context.Context) (map[string]grant, error) {
	kept, err := a.store.Settings(ctx, scopeAdmins)
	if err != nil {
		return nil, err
	}
	all := make(map[string]grant, len(kept))
	for name, raw := range kept {
		var g grant
		if json.Unmarshal([]byte(raw), &g) == nil {
			g.key = name
			all[name] = g
		}
	}
	return all, nil
}

// list returns who paired in this login, the first first.
func (a *admins) list(ctx context.Context, login string) ([]grant, error) {
	all, err := a.paired(ctx)
	if err != nil {
		return nil, err
	}
	var now []grant
	for _, g := range all {
		if a.stable || g.Login == login {
			now = append(now, g)
		}
	}
	slices.SortFunc(now, func(x, y grant) int { return cmpTime(x.At, y.At, x.Name, y.Name) })
	return now, nil
}

func cmpTime(x, y time.Time, a, b string) int {
	if c := x.Compare(y); c != 0 {
		return c
	}
	return strings.Compare(a, b)
}

// errNoAdmin is the error of a revocation that found nobody.
var errNoAdmin = errors.New("there is no such admin")

// revoke ends the rights of one of list, by its key, and returns who that was.
func (a *admins) revoke(ctx context.Context, key string) (grant, error) {
	all, err := a.paired(ctx)
	if err != nil {
		return grant{}, err
	}
	chosen, ok := all[key]
	if !ok {
		return grant{}, errNoAdmin
	}
	if err := a.store.Set(ctx, scopeRevoked, key, revokedHere); err != nil {
		return grant{}, err
	}
	if chosen.Person != "" {
		if err := a.store.Set(ctx, scopeRevoked, chosen.Person, revokedEver); err != nil {
			return grant{}, err
		}
	}
	return chosen, a.store.Set(ctx, scopeAdmins, key, "")
}
