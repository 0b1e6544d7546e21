package store

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// server is a PostgreSQL of this test binary alone. It is started when a test
// first asks for a database.
type server struct {
	start   sync.Once
	dir     string
	missing string // why there is none
	err     error
	process *exec.Cmd
	ended   chan error
	count   atomic.Int64
}

var pg server

// newDatabase returns the URL of an empty database of its own for t, which it
// skips where PostgreSQL is not installed.
func newDatabase(t testing.TB) string {
	t.Helper()
	pg.start.Do(func() { pg.err = pg.run() })
	if pg.missing != "" {
		t.Skip(pg.missing)
	}
	if pg.err != nil {
		t.Fatal(pg.err)
	}
	name := fmt.Sprint("test", pg.count.Add(1))
	admin(t, "CREATE DATABASE "+name)
	t.Cleanup(func() { admin(t, "DROP DATABASE "+name+" WITH (FORCE)") })
	return pg.url(name)
}

func admin(t testing.TB, statement string) {
	t.Helper()
	db, err := sql.Open("pgx", pg.url("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(context.Background(), statement); err != nil {
		t.Fatal(err)
	}
}

func (s *server) url(database string) string {
	return "postgres:///" + database + "?" + url.Values{"host": {s.dir}, "user": {"tester"}}.Encode()
}

// program finds a program of PostgreSQL, which Debian keeps out of the way.
func program(name string) string {
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if len(found) == 0 {
		return ""
	}
	return found[len(found)-1]
}

// run makes a server that listens on a socket in a directory of its own.
func (s *server) run() (err error) {
	if s.missing = unprivileged(); s.missing != "" {
		return nil
	}
	if program("initdb") == "" || program("postgres") == "" {
		s.missing = "PostgreSQL is not installed"
		return nil
	}
	if s.dir, err = os.MkdirTemp("", "diagbot-pg-"); err != nil {
		return err
	}
	if err := giveAway(s.dir); err != nil {
		return err
	}
	cluster := filepath.Join(s.dir, "cluster")
	initdb := lower(exec.Command(program("initdb"), "--no-sync", "-A", "trust", "-U", "tester", "-E", "UTF8", "--locale", "C", cluster))
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	s.process = lower(exec.Command(program("postgres"), "-D", cluster, "-k", s.dir, "-c", "listen_addresses=", "-c", "max_connections=200", "-c", "fsync="+syncs()))
	log, err := os.Create(filepath.Join(s.dir, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	s.process.Stdout, s.process.Stderr = log, log
	s.ended = make(chan error, 1)
	started := make(chan error)
	go supervise(s.process, started, s.ended)
	if err := <-started; err != nil {
		return err
	}
	return s.await()
}

// syncs is what a crash of the machine would need, and nothing less: only
// benchmarks wait for the disk.
func syncs() string {
	if flag.Lookup("test.bench").Value.String() != "" {
		return "on"
	}
	return "off"
}

// await returns when the server answers.
func (s *server) await() error {
	db, err := sql.Open("pgx", s.url("postgres"))
	if err != nil {
		return err
	}
	defer db.Close()
	for range 300 {
		if err = db.PingContext(context.Background()); err == nil {
			return nil
		}
		select {
		case why := <-s.ended:
			log, _ := os.ReadFile(filepath.Join(s.dir, "log"))
			return fmt.Errorf("postgres ended: %v\n%s", why, log)
		case <-time.After(100 * time.Millisecond):
		}
	}
	return err
}

// stopServer ends the server, if there is one, and removes what it left.
func stopServer() {
	if pg.dir == "" {
		return
	}
	if pg.process != nil && pg.process.Process != nil {
		halt(pg.process.Process)
		<-pg.ended
	}
	_ = os.RemoveAll(pg.dir)
}
