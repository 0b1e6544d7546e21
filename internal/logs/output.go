package logs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"
)

// class says which lines go first when there is no room.
type class uint8

const (
	chatty class = iota // debug and info: dropped first
	grave               // warnings and errors
)

// lane is where a formatter writes its lines.
type lane struct {
	out   *Output
	class class
}

// Write queues a line. It never blocks on the destination and never fails.
func (l lane) Write(line []byte) (int, error) {
	l.out.add(l.class, line)
	return len(line), nil
}

// batch is the most that is written at once, unless a single line is longer.
const batch = 32 << 10

// line waits to be written; its number gives the order.
type line struct {
	number uint64
	text   []byte
}

// Output writes a logger's lines, in order, from a goroutine of its own.
type Output struct {
	w      io.Writer
	format func(io.Writer) slog.Handler
	lines  int
	bytes  int
	done   chan struct{} // closed when the goroutine has ended

	mu      sync.Mutex
	news    sync.Cond // a line came, or the end
	idle    sync.Cond // what was taken is written
	queues  [2]fifo   // by class
	size    int       // bytes waiting
	next    uint64    // the number of the next line
	writing bool      // lines were taken and are not written yet
	taken   uint64    // the number of the first of them
	dropped int       // lines dropped and not yet told of
	closed  bool
}

func newOutput(w io.Writer, o Options) *Output {
	out := &Output{
		w: w, format: o.format, done: make(chan struct{}),
		lines: positive(o.Lines, MaxLines), bytes: positive(o.Bytes, MaxBytes),
	}
	out.news.L, out.idle.L = &out.mu, &out.mu
	go out.run()
	return out
}

func positive(n, otherwise int) int {
	if n > 0 {
		return n
	}
	return otherwise
}

// add queues a copy of the text and makes room for it.
func (o *Output) add(c class, text []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return
	}
	o.queues[c].push(line{o.next, append([]byte(nil), text...)})
	o.next++
	o.size += len(text)
	for o.size > o.bytes || o.waiting() > o.lines {
		o.drop()
	}
	o.news.Signal()
}

// drop gives up the oldest line of the class that matters less.
func (o *Output) drop() {
	c := chatty
	if o.queues[c].len() == 0 {
		c = grave
	}
	o.size -= len(o.queues[c].pop().text)
	o.dropped++
	o.idle.Broadcast()
}

// run writes until the Output is closed and empty.
func (o *Output) run() {
	defer close(o.done)
	var buf []byte
	for {
		text, count, ok := o.take(buf[:0])
		if !ok {
			return
		}
		err := o.write(text)
		if o.settle(count, err != nil) {
			return
		}
		buf = text
	}
}

// take waits for lines and returns the oldest ones, at most a batch, and how
// many they are; not ok when there is nothing and there will be nothing. Dropped
// lines are told of first: they were older than those that are left.
func (o *Output) take(buf []byte) (text []byte, count int, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.waiting() == 0 && !o.closed {
		o.news.Wait()
	}
	if o.waiting() == 0 && o.dropped == 0 {
		return nil, 0, false
	}
	o.writing, o.taken = true, o.next
	if o.dropped > 0 {
		buf = o.notice(buf, o.dropped)
		count, o.dropped = o.dropped, 0
	}
	for o.waiting() > 0 {
		q := &o.queues[o.oldest()]
		if len(buf) > 0 && len(buf)+len(q.first().text) > batch {
			break
		}
		l := q.pop()
		o.size -= len(l.text)
		o.taken = min(o.taken, l.number)
		buf, count = append(buf, l.text...), count+1
	}
	return buf, count, true
}

// settle notes what became of what was taken, and reports the end: nothing is
// left but a failure to tell of, which could go on for ever.
func (o *Output) settle(count int, failed bool) (end bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.writing = false
	if failed {
		o.dropped += count
	}
	o.idle.Broadcast()
	return failed && o.closed && o.waiting() == 0
}

func (o *Output) waiting() int { return o.queues[chatty].len() + o.queues[grave].len() }

// oldest is the class whose first line came first.
func (o *Output) oldest() class {
	a, b := &o.queues[chatty], &o.queues[grave]
	if a.len() == 0 || b.len() > 0 && b.first().number < a.first().number {
		return grave
	}
	return chatty
}

// notice adds a line about dropped ones.
func (o *Output) notice(buf []byte, n int) []byte {
	r := slog.NewRecord(time.Now(), slog.LevelWarn, fmt.Sprintf("%d log lines were dropped", n), 0)
	w := appender{buf}
	_ = o.format(&w).Handle(context.Background(), r)
	return w.buf
}

type appender struct{ buf []byte }

func (a *appender) Write(p []byte) (int, error) {
	a.buf = append(a.buf, p...)
	return len(p), nil
}

// write passes lines on; a writer that panics has failed.
func (o *Output) write(text []byte) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("write log: panic: %v", p)
		}
	}()
	n, err := o.w.Write(text)
	if err == nil && n < len(text) {
		err = io.ErrShortWrite
	}
	return err
}

// Flush waits until all lines logged so far are written or dropped, or until ctx
// ends; its error is then the context's cause.
func (o *Output) Flush(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.idle.Broadcast()
	})
	defer stop()
	o.mu.Lock()
	defer o.mu.Unlock()
	for upTo := o.next; o.pending(upTo); o.idle.Wait() {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return nil
}

// pending reports whether a line below the number is still to be written.
func (o *Output) pending(upTo uint64) bool {
	for i := range o.queues {
		if o.queues[i].len() > 0 && o.queues[i].first().number < upTo {
			return true
		}
	}
	return o.writing && o.taken < upTo
}

// errStuck is what Close returns when lines are left.
var errStuck = errors.New("write log: not all lines could be written in time")

// Close writes what is left and ends the Output; what is logged afterwards is
// lost. It waits no longer than Grace: a destination that never takes another
// byte keeps the goroutine, not the caller.
func (o *Output) Close() error {
	o.mu.Lock()
	o.closed = true
	o.news.Signal()
	o.mu.Unlock()
	timer := time.NewTimer(Grace)
	defer timer.Stop()
	select {
	case <-o.done:
		return nil
	case <-timer.C:
		return errStuck
	}
}
