package ilink

import (
	"cmp"
	"context"
	"errors"
	"hash/fnv"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Bounds of what is known of chats.
const (
	pages       = 32      // the book is kept in so many pieces
	maxTalks    = 320     // chats on a page; those that were quiet for longest are forgotten
	maxLater    = 40      // parts kept for one chat
	maxKept     = 1 << 20 // bytes of the parts kept for the chats of a page
	laterFor    = 7 * 24 * time.Hour
	window      = 24 * time.Hour // how long after somebody wrote they can be answered
	perMessage  = 10             // replies for each message
	letterTries = 3              // of a kept part that is refused for other reasons
)

// talk is what is known of one chat.
type talk struct {
	User    string    `json:"user"`
	Token   string    `json:"token,omitempty"` // of their newest message; replies need it
	Bot     string    `json:"bot,omitempty"`   // whom that was written to
	Heard   time.Time `json:"heard"`           // when they last wrote
	Refused bool      `json:"refused,omitempty"`
	Later   []letter  `json:"later,omitempty"` // parts to be said after their next message, in order

	visits int  // how often they wrote, in this process
	used   int  // replies since
	cooled bool // a refused part was tried again after a while
	turn   chan struct{}
}

// letter is a part of a reply that WeChat would not take yet.
type letter struct {
	ID   int64     `json:"id"`
	Text string    `json:"text"`
	At   time.Time `json:"at"`

	tries  int
	unsure bool // it may have arrived already
}

// book knows the chats of the account. Its methods are safe for concurrent use.
type book struct {
	log  *slog.Logger
	save func(ctx context.Context, page int, talks []talk) error

	mu    sync.Mutex
	pages [pages]page
}

type page struct {
	talks   map[string]*talk
	kept    int  // bytes of the parts kept
	dirty   bool // not saved as it is
	writing bool // being saved; whether that works is not known
	failing bool // it could not be saved
	saving  sync.Mutex
}

func newBook(log *slog.Logger, save func(context.Context, int, []talk) error) *book {
	b := &book{log: log, save: save}
	for i := range b.pages {
		b.pages[i].talks = make(map[string]*talk)
	}
	return b
}

func pageName(n int) string { return nameChats + strconv.Itoa(n) }

func pageOf(user string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(user))
	return int(h.Sum32() % pages)
}

// fill puts back what was kept by an earlier process.
func (b *book) fill(talks []talk) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, t := range talks {
		p := &b.pages[pageOf(t.User)]
		if p.talks[t.User] != nil || !isUser(t.User) || len(p.talks) >= maxTalks {
			continue
		}
		if !isToken(t.Token) {
			t.Token = ""
		}
		t.Later = t.Later[:min(len(t.Later), maxLater)]
		for _, l := range t.Later {
			p.kept += len(l.Text)
		}
		t.turn = make(chan struct{}, 1)
		p.talks[t.User] = &t
	}
}

// talk returns what is known of a chat, and its page. The state is locked.
func (b *book) talk(user string) (*talk, *page) {
	p := &b.pages[pageOf(user)]
	t := p.talks[user]
	if t == nil {
		if len(p.talks) >= maxTalks {
			p.forget()
		}
		t = &talk{User: user, turn: make(chan struct{}, 1)}
		p.talks[user] = t
	}
	return t, p
}

// find returns what is known of a chat, at least nothing. The state is locked.
func (b *book) find(user string) *talk {
	if t := b.pages[pageOf(user)].talks[user]; t != nil {
		return t
	}
	return &talk{}
}

// forget makes room: for those who have nothing waiting first.
func (p *page) forget() {
	var oldest *talk
	for _, t := range p.talks {
		if len(t.turn) > 0 { // something is being said to them
			continue
		}
		if oldest == nil || cmp.Or(compareBool(len(t.Later) > 0, len(oldest.Later) > 0), t.Heard.Compare(oldest.Heard)) < 0 {
			oldest = t
		}
	}
	if oldest == nil {
		return
	}
	for _, l := range oldest.Later {
		p.kept -= len(l.Text)
	}
	delete(p.talks, oldest.User)
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// heard notes that somebody wrote: they can be answered, with a new token.
func (b *book) heard(user, bot, token string, at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t, p := b.talk(user)
	if isToken(token) {
		t.Token, t.Bot = token, bot
	}
	if at.After(t.Heard) {
		t.Heard = at
	}
	t.Refused, t.cooled, t.used = false, false, 0
	t.visits++
	p.dirty = true
}

// renewed notes the token of a message that had come before: a copy brings a new
// token, and no new replies.
func (b *book) renewed(user, bot, token string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t, p := b.talk(user); isToken(token) {
		t.Token, t.Bot, p.dirty = token, bot, true
	}
}

// pass is what a reply to somebody needs.
type pass struct {
	token  string
	left   bool // as far as we know WeChat has reason to take more
	opened bool // they wrote within the window
	visit  int  // it is good for
}

func (b *book) pass(user, bot string) pass {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.find(user)
	v := pass{opened: !t.Refused && time.Since(t.Heard) < window, visit: t.visits}
	v.left = v.opened && t.used < perMessage
	if t.Bot == bot {
		v.token = t.Token
	}
	return v
}

func (b *book) said(user string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t, _ := b.talk(user)
	t.used++
	t.cooled = false
}

// turn waits for the right to say something to somebody, so that what is kept
// comes first and in order. The function returned gives it back.
func (b *book) turn(ctx context.Context, user string) (func(), error) {
	b.mu.Lock()
	t, _ := b.talk(user)
	b.mu.Unlock()
	select {
	case t.turn <- struct{}{}:
		return func() { <-t.turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// next returns the first part kept for somebody, if it may be tried. Those that
// are too old are gone.
func (b *book) next(user string) (letter, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t, p := b.talk(user)
	for len(t.Later) > 0 && time.Since(t.Later[0].At) > laterFor {
		p.drop(t)
	}
	if t.Refused || len(t.Later) == 0 {
		return letter{}, false
	}
	return t.Later[0], true
}

func (p *page) drop(t *talk) {
	p.kept -= len(t.Later[0].Text)
	t.Later = slices.Delete(t.Later, 0, 1)
	p.dirty = true
}

// waits tells whether something is kept for somebody, so that what follows must
// wait behind it.
func (b *book) waits(user string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.find(user).Later) > 0
}

// waiting returns those for whom something is kept that may be tried.
func (b *book) waiting() (users []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range b.pages {
		for _, t := range b.pages[i].talks {
			if len(t.Later) > 0 && !t.Refused {
				users = append(users, t.User)
			}
		}
	}
	return users
}

// done takes a kept part away: it is said, or never will be.
func (b *book) done(user string, id int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t, p := b.talk(user); len(t.Later) > 0 && t.Later[0].ID == id {
		p.drop(t)
	}
}

// missed notes that the first kept part did not get through, for other reasons
// than that nothing does. It reports whether it is worth another try.
func (b *book) missed(user string, id int64, unsure bool) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.find(user)
	if len(t.Later) == 0 || t.Later[0].ID != id {
		return false
	}
	l := &t.Later[0]
	l.tries++
	again := l.tries < letterTries && !(unsure && l.unsure)
	l.unsure = l.unsure || unsure
	return again
}

// refuse notes that WeChat, asked with a pass, takes nothing for somebody until they
// write. If they have written meanwhile, it may by now. It reports whether it is
// worth trying once more after a while.
func (b *book) refuse(user string, v pass) (cool bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t, p := b.talk(user)
	if t.visits != v.visit {
		return false
	}
	t.Refused, p.dirty = true, true
	cool = v.left && !t.cooled
	t.cooled = true
	return cool
}

// relent lets what is kept for somebody be tried once more.
func (b *book) relent(user string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t, p := b.talk(user)
	t.Refused, p.dirty = false, true
}

// errFull says that no more can be kept for a chat.
var errFull = errors.New("no more replies can be kept")

// keep puts a part behind those that wait. One that waits already is not put
// there again.
func (b *book) keep(user string, l letter) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	t, p := b.talk(user)
	if slices.ContainsFunc(t.Later, func(k letter) bool { return k.ID == l.ID }) {
		return nil
	}
	if len(t.Later) >= maxLater || p.kept+len(l.Text) > maxKept {
		return errFull
	}
	t.Later = append(t.Later, l)
	p.kept += len(l.Text)
	p.dirty = true
	return nil
}

// flush saves the pages that changed, side by side: the vault may take several
// writes in one step.
func (b *book) flush(ctx context.Context) {
	b.mu.Lock()
	var changed []int
	for i := range b.pages {
		if b.pages[i].dirty || b.pages[i].writing {
			changed = append(changed, i)
		}
	}
	b.mu.Unlock()
	var under sync.WaitGroup
	for _, i := range changed {
		under.Go(func() { b.write(ctx, i) })
	}
	under.Wait()
}

func (b *book) write(ctx context.Context, n int) {
	p := &b.pages[n]
	p.saving.Lock()
	defer p.saving.Unlock()
	b.mu.Lock()
	talks := make([]talk, 0, len(p.talks))
	for _, t := range p.talks {
		if t.Token != "" || len(t.Later) > 0 {
			copied := *t
			copied.Later = slices.Clone(t.Later)
			talks = append(talks, copied)
		}
	}
	dirty := p.dirty
	p.dirty, p.writing = false, dirty
	b.mu.Unlock()
	if !dirty {
		return // another saved it meanwhile
	}
	err := b.save(ctx, n, talks)
	b.mu.Lock()
	defer b.mu.Unlock()
	p.writing = false
	if p.dirty = p.dirty || err != nil; err != nil && !p.failing {
		b.log.Warn("what replies need was not saved; some may be refused after a restart", "error", err)
	}
	p.failing = err != nil
}
