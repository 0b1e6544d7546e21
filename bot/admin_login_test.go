package bot

import (
	"context"
	"strings"
	"testing"
	"time"
)

// fakeLogins are accounts by name; what begins with "https" is a link that waits.
type fakeLogins map[string]any

func (f fakeLogins) Accounts() []AccountState {
	return []AccountState{{Name: "desk"}, {Name: "phone", In: true}, {Name: "away", Elsewhere: true}, {Name: "slow"}, {Name: "wild"}}
}

func (f fakeLogins) Link(ctx context.Context, account string) (string, error) {
	switch got := f[account].(type) {
	case string:
		return got, nil
	case error:
		return "", got
	case nil:
		panic("no such account")
	}
	<-ctx.Done()
	return "", ctx.Err()
}

// TestLoginLinks go to admins in private and to nobody else, whatever becomes of
// them; who asks in a group gets theirs in private.
func TestLoginLinks(t *testing.T) {
	const link = "https://login.example/l/planted=="
	logins := fakeLogins{"desk": link, "phone": ErrLoggedIn, "away": ErrElsewhere, "slow": true}
	adminWorld(t, func(o *Options) { o.Logins, o.Account = logins, "home" }, func(w *world) {
		w.hear(byOwner("/lang en"))
		w.channel.take()
		for text, want := range map[string]string{
			"/login":         "My other accounts\ndesk: logged out\nphone: logged in\naway: another machine answers for it\nslow: logged out\nwild: logged out\nSend /login and one of these names for a new code.",
			"/login nobody":  "My other accounts\ndesk: logged out\nphone: logged in\naway: another machine answers for it\nslow: logged out\nwild: logged out\nSend /login and one of these names for a new code.",
			"＃登录 ＤＥＳＫ":       w.ui("account_trouble", "account", "desk") + "\n\n" + w.ui("account_scan") + "\n" + link,
			"/login phone":   w.ui("login_already", "account", "phone"),
			"/login home":    w.ui("login_already", "account", "home"),
			"/login away":    w.ui("login_elsewhere", "account", "away"),
			"/login slow":    w.ui("login_later", "account", "slow"),
			"/login wild":    w.ui("login_later", "account", "wild"),
			"/login desk no": w.ui("login_title"),
		} {
			w.hear(byOwner(text))
			time.Sleep(2 * linkTime)
			if got := w.toldTo("filehelper"); len(got) != 1 || !strings.HasPrefix(got[0], want) {
				t.Errorf("%s: said %q, want %q", text, got, want)
			}
		}
		w.hear(byOwner("/diag"))
		if got := w.toldTo("filehelper"); len(got) != 1 || !strings.HasPrefix(got[0], w.ui("health_failing")+"\n") ||
			!strings.Contains(got[0], "\ndesk: logged out\nslow: logged out\nwild: logged out\n") {
			t.Errorf("health is %q", got)
		}
		w.hear(private("@eve", "/login desk"))
		w.hear(inGroup("home", "@eve", "/login desk"))
		quoted := private("@eve", "what is this?")
		quoted.Quote = "/login desk"
		w.hear(quoted)
		for _, u := range w.channel.take() {
			if strings.Contains(u.text, "planted") {
				t.Errorf("said %q to %s", u.text, u.to.ID)
			}
		}
		w.hear(inGroup("home", "@ann", "/login desk"))
		got := make(map[string]string)
		for _, u := range w.channel.take() {
			got[u.to.ID] = u.text
		}
		if !strings.HasSuffix(got["@ann"], "\n"+link) || got["@@home"] != "@@ann\u2005"+w.ui("dm_only") {
			t.Errorf("said %q", got)
		}
		for _, d := range w.deeds() {
			if strings.Contains(d.Command+d.Result, "planted") {
				t.Errorf("audited %+v", d)
			}
		}
	})
}

// TestHelpKnowsWhetherThereAreOtherAccounts.
func TestHelpKnowsWhetherThereAreOtherAccounts(t *testing.T) {
	for _, logins := range []Logins{nil, fakeLogins{}} {
		adminWorld(t, func(o *Options) {
			if logins != nil {
				o.Logins = logins
			}
		}, func(w *world) {
			w.hear(byOwner("/help"))
			if got := strings.Join(w.texts(), "\n"); strings.Contains(got, "/login") != (logins != nil) {
				t.Errorf("help says\n%s", got)
			}
			w.hear(byOwner("/login"))
			if got := w.texts(); logins == nil && got[0] != w.ui("login_none") {
				t.Errorf("said %q", got)
			}
		})
	}
}
