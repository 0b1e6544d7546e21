package wechat

import (
	"testing"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/internal/simwechat"
)

// TestRemark reads remarks from the server, whatever people call themselves.
func TestRemark(t *testing.T) {
	w := newWorld(t, simwechat.Options{ContactPage: 2}, nil)
	add := func(p simwechat.Person) string { return w.srv.AddFriend(p) }
	people := map[string]struct{ id, want string }{
		"remark":             {add(simwechat.Person{Nick: "Ann", Remark: "boss & <co>"}), "boss & <co>"},
		"none":               {add(simwechat.Person{Nick: "Bob"}), ""},
		"nickname as remark": {add(simwechat.Person{Nick: "boss & <co>"}), ""},
		"shared":             {add(simwechat.Person{Nick: "Carl", Remark: "twin"}), ""},
		"shared too":         {add(simwechat.Person{Nick: "Dave", Remark: "twin"}), ""},
		"alias":              {add(simwechat.Person{Nick: "Eve", Alias: "boss & <co>", Signature: "boss & <co>"}), ""},
		"nobody":             {"", ""},
		"unknown":            {"@0123", ""},
		"file transfer":      {fileHelper, ""},
		"group":              {w.srv.AddGroup(simwechat.Group{Name: "boss & <co>", Saved: true}), ""},
	}
	if _, err := w.c.Remark(w.ctx, bot.Sender{ID: "@0123"}); err == nil {
		t.Error("a remark is known before the login")
	}
	w.start(true)
	for name, p := range people {
		if got, err := w.c.Remark(w.ctx, bot.Sender{ID: p.id, Name: "boss & <co>", Key: "remark:boss & <co>"}); got != p.want || err != nil {
			t.Errorf("%s: %q %v, want %q", name, got, err, p.want)
		}
	}
}

// TestRemarkIsFresh asks the server again, but not for everybody who asks.
func TestRemarkIsFresh(t *testing.T) {
	w := newWorld(t, simwechat.Options{}, nil)
	ann := w.srv.AddFriend(simwechat.Person{Nick: "Ann", Remark: "boss"})
	w.start(true)
	const list = "webwxgetcontact"
	remark := func() string {
		t.Helper()
		got, err := w.c.Remark(w.ctx, bot.Sender{ID: ann})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if err := w.srv.WaitCount(w.ctx, list, 1); err != nil { // the directory's
		t.Fatal(err)
	}
	if remark() != "boss" {
		t.Error("no remark")
	}
	n := w.srv.Count(list)
	for range 100 {
		remark()
	}
	if got := w.srv.Count(list) - n; got != 0 {
		t.Errorf("the list was fetched %d times", got)
	}
	w.srv.Rename(ann, "boss", "")
	s := w.c.sender.Load()
	s.remarks.mu.Lock()
	s.remarks.at = s.remarks.at.Add(-remarkQuiet)
	s.remarks.mu.Unlock()
	if got := remark(); got != "" {
		t.Errorf("remark %q after it was taken away", got)
	}
	s.remarks.mu.Lock()
	s.remarks.at = s.remarks.at.Add(-remarkQuiet)
	s.remarks.mu.Unlock()
	w.srv.Fail(list, simwechat.Failure{Ret: 1205}, 1)
	if got, err := w.c.Remark(w.ctx, bot.Sender{ID: ann}); err == nil {
		t.Errorf("remark %q though the server did not tell", got)
	}
}

func TestOwnerChat(t *testing.T) {
	w := newWorld(t, simwechat.Options{}, nil)
	if _, ok := w.c.OwnerChat(); ok {
		t.Error("the owner can be reached before the login")
	}
	w.start(true)
	w.srv.Say(w.srv.AddFriend(simwechat.Person{Nick: "Ann"}), "hi")
	w.hear()
	if c, ok := w.c.OwnerChat(); !ok || c.ID != fileHelper || c.Group {
		t.Errorf("owner reads in %+v, %v", c, ok)
	}
}
