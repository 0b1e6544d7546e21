package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/diagbot/diagbot/bot"
)

// TestBackup copies a database that is written to meanwhile, and works with the
// copy.
func TestBackup(t *testing.T) {
	p := place{Options{Dir: t.TempDir(), Key: []byte("key")}, true}
	db := p.open(t)
	a := claim(t, db, "one", "node")
	check(t, a.Session().Save([]byte("login")))
	before := receive(t, a, "a", "b")
	ctx, stop := context.WithCancel(t.Context())
	var writing sync.WaitGroup
	writing.Go(func() {
		for ctx.Err() == nil {
			if seqs, err := a.Receive(ctx, []bot.Message{said("", "x"), said("", "y")}); err == nil {
				_ = a.Said(ctx, seqs[0], 0, true)
			}
		}
	})
	defer writing.Wait()
	defer stop()
	to := t.TempDir()
	file := filepath.Join(to, liteFile)
	check(t, db.Backup(t.Context(), file))
	check(t, Backup(t.Context(), p.Options, filepath.Join(to, "second")))
	found, err := os.Stat(file)
	check(t, err)
	same(t, "mode", found.Mode().Perm(), os.FileMode(0o600))
	left, _ := os.ReadDir(to)
	same(t, "files", len(left), 2)

	copied := place{Options{Dir: to, Key: []byte("key")}, true}.claim(t)
	open := must[[]bot.Open](t)(copied.Open(t.Context()))
	same(t, "first message", open[0].Seq, before[0])
	login, err := copied.Session().Load()
	same(t, "login", string(login), "login")
	check(t, err)
	var sound string
	check(t, copied.read(t.Context(), "check", func(x *tx) error {
		_, err := x.one("PRAGMA integrity_check", nil, &sound)
		return err
	}))
	same(t, "integrity", sound, "ok")
}

func TestBackupRefuses(t *testing.T) {
	p := place{Options{Dir: t.TempDir()}, true}
	p.open(t)
	dir := t.TempDir()
	precious := filepath.Join(dir, "precious")
	check(t, os.WriteFile(precious, []byte("kept"), 0o600))
	link := filepath.Join(dir, "link")
	check(t, os.Symlink(filepath.Join(dir, "nowhere"), link))
	ended, end := context.WithCancel(t.Context())
	end()
	for _, c := range []struct {
		name string
		ctx  context.Context
		o    Options
		file string
		want string
	}{
		{"a file is there", t.Context(), p.Options, precious, "is there already"},
		{"a link is there", t.Context(), p.Options, link, "is there already"},
		{"the directory is there", t.Context(), p.Options, dir, "is there already"},
		{"no such directory", t.Context(), p.Options, filepath.Join(dir, "no", "file"), "write " + filepath.Join(dir, "no", "file") + ": no such file"},
		{"no database", t.Context(), Options{Dir: dir}, filepath.Join(dir, "x"), "no such file"},
		{"PostgreSQL", t.Context(), Options{URL: "postgres://u:secret@h/d"}, filepath.Join(dir, "x"), "pg_dump"},
		{"given up", ended, p.Options, filepath.Join(dir, "x"), "given up"},
	} {
		err := Backup(c.ctx, c.o, c.file)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	b, err := os.ReadFile(precious)
	same(t, "precious", string(b), "kept")
	check(t, err)
	left, _ := os.ReadDir(dir)
	same(t, "files", len(left), 2)

	check(t, os.WriteFile(filepath.Join(dir, liteFile), nil, 0o600))
	if err := Backup(t.Context(), Options{Dir: dir}, filepath.Join(dir, "x")); !errors.Is(err, ErrForeign) {
		t.Errorf("an empty database: %v", err)
	}
}
