package bot

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/diagbot/diagbot/llm"
)

// desk is a channel with File Transfer and a phone on which remarks are set.
type desk struct {
	*fakeChannel
	remarks map[string]string
	since   time.Time
}

func (d *desk) LoggedInSince() time.Time { return d.since }

// SendPicture says a picture as what is drawn on it.
func (d *desk) SendPicture(ctx context.Context, p Part, png []byte) error {
	return d.Send(ctx, Part{To: p.To, Text: "picture: " + string(png) + p.Text, ID: p.ID})
}

func (d *desk) OwnerChat() (Chat, bool) { return Chat{ID: "filehelper"}, true }

func (d *desk) Remark(_ context.Context, s Sender) (string, error) { return d.remarks[s.ID], nil }

// atDesk gives a world a desk, a lasting store and one admin by remark: @ann.
func atDesk(s Store) func(*Options) {
	return func(o *Options) {
		o.Channel = &desk{fakeChannel: o.Channel.(*fakeChannel), remarks: map[string]string{"@ann": "diagbot-admin", "@bob": "Bob"}}
		o.AdminRemarks, o.Store = []string{"diagbot-admin"}, s
	}
}

func byOwner(text string) Message {
	m := private("filehelper", text)
	m.Sender = Sender{ID: "@self", Name: "小诊", Owner: true}
	return m
}

// offer opens an invitation and returns its code.
func (w *world) offer1() string {
	w.Helper()
	code, value := NewOffer(time.Now())
	if err := w.relay.store.Set(w.Context(), ScopePairing, NamePairing, value); err != nil {
		w.Fatal(err)
	}
	return code
}

// pair makes somebody an admin.
func (w *world) pair(id, name string) {
	w.Helper()
	m := private(id, "/auth "+w.offer1())
	m.Sender.Name = name
	w.hear(m)
	said := w.texts()
	if paired, err := w.relay.admins.paired(w.Context()); err != nil || len(said) != 2 || len(paired) == 0 {
		w.Fatalf("pairing said %q, %v", said, err)
	}
}

func (w *world) relogin(login string) {
	w.channel.logins <- login
	synctest.Wait()
}

// TestAttacks tries to give admin commands without being an admin.
func TestAttacks(t *testing.T) {
	named := func(m Message, name string) Message { m.Sender.Name, m.Chat.Name = name, name; return m }
	kind := func(m Message, k Kind) Message { m.Kind = k; return m }
	quoting := func(m Message, q string) Message { m.Quote = q; return m }
	card := func(m Message, name string) Message { m.Sender.Name = name; return m }
	attacks := map[string][]Message{
		"nobody":                   {private("@eve", "/pause"), inGroup("home", "@eve", "/pause")},
		"nickname of an admin":     {named(private("@eve", "/pause"), "Carl")},
		"nickname of the owner":    {named(private("@eve", "/pause"), "小诊"), named(private("@eve", "/pause"), "owner")},
		"nickname of the chat":     {named(private("@eve", "/pause"), "filehelper"), named(private("@eve", "/pause"), "文件传输助手")},
		"group card of an admin":   {card(inGroup("home", "@eve", "/pause"), "Carl"), card(inGroup("home", "@eve", "/pause"), "小诊")},
		"nickname like the remark": {named(private("@eve", "/pause"), "diagbot-admin"), card(inGroup("home", "@eve", "/pause"), "diagbot-admin")},
		"id with something unseen": {private("@carl\u200b", "/pause"), private("\u200b@ann", "/pause"), private("＠carl", "/pause"), private("@CARL", "/pause")},
		"another remark":           {private("@bob", "/pause")},
		"unseen letters":           {private("@eve", "/\u200bpa\u200duse"), private("@eve", "\u2060/pause"), private("@eve", "/pau\ufeffse")},
		"full width":               {private("@eve", "／ｐａｕｓｅ"), private("@eve", "＃暂停"), private("@eve", "#pause"), private("@eve", "/暫停")},
		"a cut name":               {private("@eve", "/pau"), private("@eve", "/PAUS")},
		"a line below":             {private("@eve", "hello\n/pause"), private("@carl", "hello\n/pause")},
		"an admin's quotation":     {quoting(private("@carl", "what is this?"), "/pause"), quoting(byOwner("hm"), "/pause")},
		"an admin forwards":        {kind(private("@carl", "/pause"), KindLink), kind(byOwner("/pause"), KindLink), kind(private("@carl", "/pause"), KindFile)},
		"a system message":         {kind(private("@carl", "/pause"), KindOther), kind(inGroup("home", "@carl", "/pause"), KindOther)},
		"a name that is a command": {card(inGroup("home", "@carl", "hello"), "/pause"), named(private("@carl", "hi"), "/pause")},
		"a group that is one":      {{Chat: Chat{ID: "@@x", Group: true, Name: "/pause"}, Sender: Sender{ID: "@carl"}, Kind: KindText, Text: "hi", Mentioned: true}},
		"our own words":            {private("@self", "/pause"), inGroup("home", "@self", "/pause")},
		"nobody at all":            {{Chat: Chat{ID: "@x"}, Kind: KindText, Text: "/pause"}},
		"a former admin":           {private("@dave", "/pause"), inGroup("home", "@dave", "/pause"), private("@dave", "/auth 22222-22222")},
		"every other command":      everyAdminCommand("@eve"),
	}
	inBubble(t, atDesk(newMemory(0)), func(w *world) {
		w.pair("@dave", "Dave")
		time.Sleep(time.Second)
		w.pair("@carl", "Carl")
		w.hear(byOwner("/admin list"))
		w.hear(byOwner("/admin revoke 1"))
		w.texts()
		before := w.deeds()
		for name, messages := range attacks {
			for _, m := range messages {
				w.hear(m)
				for _, u := range w.channel.take() {
					if strings.Contains(u.text, w.ui("pause_done")) || strings.Contains(u.text, w.ui("pause_already")) {
						t.Errorf("%s: %q was obeyed: %q", name, m.Text, u.text)
					}
				}
				if w.relay.switches.isPaused() {
					t.Fatalf("%s: %q was obeyed", name, m.Text)
				}
			}
		}
		for _, d := range w.deeds()[:len(w.deeds())-len(before)] {
			if !strings.HasPrefix(d.Result, "refused") {
				t.Errorf("done: %+v", d)
			}
		}
		w.hear(private("@carl", "/pause"))
		w.expect(w.ui("pause_done"))
	})
}

// everyAdminCommand gives each of them, as somebody who may not.
func everyAdminCommand(id string) (all []Message) {
	for _, c := range forAdmins() {
		for _, args := range []string{"", " list", " revoke 1", " 1", " use x", " add a b sk-0123456789", " 30m"} {
			all = append(all, private(id, "/"+c.name+args), inGroup("home", id, "/"+c.name+args))
		}
	}
	for _, report := range []string{"", " last", " probe", " trend", " explain 401"} {
		all = append(all, private(id, "/diag"+report), inGroup("home", id, "/diag"+report))
	}
	return all
}

// deeds returns the audit, the latest first.
func (w *world) deeds() []Deed {
	w.Helper()
	all, err := w.relay.store.Audits(w.Context(), 1000)
	if err != nil {
		w.Fatal(err)
	}
	return all
}

// TestModelsGiveNoCommands has a model say what only admins may.
func TestModelsGiveNoCommands(t *testing.T) {
	inBubble(t, atDesk(newMemory(0)), func(w *world) {
		for _, words := range []string{"/pause", "/admin revoke 1", recipe("24h", "en"), "\x01" + recipe("24h", "en")} {
			w.completer.answer = func(context.Context, llm.Prompt) (string, error) { return words, nil }
			w.hear(byOwner("what now?"))
			w.hear(private("@ann", "what now?"))
			for _, text := range w.texts() {
				if text != strings.ReplaceAll(words, recipeMark, "") {
					t.Errorf("%q became %q", words, text)
				}
			}
		}
		if w.relay.switches.isPaused() || len(w.deeds()) > 0 {
			t.Errorf("obeyed: %+v", w.deeds())
		}
	})
}

// TestCodesAreGuessed guesses 10,000 times: as one, as many, in private and in
// groups. Nobody gets in, and the owner hears of it, but not 10,000 times.
func TestCodesAreGuessed(t *testing.T) {
	for _, people := range []int{1, 10_000} {
		t.Run(fmt.Sprint(people), func(t *testing.T) {
			inBubble(t, atDesk(newMemory(0)), func(w *world) {
				w.offer1()
				told := 0
				for i := range 10_000 {
					guess, _ := NewOffer(time.Now())
					m := private(fmt.Sprint("@p", i%people), "/auth "+guess)
					if i%10 == 9 {
						m = inGroup("home", m.Sender.ID, m.Text)
					}
					w.hear(m)
					for _, u := range w.channel.take() {
						if u.to.ID == "filehelper" {
							told++
						}
						if u.text == w.ui("auth_done") {
							t.Fatalf("guess %d got in", i)
						}
					}
				}
				if n := len(w.deeds()); n < 1 || n > mostStrangers {
					t.Errorf("%d tries are audited", n)
				}
				if told < 1 || told > 3 {
					t.Errorf("the owner was told %d times", told)
				}
				if all, err := w.relay.admins.paired(t.Context()); err != nil || len(all) > 0 {
					t.Errorf("admins %v, %v", all, err)
				}
			})
		})
	}
}

// TestCodesAreGoodOnce replays a code: by another, after its use, after a new
// login, and when it was said in a group.
func TestCodesAreGoodOnce(t *testing.T) {
	login := func(c *fakeChannel) { c.login = "l1" }
	synctest.Test(t, func(t *testing.T) {
		w := newWorldOn(t, login, atDesk(newMemory(0)))
		code := w.offer1()
		w.hear(private("@carl", "/auth "+code))
		w.texts()
		w.hear(private("@eve", "/auth "+code))
		w.expect(w.ui("auth_wrong"))

		code = w.offer1()
		w.hear(inGroup("home", "@carl2", "/auth "+code))
		w.hear(private("@eve", "/auth "+code))
		w.expect("@@carl2\u2005"+w.ui("auth_group"), w.ui("auth_wrong"))

		code = w.offer1()
		w.relogin("l2")
		w.hear(private("@mallory", "/auth "+code))
		w.hear(private("@carl", "/pause"))
		w.expect(w.ui("auth_wrong"), w.ui("admins_only"))

		code = w.offer1()
		time.Sleep(codeLife)
		w.hear(private("@mallory", "/auth "+code))
		w.expect(w.ui("auth_wrong"))
	})
}

// TestTheOwnerIsToldWhoGuesses, once, and the guesser is locked out.
func TestTheOwnerIsToldWhoGuesses(t *testing.T) {
	inBubble(t, atDesk(newMemory(0)), func(w *world) {
		code := w.offer1()
		for range guessMost {
			w.hear(private("@eve", "/auth 22222-22222"))
		}
		got := strings.Join(w.texts(), "\n")
		if want := w.ui("guess_locked", "name", "@eve", "n", "3"); strings.Count(got, want) != 1 {
			t.Errorf("said %q, want %q", got, want)
		}
		w.hear(private("@eve", "/auth "+code))
		w.expect(w.ui("auth_locked"))
		w.pair("@carl", "Carl")
	})
}
