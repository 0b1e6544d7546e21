package bot

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// block stops listening to somebody: /block [N|NAME]. People are meant by who they
// are; a name says who only while nobody else here has it.
func (r *Relay) block(in call) string {
	all := r.switches.speakers()
	if in.args == "" {
		return r.listSpeakers(in, all)
	}
	if person, ok := r.choices.chosen(in.person, listPeople, in.args); ok {
		if i := slices.IndexFunc(all, func(w speaker) bool { return w.person == person }); i >= 0 {
			return r.blockOne(in, all[i])
		}
	}
	named := namedLike(all, in.args)
	if len(named) == 1 {
		return r.blockOne(in, named[0])
	}
	if len(named) > 1 {
		all = named
	}
	return r.listSpeakers(in, all)
}

// namedLike returns those who have a name, which may be written as a mention.
func namedLike(all []speaker, name string) (named []speaker) {
	name = fold(oneLine(name, maxName+1))
	for _, w := range all {
		if own := fold(nameOf(w.Sender)); own == name || "@"+own == name {
			named = append(named, w)
		}
	}
	return named
}

func (r *Relay) listSpeakers(in call, all []speaker) string {
	say, now := r.catalogue().Say, time.Now()
	var keys []string
	lines := []string{say(in.tag, "block_title")}
	for _, w := range all {
		if w.person == in.person {
			continue
		}
		keys = append(keys, w.person)
		where := say(in.tag, "chat_private")
		if w.group != "" {
			where = w.group
		}
		lines = append(lines, strconv.Itoa(len(keys))+". "+say(in.tag, "block_line", "name", nameOf(w.Sender),
			"where", where, "ago", r.catalogue().Age(in.tag, now.Sub(w.at))))
	}
	r.choices.show(in.person, listPeople, keys)
	if len(keys) == 0 {
		return say(in.tag, "block_nobody")
	}
	return strings.Join(append(lines, say(in.tag, "block_usage")), "\n")
}

func (r *Relay) blockOne(in call, w speaker) string {
	say, name := r.catalogue().Say, nameOf(w.Sender)
	proof, err := r.admins.proof(in.work, w.Sender, w.login)
	switch {
	case err != nil:
		return r.unread(in.tag, err)
	case proof != "":
		return say(in.tag, "block_admin", "name", name)
	}
	b := &banned{Name: name, At: time.Now()}
	key := "block_done"
	if !r.lasts(w.Sender) {
		b.Login, key = w.login, "block_done_login"
	}
	if err := r.switches.ban(in.work, r.store, w.person, b); err != nil {
		return r.unread(in.tag, err)
	}
	in.did(name, resultDone)
	return say(in.tag, key, "name", name)
}

// lasts reports whether a person can be known again in another login.
func (r *Relay) lasts(s Sender) bool { return s.Key != "" || r.traits.StableIDs }

// unblock listens to somebody again: /unblock [N].
func (r *Relay) unblock(in call) string {
	say, all := r.catalogue().Say, r.switches.bans()
	key, chosen := r.choices.chosen(in.person, listBlocked, in.args)
	if i := slices.IndexFunc(all, func(b banned) bool { return b.key == key }); chosen && i >= 0 {
		if err := r.switches.ban(in.work, r.store, key, nil); err != nil {
			return r.unread(in.tag, err)
		}
		in.did(all[i].Name, resultDone)
		return say(in.tag, "unblock_done", "name", all[i].Name)
	}
	if len(all) == 0 {
		return say(in.tag, "unblock_nobody")
	}
	keys, lines := make([]string, len(all)), []string{say(in.tag, "unblock_title")}
	for i, b := range all {
		keys[i] = b.key
		lines = append(lines, strconv.Itoa(i+1)+". "+b.Name+clauseComma(in.tag)+r.clock(b.At))
	}
	r.choices.show(in.person, listBlocked, keys)
	return strings.Join(append(lines, say(in.tag, "unblock_usage")), "\n")
}

// ignores reports whether a message is of somebody who is blocked, and remembers
// who wrote otherwise. The account's owner cannot be.
func (d *dispatcher) ignores(m Message) bool {
	if m.Sender.Owner {
		return false
	}
	person := d.person(m)
	if d.switches.blocks(person) {
		return true
	}
	group := ""
	if m.Chat.Group {
		group = orElse(oneLine(m.Chat.Name, maxName), "?")
	}
	d.switches.heard(speaker{Sender: m.Sender, person: person, login: m.Login, group: group, at: time.Now()})
	return false
}
