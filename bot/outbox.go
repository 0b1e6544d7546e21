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
	maxOffline  = 10 * time.Minute // a reply older than this is not kept for a lost login
)

// reply is an answer on its way: its parts go out in order, one at a time.
type reply struct {
	id      int64 // of its first part; the others follow
	chat    Chat
	parts   []string
	heard   time.Time // when the message it answers came
	until   time.Time // the channel takes no reply later than this; zero: no limit
	passing bool      // not worth keeping behind other replies of its chat

	sent   int           // parts that are out
	gone   bool          // the next part is on its way
	tries  int           // of the next part
	unsure bool          // the next part may have arrived already
	done   chan struct{} // closed when nothing of it is left to send
}

// outbox says replies. One goroutine, run, owns the queues: it keeps the order
// inside a chat, takes turns between chats, paces the account, and pauses it when
// WeChat or the network says so. It waits for nobody, so put never blocks long;
// each chat's own goroutine bounds what is queued for it.
type outbox struct {
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
	results chan sendResult

	pausedUntil time.Time
	pauses      int // in a row
}

// lane is the queue of one chat.
type lane struct{ queue []*reply }

type sendResult struct {
	lane    *lane
	err     error
	started time.Time
	took    time.Duration
}

// backoffs are the pauses after a failed send: the first, doubled each time up
// to the longest.
type backoffs struct {
	throttledFirst, throttledMost time.Duration
	offlineFirst, offlineMost     time.Duration
}

func newOutbox(o Options, hash func(string) string) *outbox {
	return &outbox{
		send: o.Channel.Send, pace: newPace(o.SendInterval, o.SendBurst), log: o.Logger, hash: hash,
		backoff: backoffs{o.ThrottlePause, 30 * time.Minute, time.Second, time.Minute},
		in:      make(chan *reply), cuts: make(chan cutting), finish: make(chan struct{}), lost: make(chan struct{}), ended: make(chan struct{}),
		lanes: make(map[string]*lane), results: make(chan sendResult, maxSending),
	}
}

// put queues r. When the outbox has ended, r is concluded without being sent.
func (o *outbox) put(r *reply) {
	r.done = make(chan struct{})
	select {
	case o.in <- r:
	case <-o.ended:
		o.log.Warn("reply dropped", "chat", o.hash(r.chat.ID), "why", "stopped", "parts", len(r.parts))
		close(r.done)
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

// run sends until ctx ends, or finish is closed and all is said.
func (o *outbox) run(ctx context.Context) {
	defer close(o.ended)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	finish := o.finish
	for {
		timer.Reset(o.start(ctx))
		if finish == nil && len(o.lanes) == 0 {
			return
		}
		select {
		case r := <-o.in:
			o.file(r)
		case c := <-o.cuts:
			c.was <- c.reply.cut()
		case res := <-o.results:
			o.settle(res)
		case <-timer.C:
		case <-finish:
			finish = nil
			o.hurry()
		case <-ctx.Done():
			o.abandon()
			return
		}
	}
}

// hurry shortens the pace for the last replies before the end: a few quick ones
// are a smaller risk than people left without a word.
func (o *outbox) hurry() {
	const quick = 500 * time.Millisecond
	if o.pace.interval > quick {
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
		close(r.done)
		return
	}
	l.queue = append(l.queue, r)
	if len(l.queue) == 1 {
		o.ready = append(o.ready, l)
	}
}

// start sends what may be sent now, and returns how long to wait for more.
func (o *outbox) start(ctx context.Context) time.Duration {
	for len(o.ready) > 0 && o.sending < o.width() {
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
		go o.deliver(ctx, l, r.part(), now)
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

// deliver sends one part and reports to run, which waits for it.
func (o *outbox) deliver(ctx context.Context, l *lane, p Part, started time.Time) {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	err := o.guarded(ctx, p)
	o.results <- sendResult{lane: l, err: err, started: started, took: time.Since(started)}
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
	for ; o.sending > 0; o.sending-- {
		res := <-o.results
		if r := res.lane.queue[0]; judge(res.err) == delivered {
			r.sent++
		}
	}
	for _, l := range o.lanes {
		for _, r := range l.queue {
			if r.sent < len(r.parts) {
				o.log.Warn("reply dropped", "chat", o.hash(r.chat.ID), "why", "stopped", "parts", len(r.parts)-r.sent)
			}
			close(r.done)
		}
	}
}
