// Package store keeps what must outlive the process: messages, replies, memory,
// settings, incidents and logins, of all accounts of one bot, in SQLite or in
// PostgreSQL.
//
// What a write returned nil for survives the loss of power; a write that failed
// has changed nothing and may be tried again. An account belongs to one process
// at a time, by a lease with a number that grows with each change of owner: each
// write looks at it in its own transaction, so that a process that was stopped
// and wakes up late can do no harm. The database decides, by its own clock; there
// is no protocol between processes.
//
// SQLite is written by one connection, which puts all writes that wait into one
// commit, and read by others beside it.
package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// WriteFile puts b into the file at path, for the owner's eyes only (mode 0600),
// in the place of what was there; missing directories are made. The old content
// stays when it fails.
func WriteFile(path string, b []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return err
	}
	return syncDir(dir)
}

// syncDir makes a rename in dir durable. Windows has no such call.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("sync %s: %w", dir, err)
	}
	return nil
}

// fileTrouble is an error of the file system, which names the file.
func fileTrouble(err error) error {
	return &Error{Kind: fileKind(err), text: err.Error(), err: err}
}

func fileKind(err error) Kind {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return Full
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return ReadOnly
	}
	return Gone
}

// unmoved fails when another file than the one that is open is at path, or none: what
// is written to that one the next process would not find.
func unmoved(path string, open os.FileInfo) error {
	if open == nil {
		return nil
	}
	found, err := os.Stat(path)
	if err == nil && os.SameFile(open, found) || err != nil && !errors.Is(err, fs.ErrNotExist) { // else SQLite knows
		return nil
	}
	return &Error{Kind: Gone, text: path + ": the file was removed or replaced while in use; stop diagbot, see to it that the right file is there, and start it again", err: fs.ErrNotExist}
}

// unopened adds why a database cannot be opened where SQLite does not say it: what
// keeps a file from being made beside it, or itself from being written.
func unopened(path string, err error) error {
	var lite *sqlite.Error
	if !errors.As(err, &lite) || lite.Code()&0xff != sqlite3.SQLITE_CANTOPEN {
		return err
	}
	f, why := os.CreateTemp(filepath.Dir(path), "."+liteFile+".*")
	if why == nil {
		_, _ = f.Close(), os.Remove(f.Name())
		f, why = os.OpenFile(path, os.O_RDWR, 0)
	}
	if why == nil {
		_ = f.Close()
		return err
	}
	text := fmt.Sprintf("%s: the file cannot be opened: %v (SQLite %d)", path, bare(why), lite.Code())
	return &Error{Kind: fileKind(why), Code: fmt.Sprint(lite.Code()), text: text, err: err}
}

// bare is an error of the file system without the path.
func bare(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
