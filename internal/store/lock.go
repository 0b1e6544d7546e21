package store

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"
)

// dirLock makes this process the only one that owns accounts in a directory. The
// system frees it when the process ends, however it does, so that nobody waits
// for the leases of the dead. It is held while there are accounts.
type dirLock struct {
	mu    sync.Mutex
	file  *flock.Flock
	count int
}

func newDirLock(dir string) *dirLock {
	return &dirLock{file: flock.New(filepath.Join(dir, "diagbot.db.lock"), flock.SetPermissions(0o600))}
}

// add waits until the lock is ours, and counts one more account.
func (l *dirLock) add(ctx context.Context) error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.count == 0 {
		if _, err := l.file.TryLockContext(ctx, 100*time.Millisecond); err != nil && ctx.Err() == nil {
			return fileTrouble(fmt.Errorf("lock %s: %w", l.file.Path(), bare(err)))
		} else if err != nil {
			return fmt.Errorf("lock %s: %w", l.file.Path(), err)
		}
	}
	l.count++
	return nil
}

// remove counts one account less.
func (l *dirLock) remove() {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.count--; l.count == 0 {
		_ = l.file.Unlock()
	}
}

// free gives the lock up, whoever is still counted.
func (l *dirLock) free() {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count = 0
	_ = l.file.Unlock()
}
