package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/diagbot/diagbot/bot"
)

// snapshot is what is in a directory, but for the files that SQLite makes while
// it looks at a database.
func snapshot(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	entries, err := os.ReadDir(dir)
	check(t, err)
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), "-shm") || strings.HasSuffix(e.Name(), "-wal") {
			continue
		}
		b, _ := os.ReadFile(filepath.Join(dir, e.Name()))
		fmt.Fprintf(&all, "%s %v %x\n", e.Name(), e.Type(), b)
	}
	return all.String()
}

// execLite runs statements on a file as another program would.
func execLite(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	check(t, err)
	defer db.Close()
	for _, s := range statements {
		if _, err := db.ExecContext(context.Background(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// TestHostileFiles opens what is not a database of ours. It must say which file
// and what is wrong with it, and leave it as it is.
func TestHostileFiles(t *testing.T) {
	good := func(t *testing.T, path string) {
		p := place{Options{Dir: filepath.Dir(path)}, true}
		db, err := Open(t.Context(), p.Options)
		check(t, err)
		a := claim(t, db, "one", "node")
		for i := range 50 {
			receive(t, a, fmt.Sprint(i, strings.Repeat("x", 200)))
		}
		check(t, db.Close())
	}
	for _, c := range []struct {
		name string
		make func(t *testing.T, path string)
		want string
		is   error
		kind Kind
	}{
		{"garbage", func(t *testing.T, path string) {
			check(t, os.WriteFile(path, bytes.Repeat([]byte("garbage "), 5000), 0o600))
		}, "not a SQLite database", nil, Damaged},
		{"a few bytes", func(t *testing.T, path string) { check(t, os.WriteFile(path, []byte("hello"), 0o600)) }, "not a SQLite database", nil, Damaged},
		{"truncated", func(t *testing.T, path string) { good(t, path); check(t, os.Truncate(path, 9000)) }, "damaged", nil, Damaged},
		{"truncated in the header", func(t *testing.T, path string) { good(t, path); check(t, os.Truncate(path, 60)) }, "", nil, Damaged},
		{"zeroes in the schema", func(t *testing.T, path string) {
			good(t, path)
			f, err := os.OpenFile(path, os.O_RDWR, 0)
			check(t, err)
			_, err = f.WriteAt(make([]byte, 3900), 100)
			check(t, err)
			check(t, f.Close())
		}, "damaged", nil, Damaged},
		{"a directory", func(t *testing.T, path string) { check(t, os.MkdirAll(filepath.Join(path, "x"), 0o700)) }, "not a file", ErrForeign, Damaged},
		{"another program's", func(t *testing.T, path string) {
			execLite(t, path, "CREATE TABLE messages (x)", "INSERT INTO messages VALUES (1)")
		}, "another program", ErrForeign, Damaged},
		{"another program's, with an id", func(t *testing.T, path string) { execLite(t, path, "PRAGMA application_id = 5") }, "another program", ErrForeign, Damaged},
		{"a newer schema", func(t *testing.T, path string) {
			good(t, path)
			execLite(t, path, "UPDATE diagbot_schema SET version = 99", "CREATE TABLE newer (x)")
		}, fmt.Sprint("version 99, this program knows ", len(migrations())), ErrNewerSchema, Other},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, liteFile)
			c.make(t, path)
			before := snapshot(t, dir)
			for _, open := range []func() error{opening(t, dir), opening(t, dir), func() error { return Look(t.Context(), Options{Dir: dir}) }} {
				err := open()
				if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
					t.Fatalf("error %v, want %q and the file", err, c.want)
				}
				var e *Error
				if !errors.As(err, &e) || e.Kind != c.kind || c.is != nil && !errors.Is(err, c.is) {
					t.Fatalf("kind of %#v", err)
				}
			}
			if after := snapshot(t, dir); after != before {
				t.Fatalf("the directory has changed:\n%.300s\n%.300s", before, after)
			}
		})
	}
}

func opening(t *testing.T, dir string) func() error {
	return func() error {
		_, err := Open(t.Context(), Options{Dir: dir})
		return err
	}
}

// TestLook finds nothing wrong with a database that is not there yet, nor with one
// in use, and leaves both as they are.
func TestLook(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		check(t, Look(t.Context(), p.Options))
		if left, _ := os.ReadDir(p.Dir); len(left) > 0 || Made(p.Options) != (p.URL != "") {
			t.Errorf("made %v", left)
		}
		a := p.claim(t)
		check(t, Look(t.Context(), p.Options))
		receive(t, a, "a")
		check(t, Look(t.Context(), p.Options))
		same(t, "made", Made(p.Options), true)
	})
}

// TestLookFails says what keeps a PostgreSQL out of reach, without the password.
func TestLookFails(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	check(t, silent.Close())
	for url, want := range map[string]string{
		"postgres://u:geheim@" + silent.Addr().String() + "/d": "nothing listens on that port",
		"postgres://u:geheim@host.invalid/d":                   "no host of that name",
		"postgres://u:geheim@127.0.0.1:99999/d":                "not valid",
	} {
		err := Look(t.Context(), Options{URL: url})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: %v, want %q", url, err, want)
		}
	}
}

// TestStrangeDirectory has characters that mean something in a URI.
func TestStrangeDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a b?mode=memory#%20&_pragma=synchronous(OFF);数据")
	p := place{Options{Dir: dir}, true}
	receive(t, p.claim(t), "a")
	found, err := os.Stat(filepath.Join(dir, liteFile))
	check(t, err)
	same(t, "mode", found.Mode().Perm(), os.FileMode(0o600))
	found, err = os.Stat(dir)
	check(t, err)
	same(t, "mode of the directory", found.Mode().Perm(), os.FileMode(0o700))
	if log, err := os.Stat(filepath.Join(dir, liteFile+"-wal")); err != nil || log.Mode().Perm() != 0o600 {
		t.Fatalf("the log: %v, %v", log, err)
	}
}

// TestSettingsOfSQLite are the ones that nothing else would notice.
func TestSettingsOfSQLite(t *testing.T) {
	p := place{Options{Dir: t.TempDir()}, true}
	a := p.claim(t)
	ask := func(x *tx, pragma string) (v string) {
		_, err := x.one("PRAGMA "+pragma, nil, &v)
		check(t, err)
		return v
	}
	check(t, a.write(t.Context(), "ask", func(x *tx) error {
		for pragma, want := range map[string]string{
			"synchronous": "2", "journal_mode": "wal", "auto_vacuum": "2", "secure_delete": "2", "busy_timeout": "5000", "application_id": fmt.Sprint(liteID),
		} {
			same(t, pragma, ask(x, pragma), want)
		}
		return nil
	}))
	check(t, a.read(t.Context(), "ask", func(x *tx) error {
		same(t, "query_only", ask(x, "query_only"), "1")
		return nil
	}))
	for version, want := range map[string]int{"3.51.2": 3_051_002, "3.54.1": 3_054_001, "x": 0} {
		same(t, version, versionNumber(version), want)
	}
}

// TestUnreachable has no server at all, and a URL that is none. The password
// must not be in the error.
func TestUnreachable(t *testing.T) {
	for _, url := range []string{
		"postgres://user:hunter2@127.0.0.1:1/db?connect_timeout=2", "postgres://user:hunter2@127.0.0.1:port/db",
		"postgres://user:hunter2@%zz/db", "host=127.0.0.1 port=1 password=hunter2 connect_timeout=2", "hunter2",
	} {
		_, err := Open(t.Context(), Options{URL: url})
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// TestPooler is refused by what stands in front of a server and has codes of its
// own: that may pass, and is told as it was said.
func TestPooler(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	var serving sync.WaitGroup
	defer serving.Wait()
	defer l.Close()
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			pooler := pgproto3.NewBackend(conn, conn)
			if _, err := pooler.ReceiveStartupMessage(); err == nil {
				pooler.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: "XX000", Message: "max clients reached"})
				_ = pooler.Flush()
			}
			_ = conn.Close()
		}
	})
	_, err = Open(t.Context(), Options{URL: "postgres://u:hunter2@" + l.Addr().String() + "/db?sslmode=disable"})
	var e *Error
	if !errors.As(err, &e) || e.Kind != Gone || !strings.Contains(err.Error(), "max clients reached") {
		t.Errorf("%v", err)
	}
}

// TestForeignServer opens a PostgreSQL database of another program, and one of a
// newer diagbot.
func TestForeignServer(t *testing.T) {
	url := newDatabase(t)
	db, err := sql.Open("pgx", url)
	check(t, err)
	defer db.Close()
	exec := func(s string) {
		t.Helper()
		_, err := db.ExecContext(t.Context(), s)
		check(t, err)
	}
	exec("CREATE TABLE messages (x INT)")
	if _, err := Open(t.Context(), Options{URL: url}); !errors.Is(err, ErrForeign) {
		t.Fatalf("another program's: %v", err)
	}
	exec("DROP TABLE messages")
	first, err := Open(t.Context(), Options{URL: url})
	check(t, err)
	check(t, first.Close())
	exec("UPDATE diagbot_schema SET version = 7")
	if _, err := Open(t.Context(), Options{URL: url}); !errors.Is(err, ErrNewerSchema) || !strings.Contains(err.Error(), "version 7") {
		t.Fatalf("a newer one: %v", err)
	}
	if err := Look(t.Context(), Options{URL: url}); !errors.Is(err, ErrNewerSchema) {
		t.Fatalf("look at a newer one: %v", err)
	}
	exec("UPDATE diagbot_schema SET version = 1")
	if _, err := Open(t.Context(), Options{URL: url + "&synchronous_commit=off"}); err == nil || !strings.Contains(err.Error(), "synchronous_commit") {
		t.Fatalf("not durable: %v", err)
	}
}

// TestManyOpenAtOnce has several processes make the tables of one database.
func TestManyOpenAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		errs := make(chan error)
		for range 6 {
			go func() {
				db, err := Open(t.Context(), p.Options)
				if err == nil {
					err = db.Close()
				}
				errs <- err
			}()
		}
		for range 6 {
			check(t, <-errs)
		}
	})
}

// TestDamagedRows has rows that cannot be understood: the others are answered.
func TestDamagedRows(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		var log bytes.Buffer
		p.Logger = slog.New(slog.NewTextHandler(&log, nil))
		a := p.claim(t)
		seqs := receive(t, a, "a", "b", "c")
		check(t, a.Conclude(t.Context(), bot.Conclusion{Seq: seqs[1], Reply: bot.StoredReply{Parts: []string{"x"}}}))
		check(t, a.write(t.Context(), "damage", func(x *tx) error {
			_, err := x.exec("UPDATE messages SET body = $1 WHERE id = 'a'", []byte(`{"Text": "some words`))
			if err == nil {
				_, err = x.exec("UPDATE messages SET reply = $1, said = 9 WHERE id = 'b'", []byte(`null`))
			}
			return err
		}))
		open := must[[]bot.Open](t)(a.Open(t.Context()))
		if len(open) != 2 || open[0].Reply == nil || open[0].Reply.Said != 0 || open[1].Seq != seqs[2] {
			t.Fatalf("open: %+v", open)
		}
		if !strings.Contains(log.String(), "damaged") || strings.Contains(log.String(), "words") {
			t.Fatalf("log: %s", log.String())
		}
	})
}

// TestStoredForm holds what messages look like in a database of version 1: a
// field that is renamed in package bot would be lost to those who upgrade.
func TestStoredForm(t *testing.T) {
	const body = `{"ID":"i","Chat":{"ID":"c","Key":"k","Group":true,"Name":"n"},"Sender":{"ID":"s","Key":"sk","Name":"sn","Owner":true},` +
		`"Kind":"text","Text":"t","Quote":"q","Mentioned":true,"At":"2026-11-22T14:00:00Z"}`
	var o bot.Open
	check(t, decode(&o, concluded, 1, []byte(body), []byte(`{"id":7,"parts":["a","b"]}`)))
	same(t, "reply", *o.Reply, bot.StoredReply{ID: 7, Parts: []string{"a", "b"}, Said: 1})
	encoded, err := encode([]bot.Message{o.Message})
	check(t, err)
	var was, is map[string]any
	check(t, json.Unmarshal([]byte(body), &was))
	check(t, json.Unmarshal(encoded[0], &is))
	for field := range is {
		if _, ok := was[field]; !ok {
			delete(is, field) // which came later
		}
	}
	same(t, "form", is, was)
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"ID":"i"}`), []byte(`{"id":1,"parts":["a"]}`), 1)
	f.Fuzz(func(t *testing.T, body, reply []byte, said int) {
		var o bot.Open
		if decode(&o, concluded, said, body, reply) == nil && (o.Reply.Said < 0 || o.Reply.Said > len(o.Reply.Parts)) {
			t.Fatalf("%+v", o.Reply)
		}
	})
}

// TestReplacedFile takes the file away under a store, and puts a copy in its place:
// what would be written to the old one nobody would find again. It goes on when the
// old one is back, and harms neither.
func TestReplacedFile(t *testing.T) {
	dir := t.TempDir()
	db, err := Open(t.Context(), Options{Dir: dir})
	check(t, err)
	a := claim(t, db, "one", "node")
	receive(t, a, "a")
	path, old := filepath.Join(dir, liteFile), filepath.Join(dir, "old")
	fresh := filepath.Join(t.TempDir(), "copy")
	check(t, db.Backup(t.Context(), fresh))
	for i := range 100 {
		receive(t, a, fmt.Sprint(i, strings.Repeat("x", 500)))
	}
	refuses := func(what string) {
		t.Helper()
		_, err := a.Receive(t.Context(), []bot.Message{said(what, "x")})
		var e *Error
		if !errors.As(err, &e) || e.Kind != Gone || !strings.Contains(err.Error(), "removed or replaced") {
			t.Errorf("%s: %v", what, err)
		}
	}
	check(t, os.Rename(path, old))
	refuses("removed")
	check(t, os.Rename(old, path))
	receive(t, a, "b")
	same(t, "open", len(must[[]bot.Open](t)(a.Open(t.Context()))), 102)
	check(t, os.Rename(path, old))
	check(t, os.Rename(fresh, path))
	refuses("replaced")
	check(t, db.Close())

	for file, want := range map[string]int{path: 1, old: 102} {
		there := t.TempDir()
		for _, ending := range []string{"-wal", "-shm", ""} {
			raw, err := os.ReadFile(file + ending)
			if err == nil {
				err = os.WriteFile(filepath.Join(there, liteFile+ending), raw, 0o600)
			}
			if err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
		}
		b := place{Options{Dir: there}, true}.claim(t)
		same(t, file, len(must[[]bot.Open](t)(b.Open(t.Context()))), want)
		var sound string
		check(t, b.read(t.Context(), "check", func(x *tx) error {
			_, err := x.one("PRAGMA integrity_check", nil, &sound)
			return err
		}))
		same(t, "integrity", sound, "ok")
	}
}
