package simkit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/diagbot/diagbot/internal/simtls"
)

// Stage is what a server stands on. F is its way of describing a failure.
type Stage[F any] struct {
	Mu   sync.Mutex // guards the bells, and the state of the server
	News Bell       // something a held poll may wait for
	Seen Bell       // something a test may wait for

	authority *simtls.Authority
	listener  net.Listener
	http      *http.Server
	done      chan struct{} // closed by Close
	running   sync.WaitGroup
	closing   sync.Once

	transports []*http.Transport
	ended      bool // nothing new may start
	plan       plan[F]
}

// New returns a stage on which nobody plays yet. Without an authority it makes one.
func New[F any](a *simtls.Authority) (*Stage[F], error) {
	if a == nil {
		var err error
		if a, err = simtls.New(); err != nil {
			return nil, err
		}
	}
	bell := func() Bell { return Bell{make(chan struct{})} }
	return &Stage[F]{authority: a, done: make(chan struct{}), News: bell(), Seen: bell(), plan: newPlan[F]()}, nil
}

// Open lets a handler answer at an address of the loopback interface, under the
// names of the hosts it plays.
func (s *Stage[F]) Open(address string, hosts []string, h http.Handler) error {
	config, err := s.authority.ServerConfig(hosts...)
	if err != nil {
		return err
	}
	config.NextProtos = []string{"http/1.1"} // connections must be hijackable
	if s.listener, err = net.Listen("tcp", address); err != nil {
		return err
	}
	if ip := s.listener.Addr().(*net.TCPAddr).IP; !ip.IsLoopback() {
		return errors.Join(fmt.Errorf("listen on %s: not the loopback interface", ip), s.listener.Close())
	}
	s.http = &http.Server{
		Handler: h, TLSConfig: config,
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          log.New(io.Discard, "", 0), // clients that hang up are part of the play
	}
	s.Serve(s.listener)
	return nil
}

// Serve answers connections of a further listener too, until Close, which closes it.
func (s *Stage[F]) Serve(l net.Listener) {
	if !s.Enter() {
		return
	}
	go func() {
		defer s.Leave()
		_ = s.http.ServeTLS(l, "", "") // ends with ErrServerClosed
	}()
}

// Close ends all polls and connections and waits for their goroutines.
func (s *Stage[F]) Close() {
	s.closing.Do(func() {
		s.Mu.Lock()
		s.ended = true
		s.Mu.Unlock()
		close(s.done)
		if s.http != nil {
			_ = s.http.Close() // only the listener can fail here, and it is gone
		}
		s.running.Wait()
		s.Mu.Lock()
		defer s.Mu.Unlock()
		for _, t := range s.transports {
			t.CloseIdleConnections()
		}
	})
}

// Enter begins something Close must wait for, until Leave; unless Close has begun,
// which it reports as false.
func (s *Stage[F]) Enter() bool {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	if !s.ended {
		s.running.Add(1)
	}
	return !s.ended
}

// Leave ends what Enter began.
func (s *Stage[F]) Leave() { s.running.Done() }

// Addr is the loopback address of the stage.
func (s *Stage[F]) Addr() string { return s.listener.Addr().String() }

// Authority is the certificate authority clients must trust.
func (s *Stage[F]) Authority() *simtls.Authority { return s.authority }

// Transport returns a new transport that connects hosts to the stage and refuses all
// others. Close closes what it keeps open.
func (s *Stage[F]) Transport(hosts []string) *http.Transport {
	route := map[string]string{}
	for _, h := range hosts {
		route[h+":443"] = s.Addr()
	}
	t := s.authority.Transport(route)
	s.Mu.Lock()
	defer s.Mu.Unlock()
	s.transports = append(s.transports, t)
	return t
}

// Pause waits and reports whether the client, whose context is ctx, and the stage
// are still there.
func (s *Stage[F]) Pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
	case <-s.done:
	}
	return false
}

// Hold waits until ready, asked with the lock held, is true or d has passed. It
// reports what ready said last. A Fail since the request came ends all waiting.
func (s *Stage[F]) Hold(ctx context.Context, f Fate[F], d time.Duration, ready func() bool) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	s.Mu.Lock()
	defer s.Mu.Unlock()
	for !ready() {
		if s.plan.flush != f.flush {
			return false
		}
		ring := s.News.ch
		s.Mu.Unlock()
		goOn, late := true, false
		select {
		case <-ring:
		case <-t.C:
			late = true
		case <-ctx.Done():
			goOn = false
		case <-s.done:
			goOn = false
		}
		s.Mu.Lock()
		if late || !goOn {
			return goOn && ready()
		}
	}
	return true
}

// Hopeless tells whether the answer to a request will not be heard, or was to fail
// since it came. The lock is held.
func (s *Stage[F]) Hopeless(ctx context.Context, f Fate[F]) bool {
	return s.plan.flush != f.flush || s.ended || ctx.Err() != nil
}

// Wait waits until ready, asked with the lock held, is true.
func (s *Stage[F]) Wait(ctx context.Context, ready func() bool) error {
	for {
		s.Mu.Lock()
		ok, ring := ready(), s.Seen.ch
		s.Mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-ring:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-s.done:
			return http.ErrServerClosed
		}
	}
}
