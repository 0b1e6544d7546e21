package bot

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// settings is the part of a store that admins need.
type settings struct {
	Store
	mu  sync.Mutex
	set map[string]map[string]string
	err error
}

func (s *settings) Settings(_ context.Context, scope string) (map[string]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := make(map[string]string)
	for name, value := range s.set[scope] {
		kept[name] = value
	}
	return kept, s.err
}

func (s *settings) Set(_ context.Context, scope, name, value string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	if s.set == nil {
		s.set = make(map[string]map[string]string)
	}
	if s.set[scope] == nil {
		s.set[scope] = make(map[string]string)
	}
	s.set[scope][name] = value
	if value == "" {
		delete(s.set[scope], name)
	}
	return nil
}

// paired opens an offer and returns its code.
func opened(t *testing.T, s *settings, now time.Time) string {
	t.Helper()
	code, value := NewOffer(now)
	if err := s.Set(t.Context(), ScopePairing, NamePairing, value); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(value, code) || strings.Contains(value, strings.ReplaceAll(code, "-", "")) {
		t.Fatalf("the offer %s holds the code %s", value, code)
	}
	return code
}

func TestPairing(t *testing.T) {
	now := time.Now()
	type try struct {
		sender, code string
		after        time.Duration
		want         paired
	}
	const right = "right"
	for name, tries := range map[string][]try{
		"right":         {{"a", right, 0, pairedYes}},
		"once":          {{"a", right, 0, pairedYes}, {"a", right, 0, pairedNo}, {"b", right, 0, pairedNo}},
		"in time":       {{"a", right, codeLife - time.Second, pairedYes}},
		"late":          {{"a", right, codeLife, pairedNo}},
		"after a slip":  {{"a", "wrong", 0, pairedNo}, {"a", "wrong", 0, pairedNo}, {"a", right, 0, pairedYes}},
		"locked":        {{"a", "1", 0, pairedNo}, {"a", "2", 0, pairedNo}, {"a", "3", 0, pairedNo}, {"a", right, 0, pairedLocked}, {"b", right, 0, pairedYes}},
		"locked longer": {{"a", "1", 0, pairedNo}, {"a", "2", 0, pairedNo}, {"a", "3", 0, pairedNo}, {"a", "4", guessTime - time.Second, pairedLocked}, {"a", "5", guessTime, pairedNo}},
		"worn out":      {{"a", "1", 0, pairedNo}, {"a", "2", 0, pairedNo}, {"b", "3", 0, pairedNo}, {"b", "4", 0, pairedNo}, {"c", "5", 0, pairedSpent}, {"d", right, 0, pairedNo}},
		"empty":         {{"a", "", 0, pairedNo}},
		"huge":          {{"a", strings.Repeat("A", 1<<20), 0, pairedNo}},
	} {
		t.Run(name, func(t *testing.T) {
			s := &settings{}
			code := opened(t, s, now)
			p := &pairing{store: s}
			for i, x := range tries {
				if x.code == right {
					x.code = code
				}
				got, _, err := p.try(t.Context(), x.sender, x.code, now.Add(x.after))
				if got != x.want || err != nil {
					t.Errorf("try %d: %v %v, want %v", i+1, got, err, x.want)
				}
			}
		})
	}
}

// TestCodeAsTyped takes a code as a phone may write it.
func TestCodeAsTyped(t *testing.T) {
	for name, typed := range map[string]func(string) string{
		"lower case": strings.ToLower,
		"no dash":    func(s string) string { return strings.ReplaceAll(s, "-", "") },
		"spaces":     func(s string) string { return strings.ReplaceAll(s, "-", " ") },
		"full width": func(s string) string {
			return strings.Map(func(r rune) rune { return r + '！' - '!' }, s)
		},
		"invisible": func(s string) string { return s[:3] + "\u200b" + s[3:] },
	} {
		s := &settings{}
		code := opened(t, s, time.Now())
		if got, _, err := (&pairing{store: s}).try(t.Context(), "a", typed(code), time.Now()); got != pairedYes || err != nil {
			t.Errorf("%s: %q is %v, %v", name, typed(code), got, err)
		}
	}
}

// TestGuessing guesses 10,000 times, as one person and as many.
func TestGuessing(t *testing.T) {
	for _, people := range []int{1, 10_000} {
		s := &settings{}
		now := time.Now()
		opened(t, s, now)
		p := &pairing{store: s}
		for i := range 10_000 {
			guess, _ := NewOffer(now)
			if got, _, err := p.try(t.Context(), fmt.Sprint("p", i%people), guess, now); got == pairedYes || err != nil {
				t.Fatalf("guess %d of %d people: %v %v", i, people, got, err)
			}
		}
		// One person alone cannot spoil the code for the others.
		if left, _ := s.Settings(t.Context(), ScopePairing); len(left) > 0 != (people == 1) {
			t.Errorf("after 10,000 guesses of %d people the store holds %v", people, left)
		}
		if len(p.guesses) > maxGuess {
			t.Errorf("%d people are remembered", len(p.guesses))
		}
	}
}

func TestCodesDiffer(t *testing.T) {
	seen := make(map[string]bool)
	for range 10_000 {
		code, _ := NewOffer(time.Now())
		if len(code) != codeLen+1 || code[codeLen/2] != '-' || seen[code] {
			t.Fatalf("code %q", code)
		}
		seen[code] = true
	}
}

// phonebook is a channel whose people have remarks.
type phonebook struct {
	*fakeChannel
	remarks map[string]string
	err     error
}

func (p *phonebook) Remark(_ context.Context, s Sender) (string, error) {
	return p.remarks[s.ID], p.err
}

func TestProof(t *testing.T) {
	s := &settings{}
	book := &phonebook{newFakeChannel(), map[string]string{"@ann": "diagbot-admin", "@bob": "Bob"}, nil}
	a := &admins{store: s, channel: book, remarks: []string{"diagbot-admin"}, listed: []string{"@listed"}}
	now := time.Now()
	if err := a.admit(t.Context(), Sender{ID: "@carl", Name: "Carl"}, "l1", now); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		sender Sender
		login  string
		want   proof
	}{
		"owner":                   {Sender{ID: "@me", Owner: true}, "l1", proofOwner},
		"paired":                  {Sender{ID: "@carl"}, "l1", proofPaired},
		"paired in another login": {Sender{ID: "@carl"}, "l2", ""},
		"remark":                  {Sender{ID: "@ann"}, "l2", proofRemark},
		"other remark":            {Sender{ID: "@bob"}, "l1", ""},
		"name like the remark":    {Sender{ID: "@eve", Name: "diagbot-admin"}, "l1", ""},
		"name like an admin":      {Sender{ID: "@eve", Name: "Carl"}, "l1", ""},
		"listed where ids change": {Sender{ID: "@listed"}, "l1", ""},
		"nobody":                  {Sender{}, "l1", ""},
	} {
		if got, err := a.proof(t.Context(), test.sender, test.login); got != test.want || err != nil {
			t.Errorf("%s: %q %v, want %q", name, got, err, test.want)
		}
	}
	a.stable = true
	if got, err := a.proof(t.Context(), Sender{ID: "@listed"}, ""); got != proofListed || err != nil {
		t.Errorf("listed: %q %v", got, err)
	}
}

func TestProofIsRefusedWhenItCannotBeFoundOut(t *testing.T) {
	broken := fmt.Errorf("broken")
	s := &settings{}
	book := &phonebook{newFakeChannel(), nil, broken}
	a := &admins{store: s, channel: book, remarks: []string{"x"}}
	if got, err := a.proof(t.Context(), Sender{ID: "@ann"}, "l1"); got != "" || err == nil {
		t.Errorf("channel broken: %q %v", got, err)
	}
	s.err = broken
	if got, err := a.proof(t.Context(), Sender{ID: "@ann"}, "l1"); got != "" || err == nil {
		t.Errorf("store broken: %q %v", got, err)
	}
}

func TestRevoke(t *testing.T) {
	s := &settings{}
	book := &phonebook{newFakeChannel(), map[string]string{"@ann": "x"}, nil}
	a := &admins{store: s, channel: book, remarks: []string{"x"}}
	now := time.Now()
	for i, id := range []string{"@ann", "@bob"} {
		if err := a.admit(t.Context(), Sender{ID: id, Name: id}, "l1", now.Add(time.Duration(i)*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := a.revoke(t.Context(), "l1/@eve"); err != errNoAdmin {
		t.Errorf("revoke nobody: %v", err)
	}
	if g, err := a.revoke(t.Context(), "l1/@ann"); err != nil || g.Name != "@ann" {
		t.Fatalf("revoked %+v, %v", g, err)
	}
	if got, _ := a.proof(t.Context(), Sender{ID: "@ann"}, "l1"); got != "" {
		t.Errorf("whose right was taken away is an admin by %q", got)
	}
	if left, _ := a.list(t.Context(), "l1"); len(left) != 1 || left[0].Name != "@bob" {
		t.Errorf("left: %+v", left)
	}
	if err := a.admit(t.Context(), Sender{ID: "@ann", Name: "@ann"}, "l1", now); err != nil {
		t.Fatal(err)
	}
	if got, _ := a.proof(t.Context(), Sender{ID: "@ann"}, "l1"); got != proofPaired {
		t.Errorf("who paired again is an admin by %q", got)
	}
	// With a remark, the person is known in the next login as well.
	ann := Sender{ID: "@ann", Name: "Ann", Key: "remark:1:x"}
	if err := a.admit(t.Context(), ann, "l1", now); err != nil {
		t.Fatal(err)
	}
	if _, err := a.revoke(t.Context(), "l1/@ann"); err != nil {
		t.Fatal(err)
	}
	ann.ID = "@ann2"
	book.remarks["@ann2"] = "x"
	if got, _ := a.proof(t.Context(), ann, "l2"); got != "" {
		t.Errorf("whose right was taken away is an admin by %q in the next login", got)
	}
	unknown := ann
	unknown.Key = "" // while the contacts are not known
	if got, _ := a.proof(t.Context(), unknown, "l2"); got != "" {
		t.Errorf("whose right was taken away is an admin by %q while nobody can tell them apart", got)
	}
	if err := a.forget(t.Context(), "l2"); err != nil {
		t.Fatal(err)
	}
	if left, _ := a.paired(t.Context()); len(left) > 0 {
		t.Errorf("kept of an earlier login: %+v", left)
	}
	if err := a.admit(t.Context(), ann, "l2", now); err != nil {
		t.Fatal(err)
	}
	if got, _ := a.proof(t.Context(), ann, "l2"); got != proofPaired {
		t.Errorf("who paired again is an admin by %q", got)
	}
}
