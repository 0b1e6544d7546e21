package bot

import (
	"context"
	"time"
)

// confide says what is for an admin's eyes in private. In a group it returns the
// line that the others read.
func (r *Relay) confide(in call, text string) string {
	if !in.Chat.Group || text == "" {
		return text
	}
	to, ok := r.reach(in)
	if !ok {
		return r.catalogue().Say(orElse(in.aloud, in.tag), "dm_ask")
	}
	in.out.put(r.aside(to, in.tag, text))
	return r.catalogue().Say(orElse(in.aloud, in.tag), "dm_only")
}

// privately is an admin's command as it is answered to them alone: from a group, in
// their language rather than the group's.
func (r *Relay) privately(in call) call {
	if in.Chat.Group && in.aloud == "" {
		t := in.task
		t.Chat.Group = false
		in.aloud = in.tag
		in.tag, in.how = r.language(in.work, t)
	}
	return in
}

// reach is the private chat of an admin. Who paired did so there, and a remark is
// set on friends alone.
func (r *Relay) reach(in call) (Chat, bool) {
	if in.proof == proofOwner {
		return r.ownerChat()
	}
	return Chat{ID: in.Sender.ID, Key: in.Sender.Key, Name: in.Sender.Name}, in.Sender.ID != ""
}

// looksUp reports whether somebody may look up what is known of a failure, as far as
// that can be told at once.
func (r *Relay) looksUp(t task) bool {
	if t.Sender.Owner || t.ticket == nil || t.work == nil {
		return t.Sender.Owner
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.work), readTime)
	defer cancel()
	proof, err := r.admins.kept(ctx, t.Sender, t.Login)
	return err == nil && proof != ""
}

func (r *Relay) ownerChat() (Chat, bool) {
	if c, ok := r.o.Channel.(Owned); ok {
		return c.OwnerChat()
	}
	return Chat{}, false
}

// aside is something said in a private chat that answers nothing there.
func (r *Relay) aside(to Chat, tag, text string) *reply {
	t := task{Message: Message{Chat: to, Login: *r.login.Load()}, ticket: &ticket{}, heard: time.Now(), tag: tag}
	return r.reply(t, text)
}

// tellOwner says something to the account's owner, in their language, and reports
// whether it could.
func (r *Relay) tellOwner(ctx context.Context, out *outbox, key string, args ...string) bool {
	to, ok := r.ownerChat()
	if !ok {
		return false
	}
	tag := r.ownerTag(ctx)
	out.put(r.aside(to, tag, r.catalogue().Say(tag, key, args...)))
	return true
}

// ownerTag is the language of the owner, as far as it is known.
func (r *Relay) ownerTag(ctx context.Context) string {
	tag, _ := r.languages.choose(ctx, reader{person: r.ownerPerson()})
	return tag
}

// ownerPerson is who the owner is, as far as it is known.
func (r *Relay) ownerPerson() string {
	if p := r.ownerIs.Load(); p != nil {
		return *p
	}
	if to, ok := r.ownerChat(); ok && r.traits.StableIDs {
		return to.ID
	}
	return ""
}
