package bot

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/diagbot/diagbot/troubleshoot"
)

// Relay answers the messages of one channel. What must not be lost it keeps in
// Options.Store; where there is none, in memory, for as long as it exists.
type Relay struct {
	o          Options
	traits     Traits
	limits     limits
	address    *addressing
	commands   *commandTable
	plain      *plainer
	languages  *languages
	store      Store
	durable    bool // the store outlives the process
	trouble    trouble
	outages    *outages
	manners    *manners
	quotas     *quotas
	lookedBack bool // on what was going on before; the channel's goroutine's
	ids        partIDs
	salt       maphash.Seed
	pages      atomic.Pointer[troubleshoot.Catalogue]

	admins    *admins
	pairing   *pairing
	choices   choices
	switches  switches
	sequels   sequels
	album     *album
	strangers ration                 // refusals that are kept
	guessTold seldom                 // when the owner heard of guessing
	ownerIs   atomic.Pointer[string] // the person the owner is, once they have given a command

	chats map[string]*chat       // the dispatcher's
	login atomic.Pointer[string] // that holds; see [Ear]
	shift atomic.Pointer[shift]
	now   atomic.Pointer[dispatcher] // of the Run that goes on; nil: none does

	fetching, developing, showing *semaphore.Weighted

	asking  sync.WaitGroup // calls of the completer
	running atomic.Bool
	open    atomic.Int64          // messages filed and not concluded
	shelved atomic.Pointer[shelf] // of the run that goes on, or went on last
}

// New returns a relay, or an error that names every option that is wrong.
func New(o Options) (*Relay, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	traits := o.Channel.Traits()
	r := &Relay{
		o: o, traits: traits, limits: limitsOf(traits),
		address: newAddressing(o), commands: newCommandTable(), plain: newPlainer(),
		store: o.Store, durable: o.Store != nil, salt: maphash.MakeSeed(), chats: make(map[string]*chat),
	}
	if !r.durable {
		r.store = newMemory(o.MemoryExpiry)
	}
	r.trouble.relay = r
	r.admins = &admins{store: r.store, channel: o.Channel, listed: o.Admins, remarks: o.AdminRemarks, stable: traits.StableIDs}
	r.pairing = &pairing{store: r.store}
	r.album, r.fetching, r.developing = newAlbum(), semaphore.NewWeighted(maxFetching), semaphore.NewWeighted(1)
	r.showing = semaphore.NewWeighted(maxShowing)
	r.outages, r.manners, r.quotas = newOutages(), newManners(), newQuotas(o.Limits)
	r.login.Store(new(string))
	r.pages.Store(o.Catalogue)
	r.languages = newLanguages(r.catalogue, o.Locale, r.store)
	return r, nil
}

// Adopt makes a catalogue speak from now on that was read anew, in the place of
// Options.Catalogue.
func (r *Relay) Adopt(c *troubleshoot.Catalogue) { r.pages.Store(c) }

// catalogue is what speaks now.
func (r *Relay) catalogue() *troubleshoot.Catalogue { return r.pages.Load() }

// errRunning is returned by a second Run at the same time.
var errRunning = errors.New("run relay: it runs already")

// Run runs the channel until ctx ends (nil), the account can no longer be used
// (the channel's *troubleshoot.Fault), or another process has it (ErrNotOwner).
// Then it hears no more and finishes within Options.Grace what was heard before.
// What it does not finish is left in the store for the next Run or, where there is
// none that lasts, answered by a word that the bot restarts. When the account is
// another's, nothing is said any more. Run may be called again, also after a fault.
func (r *Relay) Run(ctx context.Context) error {
	if !r.running.CompareAndSwap(false, true) {
		return errRunning
	}
	defer r.running.Store(false)
	s := newShift(ctx)
	defer s.end(errStopping)
	r.shift.Store(s)

	out := newOutbox(r, s)
	d := newDispatcher(r, s, out)
	r.now.Store(d)
	defer r.now.Store(nil)
	concluded := background(d.run)
	said := background(out.run)
	ended := make(chan error, 1)
	background(func() { ended <- r.listen(s.hearing, d) })

	stopped, err := r.untilDeaf(s.hearing, ended, out.lost)
	s.deaf(errStopping)
	close(d.stop)
	r.finish(stopped.Add(r.o.Grace), s, out, concluded, said)
	r.await(background(r.asking.Wait), "the completer")
	if s.disowned() {
		return ErrNotOwner
	}
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
// words that are to be said the rest. A part that is on its way then may arrive a
// little later, so that it need not be repeated.
func (r *Relay) finish(until time.Time, s *shift, out *outbox, concluded, said <-chan struct{}) {
	left := time.Until(until)
	if !within(left-min(left/4, 5*time.Second), concluded) {
		s.idle(errStopping)
		within(time.Until(until), concluded)
	}
	close(out.finish)
	within(time.Until(until), said)
	s.mute(errStopping)
	r.await(concluded, "the store")
	if !within(leaveTime, said) {
		s.still(errStopping)
		r.await(said, "the last replies")
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
