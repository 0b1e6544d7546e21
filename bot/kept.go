package bot

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/diagbot/diagbot/troubleshoot"
)

const (
	keepFor    = 10 * time.Minute // a question that is to be answered later
	trialEvery = 30 * time.Second // one of them is asked, to see whether it works again
)

// scopeKept is the scope of the questions that are kept and whose askers know of
// the failure: by the number of their first message in the store, with the time at
// which they are given up and the numbers of their further messages.
const scopeKept = "kept"

// passes reports whether waiting can cure a failure, soon enough for the question
// to be kept.
func passes(f *troubleshoot.Fault, e *troubleshoot.Entry) bool {
	return e.Retryable && e.Group() == "wait" && !personal(e) && f.RetryAfter < keepFor
}

// expire gives up the questions that were kept for long enough.
func (d *dispatcher) expire(now time.Time) {
	for _, q := range d.shelf.over(now) {
		d.giveUp(q)
	}
}

// again files the kept questions that are to be asked now, and returns how many it
// put in mailboxes.
func (d *dispatcher) again(now time.Time) (n int) {
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
		c := Conclusion{Seq: q.seq, Also: q.also, Outcome: OutcomeFailed, Conversation: d.conversation(q.Message)}
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
type keptMark struct {
	until time.Time
	also  []int64
}

func (t *task) keptMark() *mark {
	words := []string{t.until.Format(time.RFC3339Nano)}
	for _, seq := range t.also {
		words = append(words, strconv.FormatInt(seq, 10))
	}
	return &mark{scopeKept, strconv.FormatInt(t.seq, 10), strings.Join(words, " ")}
}

// readKeptMark reads the value of what [task.keptMark] made.
func readKeptMark(value string) (k keptMark, err error) {
	words := strings.Fields(value)
	if len(words) == 0 {
		return k, errNoMark
	}
	if k.until, err = time.Parse(time.RFC3339Nano, words[0]); err != nil {
		return k, err
	}
	for _, word := range words[1:] {
		seq, err := strconv.ParseInt(word, 10, 64)
		if err != nil {
			return k, err
		}
		k.also = append(k.also, seq)
	}
	return k, nil
}

var errNoMark = errors.New("nothing is written there")

// keptBefore reads which questions are kept that an earlier process kept.
func (d *dispatcher) keptBefore() (all map[int64]keptMark, err error) {
	var set map[string]string
	err = d.once(func(ctx context.Context) (err error) {
		set, err = d.store.Settings(ctx, scopeKept)
		return err
	})
	all = make(map[int64]keptMark, len(set))
	for name, value := range set {
		seq, bad := strconv.ParseInt(name, 10, 64)
		if k, worse := readKeptMark(value); bad == nil && worse == nil {
			all[seq] = k
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
		d.set(d.saying, *t.keptMark())
		return nil
	}
	r := d.passed(t, text)
	r.mark = t.keptMark()
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
