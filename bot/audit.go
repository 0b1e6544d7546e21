package bot

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/diagbot/diagbot/llm"
)

// The places of Deed.Where.
const (
	whereOwner   = "file transfer"
	wherePrivate = "private"
	whereGroup   = "group"
	whereConsole = "console"
)

// How Deed.Result begins.
const (
	resultDone    = "done"
	resultPaired  = "paired"
	resultRefused = "refused"
)

// reasons are the errors that the audit has words for, by their names in it.
func reasons() map[string]error {
	return map[string]error{
		"no_key": llm.ErrNoKey, "key_exists": llm.ErrKeyExists, "last_key": llm.ErrLastKey, "last_provider": llm.ErrLastProvider,
		"no_provider": llm.ErrNoProvider, "in": ErrLoggedIn, "elsewhere": ErrElsewhere, "late": context.DeadlineExceeded,
	}
}

// refusedFor is the end of a deed that was not done, for a reason that has words.
func refusedFor(reason string) string { return resultRefused + ": " + reason }

// resultOf is what the audit has on the end of a change: in no language, but for what
// went wrong elsewhere.
func resultOf(err error) string {
	if err == nil {
		return resultDone
	}
	for name, known := range reasons() {
		if errors.Is(err, known) {
			return refusedFor(name)
		}
	}
	return refusedFor(err.Error())
}

// reasonIn puts the reason why something was not done in words.
func (r *Relay) reasonIn(tag, reason string) string {
	name, n, _ := strings.Cut(reason, " ")
	known := reason == "unfit" || reason == "provider" || reason == "group" || name == "try" || reasons()[reason] != nil
	if !known {
		return reason
	}
	return r.catalogue().Say(tag, "audit_why_"+name, "n", n)
}

// mostStrangers is how many refusals of people who are no admins are kept in an
// hour: they must not push out what admins did.
const mostStrangers = 30

const (
	usualAudits = 10
	mostAudits  = 50
)

// did notes what a command did, to be audited: what was asked for, without
// secrets, and what came of it. What only reads is not.
func (in call) did(what, result string) {
	if what != "" {
		in.deed.Command += " " + oneLine(what, maxWords)
	}
	in.deed.Result = oneLine(result, maxWords)
}

// AtConsole is the deed of an operator with a shell: who they are there, and the
// command, without secrets.
func AtConsole(who, what string) Deed {
	return Deed{At: time.Now(), Who: orElse(oneLine(who, maxName), "?"), Where: whereConsole, Command: what, Result: resultDone}
}

// account keeps what a command did.
func (r *Relay) account(in call) {
	d := *in.deed
	if d.Result == "" {
		return
	}
	d.At, d.Who, d.Where = time.Now(), orElse(d.Who, r.who(in)), wherePrivate
	switch {
	case in.Chat.Group:
		d.Where = whereGroup
	case in.Sender.Owner && in.Chat.ID != in.Sender.ID: // File Transfer, a chat of its own
		d.Where = whereOwner
	}
	d.Who, d.Command, d.Result = r.exact(d.Who), r.redact(d.Command), r.redact(d.Result)
	r.o.Logger.Info("admin", "command", d.Command, "result", d.Result, "proof", string(in.proof), "where", d.Where)
	if in.proof == "" && strings.HasPrefix(d.Result, resultRefused) && !r.strangers.take(d.At, mostStrangers, time.Hour) {
		return
	}
	_ = r.keep(in.work, func(ctx context.Context) error { return r.store.Audit(ctx, d) })
}

// who names the giver of a command in the audit: by their name, which they chose,
// and by what is known of them for certain.
func (r *Relay) who(in call) string {
	name := nameOf(in.Sender)
	if in.proof == "" {
		return name
	}
	return name + " (" + string(in.proof) + ")"
}

// audit shows what admins did: /audit [n].
func (r *Relay) audit(in call) string {
	n, err := strconv.Atoi(fold(in.args))
	if err != nil || n < 1 {
		n = usualAudits
	}
	ctx, cancel := context.WithTimeout(in.work, readTime)
	defer cancel()
	deeds, err := r.store.Audits(ctx, min(n, mostAudits))
	switch {
	case err != nil:
		return r.unread(in.tag, err)
	case len(deeds) == 0:
		return r.catalogue().Say(in.tag, "audit_none")
	}
	lines := []string{r.catalogue().Say(in.tag, "audit_title")}
	for _, d := range deeds {
		lines = append(lines, r.clock(d.At)+" "+strings.Join(r.deedIn(in.tag, d), clauseComma(in.tag)))
	}
	return strings.Join(lines, "\n")
}

// deedIn puts what is kept of a deed, which is in no language, in words.
func (r *Relay) deedIn(tag string, d Deed) []string {
	say := r.catalogue().Say
	who := d.Who
	for _, p := range []proof{proofOwner, proofListed, proofPaired, proofRemark} {
		if name, ok := strings.CutSuffix(who, " ("+string(p)+")"); ok {
			who = say(tag, "aside", "text", name, "aside", say(tag, "proof_"+string(p)))
		}
	}
	where := d.Where
	if key, ok := map[string]string{
		whereOwner: "where_owner", wherePrivate: "chat_private", whereGroup: "chat_group", whereConsole: "where_console",
	}[where]; ok {
		where = say(tag, key)
	}
	result, rest := d.Result, ""
	for _, known := range []string{resultDone, resultPaired, resultRefused} {
		if after, ok := strings.CutPrefix(result, known); ok {
			result, rest = say(tag, "audit_"+known), after
			if why, ok := strings.CutPrefix(after, ": "); ok {
				result, rest = say(tag, "audit_why", "result", result, "why", r.reasonIn(tag, why)), ""
			}
			break
		}
	}
	return []string{who, where, d.Command, result + rest}
}
