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
	"fmt"
	"os"
	"path/filepath"
	"runtime"
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
