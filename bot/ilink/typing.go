package ilink

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/troubleshoot"
)

const (
	maxTickets  = 1024
	ticketTime  = 24 * time.Hour // tickets are used for a random part of it
	typingOn    = 1
	typingOff   = 2
	typingShown = 15 * time.Second // the sign fades by itself
	typingMost  = time.Hour        // between tries to get a ticket
)

// errNoTicket says that WeChat gave none.
var errNoTicket = errors.New("no ticket to show typing")

// tickets are what the sign that we type needs, one for each person. Its methods
// are safe for concurrent use.
type tickets struct {
	first time.Duration // pause after a failure; doubles
	mu    sync.Mutex
	held  map[string]*ticket
}

type ticket struct {
	text  string
	until time.Time // it is used, or none is asked for if there is none
	pause time.Duration
	shown time.Time // when the sign was last shown; zero: it is not
}

func newTickets(p pauses) *tickets { return &tickets{first: p.first, held: make(map[string]*ticket)} }

// get returns a ticket, "" if one may be asked for, and false if none may.
func (t *tickets) get(user string) (text string, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	h := t.held[user]
	if h == nil || !time.Now().Before(h.until) {
		return "", true
	}
	return h.text, h.text != ""
}

// put keeps a ticket.
func (t *tickets) put(user, text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	h := t.of(user)
	h.text, h.pause = text, 0
	h.until = time.Now().Add(ticketTime/24 + rand.N(ticketTime*23/24))
}

// failed puts the next try off.
func (t *tickets) failed(user string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	h := t.of(user)
	h.pause = min(max(2*h.pause, t.first), typingMost)
	h.text, h.until = "", time.Now().Add(h.pause)
}

// of returns what is known of somebody. The state is locked.
func (t *tickets) of(user string) *ticket {
	h := t.held[user]
	if h == nil {
		if len(t.held) >= maxTickets {
			for any := range t.held {
				delete(t.held, any)
				break
			}
		}
		h = &ticket{}
		t.held[user] = h
	}
	return h
}

func (t *tickets) showing(user string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.of(user).shown = time.Now()
}

// over has the sign taken away that somebody may still see.
func (t *tickets) over(user string, by *courier) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if h := t.held[user]; h != nil && time.Since(h.shown) < typingShown {
		h.shown = time.Time{}
		by.off(user)
	}
}

// Typing shows somebody that an answer is being written, for some seconds. It fails
// at once where it failed a short time ago. See [bot.Typer].
func (c *Channel) Typing(ctx context.Context, to bot.Chat) error {
	k := c.link.Load()
	if k == nil || !isUser(to.ID) {
		return notLoggedIn()
	}
	ctx, cancel := context.WithTimeout(ctx, sideTime)
	defer cancel()
	text, ok := c.tickets.get(to.ID)
	if !ok {
		return malformed(troubleshoot.PhaseSend, errNoTicket)
	}
	var f *troubleshoot.Fault
	if text == "" {
		text, f = k.ticket(ctx, to.ID)
	}
	if f == nil {
		c.tickets.showing(to.ID)
		f = k.typing(ctx, to.ID, text, typingOn)
	}
	if f == nil {
		return nil
	}
	if !errors.Is(f, context.Canceled) { // that is the end of the work
		c.tickets.failed(to.ID)
	}
	return f
}

// ticket asks for a ticket.
func (k *link) ticket(ctx context.Context, user string) (string, *troubleshoot.Fault) {
	in := struct {
		User  string   `json:"ilink_user_id"`
		Token string   `json:"context_token"`
		Base  baseInfo `json:"base_info"`
	}{user, k.book.pass(user, k.Bot).token, k.client.base()}
	var out configAnswer
	if _, f := k.client.post(ctx, k.login, troubleshoot.PhaseSend, "getconfig", in, &out); f != nil {
		return "", f
	}
	text := string(out.Ticket)
	if text == "" || len(text) > maxToken {
		return "", malformed(troubleshoot.PhaseSend, errNoTicket)
	}
	k.tickets.put(user, text)
	return text, nil
}

func (k *link) typing(ctx context.Context, user, ticket string, status int) *troubleshoot.Fault {
	in := struct {
		User   string   `json:"ilink_user_id"`
		Ticket string   `json:"typing_ticket"`
		Status int      `json:"status"`
		Base   baseInfo `json:"base_info"`
	}{user, ticket, status, k.client.base()}
	_, f := k.client.post(ctx, k.login, troubleshoot.PhaseSend, "sendtyping", in, &outcome{})
	return f
}

// stopTyping takes the sign away that we type; it fades anyway.
func (c *courier) stopTyping(ctx context.Context, user string) {
	k := c.link.Load()
	text, ok := c.tickets.get(user)
	if k == nil || !ok || text == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, sideTime)
	defer cancel()
	if f := k.typing(ctx, user, text, typingOff); f != nil {
		c.log.Debug("typing not ended", "error", f, "cause", cause(f))
	}
}
