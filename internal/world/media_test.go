package world_test

import (
	"strings"
	"testing"

	"github.com/diagbot/diagbot/internal/world"
)

// TestQuotedPicture asks about a picture by quoting it, and about one that WeChat
// no longer has.
func TestQuotedPicture(t *testing.T) {
	c := newCast(t, world.ILink)
	alice, ming := c.people["alice"], c.people["ming"]
	hear := func(p world.Person, do func()) string {
		t.Helper()
		said, err := c.Hear(t.Context(), p, do)
		if err != nil || len(said) != 1 {
			t.Fatalf("said %+v, %v", said, err)
		}
		return said[0].Text
	}
	var first, second string
	hear(alice, func() { first = c.Show(alice, world.Medium{Body: picture(t, 300, 200)}) })
	hear(alice, func() { c.Show(alice, world.Medium{Body: picture(t, 40, 30)}) })
	if got := hear(alice, func() { c.Quote(alice, first, "what is that?") }); !strings.Contains(got, "300×200") {
		t.Errorf("a quoted picture: %q", got)
	}
	hear(ming, func() { second = c.Show(ming, world.Medium{Body: picture(t, 50, 60)}) })
	c.ForgetMedia()
	if got := hear(ming, func() { c.Quote(ming, second, "and that?") }); strings.Contains(got, "WeChat") {
		t.Errorf("a quoted picture that is gone: %q", got)
	}
	if got := c.AI.Requests(); len(got) == 0 || !strings.Contains(got[len(got)-1].Newest(), "and that?") {
		t.Error("the question was not asked")
	}
}

// TestQuotedFile asks about a file by quoting it.
func TestQuotedFile(t *testing.T) {
	c := newCast(t, world.ILink)
	alice := c.people["alice"]
	id := ""
	if _, err := c.Hear(t.Context(), alice, func() { id = c.Show(alice, world.Medium{Name: "shopping.txt", Body: []byte("milk\ntea")}) }); err != nil {
		t.Fatal(err)
	}
	said, err := c.Hear(t.Context(), alice, func() { c.Quote(alice, id, "how many things?") })
	if err != nil || len(said) != 1 || !strings.Contains(said[0].Text, "milk\ntea") || !strings.Contains(said[0].Text, "how many things?") {
		t.Errorf("said %+v, %v", said, err)
	}
}

// TestNinePictures are what people send at once.
func TestNinePictures(t *testing.T) {
	for _, channel := range []world.Channel{world.OpenWeChat, world.ILink} {
		t.Run(string(channel), func(t *testing.T) {
			t.Parallel()
			c := newCast(t, channel)
			alice := c.people["alice"]
			sent, stop := c.Subscribe()
			defer stop()
			for i := range 9 {
				c.Show(alice, world.Medium{Body: picture(t, 100+i, 100)})
			}
			all := ""
			for range 9 {
				select {
				case s := <-sent:
					all += s.Text
				case <-t.Context().Done():
					t.Fatal("not all were answered")
				}
			}
			for _, size := range []string{"100×100", "104×100", "108×100"} {
				if !strings.Contains(all, size) {
					t.Errorf("%s is not among %q", size, all)
				}
			}
		})
	}
}
