package store

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	_ "modernc.org/sqlite"
)

// asNobody runs do without root's right to write everywhere.
func asNobody(t *testing.T, do func()) {
	t.Helper()
	if os.Getuid() != 0 {
		do()
		return
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	check(t, syscall.Setfsuid(65534))
	defer func() { check(t, syscall.Setfsuid(0)) }()
	do()
}

// TestReadOnly opens a database that may be read, but not written, in a
// directory that may not be written either, and one where there is none.
func TestReadOnly(t *testing.T) {
	top, err := os.MkdirTemp("", "diagbot-ro-")
	check(t, err)
	t.Cleanup(func() { check(t, os.RemoveAll(top)) })
	dir, empty := filepath.Join(top, "data"), filepath.Join(top, "empty")
	check(t, os.Mkdir(empty, 0o700))
	db, err := Open(t.Context(), Options{Dir: dir})
	check(t, err)
	receive(t, claim(t, db, "one", "node"), "a")
	check(t, db.Close())
	for path, mode := range map[string]os.FileMode{top: 0o755, dir: 0o555, empty: 0o555, filepath.Join(dir, liteFile): 0o444} {
		check(t, os.Chmod(path, mode))
	}
	defer func() { _ = errors.Join(os.Chmod(dir, 0o700), os.Chmod(empty, 0o700)) }()
	before := snapshot(t, dir)
	for _, where := range []string{dir, empty} {
		asNobody(t, func() {
			_, err := Open(t.Context(), Options{Dir: where})
			var e *Error
			if !errors.As(err, &e) || e.Kind != ReadOnly && e.Kind != Gone || !strings.Contains(err.Error(), filepath.Join(where, liteFile)) {
				t.Errorf("%s: %v", where, err)
			}
			t.Log(err)
		})
	}
	same(t, "directory", snapshot(t, dir), before)
}
