package wechat

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/eatmoreapple/openwechat"

	"github.com/diagbot/diagbot/troubleshoot"
)

// Loading contacts, through the parts of openwechat that keep no state.
const (
	maxPages   = 200         // of the contact list
	batchSize  = 50          // contacts described per call; more are refused
	batchPause = time.Second // between such calls; WeChat answers haste with 1205
	loadTries  = 5
)

// contactAnswer is webwxgetcontact's and webwxbatchgetcontact's.
type contactAnswer struct {
	BaseResponse *baseResponse
	Seq          int64
	MemberList   []rawContact
	ContactList  []rawContact
}

// loadContacts fills the directory after a login: all contacts, then the
// members of groups. Messages are heard meanwhile.
func (l *link) loadContacts() {
	defer func() {
		if v := recover(); v != nil {
			l.c.log.Error("panic while loading contacts", "panic", v)
		}
	}()
	err := l.awaited()
	if err == nil {
		err = l.insist(l.loadGroups)
	}
	if err != nil && l.ctx.Err() == nil {
		l.c.log.Warn("contacts are incomplete; names are asked for as they are needed", "error", err)
	}
}

// awaited loads the list, and lets lookups that wait for it go on.
func (l *link) awaited() error {
	defer close(l.dir.ready)
	err := l.insist(l.loadList)
	if err == nil {
		l.dir.complete()
	}
	return err
}

// insist repeats do while its failures may pass.
func (l *link) insist(do func() error) error {
	retry := l.c.newBackoff()
	for try := 1; ; try++ {
		err := do()
		if err == nil || try == loadTries || l.ctx.Err() != nil || !passing(newFault(troubleshoot.PhaseSync, err)) {
			return err
		}
		pause(l.ctx, retry.NextBackOff())
	}
}

func (l *link) loadList() error {
	return l.sender.contacts(l.ctx, func(page []rawContact) { l.dir.learn(page...) })
}

func (l *link) loadGroups() error {
	for {
		ids := l.dir.unloaded(batchSize)
		if len(ids) == 0 {
			return nil
		}
		contacts, err := l.fetchContacts(l.ctx, ids...)
		if err != nil {
			return err
		}
		l.dir.learn(contacts...)
		if pause(l.ctx, batchPause); l.ctx.Err() != nil {
			return l.ctx.Err()
		}
	}
}

// fetchContacts describes contacts and groups by their user names.
func (l *link) fetchContacts(ctx context.Context, ids ...string) ([]rawContact, error) {
	wanted := make(openwechat.Members, len(ids))
	for i, id := range ids {
		wanted[i] = &openwechat.User{UserName: id}
	}
	a, err := readContacts(l.bot.Caller.Client.WebWxBatchGetContact(ctx, wanted, l.sender.request))
	return a.ContactList, err
}

// readContacts reads an answer the tap did not: it is decoded as it comes.
func readContacts(resp *http.Response, err error) (a contactAnswer, _ error) {
	const phase = troubleshoot.PhaseSync
	if err != nil {
		return a, faultOf(phase, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return a, &troubleshoot.Fault{Source: troubleshoot.SourceWeChat, Phase: phase, Status: resp.StatusCode}
	}
	if err := json.NewDecoder(resp.Body).Decode(&a); err != nil {
		return a, newFault(phase, err)
	}
	return a, a.BaseResponse.check(phase)
}
