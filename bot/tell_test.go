package bot

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// picky is a channel with lasting ids that reaches some people only.
type picky struct {
	*fakeChannel
	open []string
	off  bool // not logged in
}

func (c *picky) Reaches(to Chat) bool { return slices.Contains(c.open, to.ID) }

func (c *picky) OwnerChat() (Chat, bool) { return Chat{ID: "olga"}, c.Reaches(Chat{ID: "olga"}) }

func (c *picky) LoggedInSince() time.Time {
	if c.off {
		return time.Time{}
	}
	return time.Now()
}

// TestTell holds who hears of another account: all admins who can be written to,
// each in their language.
func TestTell(t *testing.T) {
	if _, err := catalogue(); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		c := &picky{open: []string{"olga", "paul", "lena", "rita"}}
		w := newWorldOn(t, func(f *fakeChannel) { f.traits.StableIDs, c.fakeChannel = true, f }, func(o *Options) {
			o.Channel, o.Admins, o.Locale = c, []string{"lena", "rita", "zoe"}, ""
		})
		synctest.Wait()
		if err := w.relay.admins.admit(t.Context(), Sender{ID: "paul"}, "", time.Now()); err != nil {
			t.Fatal(err)
		}
		if err := w.relay.store.Set(t.Context(), scopeRevoked, "rita", "Rita"); err != nil {
			t.Fatal(err)
		}
		w.hear(private("olga", "你好，在吗？"))
		w.texts()
		news := func(tag string) string { return "news in " + tag }
		tell := func() (got []string) {
			n, trusted := w.relay.Tell(func(tag string, trusted bool) string {
				if trusted {
					return "a link in " + tag
				}
				return news(tag)
			})
			synctest.Wait()
			for _, u := range c.take() {
				got = append(got, u.to.ID+": "+u.text)
			}
			if slices.Sort(got); n != len(got) {
				t.Errorf("told %d, said %q", n, got)
			}
			if links := strings.Count(strings.Join(got, "\n"), ": a link in "); links != trusted {
				t.Errorf("%d are trusted, said %q", trusted, got)
			}
			return got
		}
		if got, want := tell(), []string{"lena: a link in en", "olga: a link in zh-Hans", "paul: news in en"}; !slices.Equal(got, want) {
			t.Errorf("said %q, want %q", got, want)
		}
		c.open = []string{"paul"}
		if got := tell(); !slices.Equal(got, []string{"paul: news in en"}) {
			t.Errorf("said %q", got)
		}
		news = func(string) string { return "" }
		if got := tell(); got != nil {
			t.Errorf("said %q, though there is nothing to say to Paul", got)
		}
		if err := w.relay.admins.admit(t.Context(), Sender{ID: "lena"}, "", time.Now()); err != nil {
			t.Fatal(err)
		}
		c.open = []string{"lena", "paul"}
		if got := tell(); !slices.Equal(got, []string{"lena: a link in en"}) {
			t.Errorf("said %q", got)
		}
		if err := w.relay.switches.hush(t.Context(), w.relay.store, time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if got := tell(); got != nil {
			t.Errorf("said %q, though they want quiet", got)
		}
		time.Sleep(2 * time.Hour)
		c.off = true
		if got := tell(); got != nil {
			t.Errorf("said %q while not logged in", got)
		}
		w.stop()
		synctest.Wait()
		if got := tell(); got != nil {
			t.Errorf("said %q after the end", got)
		}
	})
}
