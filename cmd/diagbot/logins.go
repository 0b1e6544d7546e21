package main

import (
	"context"
	"sync"
	"time"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/configs"
)

// linked is a channel that knows the link of the code to be scanned, and asks for one
// where there is none; out is false while there is nothing to scan.
type linked interface {
	bot.Dated
	LoginLink() (link string, out bool)
}

// doors are the ways to log accounts in, as far as this process serves them. An
// account that WeChat refuses is given up, and tried again when somebody asks for its
// link, as long as another one is served.
type doors struct {
	mu      sync.Mutex
	open    map[string]linked
	ours    map[string]bool          // was served here last, if it is not now
	waiting map[string]chan struct{} // given up; closed: try again
	serving int
	none    chan struct{} // closed: nothing is served any more
}

func newDoors(accounts int) *doors {
	return &doors{open: make(map[string]linked), ours: make(map[string]bool), waiting: make(map[string]chan struct{}), serving: accounts, none: make(chan struct{})}
}

// opens notes the channel of an account, until the function it returns is called.
func (d *doors) opens(account string, c linked) (shut func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open[account], d.ours[account] = c, true
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.open, account)
	}
}

// away notes that another process serves an account, as far as is known.
func (d *doors) away(account string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.ours, account)
}

// again waits until somebody asks for the link of an account that was given up. It
// reports whether to try again: not if ctx ends, or nobody is left to ask.
func (d *doors) again(ctx context.Context, account string) bool {
	asked := make(chan struct{})
	d.mu.Lock()
	d.waiting[account] = asked
	if d.serving--; d.serving == 0 {
		close(d.none)
	}
	d.mu.Unlock()
	select {
	case <-asked:
		return true
	case <-d.none:
	case <-ctx.Done():
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.waiting, account)
	delete(d.ours, account)
	return false
}

// knock has an account tried again that was given up, and returns its channel; nil:
// it has none yet.
func (d *doors) knock(account string) linked {
	d.mu.Lock()
	defer d.mu.Unlock()
	if asked := d.waiting[account]; asked != nil {
		delete(d.waiting, account)
		d.serving++
		close(asked)
	}
	return d.open[account]
}

// state tells how an account is.
func (d *doors) state(account string) bot.AccountState {
	d.mu.Lock()
	c, here := d.open[account], d.ours[account] || d.waiting[account] != nil
	d.mu.Unlock()
	s := bot.AccountState{Name: account, Elsewhere: c == nil && !here}
	if c != nil {
		s.In = !c.LoggedInSince().IsZero()
	}
	return s
}

// others are the accounts that can be logged in from the chats of one of them.
type others struct {
	*office
	account string
}

// Accounts implements bot.Logins.
func (o others) Accounts() (all []bot.AccountState) {
	for _, a := range o.cfg.Accounts {
		if a.Name != o.account {
			s := o.doors.state(a.Name)
			if a.Channel == configs.ChannelILink {
				s.Admins = a.Admins
			}
			all = append(all, s)
		}
	}
	return all
}

// knockEvery is how often a link is looked for that somebody waits for.
const knockEvery = 200 * time.Millisecond

// Link implements bot.Logins.
func (o others) Link(ctx context.Context, account string) (string, error) {
	if o.doors.state(account).Elsewhere {
		return "", bot.ErrElsewhere
	}
	tick := time.NewTicker(knockEvery)
	defer tick.Stop()
	for {
		if c := o.doors.knock(account); c != nil {
			if !c.LoggedInSince().IsZero() {
				return "", bot.ErrLoggedIn
			}
			if link, _ := c.LoginLink(); link != "" {
				return link, nil
			}
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-tick.C:
		}
	}
}
