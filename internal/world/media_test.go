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

// TestNinePictures are what people send at once: they are looked at together, as many
// as services take, and answered once.
func TestNinePictures(t *testing.T) {
	for _, channel := range []world.Channel{world.OpenWeChat, world.ILink} {
		t.Run(string(channel), func(t *testing.T) {
			t.Parallel()
			c := newCast(t, channel)
			alice, ming := c.people["alice"], c.people["ming"]
			show := func(p world.Person, n int) {
				for i := range n {
					c.Show(p, world.Medium{Body: picture(t, 100+i, 100)})
				}
			}
			sent, stop := c.Subscribe()
			defer stop()
			show(alice, 9)
			show(ming, 3)
			c.Say(ming, "which one is best?")
			said := map[string]string{}
			for len(said) < 2 {
				select {
				case s := <-sent:
					said[s.To] += s.Text
				case <-t.Context().Done():
					t.Fatalf("said %q", said)
				}
			}
			if got := said[alice.ID]; !strings.Contains(got, "100×100") || !strings.Contains(got, "4 of your 9 pictures") {
				t.Errorf("to nine pictures: %q", got)
			}
			if got := said[ming.ID]; !strings.Contains(got, "102×100") {
				t.Errorf("to three: %q", got)
			}
			// Behind whatever else would come.
			for _, p := range []world.Person{alice, ming} {
				if got, err := c.Talk(t.Context(), p, "/ping"); err != nil || len(got) != 1 || strings.Contains(got[0], "×") {
					t.Errorf("then: %q, %v", got, err)
				}
			}
			asked := map[int]string{}
			for _, r := range c.AI.Requests() {
				asked[len(r.Pictures())] = r.Newest()
			}
			if len(c.AI.Requests()) != 2 || asked[4] == "" || asked[3] != "which one is best?" {
				t.Errorf("%d requests, by the number of pictures: %v", len(c.AI.Requests()), asked)
			}
		})
	}
}
