// Package pgtest runs a PostgreSQL for the tests of one package, with Debian's
// programs or any in PATH. It has no driver of its own: whoever tests a database
// has linked one in, which must go by the name of pgx.
package pgtest

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

// Server is a PostgreSQL that listens on a socket in a directory of its own, and
// ends with the test binary. It is started when a test first asks for a database.
type Server struct {
	start   sync.Once
	dir     string
	missing string // why there is none
	err     error
	process *exec.Cmd
	ended   chan error
	count   atomic.Int64
}

// Database returns the URL of an empty database of its own for t, which it skips
// where PostgreSQL is not installed.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	s.start.Do(func() { s.err = s.make() })
	if s.missing != "" {
		t.Skip(s.missing)
	}
	if s.err != nil {
		t.Fatal(s.err)
	}
	name := fmt.Sprint("test", s.count.Add(1))
	s.admin(t, "CREATE DATABASE "+name)
	t.Cleanup(func() { s.admin(t, "DROP DATABASE "+name+" WITH (FORCE)") })
	return s.url(name)
}

func (s *Server) admin(t testing.TB, statement string) {
	t.Helper()
	db, err := sql.Open("pgx", s.url("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(context.Background(), statement); err != nil {
		t.Fatal(err)
	}
}

func (s *Server) url(database string) string {
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

// make makes a server and starts it.
func (s *Server) make() (err error) {
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
	initdb := lower(exec.Command(program("initdb"), "--no-sync", "-A", "trust", "-U", "tester", "-E", "UTF8", "--locale", "C", s.cluster()))
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return s.run()
}

func (s *Server) cluster() string { return filepath.Join(s.dir, "cluster") }

// run starts the server and returns when it answers.
func (s *Server) run() error {
	s.process = lower(exec.Command(program("postgres"), "-D", s.cluster(), "-k", s.dir, "-c", "listen_addresses=", "-c", "max_connections=200", "-c", "fsync="+syncs()))
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
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
func (s *Server) await() error {
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
			s.process = nil
			log, _ := os.ReadFile(filepath.Join(s.dir, "log"))
			return fmt.Errorf("postgres ended: %v\n%s", why, log)
		case <-time.After(100 * time.Millisecond):
		}
	}
	return err
}

// Halt stops the server, which cuts its clients off. Its databases stay for
// [Server.Resume].
func (s *Server) Halt() { s.endBy(halt) }

// Crash is Halt of a server that has no time to put anything away.
func (s *Server) Crash() { s.endBy(crash) }

func (s *Server) endBy(end func(*os.Process)) {
	if s.process != nil && s.process.Process != nil {
		end(s.process.Process)
		<-s.ended
	}
	s.process = nil
}

// Resume starts a server again that was halted.
func (s *Server) Resume() error { return s.run() }

// Close ends the server, if there is one, and removes what it left.
func (s *Server) Close() {
	if s.dir != "" {
		s.Halt()
		_ = os.RemoveAll(s.dir)
	}
}
