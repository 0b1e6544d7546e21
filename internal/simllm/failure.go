package simllm

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// Failure is one thing that can go wrong, as a client of the service sees it on
// the wire. It is played in this order: Delay, then Status and headers, then the
// body, then End.
type Failure struct {
	Name    string   // unique, as "openai-401-ip"
	Aliases []string // shorter names for the demo, as "401"
	About   string   // what happened, in a few words
	Source  string   // "api", or "web": a ChatGPT web session behind a reverse proxy
	Guide   string   // which of the 22 entries of the first guide it shows; or empty
	Entry   string   // the id of the catalogue's entry that fits best; empty if Harmless
	Also    []string // other entries that are not wrong

	// Wait is the pause the answer asks for; 0 when it asks for none.
	Wait time.Duration
	// Harmless: nothing is wrong, only unusual. A good client gets the answer.
	Harmless bool
	// Stream: only a streamed answer can fail so; others get a close relative.
	Stream bool

	Delay  time.Duration // before anything is sent
	Status int           // 0: nothing is sent, the connection just ends as End says
	Header http.Header   // values are scripts like Body
	Body   string        // script, see failures/README.md
	End    End

	slow    bool // Delay is Options.Slow
	bare    bool // no blank line follows the last event
	headers map[string][]*script
	body    *script
}

// End says how a connection goes on when what was to be sent has been sent.
type End string

// The ends.
const (
	EndWhole End = ""      // properly
	EndHang  End = "hang"  // silence until the client leaves
	EndCut   End = "cut"   // closed, with less than was promised
	EndReset End = "reset" // TCP RST
	EndDrip  End = "drip"  // comments or blank lines until the client leaves
	EndFlood End = "flood" // more and more text until the client leaves, at most 64 MiB
)

// Failures returns everything on tap, the guide's first.
func Failures() []Failure {
	s, err := shelf()
	if err != nil {
		return nil // the data are embedded and tested
	}
	all := make([]Failure, len(s.all))
	for i, f := range s.all {
		all[i] = *f
		all[i].Aliases, all[i].Also = slices.Clone(f.Aliases), slices.Clone(f.Also)
		all[i].Header = f.Header.Clone()
	}
	return all
}

// Find returns the failure of that name or alias.
func Find(name string) (Failure, bool) {
	s, err := shelf()
	if err != nil {
		return Failure{}, false
	}
	f, ok := s.byName[strings.ToLower(name)]
	if !ok {
		return Failure{}, false
	}
	return *f, true
}

// Planted lists the secrets and private facts that bodies and headers of the
// failures contain: keys, tokens, organisations, addresses, links, balances.
// None is real. None may reach a reply to someone who is not an admin; keys and
// tokens may not reach anybody.
func Planted() []string {
	return []string{
		"sk-sim-proj-LEAK7Qx2mVb9Kd4TzR8wYn3J",
		"sk-sim-***************LEAK",
		"5e1a0f9d7c3b4a8e9f6d2c1b0a7e8d9f.LEAKsim012345678",
		"AIzaSimLEAKLEAKLEAKLEAKLEAKLEAKLEAK0000",
		"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJMRUFLIn0.c2ltLUxFQUstc2lnbmF0dXJl",
		"org-simLEAK4f9XwQ2",
		"proj_simLEAK83hd",
		"203.0.113.77",
		"2001:db8:51a::77",
		"10.31.7.5",
		"sim-upstream.example",
		"owner.LEAK",
		"8f2simLEAK0c9d",
		"req_simLEAK5b1c",
		"user_simLEAK62pq",
		"/srv/relay-LEAK/",
		"-3.27",
	}
}
