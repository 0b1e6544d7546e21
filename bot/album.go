package bot

import (
	"container/list"
	"crypto/sha256"
	"sync"
	"time"

	"github.com/diagbot/diagbot/llm"
)

const (
	maxAlbum  = 8 << 20         // bytes of pictures kept in memory
	maxAbsent = 1000            // pictures known not to be had
	absentFor = time.Minute     // one that could not be fetched is not asked for again
	goneFor   = 24 * time.Hour  // one that is no longer there
	sizeOfRef = sha256.Size * 4 // what a picture takes besides its bytes, about
)

// album keeps the latest pictures, so that a conversation about one does not fetch
// it for each question, and knows for a while which are not to be had. It is safe
// for concurrent use.
type album struct {
	mu    sync.Mutex
	byRef map[[sha256.Size]byte]*list.Element
	order *list.List // of *print, the latest first
	size  int
	none  int // of them are not to be had
}

// print is a picture in an album, or the lack of one.
type print struct {
	ref    [sha256.Size]byte
	pieces []llm.Picture
	until  time.Time // it is not to be had until then; zero: here it is
}

func sizeOf(pieces []llm.Picture) int { return sizeOfRef + weight(pieces) }

func weight(pieces []llm.Picture) (n int) {
	for _, p := range pieces {
		n += len(p.Data)
	}
	return n
}

func newAlbum() *album {
	return &album{byRef: make(map[[sha256.Size]byte]*list.Element), order: list.New()}
}

// get returns the pieces of a picture; known and empty is one that is not to be had.
func (a *album) get(ref string, now time.Time) (pieces []llm.Picture, known bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	e := a.byRef[sha256.Sum256([]byte(ref))]
	if e == nil {
		return nil, false
	}
	found := e.Value.(*print)
	if !found.until.IsZero() && !now.Before(found.until) {
		a.drop(e)
		return nil, false
	}
	a.order.MoveToFront(e)
	return found.pieces, true
}

// put keeps a picture, or that it is not to be had until a time.
func (a *album) put(ref string, pieces []llm.Picture, until time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	key := sha256.Sum256([]byte(ref))
	if e := a.byRef[key]; e != nil {
		a.drop(e)
	}
	a.byRef[key] = a.order.PushFront(&print{key, pieces, until})
	a.size += sizeOf(pieces)
	if !until.IsZero() {
		a.none++
	}
	for a.size > maxAlbum || a.none > maxAbsent {
		a.drop(a.order.Back())
	}
}

func (a *album) drop(e *list.Element) {
	p := a.order.Remove(e).(*print)
	delete(a.byRef, p.ref)
	a.size -= sizeOf(p.pieces)
	if !p.until.IsZero() {
		a.none--
	}
}
