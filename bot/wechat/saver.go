package wechat

import (
	"log/slog"
	"sync"
	"time"
)

// saveEvery is the shortest time between two saves: each is a synced write,
// and in a busy account the cursor moves many times a second. What is heard
// again after a crash for that is known by its id.
const saveEvery = 200 * time.Millisecond

// saver writes the newest state of a session aside of the sync goroutine.
type saver struct {
	session Session
	log     *slog.Logger
	slot    chan []byte
	closing chan struct{}
	once    sync.Once
	done    chan struct{}
}

func newSaver(session Session, log *slog.Logger) *saver {
	s := &saver{session: session, log: log, slot: make(chan []byte, 1), closing: make(chan struct{}), done: make(chan struct{})}
	go s.run()
	return s
}

// put offers the newest state. It never waits. Only one goroutine may put.
func (s *saver) put(b []byte) {
	for {
		select {
		case s.slot <- b:
			return
		default:
		}
		select { // an older one nobody needs any more
		case <-s.slot:
		default:
		}
	}
}

// close writes what is left and ends. Nothing may be put afterwards.
func (s *saver) close() {
	s.once.Do(func() { close(s.closing) })
	<-s.done
}

func (s *saver) run() {
	defer close(s.done)
	for {
		select {
		case b := <-s.slot:
			s.save(b)
		case <-s.closing:
			select {
			case b := <-s.slot:
				s.save(b)
			default:
			}
			return
		}
		timer := time.NewTimer(saveEvery)
		select {
		case <-timer.C:
		case <-s.closing:
		}
		timer.Stop()
	}
}

func (s *saver) save(b []byte) {
	if err := s.session.Save(b); err != nil {
		s.log.Warn("the WeChat session was not saved; the next start may need a scan", "error", err)
	}
}
