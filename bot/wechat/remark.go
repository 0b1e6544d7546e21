package wechat

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/eatmoreapple/openwechat"

	"github.com/diagbot/diagbot/bot"
)

// How old the contact list may be that a remark is read from. WeChat tells of
// remarks that change, but not reliably; who has none to our knowledge is worth
// fewer calls.
const (
	remarkFresh = 5 * time.Second
	remarkQuiet = 10 * time.Minute
)

// remarks are those of all contacts at one time.
type remarks struct {
	mu    sync.Mutex // held while the list is fetched, so that one fetch serves all who wait
	at    time.Time
	of    map[string]string // by user name
	times map[string]int    // how often each is used
}

var errManyContacts = errors.New("there are too many contacts to tell them apart")

// Remark returns the remark that a human has set on somebody, on the account's own
// phone, from a contact list fetched at most seconds ago. It is empty for those
// without one, and those who share it; see [bot.Remarked].
func (c *Channel) Remark(ctx context.Context, who bot.Sender) (string, error) {
	s := c.sender.Load()
	if s == nil {
		return "", notLoggedIn()
	}
	if !isPerson(who.ID) {
		return "", nil
	}
	fresh := remarkQuiet
	if s.dir.remarked(who.ID) {
		fresh = remarkFresh
	}
	return s.remarks.look(ctx, who.ID, fresh, s.contacts)
}

// OwnerChat returns File Transfer, which its owner reads; see [bot.Owned].
func (c *Channel) OwnerChat() (bot.Chat, bool) {
	return bot.Chat{ID: fileHelper, Name: c.Name()}, c.sender.Load() != nil
}

// look finds a remark in a list that is no older than fresh.
func (r *remarks) look(ctx context.Context, id string, fresh time.Duration, fetch func(context.Context, func([]rawContact)) error) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.at.IsZero() || time.Since(r.at) >= fresh {
		if err := r.fetch(ctx, fetch); err != nil {
			return "", err
		}
	}
	remark := r.of[id]
	if r.times[remark] != 1 {
		return "", nil
	}
	return remark, nil
}

func (r *remarks) fetch(ctx context.Context, fetch func(context.Context, func([]rawContact)) error) error {
	began := time.Now()
	of, times := make(map[string]string), make(map[string]int)
	err := fetch(ctx, func(page []rawContact) {
		for i := range page {
			remark := strings.TrimSpace(decodedName(page[i].RemarkName))
			if _, known := of[page[i].UserName]; known || remark == "" {
				continue
			}
			of[page[i].UserName] = remark
			times[remark]++
		}
	})
	if err == nil && len(of) > maxPeople {
		err = errManyContacts
	}
	if err != nil {
		r.at = time.Time{}
		return err
	}
	r.at, r.of, r.times = began, of, times
	return nil
}

// remarked reports whether somebody has a remark, as far as we were told.
func (d *directory) remarked(id string) bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.people[id].remark != ""
}

// contacts fetches the contact list of the login.
func (s *sender) contacts(ctx context.Context, each func([]rawContact)) error {
	return contactPages(ctx, s.caller.Client, s.login.SKey, each)
}

// contactPages fetches a contact list page by page.
func contactPages(ctx context.Context, client *openwechat.Client, skey string, each func([]rawContact)) error {
	seq := int64(0)
	for range maxPages {
		a, err := readContacts(client.WebWxGetContact(ctx, skey, seq))
		if err != nil {
			return err
		}
		each(a.MemberList)
		if a.Seq == 0 || a.Seq == seq {
			return nil
		}
		seq = a.Seq
	}
	return errors.New("the contact list has no end")
}
