package bot

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
)

// Logins are the other accounts of the process, which whoever may can log in from the
// chats of this one: its owner, and who the settings name. They are safe for concurrent
// use.
type Logins interface {
	// Accounts tells how each of them is, in a fixed order.
	Accounts() []AccountState
	// Link returns the link of a code that logs one in, and waits for it, a minute at
	// most. Its errors are ErrLoggedIn, ErrElsewhere, and ctx's own where there is no code
	// yet. Whoever has the link can log in: it is for admins in private.
	Link(ctx context.Context, account string) (string, error)
}

// AccountState is how an account is.
type AccountState struct {
	Name      string
	In        bool // it is logged in
	Elsewhere bool // another process answers for it

	// Admins are the people that the settings name as its admins, by ids as channels
	// with lasting ones have them.
	Admins []string
}

// The errors of [Logins].
var (
	ErrLoggedIn  = errors.New("the account is logged in")
	ErrElsewhere = errors.New("another process answers for the account")
)

// linkTime is how long an admin waits for a link.
const linkTime = 20 * time.Second

// logIn gets a code for another account: /login [account].
func (r *Relay) logIn(in call) string {
	say := r.catalogue().Say
	var all []AccountState
	if r.o.Logins != nil {
		all = r.o.Logins.Accounts()
	}
	name := oneLine(in.args, maxName)
	switch {
	case name != "" && fold(name) == fold(r.o.Account): // it says this
		return say(in.tag, "login_already", "account", r.o.Account)
	case len(all) == 0:
		return say(in.tag, "login_none")
	case name == "":
		return r.listAccounts(in, all)
	}
	for _, a := range all {
		switch {
		case fold(a.Name) != fold(name):
		case !a.In && !r.mayLogIn(in, a):
			in.did(a.Name, resultRefused)
			return say(in.tag, "login_not_yours")
		default:
			return r.loginLink(in, a.Name)
		}
	}
	return r.listAccounts(in, all)
}

// mayLogIn reports whether an admin of this account may log another one in. Whoever
// opens the link with their own phone has the account answer as them, so being helped
// with one account's chats, as by a code or a remark, is not enough.
func (r *Relay) mayLogIn(in call, a AccountState) bool {
	return r.trusts(in.proof) || r.admins.stable && slices.Contains(a.Admins, in.Sender.ID)
}

// trusts reports whether admins of a proof may log other accounts in.
func (r *Relay) trusts(p proof) bool {
	return p == proofOwner || p == proofListed || r.o.LoginByAdmins && p != ""
}

func (r *Relay) listAccounts(in call, all []AccountState) string {
	tag, usage := in.tag, "login_not_yours"
	lines := []string{r.catalogue().Say(tag, "login_title")}
	for _, a := range all {
		key := "login_line_out"
		switch {
		case a.Elsewhere:
			key = "login_line_elsewhere"
		case a.In:
			key = "login_line_in"
		}
		if r.mayLogIn(in, a) {
			usage = "login_usage"
		}
		lines = append(lines, r.catalogue().Say(tag, key, "account", a.Name))
	}
	return strings.Join(append(lines, r.catalogue().Say(tag, usage)), "\n")
}

// loginLink answers with the link to log an account in.
func (r *Relay) loginLink(in call, account string) string {
	ctx, cancel := context.WithTimeout(in.work, linkTime)
	defer cancel()
	link, err := r.guardedLink(ctx, account)
	say := r.catalogue().Say
	key := "login_later"
	switch {
	case err == nil:
		in.did(account, resultDone)
		return say(in.tag, "account_trouble", "account", account) + "\n\n" + say(in.tag, "account_scan") + "\n" + link
	case errors.Is(err, ErrLoggedIn):
		key = "login_already"
	case errors.Is(err, ErrElsewhere):
		key = "login_elsewhere"
	default:
		r.o.Logger.Info("no login code", "of", account, "cause", r.redact(err.Error()))
	}
	in.did(account, resultOf(err))
	return say(in.tag, key, "account", account)
}

func (r *Relay) guardedLink(ctx context.Context, account string) (link string, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = panicked("the login", v)
		}
	}()
	return r.o.Logins.Link(ctx, account)
}
