package simwechat_test

import (
	"testing"

	"github.com/diagbot/diagbot/internal/simwechat"
)

// crowd is a server with 4,000 contacts and a group.
func crowd(b *testing.B) (s *simwechat.Server, group string) {
	s = start(b, simwechat.Options{})
	s.AddFillers(4000)
	return s, s.AddGroup(simwechat.Group{Name: "g", Members: []simwechat.Member{{Nick: "m"}}})
}

// BenchmarkRoundTrip is what the simulator and the client's HTTP cost together: a
// group message is polled for, fetched and answered.
func BenchmarkRoundTrip(b *testing.B) {
	s, group := crowd(b)
	c, began := quiet(b, s)
	key := began.SyncKey
	b.ReportAllocs()
	for b.Loop() {
		s.SayIn(group, "m", "hello")
		if _, err := c.check(b.Context(), key); err != nil {
			b.Fatal(err)
		}
		key = c.syncFrom(b, key).SyncKey
		if err := c.send(s, group, "hello yourself"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSayIn is a message arriving while nobody fetches any.
func BenchmarkSayIn(b *testing.B) {
	s, group := crowd(b)
	b.ReportAllocs()
	for b.Loop() {
		s.SayIn(group, "m", "hello & <you>\nagain")
	}
}

// BenchmarkContacts lists 4,000 contacts in four pages.
func BenchmarkContacts(b *testing.B) {
	s, _ := crowd(b)
	c, _ := quiet(b, s)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Caller.WebWxGetContact(b.Context(), c.Storage.LoginInfo); err != nil {
			b.Fatal(err)
		}
	}
}
