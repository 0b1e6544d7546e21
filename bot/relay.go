package bot

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"
)

// Relay answers the messages of one channel. What it remembers (conversations,
// languages, incidents) it keeps in memory, for as long as it exists.
type Relay struct {
	o         Options
	traits    Traits
	limits    limits
	address   *addressing
	commands  *commandTable
	plain     *plainer
	languages *languages
	incidents *incidents
	tally     *tally
	ids       partIDs
	salt      maphash.Seed

	chats  map[string]*chat // the dispatcher's
	recent *recent          // the dispatcher's

	asking  sync.WaitGroup // calls of the completer
	running atomic.Bool
	open    atomic.Int64 // messages filed and not concluded
}

// New returns a relay, or an error that names every option that is wrong.
func New(o Options) (*Relay, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	traits := o.Channel.Traits()
	return &Relay{
		o: o, traits: traits, limits: limitsOf(traits),
		address: newAddressing(o), commands: newCommandTable(), plain: newPlainer(),
		languages: newLanguages(o.Catalogue, o.Locale), incidents: &incidents{}, tally: &tally{}, salt: maphash.MakeSeed(),
		chats: make(map[string]*chat), recent: newRecent(maxRecent),
	}, nil
}

// errRunning is returned by a second Run at the same time.
var errRunning = errors.New("run relay: it runs already")

// Run runs the channel until ctx ends (nil) or the account can no longer be used
// (the channel's *troubleshoot.Fault). Then it hears no more, finishes within
// Options.Grace what was heard before, tells those who still wait that the bot
// restarts, and returns. It may be called again, also after a fault.
func (r *Relay) Run(ctx context.Context) error {
	if !r.running.CompareAndSwap(false, true) {
		return errRunning
	}
	defer r.running.Store(false)
	listening, hush := context.WithCancelCause(ctx)
	defer hush(errStopping)
	// Replies outlive ctx by the grace period.
	work, endWork := context.WithCancelCause(context.WithoutCancel(ctx))
	defer endWork(errStopping)
	saying, endSaying := context.WithCancelCause(context.WithoutCancel(ctx))
	defer endSaying(errStopping)

	out := newOutbox(r.o, r.hash)
	d := newDispatcher(r, out, work)
	concluded := background(d.run)
	said := background(func() { out.run(saying) })
	ended := make(chan error, 1)
	background(func() { ended <- r.listen(listening, d) })

	stopped, err := r.untilDeaf(ctx, ended, out.lost)
	close(d.stop)
	r.finish(stopped.Add(r.o.Grace), out, concluded, said, endWork)
	endSaying(errStopping)
	r.await(said, "the last replies")
	r.await(background(r.asking.Wait), "the completer")
	return err
}

// untilDeaf waits until the channel hears no more: because the account is lost,
// which closes lost and is the error, or some time after ctx has ended, when it
// has passed on what it had fetched. It returns when that began.
func (r *Relay) untilDeaf(ctx context.Context, ended <-chan error, lost chan<- struct{}) (time.Time, error) {
	select {
	case err := <-ended:
		if ctx.Err() == nil {
			close(lost)
			return time.Now(), err
		}
		return time.Now(), nil
	case <-ctx.Done():
	}
	stopped := time.Now()
	select {
	case <-ended:
	case <-time.After(min(leaveTime, r.o.Grace/2)):
		r.o.Logger.Error("gave up waiting", "for", "the channel")
	}
	return stopped, nil
}

// listen runs the channel and turns a panic into its end.
func (r *Relay) listen(ctx context.Context, ear Ear) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = panicked("the channel", v)
		}
	}()
	return r.o.Channel.Run(ctx, ear)
}

// finish gives the work that is in flight most of the time that is left, and the
// words that are to be said the rest.
func (r *Relay) finish(until time.Time, out *outbox, concluded, said <-chan struct{}, endWork context.CancelCauseFunc) {
	left := time.Until(until)
	farewell := min(left/4, 5*time.Second)
	select {
	case <-concluded:
	case <-time.After(left - farewell):
		endWork(errStopping)
		<-concluded
	}
	close(out.finish)
	select {
	case <-said:
	case <-time.After(time.Until(until)):
	}
}

// leaveTime is how long code that ignores its context is waited for at the end.
const leaveTime = 5 * time.Second

func (r *Relay) await(done <-chan struct{}, who string) {
	select {
	case <-done:
	case <-time.After(leaveTime):
		r.o.Logger.Error("gave up waiting", "for", who)
	}
}

// background runs f and closes the channel it returns when f is done.
func background(f func()) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	return done
}

// hash names a chat in the log: the same in one run of the program, of no use to
// anyone outside it.
func (r *Relay) hash(chat string) string {
	return fmt.Sprintf("%08x", uint32(maphash.String(r.salt, chat)))
}
