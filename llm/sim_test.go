package llm

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/diagbot/diagbot/internal/simllm"
	"github.com/diagbot/diagbot/troubleshoot"
)

// quick makes what hangs come to an end soon.
var quick = Timeouts{Headers: time.Second, FirstToken: time.Second, Idle: 700 * time.Millisecond, Total: 1500 * time.Millisecond}

func startSim(t *testing.T) *simllm.Server {
	t.Helper()
	s, err := simllm.Start(simllm.Options{Markers: true, Slow: 20 * time.Millisecond, KeepAlive: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// Everything that can be made to fail ends in a fault with the status that was
// sent, shows no secret, and everything harmless ends in an answer, streamed
// or not.
func TestCompleteAgainstEveryFailure(t *testing.T) {
	s := startSim(t)
	for _, noStream := range []bool{false, true} {
		o := options(s.URL())
		o.NoStream, o.Timeouts, o.Transport = noStream, quick, s.Transport()
		o.Keys[0].Secret = simllm.Planted()[0]
		o.Organization = "org-simLEAK4f9XwQ2"
		c := newClient(t, o)
		for _, failure := range simllm.Failures() {
			name := failure.Name
			if noStream {
				name += " in one piece"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				ask := Prompt{Messages: []Message{{Role: RoleUser, Content: "!" + failure.Name}}}
				answer, err := c.Complete(t.Context(), ask)
				if failure.Harmless {
					if err != nil || answer.Text == "" {
						t.Errorf("got %+v, %v", answer, err)
					}
					return
				}
				checkFault(t, failure, faultOf(t, answer, err))
			})
		}
	}
}

func checkFault(t *testing.T, failure simllm.Failure, f *troubleshoot.Fault) {
	t.Helper()
	if f.Status != failure.Status {
		t.Errorf("status %d, sent was %d (%v)", f.Status, failure.Status, f.Cause)
	}
	if f.Provider == "" || f.Phase == "" || f.KeyName != "main" {
		t.Errorf("fault %+v", f)
	}
	for _, planted := range simllm.Planted() {
		if strings.Contains(f.Error(), planted) {
			t.Errorf("%q shown in %q", planted, f.Error())
		}
	}
	for _, planted := range keepFromAdmins() {
		for _, shown := range []string{f.Message, f.Detail, f.Code, f.Type, f.Param, f.RequestID} {
			if strings.Contains(shown, planted) {
				t.Errorf("%q shown in %q", planted, shown)
			}
		}
	}
}

// keepFromAdmins are the planted secrets that nobody may see: all but names,
// hosts, request ids, paths and balances, which help an admin in private.
func keepFromAdmins() []string {
	return slices.DeleteFunc(simllm.Planted(), func(s string) bool {
		return strings.HasPrefix(s, "req_") || strings.HasPrefix(s, "/") || strings.HasPrefix(s, "-") ||
			strings.HasPrefix(s, "user_") || s == "owner.LEAK" || s == "sim-upstream.example" || s == "8f2simLEAK0c9d"
	})
}
