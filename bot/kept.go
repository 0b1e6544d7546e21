package bot

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/diagbot/diagbot/troubleshoot"
)

const (
	keepFor    = 10 * time.Minute // a question that is to be answered later
	trialEvery = 30 * time.Second // one of them is asked, to see whether it works again
	maxRetries = 8                // asked at the same time, once it works
	maxKept    = 10_000           // questions
	maxKeptLen = 16 << 20         // bytes of their texts
)

// scopeKept is the scope of the questions that are kept and whose askers know of
// the failure: by their number in the store, with the time at which they are given
// up.
const scopeKept = "kept"

// shelf keeps the latest question of each person in each chat that failed for a
// reason that passes. It is told of what worked and what did not, and says which
// questions to ask again: after a failure one at a time, the longest waiting first;
// after an answer all, the oldest first and a few at a time, but none again at once
// that fails while others are answered. It is safe for concurrent use.
type shelf struct {
	mu      sync.Mutex
	all     map[keptKey]*keptQuestion
	size    int  // bytes
	well    bool // the last question that was asked was answered
	trying  int
	trialAt time.Time // the last one
}

type keptKey struct{ chat, asker string }

type keptQuestion struct {
	task
	tried    time.Time // when it last failed again; zero: it did not
	trying   bool      // it is in its mailbox
	released bool      // it was put there because others are answered
	notUntil time.Time // it failed nevertheless, and is spared till then
}

func newShelf() *shelf { return &shelf{all: make(map[keptKey]*keptQuestion)} }

func keptBy(t task) keptKey { return keptKey{t.Chat.ID, t.asker} }

func (q *keptQuestion) len() int { return len(q.text) + len(q.Quote) }

// passes reports whether waiting can cure a failure, soon enough for the question
// to be kept.
func passes(f *troubleshoot.Fault, e *troubleshoot.Entry) bool {
	return e.Retryable && e.Group() == "wait" && !personal(e) && f.RetryAfter < keepFor
}

// put keeps a question until t.until, in the place of an older one of the same
// person, which it returns. It reports whether there was room.
func (s *shelf) put(t task, now time.Time) (older *keptQuestion, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := &keptQuestion{task: t}
	older = s.all[keptBy(t)]
	if older == nil && len(s.all) >= maxKept || s.size+q.len() > maxKeptLen {
		return nil, false
	}
	if older != nil {
		s.drop(older)
	}
	if s.trialAt.IsZero() || len(s.all) == 0 {
		s.trialAt = now
	}
	s.all[keptBy(t)], s.size = q, s.size+q.len()
	return older, true
}

// drop takes a question off the shelf.
func (s *shelf) drop(q *keptQuestion) {
	delete(s.all, keptBy(q.task))
	s.size -= q.len()
	if q.trying {
		s.trying--
	}
}

// find returns a question that is still kept.
func (s *shelf) find(t task) *keptQuestion {
	if q := s.all[keptBy(t)]; q != nil && q.seq == t.seq {
		return q
	}
	return nil
}

// back keeps a question that failed again, unless a newer one has its place.
func (s *shelf) back(t task, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.find(t)
	if q == nil {
		return false
	}
	if q.trying {
		s.trying--
	}
	if q.tried, q.trying = now, false; q.released {
		q.notUntil = now.Add(trialEvery)
	}
	return true
}

// settle forgets a question that is concluded.
func (s *shelf) settle(t task) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if q := s.find(t); q != nil {
		s.drop(q)
	}
}

// worked notes that a question was answered. It returns the kept one of the same
// person if it says the same: that is answered as well.
func (s *shelf) worked(t task) *keptQuestion {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.well = true
	q := s.all[keptBy(t)]
	if q == nil || q.trying || q.seq == t.seq || fold(q.text) != fold(t.text) {
		return nil
	}
	s.drop(q)
	return q
}

// failed notes that a question failed for a reason that passes.
func (s *shelf) failed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.well = false
}

// takeBack returns the questions that a person wants no answer to any more.
func (s *shelf) takeBack(chat, asker string) (taken []int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if q := s.all[keptKey{chat, asker}]; q != nil && !q.trying {
		s.drop(q)
		taken = append(taken, q.seq)
	}
	return taken
}

// due returns the questions to ask now.
func (s *shelf) due(now time.Time) (due []task) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.all) == 0 {
		return nil
	}
	room := maxRetries - s.trying
	if !s.well {
		if room = 0; s.trying == 0 && now.Sub(s.trialAt) >= trialEvery {
			room = 1
		}
	}
	for _, q := range s.waiting() {
		if len(due) >= room {
			break
		}
		if now.Before(q.notUntil) {
			continue
		}
		q.trying, q.released, s.trialAt = true, s.well, now
		s.trying++
		due = append(due, q.again(toRetry))
	}
	return due
}

// waiting returns what is not being asked, in the order in which to ask it: what
// was tried before comes last.
func (s *shelf) waiting() (all []*keptQuestion) {
	for _, q := range s.all {
		if !q.trying {
			all = append(all, q)
		}
	}
	slices.SortFunc(all, func(a, b *keptQuestion) int { return cmp.Or(a.tried.Compare(b.tried), cmp.Compare(a.seq, b.seq)) })
	return all
}

// again is the question as a message to be filed.
func (q *keptQuestion) again(w way) task {
	t := q.task
	t.ticket, t.way = &ticket{asker: q.asker, seq: q.seq}, w
	return t
}

// over returns the questions that are given up.
func (s *shelf) over(now time.Time) (all []*keptQuestion) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, q := range s.all {
		if !q.trying && !now.Before(q.until) {
			all = append(all, q)
		}
	}
	for _, q := range all {
		s.drop(q)
	}
	slices.SortFunc(all, func(a, b *keptQuestion) int { return cmp.Compare(a.seq, b.seq) })
	return all
}

func (s *shelf) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all)
}

// clear returns what is kept and not being asked, and keeps it no longer.
func (s *shelf) clear() (all []task) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, q := range s.waiting() {
		s.drop(q)
		all = append(all, q.again(toLeave))
	}
	return all
}

// again files the kept questions that are to be asked now, and gives up those that
// were kept for long enough. It returns how many it put in mailboxes.
func (d *dispatcher) again(now time.Time) (n int) {
	for _, q := range d.shelf.over(now) {
		d.giveUp(q)
	}
	if d.switches.isPaused() {
		return 0
	}
	for _, t := range d.shelf.due(now) {
		if d.file(t, now) {
			n++
		} else {
			d.shelf.settle(t)
		}
	}
	return n
}

// giveUp concludes a kept question without a word: its asker knows that it failed.
func (d *dispatcher) giveUp(q *keptQuestion) {
	if q == nil {
		return
	}
	d.besides(func() {
		c := Conclusion{Seq: q.seq, Outcome: OutcomeFailed, Conversation: d.conversation(q.Message)}
		if d.keep(d.saying, func(ctx context.Context) error { return d.store.Conclude(ctx, c) }) == nil {
			d.set(d.saying, mark{scope: scopeKept, name: strconv.FormatInt(q.seq, 10)})
		}
	})
}

// unmark forgets that messages, which are done, were kept.
func (d *dispatcher) unmark(seqs ...int64) {
	for _, seq := range seqs {
		d.set(d.saying, mark{scope: scopeKept, name: strconv.FormatInt(seq, 10)})
	}
}

// keptMark is what is stored of a question once its asker knows that it is kept.
func keptMark(t task) *mark {
	return &mark{scopeKept, strconv.FormatInt(t.seq, 10), t.until.Format(time.RFC3339Nano)}
}

// kept reads until when messages are kept that an earlier process kept.
func (d *dispatcher) keptUntil() (all map[int64]time.Time, err error) {
	var set map[string]string
	err = d.once(func(ctx context.Context) (err error) {
		set, err = d.store.Settings(ctx, scopeKept)
		return err
	})
	all = make(map[int64]time.Time, len(set))
	for name, value := range set {
		seq, bad := strconv.ParseInt(name, 10, 64)
		if until, worse := time.Parse(time.RFC3339Nano, value); bad == nil && worse == nil {
			all[seq] = until
		}
	}
	return all, err
}

// keepOn keeps a question that an earlier process kept.
func (d *dispatcher) keepOn(t task, now time.Time) {
	older, ok := d.shelf.put(t, now)
	if d.giveUp(older); !ok {
		d.giveUp(&keptQuestion{task: t})
	}
}

// leaveKept files what is kept, so that its askers hear that it will not be
// answered; where the store lasts, the next start does.
func (d *dispatcher) leaveKept() (n int) {
	if d.durable {
		return 0
	}
	for _, t := range d.shelf.clear() {
		if d.file(t, time.Now()) {
			n++
		}
	}
	return n
}

// keepQuestion keeps a question that failed, and reports whether it did.
func (d *dispatcher) keepQuestion(t task, now time.Time) bool {
	t.until = now.Add(keepFor)
	older, ok := d.shelf.put(t, now)
	d.giveUp(older)
	return ok
}

// keptKeyFor is the text that says that a question is kept.
func keptKeyFor(t task) string {
	if t.Chat.Group {
		return "kept_group"
	}
	return "kept"
}

// promise records a failure whose question is kept, and says so, unless text is
// empty. The message is not concluded: a restart keeps it as well, once its asker
// knows, and otherwise asks it anew.
func (d *dispatcher) promise(t task, a response, text string) *reply {
	d.record(a.incident)
	if text == "" {
		d.set(d.saying, *keptMark(t))
		return nil
	}
	r := d.passed(t, text)
	r.mark = keptMark(t)
	return r
}

// retried settles what was asked once more and is concluded now.
func (d *dispatcher) retried(t *task) {
	if t.way != toRetry || t.back {
		return
	}
	d.shelf.settle(*t)
	if d.work.Err() == nil { // else the next start knows whether it is done
		d.besides(func() { d.unmark(t.seq) })
	}
}
