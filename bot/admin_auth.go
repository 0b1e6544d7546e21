package bot

import (
	"strconv"
	"strings"
	"time"
)

// guessEvery is how often the owner hears of guessing at most.
const guessEvery = 10 * time.Minute

// auth makes whoever sends the pairing code an admin: /auth CODE.
func (r *Relay) auth(in call) string {
	say := r.catalogue().Say
	code := strings.TrimSpace(in.args)
	if in.Chat.Group {
		return r.authInGroup(in, code)
	}
	if code == "" {
		return say(in.tag, "auth_usage")
	}
	if in.Sender.Owner {
		return say(in.tag, "auth_owner")
	}
	if r.isAdmin(&in) {
		return say(in.tag, "auth_already")
	}
	who := r.admins.name(in.Sender.ID, in.Login)
	result, wrong, err := r.pairing.try(in.work, who, code, time.Now())
	if err != nil {
		return r.unread(in.tag, err)
	}
	switch result {
	case pairedYes:
		return r.paired(in)
	case pairedLocked:
		return say(in.tag, "auth_locked")
	}
	in.did("", refusedFor("try "+strconv.Itoa(wrong)))
	r.guessed(in, result, wrong)
	return say(in.tag, "auth_wrong")
}

// authInGroup ends a code that was said where others read it.
func (r *Relay) authInGroup(in call, code string) string {
	if code != "" {
		if err := r.pairing.void(in.work, code); err != nil {
			return r.unread(in.tag, err)
		}
		in.did("", refusedFor("group"))
	}
	return r.catalogue().Say(in.tag, "auth_group")
}

func (r *Relay) paired(in call) string {
	if err := r.admins.admit(in.work, in.Sender, in.Login, time.Now()); err != nil {
		return r.unread(in.tag, err)
	}
	in.did("", resultPaired)
	r.tellOwner(in.work, in.out, "auth_told", "name", nameOf(in.Sender))
	return r.catalogue().Say(in.tag, "auth_done")
}

// guessed warns the owner of somebody who tries codes.
func (r *Relay) guessed(in call, result paired, wrong int) {
	key := ""
	switch {
	case result == pairedSpent:
		key = "guess_spent"
	case wrong == guessMost:
		key = "guess_locked"
	default:
		return
	}
	r.o.Logger.Warn("somebody guesses the pairing code", "chat", r.hash(in.Chat.ID), "tries", wrong, "void", result == pairedSpent)
	if _, ok := r.ownerChat(); ok && r.guessTold.due(time.Now(), guessEvery) {
		r.tellOwner(in.work, in.out, key, "name", nameOf(in.Sender), "n", strconv.Itoa(wrong))
	}
}

// admin lists who is an admin, and takes the right away: /admin [list|revoke N].
func (r *Relay) admin(in call) string {
	verb, rest := cutWord(in.args)
	switch verb {
	case "", "list", "列表", "清单", "清單":
		return r.listAdmins(in)
	case "revoke", "remove", "撤销", "撤銷":
		return r.revokeAdmin(in, rest)
	}
	return r.catalogue().Say(in.tag, "admin_usage")
}

func (r *Relay) listAdmins(in call) string {
	say := r.catalogue().Say
	all, err := r.admins.list(in.work, in.Login)
	if err != nil {
		return r.unread(in.tag, err)
	}
	keys, lines := make([]string, len(all)), []string{say(in.tag, "admin_title")}
	for i, g := range all {
		keys[i] = g.key
		lines = append(lines, strconv.Itoa(i+1)+". "+say(in.tag, "admin_line", "name", orElse(g.Name, "?"), "time", r.clock(g.At)))
	}
	if len(all) == 0 {
		lines = append(lines, say(in.tag, "admin_none"))
	}
	lines = append(lines, say(in.tag, "admin_owner"))
	if n := len(r.admins.listed); n > 0 && r.admins.stable {
		lines = append(lines, say(in.tag, "admin_listed", "n", strconv.Itoa(n)))
	}
	if _, ok := r.o.Channel.(Remarked); ok && len(r.admins.remarks) > 0 {
		lines = append(lines, say(in.tag, "admin_remark", "list", strings.Join(r.admins.remarks, comma(in.tag))))
	}
	r.choices.show(in.person, listAdmins, keys)
	return strings.Join(lines, "\n")
}

func (r *Relay) revokeAdmin(in call, which string) string {
	say := r.catalogue().Say
	key, ok := r.choices.chosen(in.person, listAdmins, which)
	if !ok {
		return say(in.tag, "admin_which")
	}
	gone, err := r.admins.revoke(in.work, key)
	switch {
	case err == errNoAdmin:
		return say(in.tag, "admin_gone")
	case err != nil:
		return r.unread(in.tag, err)
	}
	in.did("revoke "+gone.Name, resultDone)
	return say(in.tag, "admin_revoked", "name", orElse(gone.Name, "?"))
}
