package main

import (
	"context"
	"sync"
	"time"

	"github.com/diagbot/diagbot/troubleshoot"
)

const (
	cryAfter = time.Second      // what happens in one go is told in one message
	cryAgain = 10 * time.Second // tries while nobody can be told
	maxLinks = 3                // links told of one trouble: who does not open these is not there
)

// teller tells the admins of an account something; see [bot.Relay.Tell].
type teller interface {
	Tell(write func(locale string, trusted bool) string) (told, trusted int)
}

// crier tells the admins of one account, in WeChat, of trouble with the login of
// another. What nobody can be told yet waits until somebody can, or it is over.
type crier struct {
	others    func(account string) []teller
	catalogue func() *troubleshoot.Catalogue
	woken     chan struct{}

	mu       sync.Mutex
	troubles map[string]*cry // by account
}

// cry is a trouble with an account.
type cry struct {
	fault  *troubleshoot.Fault // to be told; nil: it was
	link   string              // to be told; empty: there is none, or it was told
	links  int                 // told
	linkAt time.Time           // when the last was told
	told   bool                // somebody knows of the trouble
	over   bool
}

func newCrier(catalogue func() *troubleshoot.Catalogue, others func(string) []teller) *crier {
	return &crier{others: others, catalogue: catalogue, woken: make(chan struct{}, 1), troubles: make(map[string]*cry)}
}

// note changes what is known of an account's trouble.
func (c *crier) note(account string, change func(*cry)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.troubles[account]
	if t == nil || t.over && !t.told {
		t = &cry{}
		c.troubles[account] = t
	}
	change(t)
	select {
	case c.woken <- struct{}{}:
	default:
	}
}

// trouble says what is wrong with an account's login.
func (c *crier) trouble(account string, f *troubleshoot.Fault) {
	c.note(account, func(t *cry) { t.fault, t.over = f, false })
}

// scan says that a login waits for its link to be opened.
func (c *crier) scan(account, link string) {
	c.note(account, func(t *cry) {
		t.over = false
		if t.links < maxLinks && time.Since(t.linkAt) >= scanEvery {
			t.link = link
		}
	})
}

// unscanned says that the last link leads nowhere, and no other follows.
func (c *crier) unscanned(account string) { c.note(account, func(t *cry) { t.link = "" }) }

// over says that the account is logged in.
func (c *crier) over(account string) {
	c.note(account, func(t *cry) { t.over, t.fault, t.link = true, nil, "" })
}

// run tells what is to be told until ctx ends.
func (c *crier) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.woken:
			timer.Reset(cryAfter)
		case <-timer.C:
			if c.round() {
				timer.Reset(cryAgain)
			}
		}
	}
}

// round tells what can be told, and reports whether something is left.
func (c *crier) round() (left bool) {
	c.mu.Lock()
	due := make(map[string]cry)
	for account, t := range c.troubles {
		if t.over && !t.told {
			delete(c.troubles, account)
		} else if t.over || t.fault != nil || t.link != "" {
			due[account] = *t
		}
	}
	c.mu.Unlock()
	for account, t := range due {
		n, trusted := c.tell(account, t)
		if n > 0 {
			c.settle(account, t, trusted > 0)
		}
		left = left || n == 0 || t.link != "" && trusted == 0
	}
	return left
}

// settle notes that a trouble was told as it was then, with its link or without.
func (c *crier) settle(account string, was cry, linked bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.troubles[account]
	if t == nil {
		return
	}
	if t.told = true; was.over && t.over {
		delete(c.troubles, account)
	}
	if t.fault == was.fault {
		t.fault = nil
	}
	if was.link != "" && linked {
		t.links, t.linkAt = t.links+1, time.Now()
		if t.link == was.link {
			t.link = ""
		}
	}
}

// tell returns how many were told, and how many of them may have the link.
func (c *crier) tell(account string, t cry) (n, trusted int) {
	for _, relay := range c.others(account) {
		told, links := relay.Tell(func(tag string, trusted bool) string { return c.words(tag, account, t, trusted) })
		n, trusted = n+told, trusted+links
	}
	return n, trusted
}

// words are what an admin reads; nothing, where there is but a link that is not for
// them.
func (c *crier) words(tag, account string, t cry, trusted bool) string {
	if !trusted {
		t.link = ""
	}
	if !t.over && t.fault == nil && t.link == "" {
		return ""
	}
	catalogue := c.catalogue()
	if t.over {
		return catalogue.Say(tag, "account_back", "account", account)
	}
	text := catalogue.Say(tag, "account_trouble", "account", account)
	if t.fault != nil {
		text += "\n\n" + catalogue.Explain(catalogue.Diagnose(t.fault).Entry.ID,
			troubleshoot.Telling{Audience: troubleshoot.AudienceAdmin, Locale: tag})
	}
	if t.link != "" {
		text += "\n\n" + catalogue.Say(tag, "account_scan") + "\n" + t.link
	}
	return text
}
