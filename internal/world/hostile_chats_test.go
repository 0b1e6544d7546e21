package world_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/internal/simllm"
	"github.com/diagbot/diagbot/internal/world"
	"github.com/diagbot/diagbot/llm"
)

// patient lets what hangs hang for longer than the test lasts.
var patient = llm.Timeouts{Headers: time.Minute, FirstToken: time.Minute, Idle: time.Minute, Total: 2 * time.Minute}

// newPatientArena is an arena in which a hanging service hangs until the bot
// stops. A quarter of its grace is for the last words: two seconds, which a machine
// that is full may need.
func newPatientArena(t *testing.T) (*arena, *simllm.Server) {
	t.Helper()
	var ai *simllm.Server
	a := newArena(t, func(o *world.Options) {
		var clients bySource
		ai, clients = newSource(t, o.Logger, patient)
		o.Bot = func(o *bot.Options) {
			o.Completer, o.Deadline, o.Grace, o.MemoryTurns = clients, 2*time.Minute, 8*time.Second, 3
		}
	})
	return a, ai
}

// waitAsked waits until the AI service has been asked n times in all.
func (a *arena) waitAsked(ai *simllm.Server, n int) {
	a.t.Helper()
	for ai.Count() < n {
		select {
		case <-a.ctx.Done():
			a.t.Fatalf("the AI service was asked %d times, not %d", ai.Count(), n)
		case <-time.After(2 * time.Millisecond): // a poll: the simulator has no signal for it
		}
	}
}

// TestHostileHang holds that a service that hangs for one chat, for a member of
// a group and for the owner delays nobody else, and that the three are told
// when the bot stops.
func TestHostileHang(t *testing.T) {
	t.Parallel()
	a, ai := newPatientArena(t)
	stuck, free := a.friend("Stuck"), a.friend("Free")
	members := a.group("team", stuck)
	others := a.group("other team", stuck, free)
	for i, p := range []world.Person{stuck, members[0]} {
		a.say(p, "are you there? !hang")
		a.waitAsked(ai, i+1)
	}
	for i := range 5 {
		if got := a.ask(free, fmt.Sprintf("free %d", i)); !strings.Contains(got, fmt.Sprintf("free %d", i)) {
			t.Errorf("said %q", got)
		}
		if got := a.ask(others[i%2], fmt.Sprintf("others %d", i)); !strings.Contains(got, fmt.Sprintf("others %d", i)) {
			t.Errorf("said %q", got)
		}
	}
	if got := a.ask(free, "/ping"); strings.Contains(got, "You said") {
		t.Errorf("said %q", got)
	}
	for _, p := range []world.Person{stuck, members[0]} {
		if n := a.post.waiting(chatOf(p)); n != 0 {
			t.Errorf("%d answers for the chat that hangs", n)
		}
	}
	if err := a.Stop(); err != nil {
		t.Error(err)
	}
	for _, p := range []world.Person{stuck, members[0]} {
		got := a.hear(p)
		if problems := unfit(got + "("); len(problems) > 0 || strings.Contains(got, "You said") {
			t.Errorf("told %q at the end: %v", got, problems)
		}
	}
}

var numbered = regexp.MustCompile(`number (\d+)\b`)

// gated is a completer that keeps prompts with "!gate" waiting until it is opened.
type gated struct {
	bot.Completer
	open chan struct{}
}

func (g gated) Complete(ctx context.Context, p llm.Prompt) (llm.Completion, error) {
	if strings.Contains(p.Messages[len(p.Messages)-1].Content, "!gate") {
		select {
		case <-g.open:
		case <-ctx.Done():
		}
	}
	return g.Completer.Complete(ctx, p)
}

// TestHostileBurst sends far more than a mailbox holds into a chat whose first
// question is still being answered.
func TestHostileBurst(t *testing.T) {
	t.Parallel()
	for _, where := range []string{"private", "group", "ilink"} {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			open := make(chan struct{})
			a := newArena(t, func(o *world.Options) {
				if where == "ilink" {
					o.Channel = world.ILink
				}
				_, clients := newSource(t, o.Logger, patient)
				o.Bot = func(o *bot.Options) { o.Completer = gated{bySource(clients), open} }
			})
			p, marker := a.friend("Ann"), a.friend("Marker")
			if where == "group" {
				p = a.group("team", p)[0]
			}
			a.say(p, "number 0 please !gate")
			for i := 1; i <= 40; i++ {
				a.say(p, fmt.Sprintf("number %d please", i))
			}
			a.ask(marker, "all of the above has been heard")
			close(open)
			judgeBurst(t, a, p)
			if got := a.ask(p, "number 99"); !strings.Contains(got, "number 99") {
				t.Errorf("after the burst: %q", got)
			}
		})
	}
}

// judgeBurst expects nine answers in order, and one word about the rest.
func judgeBurst(t *testing.T, a *arena, p world.Person) {
	var order []string
	busy := 0
	for range 10 {
		got := a.hear(p)
		if m := numbered.FindStringSubmatch(got); m != nil {
			order = append(order, m[1])
			continue
		}
		busy++
		if problems := unfit(got + "("); len(problems) > 0 {
			t.Errorf("%q: %v", got, problems)
		}
	}
	if want := strings.Fields("0 1 2 3 4 5 6 7 8"); !slices.Equal(order, want) || busy != 1 {
		t.Errorf("answered %v, told %d times to wait", order, busy)
	}
}

// TestHostileCrowd has 50 chats talk at once, half of them in groups, each
// through failures, and holds that nothing is lost, doubled, mixed up or out of
// order.
func TestHostileCrowd(t *testing.T) {
	onEach(t, hostileCrowd)
}

func hostileCrowd(t *testing.T, channel world.Channel) {
	a := newArena(t, func(o *world.Options) {
		o.Channel = channel
		_, clients := newSource(t, o.Logger, llm.Timeouts{Headers: 20 * time.Second, Total: 30 * time.Second})
		o.Bot = func(o *bot.Options) { o.Completer, o.Deadline, o.MemoryTurns = bySource(clients), 40*time.Second, 2 }
	})
	const chats, rounds = 50, 6
	people := make([]world.Person, chats)
	for i := range people {
		people[i] = a.friend(fmt.Sprintf("Person%d", i))
		if members := a.group(fmt.Sprintf("group %d", i), people[i]); i%2 == 1 && members != nil {
			people[i] = members[0]
		}
	}
	var all sync.WaitGroup
	for i, p := range people {
		all.Go(func() {
			for round := range rounds {
				text := fmt.Sprintf("chat %d round %d", i, round)
				if round == 2 {
					text += " !reset"
				}
				a.say(p, text)
			}
		})
	}
	all.Wait()
	for i, p := range people {
		for round := range rounds {
			got := a.hear(p)
			right := strings.Contains(got, fmt.Sprintf("chat %d round %d", i, round))
			if round == 2 {
				right = refIn(got) != ""
			}
			if !right {
				t.Errorf("chat %d, round %d: %q", i, round, got)
			}
		}
	}
	if err := a.Stop(); err != nil {
		t.Error(err)
	}
	// Whose failed question was kept has heard that the bot stops.
	if sent := a.sent(); sent != chats*rounds+chats {
		t.Errorf("%d messages sent, want %d", sent, chats*rounds+chats)
	}
	if complaints := a.complaints(); len(complaints) > 0 {
		t.Errorf("WeChat complained: %q", complaints)
	}
}
