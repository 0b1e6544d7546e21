package wechat

import (
	"context"
	"strings"
	"sync"
	"time"
)

// Bounds of the directory. WeChat allows 10,000 contacts and 500 members; what
// a server sends beyond that is left out.
const (
	maxPeople  = 50_000
	maxGroups  = 5_000
	maxMembers = 2_000
	maxMissing = 4_096
)

// Patience of a lookup in the sync goroutine, which must not be held up.
const (
	readyWait   = 3 * time.Second  // for the first contact list after a login
	lookupWait  = 3 * time.Second  // for one contact asked for by name
	missingWait = 10 * time.Minute // before an unknown name is asked for again
	quietWait   = 30 * time.Second // after a failure, so that not every message waits for the next
)

// rawContact is a contact, a group or a member as the servers describe it.
type rawContact struct {
	UserName, NickName, DisplayName string
	RemarkName                      string
	EncryChatRoomId                 string
	VerifyFlag                      int
	MemberList                      []rawContact
}

// official is the bit of VerifyFlag that marks official accounts.
const official = 8

// person is what we keep of a friend.
type person struct {
	name     string
	remark   string // what the account calls them; decoded
	official bool
}

// group is what we keep of a group. It is replaced, never changed.
type group struct {
	name    string
	members map[string]string // user name → name shown in the group; nil until loaded
	mine    []string          // what a mention of us may say, decoded
	asked   bool              // the background load has tried
}

// directory knows the contacts of one login. It replaces openwechat's member
// list, which sorts itself with a regular expression at every look.
type directory struct {
	self  string   // our own user name
	nick  string   // our own nickname, shown
	names []string // our own nickname, decoded
	fetch func(ctx context.Context, ids ...string) ([]rawContact, error)
	ready chan struct{} // closed when the contact list is in, or will not come

	account string // ours, the same in every login; of use in keys only
	waited  bool   // the list was waited for; the sync goroutine's

	mu      sync.RWMutex
	whole   bool // the contact list is in
	people  map[string]person
	remarks map[string]int // how many people have one
	groups  map[string]*group
	missing map[string]time.Time // asked for and not learned, and when
	quiet   time.Time            // nothing is asked for before this
}

func newDirectory(self rawContact, fetch func(context.Context, ...string) ([]rawContact, error)) *directory {
	return &directory{
		self:    self.UserName,
		nick:    shownName(self.NickName),
		names:   []string{decodedName(self.NickName)},
		fetch:   fetch,
		ready:   make(chan struct{}),
		people:  make(map[string]person),
		remarks: make(map[string]int),
		groups:  make(map[string]*group),
		missing: make(map[string]time.Time),
	}
}

// isGroup tells groups from people by their user names.
func isGroup(id string) bool { return strings.HasPrefix(id, "@@") }

// isPerson tells people and official accounts from WeChat's own mailboxes
// ("weixin", "fmessage", "newsapp" …), none of which begins with "@".
func isPerson(id string) bool { return strings.HasPrefix(id, "@") && !isGroup(id) }

// learn keeps what the servers said of contacts and groups.
func (d *directory) learn(contacts ...rawContact) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range contacts {
		d.learnOne(&contacts[i])
	}
}

func (d *directory) learnOne(c *rawContact) {
	switch {
	case isGroup(c.UserName):
		known := d.groups[c.UserName]
		if known != nil || len(d.groups) < maxGroups {
			d.groups[strings.Clone(c.UserName)] = d.newGroup(c, known)
		}
	case isPerson(c.UserName):
		if _, known := d.people[c.UserName]; known || len(d.people) < maxPeople {
			p := person{shownName(c.NickName), strings.TrimSpace(decodedName(c.RemarkName)), c.VerifyFlag&official != 0}
			d.drop(c.UserName)
			d.people[strings.Clone(c.UserName)] = p
			d.remarks[p.remark]++
		}
	}
}

// drop forgets a person.
func (d *directory) drop(id string) {
	p, known := d.people[id]
	if !known {
		return
	}
	delete(d.people, id)
	if d.remarks[p.remark]--; d.remarks[p.remark] <= 0 {
		delete(d.remarks, p.remark)
	}
}

// complete notes that all contacts are known.
func (d *directory) complete() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.whole = true
}

// key names a person in every login, by the remark that a human set on the
// account's phone: nothing else of a person lasts that they have not chosen
// themselves. It is empty for those without one, those who share it, and all while
// the contact list is not whole, for it may hold another with the same.
func (d *directory) key(id string) string {
	d.mu.RLock()
	defer d.mu.RUnlock()
	remark := d.people[id].remark
	if remark == "" || !d.whole || len(d.people) >= maxPeople || d.remarks[remark] != 1 {
		return ""
	}
	return "remark:" + d.account + ":" + remark
}

// newGroup describes c. A description without members keeps those known: the
// contact list and many changes come without them.
func (d *directory) newGroup(c *rawContact, known *group) *group {
	g := &group{name: shownName(c.NickName), mine: d.names}
	if known != nil {
		g.members, g.mine = known.members, known.mine
	}
	if len(c.MemberList) == 0 {
		return g
	}
	g.members, g.mine = make(map[string]string, len(c.MemberList)), d.names
	for i := range c.MemberList[:min(len(c.MemberList), maxMembers)] {
		m := &c.MemberList[i]
		name := shownName(m.DisplayName)
		if name == "" {
			name = shownName(m.NickName)
		}
		g.members[m.UserName] = name
		if m.UserName == d.self && m.DisplayName != "" {
			g.mine = append([]string{decodedName(m.DisplayName)}, d.names...)
		}
	}
	return g
}

// forget drops contacts that were deleted.
func (d *directory) forget(ids ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, id := range ids {
		d.drop(id)
		delete(d.groups, id)
	}
}

// person returns what is known of a friend, asking the servers once if need
// be. An unknown one is a person without a name.
func (d *directory) person(ctx context.Context, id string) person {
	p, _ := find(ctx, d, id, func() (person, bool) { p, ok := d.people[id]; return p, ok })
	return p
}

// group returns what is known of a group and its members, likewise. It is
// never nil.
func (d *directory) group(ctx context.Context, id string) *group {
	g, _ := find(ctx, d, id, func() (*group, bool) {
		g := d.groups[id]
		return g, g != nil && g.members != nil
	})
	if g == nil {
		g = &group{mine: d.names}
	}
	return g
}

// member returns the name of somebody who speaks in a group, asking again for
// a group that somebody new has joined.
func (d *directory) member(ctx context.Context, groupID, id string) string {
	g := d.group(ctx, groupID)
	name, known := g.members[id]
	if !known && d.ask(ctx, groupID, groupID+id) {
		name = d.group(ctx, groupID).members[id]
	}
	if name == "" {
		d.mu.RLock()
		defer d.mu.RUnlock()
		name = d.people[id].name
	}
	return name
}

// find looks something up: as it is, then once the contact list has come (a
// group need not wait, for the list knows no members), then by asking for it.
func find[T any](ctx context.Context, d *directory, id string, look func() (T, bool)) (T, bool) {
	locked := func() (T, bool) {
		d.mu.RLock()
		defer d.mu.RUnlock()
		return look()
	}
	if found, ok := locked(); ok {
		return found, true
	}
	if !isGroup(id) {
		d.awaitList(ctx)
	}
	found, ok := locked()
	if !ok && d.ask(ctx, id, id) {
		return locked()
	}
	return found, ok
}

func (d *directory) awaitList(ctx context.Context) {
	select {
	case <-d.ready:
		return
	default:
	}
	timer := time.NewTimer(readyWait)
	defer timer.Stop()
	select {
	case <-d.ready:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// ask fetches one contact and tells whether it came. Under the same key it
// does so once in missingWait at most, whatever comes.
func (d *directory) ask(ctx context.Context, id, key string) bool {
	if d.fetch == nil || !d.mayAsk(key) {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, lookupWait)
	defer cancel()
	contacts, err := d.fetch(ctx, id)
	if err != nil {
		d.mu.Lock()
		d.quiet = time.Now().Add(quietWait)
		d.mu.Unlock()
		return false
	}
	d.learn(contacts...)
	return true
}

func (d *directory) mayAsk(key string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	if at, asked := d.missing[key]; now.Before(d.quiet) || asked && now.Sub(at) < missingWait {
		return false
	}
	if len(d.missing) >= maxMissing {
		clear(d.missing)
	}
	d.missing[key] = now
	return true
}

// learnMissing notes a group of which nothing but the user name is known.
func (d *directory) learnMissing(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.groups[id] == nil && len(d.groups) < maxGroups {
		d.groups[strings.Clone(id)] = &group{mine: d.names}
	}
}

// unloaded returns at most n groups whose members are not known yet, each only
// once.
func (d *directory) unloaded(n int) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var ids []string
	for id, g := range d.groups {
		if g.members == nil && !g.asked && len(ids) < n {
			g := *g
			g.asked = true
			d.groups[id] = &g
			ids = append(ids, id)
		}
	}
	return ids
}
