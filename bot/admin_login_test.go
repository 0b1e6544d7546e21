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
	return []AccountState{{Name: "desk"}, {Name: "phone", In: true}, {Name: "away", Elsewhere: true}, {Name: "slow"}, {Name: "wild", Admins: []string{"@lena"}}}
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

// TestLoginLinks go in private to who may have them and to nobody else, whatever
// becomes of them; who asks in a group gets theirs in private.
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
		for _, m := range []Message{private("@ann", "/login desk"), inGroup("home", "@ann", "/login desk"), private("@ann", "/login")} {
			w.hear(m)
			got := make(map[string]string)
			for _, u := range w.channel.take() {
				got[u.to.ID] = u.text
			}
			if !strings.HasSuffix(got["@ann"], w.ui("login_not_yours")) || m.Chat.Group && got["@@home"] != "@@ann\u2005"+w.ui("dm_only") {
				t.Errorf("said %q", got)
			}
		}
		w.relay.o.LoginByAdmins = true
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

// TestWhoMayLogIn: the owner and those whom the settings name, for this account or the
// other one; not who was made an admin of this one in a chat.
func TestWhoMayLogIn(t *testing.T) {
	logins := fakeLogins{"desk": "https://login.example/l/x==", "wild": "https://login.example/l/y==", "phone": ErrLoggedIn}
	inBubble(t, func(o *Options) {
		f := o.Channel.(*fakeChannel)
		f.traits.StableIDs = true
		o.Logins, o.Store, o.Admins, o.Channel = logins, newMemory(0), []string{"@zoe"}, &desk{fakeChannel: f}
	}, func(w *world) {
		for _, id := range []string{"@paul", "@lena"} {
			if err := w.relay.admins.admit(t.Context(), Sender{ID: id}, "", time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		may := func(id, account string, want bool) {
			t.Helper()
			m := private(id, "/login "+account)
			if id == "filehelper" {
				m = byOwner("/login " + account)
			}
			w.hear(m)
			got := w.toldTo(id)
			if len(got) != 1 || strings.Contains(got[0], "https://login.example/") != want || !want && got[0] != w.ui("login_not_yours") {
				t.Errorf("%s, %s: said %q", id, account, got)
			}
		}
		may("filehelper", "desk", true)
		may("@zoe", "desk", true)
		may("@paul", "desk", false)
		may("@paul", "wild", false)
		may("@lena", "desk", false)
		may("@lena", "wild", true)
		if d := w.deeds(); d[0].Result != resultDone || d[1].Result != resultRefused || !strings.HasPrefix(d[1].Command, "/login") {
			t.Errorf("audited %+v", d)
		}
		w.hear(private("@paul", "/login phone"))
		if got := w.toldTo("@paul"); len(got) != 1 || got[0] != w.ui("login_already", "account", "phone") {
			t.Errorf("said %q of an account that is logged in", got)
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
