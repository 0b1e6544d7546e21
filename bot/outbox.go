package bot

import (
	"context"
	"log/slog"
	"time"
)

const (
	maxSending  = 4                // parts on their way at the same time, each to another chat
	sendTimeout = 60 * time.Second // for one part
	maxTries    = 4                // of one part that the channel answered with a refusal
	maxOffline  = 10 * time.Minute // a reply older than this is not kept for a lost login, unless ids outlast it
	maxNoting   = 16               // messages that the store is told of at the same time, besides those
)

// reply is an answer on its way: its parts go out in order, one at a time.
type reply struct {
	seq     int64 // of the message it answers, in the store; 0: it is not stored
	id      int64 // of its first part; the others follow
	chat    Chat
	login   string // the chat can be reached under
	parts   []string
	since   time.Time // it may be late since then
	until   time.Time // the channel takes no reply later than this; zero: no limit
	passing bool      // not worth keeping behind other replies of its chat
	mark    *mark     // to be kept when all of it is out; nil: nothing

	sent   int           // parts that are out
	gone   bool          // the next part is on its way
	tries  int           // of the next part
	unsure bool          // the next part may have arrived already
	noted  bool          // the store knows that nothing more will be said, or need not
	done   chan struct{} // closed when nothing of it is left to send
}

// stored is what the store keeps of r.
func (r *reply) stored() StoredReply { return StoredReply{ID: r.id, Parts: r.parts} }

// outbox says replies. One goroutine, run, owns the queues: it keeps the order
// inside a chat, takes turns between chats, paces the account, and pauses it when
// WeChat or the network says so. It waits for nobody, so put never blocks long;
// each chat's own goroutine bounds what is queued for it.
type outbox struct {
	*shift
	relay   *Relay
	send    func(ctx context.Context, p Part) error
	pace    *pace
	backoff backoffs
	log     *slog.Logger
	hash    func(chat string) string // for the log

	in     chan *reply
	cuts   chan cutting
	finish chan struct{} // closed: end when nothing is left
	lost   chan struct{} // closed: the channel has ended for good
	ended  chan struct{} // closed: run has returned

	lanes   map[string]*lane
	ready   []*lane // lanes with something to send and nothing on its way, longest waiting first
	sending int
	storing int // parts that are out, of which the store is being told
	results chan sendResult

	over   []int64 // messages of which nothing more will be said, for the store
	noting int     // of them, on their way there
	noted  chan struct{}

	pausedUntil time.Time
	pauses      int // in a row
}

// lane is the queue of one chat.
type lane struct{ queue []*reply }

// sendResult is what became of a part.
type sendResult struct {
	lane    *lane
	err     error
	started time.Time
	took    time.Duration
	out     bool // it is out, and the store is being told: another result follows
	stored  bool // this is the one that follows
	noted   bool // the store knows that it was the last
}

// backoffs are the pauses after a failed send: the first, doubled each time up
// to the longest.
type backoffs struct {
	throttledFirst, throttledMost time.Duration
	offlineFirst, offlineMost     time.Duration
}

func newOutbox(r *Relay, s *shift) *outbox {
	return &outbox{
		shift: s, relay: r, send: r.say, pace: newPace(r.o.SendInterval, r.o.SendBurst), log: r.o.Logger, hash: r.hash,
		backoff: backoffs{r.o.ThrottlePause, 30 * time.Minute, time.Second, time.Minute},
		in:      make(chan *reply), cuts: make(chan cutting), finish: make(chan struct{}), lost: make(chan struct{}), ended: make(chan struct{}),
		lanes: make(map[string]*lane), results: make(chan sendResult, maxSending), noted: make(chan struct{}, maxNoting),
	}
}

// put queues r, and reports whether it did. When the outbox has ended, r is left in
// the store, or dropped.
func (o *outbox) put(r *reply) bool {
	r.done = make(chan struct{})
	select {
	case o.in <- r:
		return true
	case <-o.ended:
		o.abandoned(r)
		return false
	}
}

// cutting asks for a reply to end with what is out already.
type cutting struct {
	reply *reply
	was   chan<- bool
}

// cut ends r with the part that is out or on its way, and reports whether there
// was more.
func (o *outbox) cut(r *reply) bool {
	was := make(chan bool, 1)
	select {
	case o.cuts <- cutting{r, was}:
		return <-was
	case <-o.ended:
		return false
	}
}

// part is the next part to be sent.
func (r *reply) part() Part { return Part{To: r.chat, Text: r.parts[r.sent], ID: r.id + int64(r.sent)} }

func (r *reply) cut() bool {
	keep := r.sent
	if r.gone {
		keep++
	}
	if keep >= len(r.parts) {
		return false
	}
	r.parts = r.parts[:keep]
	return true
}

// run sends until finish is closed and all is said, or nothing may be said.
func (o *outbox) run() {
	defer close(o.ended)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	finish := o.finish
	for {
		o.report()
		timer.Reset(o.start())
		if finish == nil && len(o.lanes) == 0 && o.noting == 0 {
			return
		}
		select {
		case r := <-o.in:
			o.file(r)
		case c := <-o.cuts:
			c.was <- c.reply.cut()
		case res := <-o.results:
			if o.count(res) {
				o.settle(res)
			}
		case <-o.noted:
			o.noting--
		case <-timer.C:
		case <-finish:
			finish = nil
			o.hurry()
		case <-o.saying.Done():
			o.abandon()
			return
		}
	}
}

// hurry shortens the pace for the last replies before the end: a few quick ones
// are a smaller risk than people left without a word.
func (o *outbox) hurry() {
	const quick = 500 * time.Millisecond
	if o.pace.interval > quick && !o.relay.durable {
		o.pace.set(quick, 1)
	}
}

func (o *outbox) file(r *reply) {
	l := o.lanes[r.chat.ID]
	if l == nil {
		l = &lane{}
		o.lanes[r.chat.ID] = l
	}
	if r.passing && len(l.queue) > 2 {
		o.conclude(r)
		return
	}
	l.queue = append(l.queue, r)
	if len(l.queue) == 1 {
		o.ready = append(o.ready, l)
	}
}

// conclude lets go of a reply of which nothing more will be said.
func (o *outbox) conclude(r *reply) {
	if r.seq != 0 && !r.noted {
		o.over = append(o.over, r.seq)
	}
	close(r.done)
}

// report tells the store of the replies that ended without their last part.
func (o *outbox) report() {
	for ; len(o.over) > 0 && o.noting < maxNoting; o.noting++ {
		seq := o.over[0]
		o.over = o.over[1:]
		go func() {
			_ = o.relay.keep(o.shift.sending, func(ctx context.Context) error { return o.relay.store.Said(ctx, seq, 0, true) })
			o.noted <- struct{}{}
		}()
	}
}

// start sends what may be sent now, and returns how long to wait for more.
func (o *outbox) start() time.Duration {
	for len(o.ready) > 0 && o.sending < o.width() && o.saying.Err() == nil {
		now, l := time.Now(), o.ready[0]
		if r := l.queue[0]; r.sent >= len(r.parts) || o.expired(r) {
			o.ready = o.ready[1:]
			o.next(l)
			continue
		}
		if wait := o.pausedUntil.Sub(now); wait > 0 {
			return wait
		}
		if wait := o.pace.take(now); wait > 0 {
			return wait
		}
		o.ready = o.ready[1:]
		o.sending++
		r := l.queue[0]
		r.gone = true
		go o.deliver(l, *r, now)
	}
	return time.Hour
}

// width is how many parts may be on their way: after a pause one, to try.
func (o *outbox) width() int {
	if o.pauses > 0 {
		return 1
	}
	return maxSending
}

// deliver sends the next part of a reply and reports to run, which waits for it.
// The store knows that the part is out before the chat goes on: so at most one part
// of a chat is repeated after a crash.
func (o *outbox) deliver(l *lane, r reply, started time.Time) {
	res := sendResult{lane: l, started: started, err: o.dispatch(r.part())}
	res.took = time.Since(started)
	if v := judge(res.err); (r.seq != 0 || r.mark != nil) && (v == delivered || v == unsure && r.unsure) {
		o.results <- sendResult{out: true} // the way is free for another chat
		res.stored, res.noted = true, o.notePart(&r)
	}
	o.results <- res
}

// count keeps the number of parts that are on their way, and reports whether res
// is the last word on its part.
func (o *outbox) count(res sendResult) bool {
	switch {
	case res.out:
		o.sending, o.storing = o.sending-1, o.storing+1
	case res.stored:
		o.storing--
	default:
		o.sending--
	}
	return !res.out
}

// notePart keeps that the next part of a reply is out, and reports whether the
// store knows of the last one.
func (o *outbox) notePart(r *reply) bool {
	said, last := r.sent+1, r.sent+1 == len(r.parts)
	if last && r.mark != nil {
		o.relay.set(o.shift.sending, *r.mark)
	}
	if r.seq == 0 {
		return false
	}
	err := o.relay.keep(o.shift.sending, func(ctx context.Context) error { return o.relay.store.Said(ctx, r.seq, said, last) })
	return last && err == nil
}

// dispatch sends one part, unless the account is another's.
func (o *outbox) dispatch(p Part) error {
	if !o.relay.store.Owns() {
		o.disown()
		return ErrNotOwner
	}
	ctx, cancel := context.WithTimeout(o.shift.sending, sendTimeout)
	defer cancel()
	err := o.guarded(ctx, p)
	if err != nil && !o.relay.store.Owns() { // maybe for that
		o.disown()
		return ErrNotOwner
	}
	return err
}

func (o *outbox) guarded(ctx context.Context, p Part) (err error) {
	defer func() {
		if v := recover(); v != nil {
			f := panicked("sending", v)
			f.Code = MaybeSent
			err = f
		}
	}()
	return o.send(ctx, p)
}

// abandon waits for what is on its way and gives the rest up.
func (o *outbox) abandon() {
	for o.sending+o.storing+o.noting+len(o.over) > 0 {
		o.report()
		select {
		case res := <-o.results:
			if !o.count(res) {
				continue
			}
			if r := res.lane.queue[0]; judge(res.err) == delivered {
				r.sent, r.noted = r.sent+1, res.noted
			}
		case <-o.noted:
			o.noting--
		}
	}
	left := 0
	for _, l := range o.lanes {
		for _, r := range l.queue {
			if r.sent < len(r.parts) {
				left++
			}
			o.abandoned(r)
		}
	}
	if left > 0 && o.relay.durable {
		o.log.Info("replies left for the next start", "replies", left)
	}
}

// abandoned lets go of a reply that the next start says, if there is one that
// knows of it.
func (o *outbox) abandoned(r *reply) {
	if o.relay.durable {
		close(r.done)
		return
	}
	if r.sent < len(r.parts) {
		o.log.Warn("reply dropped", "chat", o.hash(r.chat.ID), "why", "stopped", "parts", len(r.parts)-r.sent)
	}
	_ = o.relay.store.Said(context.WithoutCancel(o.saying), r.seq, 0, true) // memory does not fail
	close(r.done)
}
