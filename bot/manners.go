package bot

import (
	"slices"
	"sync"
	"time"

	"github.com/diagbot/diagbot/troubleshoot"
)

const (
	groupWindow    = 10 * time.Minute // a group hears of the same entry once in so long
	personalWindow = time.Minute      // a person in a group of what is wrong with their own messages
	repeatWindow   = time.Minute      // and in private is told the same in short
	maxTold        = 10_000           // groups, people and chats of whom that is remembered, twice at most
)

// tone says how much is said of a failure.
type tone int

const (
	toneFull  tone = iota
	toneShort      // its title and its reference
	toneNone
)

// manners know what chats have been told lately. They are safe for concurrent use.
type manners struct {
	mu       sync.Mutex
	groups   table[time.Time] // by chat and entry
	people   table[time.Time] // by chat, person and entry
	privates table[lastTold]  // by chat
}

// lastTold is what a private chat was told last.
type lastTold struct {
	entry string
	at    time.Time
}

func newManners() *manners {
	return &manners{
		groups: newTable[time.Time](groupWindow, maxTold), people: newTable[time.Time](personalWindow, maxTold),
		privates: newTable[lastTold](repeatWindow, maxTold),
	}
}

// personal reports whether an entry is about the message of the person who hears
// of it, and of no use to anybody else.
func personal(e *troubleshoot.Entry) bool {
	return slices.Contains([]string{"shorten", "rephrase", "reset"}, e.Act)
}

// failure decides how to tell the person of a chat of an entry, and counts it as
// told. chat is its token.
func (m *manners) failure(chat, person string, group bool, e *troubleshoot.Entry, now time.Time) tone {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case !group:
		was, _ := m.privates.get(chat, now)
		m.privates.put(chat, lastTold{e.ID, now}, now)
		if was.entry == e.ID && now.Sub(was.at) < repeatWindow {
			return toneShort
		}
		return toneFull
	case personal(e):
		return once(&m.people, chat+"\n"+person+"\n"+e.ID, personalWindow, now)
	}
	return once(&m.groups, chat+"\n"+e.ID, groupWindow, now)
}

// once is full the first time in a window, and none after that.
func once(t *table[time.Time], name string, window time.Duration, now time.Time) tone {
	if at, told := t.get(name, now); told && now.Sub(at) < window {
		return toneNone
	}
	t.put(name, now, now)
	return toneFull
}

// well notes that a private chat was answered: the next failure is news.
func (m *manners) well(chat string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.privates.drop(chat)
}

// recall takes what groups were told before a restart from the incidents that were
// kept, oldest first.
func (m *manners) recall(all []Incident, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, i := range all {
		if i.Group && !i.Rescued && now.Sub(i.At) < groupWindow {
			once(&m.groups, i.Chat+"\n"+i.Entry, groupWindow, i.At)
		}
	}
}
