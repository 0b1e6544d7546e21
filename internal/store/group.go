package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/diagbot/diagbot/bot"
)

// groupSize is how many writes share a transaction at most. A commit waits for
// the disk, however much is in it.
const groupSize = 64

// job is a write that waits for its turn.
type job struct {
	do   func(*tx) error
	err  error
	done chan struct{}
}

// group writes to SQLite, with one connection of its own and one goroutine. It
// puts all writes that wait into one transaction; a write that fails there is
// done again by itself, so that it fails alone. A patient write waits a
// moment for others, as long as some come.
type group struct {
	where string
	file  os.FileInfo // what is to be found there; nil: whatever there is
	db    *sql.DB
	conn  *prepared // nil: none is open
	raw   *sql.Conn

	jobs    chan *job
	patient chan *job
	closing chan struct{}
	close1  sync.Once
	ended   chan struct{}
}

func newGroup(where string, db *sql.DB) *group {
	db.SetMaxOpenConns(1)
	g := &group{
		where: where, db: db,
		jobs: make(chan *job), patient: make(chan *job), closing: make(chan struct{}), ended: make(chan struct{}),
	}
	go g.loop()
	return g
}

func (g *group) write(ctx context.Context, do func(*tx) error) error {
	return g.await(ctx, g.jobs, do)
}

func (g *group) writeLater(ctx context.Context, do func(*tx) error) error {
	return g.await(ctx, g.patient, do)
}

// await hands a job in and returns how it went.
func (g *group) await(ctx context.Context, in chan<- *job, do func(*tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j := &job{do: do, done: make(chan struct{})}
	select {
	case in <- j:
	case <-ctx.Done():
		return ctx.Err()
	case <-g.closing:
		return errClosed
	}
	<-j.done
	return trouble(g.where, j.err)
}

func (g *group) close() error {
	g.close1.Do(func() { close(g.closing) })
	<-g.ended
	g.drop()
	return g.db.Close()
}

func (g *group) loop() {
	defer close(g.ended)
	jobs, waits, over := make([]*job, 0, groupSize), patience{}, time.NewTimer(patient)
	over.Stop()
	for {
		select {
		case j := <-g.jobs:
			if len(jobs) > 0 {
				waits.end(true)
			}
			jobs = append(jobs, j)
		case j := <-g.patient:
			if jobs = append(jobs, j); len(jobs) > 1 && len(jobs) < groupSize {
				continue
			}
			if len(jobs) == 1 && waits.begin() {
				over.Reset(patient)
				continue
			}
		case <-over.C:
			waits.end(false)
		case <-g.closing:
			g.serve(jobs)
			return
		}
		over.Stop()
		jobs = g.serve(g.gather(jobs))
	}
}

// gather adds the writes that wait already.
func (g *group) gather(jobs []*job) []*job {
	runtime.Gosched() // those who were just served may have more
	for len(jobs) < groupSize {
		select {
		case j := <-g.jobs:
			jobs = append(jobs, j)
		case j := <-g.patient:
			jobs = append(jobs, j)
		default:
			return jobs
		}
	}
	return jobs
}

// serve carries jobs out, tells those who wait for them, and returns what can hold
// the next ones.
func (g *group) serve(jobs []*job) []*job {
	if len(jobs) > 0 {
		g.run(jobs)
	}
	for _, j := range jobs {
		close(j.done)
	}
	clear(jobs)
	return jobs[:0]
}

// run carries jobs out, together if they all succeed.
func (g *group) run(jobs []*job) {
	if g.together(jobs) {
		return
	}
	for i := range jobs {
		g.together(jobs[i : i+1])
	}
}

// together runs jobs in one transaction and sets their errors. It is false when
// they must be tried one by one; then nothing was written.
func (g *group) together(jobs []*job) bool {
	t, err := g.begin()
	if err != nil {
		return g.fail(jobs, err)
	}
	for _, j := range jobs {
		j.err = j.do(t)
		switch {
		case j.err == nil, errors.Is(j.err, bot.ErrNotOwner): // which comes before anything is written
		case len(jobs) > 1:
			g.rollback(t)
			return false
		default:
			g.rollback(t)
			return true
		}
	}
	if _, err := t.exec("COMMIT"); err != nil {
		g.rollback(t)
		return g.fail(jobs, err)
	}
	return true
}

// fail gives all jobs the same error, and the connection up: whatever state it
// is in, the next one is sound.
func (g *group) fail(jobs []*job, err error) bool {
	for _, j := range jobs {
		j.err = err
	}
	g.drop()
	return true
}

func (g *group) begin() (*tx, error) {
	if err := unmoved(g.where, g.file); err != nil {
		g.empty()
		return nil, err
	}
	if err := g.connect(); err != nil {
		return nil, err
	}
	t := &tx{ctx: context.Background(), run: g.conn, held: make(map[*Account]bool)}
	_, err := t.exec("BEGIN IMMEDIATE")
	return t, err
}

// rollback fails where SQLite has rolled back by itself, as it does after some
// errors of the disk. Then the connection is given up.
func (g *group) rollback(t *tx) {
	if _, err := t.exec("ROLLBACK"); err != nil {
		g.drop()
	}
}

func (g *group) connect() (err error) {
	if g.conn != nil {
		return nil
	}
	if g.raw, err = g.db.Conn(context.Background()); err == nil {
		g.conn = &prepared{db: g.raw}
	}
	return err
}

// empty writes what the log holds to the file that is open. Beside another file it
// would be taken for that one's.
func (g *group) empty() {
	if g.conn != nil {
		_, _ = g.conn.ExecContext(context.Background(), "PRAGMA wal_checkpoint(TRUNCATE)")
	}
}

// drop closes the connection, if there is one.
func (g *group) drop() {
	if g.conn == nil {
		return
	}
	g.conn.forget()
	_ = g.raw.Raw(func(any) error { return driver.ErrBadConn })
	_ = g.raw.Close()
	g.conn, g.raw = nil, nil
}
