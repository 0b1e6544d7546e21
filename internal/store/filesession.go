package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// maxSession bounds what is read, in bytes. A real session has about 2,000.
const maxSession = 1 << 20

// FileSession is a file with the credentials of a login, for the owner's eyes only
// (mode 0600). One goroutine at a time may use it.
type FileSession struct {
	path string
}

// NewSession returns the session kept at path. Nothing is touched yet.
func NewSession(path string) *FileSession { return &FileSession{path: path} }

// Load returns what was saved, or nil without an error if nothing was. Errors
// name the file and say what is wrong with it.
func (s *FileSession) Load() ([]byte, error) {
	f, err := os.Open(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open session: %w", err)
	}
	defer func() { _ = f.Close() }()
	if info, err := f.Stat(); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("read session: %s is not a file", s.path)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxSession+1))
	if err != nil {
		return nil, fmt.Errorf("read session: %w", err)
	}
	if len(b) > maxSession {
		return nil, fmt.Errorf("read session: %s is over %d bytes", s.path, maxSession)
	}
	return b, nil
}

// Save replaces the session, and the directory's entry for it, on the disk.
func (s *FileSession) Save(b []byte) error {
	if err := WriteFile(s.path, b); err != nil {
		return fmt.Errorf("save session: %w", err)
	}
	return nil
}

// Remove deletes the session. It is no error if there is none.
func (s *FileSession) Remove() error {
	if err := os.Remove(s.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove session: %w", err)
	}
	return nil
}

// SetAside renames an unusable session to its name with ".bad", in the place
// of an older one, and returns that name.
func (s *FileSession) SetAside() (where string, err error) {
	where = s.path + ".bad"
	if err := os.Rename(s.path, where); err != nil {
		return "", fmt.Errorf("set session aside: %w", err)
	}
	if err := os.Chmod(where, 0o600); err != nil {
		return where, fmt.Errorf("set session aside: %w", err)
	}
	return where, nil
}
