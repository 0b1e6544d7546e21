//go:build unix

package store

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	sqlite3 "modernc.org/sqlite/lib"
)

const sector = 512

// disk is what a real one would hold at any moment: of each file what it held
// when it was last synced, and what was written since, of which the loss of
// power leaves any part or nothing.
type disk struct {
	mu    sync.Mutex
	files map[string]*platter
	left  int // operations until the power goes; 0: it stays
	dead  bool

	syncFails bool // and what was to be synced is lost, as on Linux
	full      bool
	syncs     int
}

// platter is one file on a disk.
type platter struct {
	listed bool // its name is on the disk, too
	synced []byte
	since  []change
}

// change is a write, or with nil a new size.
type change struct {
	at int64
	b  []byte
}

// disks are the ones that the file system of these tests serves, by directory.
type disks struct {
	mu    sync.Mutex
	byDir map[string]*disk
}

// newDisk puts a disk under a directory.
func newDisk(t testing.TB, dir string) *disk {
	registerVFS(t)
	d := &disk{files: make(map[string]*platter)}
	shim.disks.mu.Lock()
	defer shim.disks.mu.Unlock()
	shim.disks.byDir[dir] = d
	t.Cleanup(func() {
		shim.disks.mu.Lock()
		defer shim.disks.mu.Unlock()
		delete(shim.disks.byDir, dir)
	})
	return d
}

func (s *disks) of(path string) *disk {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byDir[filepath.Dir(path)]
}

// open notes a file, with what it holds if it was there before.
func (d *disk) open(path string, existed bool) *platter {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := d.files[path]
	if p == nil {
		p = &platter{listed: existed}
		p.synced, _ = os.ReadFile(path)
		d.files[path] = p
	}
	return p
}

func (d *disk) change(p *platter, c change) int32 {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.dead:
		return sqlite3.SQLITE_IOERR | 3<<8 // SQLITE_IOERR_WRITE
	case d.full && c.b != nil:
		return sqlite3.SQLITE_FULL
	}
	p.since = append(p.since, c)
	d.tick()
	return sqlite3.SQLITE_OK
}

func (d *disk) sync(p *platter) int32 {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.dead:
		return sqlite3.SQLITE_IOERR | 4<<8 // SQLITE_IOERR_FSYNC
	case d.syncFails:
		p.since = nil // the system takes it for written, and never tries again
		return sqlite3.SQLITE_IOERR | 4<<8
	}
	d.syncs++
	for _, c := range p.since {
		p.synced = apply(p.synced, c)
	}
	p.since, p.listed = nil, true
	d.tick()
	return sqlite3.SQLITE_OK
}

func (d *disk) remove(path string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.dead {
		delete(d.files, path)
		d.tick()
	}
}

// tick may be the last one.
func (d *disk) tick() {
	if d.left > 0 {
		d.left--
		d.dead = d.left == 0
	}
}

// dieAfter has the disk do nothing any more after so many operations.
func (d *disk) dieAfter(operations int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.left, d.dead = operations, operations == 0
}

// revive has it work again, as if the process but not the machine had ended:
// what was written and not synced is still on its way.
func (d *disk) revive() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.left, d.dead = 0, false
}

func (d *disk) isDead() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.dead
}

func (d *disk) trouble(syncFails, full bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.syncFails, d.full = syncFails, full
}

// apply changes what a file holds.
func apply(b []byte, c change) []byte {
	end := int(c.at) + len(c.b)
	if c.b == nil {
		if len(b) > end {
			return b[:end]
		}
		return append(b, make([]byte, end-len(b))...)
	}
	if len(b) < end {
		b = append(b, make([]byte, end-len(b))...)
	}
	copy(b[c.at:], c.b)
	return b
}

// recover puts what the disk holds after the power was lost into a directory. If
// torn, some of what was not synced is there as well, by sectors.
func (d *disk) recover(t testing.TB, dir string, torn bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for path, p := range d.files {
		if strings.HasSuffix(path, "-shm") || !p.listed && !torn {
			continue
		}
		b := slices.Clone(p.synced)
		for _, c := range p.since {
			if torn {
				b = tear(b, c)
			}
		}
		check(t, os.WriteFile(filepath.Join(dir, filepath.Base(path)), b, 0o600))
	}
}

func tear(b []byte, c change) []byte {
	if c.b == nil {
		if rand.IntN(2) == 0 {
			b = apply(b, c)
		}
		return b
	}
	for at := int64(0); at < int64(len(c.b)); {
		end := min((c.at+at)/sector*sector+sector-c.at, int64(len(c.b)))
		if rand.IntN(2) == 0 {
			b = apply(b, change{c.at + at, c.b[at:end]})
		}
		at = end
	}
	return b
}
