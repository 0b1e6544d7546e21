package main

import (
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// TestDiskFull lets the disk with the data directory run full while people write:
// where tests may mount one, a small disk that is full, and in any case a process
// that may not make files longer.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	t.Run("limit", func(t *testing.T) {
		t.Parallel()
		n, c := newCrowd(t, 5, 40*time.Millisecond)
		n.env = append(n.env, asLimited+"=1")
		suffer(t, n, c, outage{
			fail: func(p *process) { limitFiles(t, p, 4096) }, // enough for the heartbeat
			mend: func(p *process) { limitFiles(t, p, math.MaxUint64) }, long: 3 * time.Second,
		})
	})
	n, c := newCrowd(t, 5, 40*time.Millisecond)
	if err := syscall.Mount("none", n.data, "tmpfs", 0, "size=32m"); errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
		return
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { must(t, syscall.Unmount(n.data, syscall.MNT_DETACH)) })
	t.Run("disk", func(t *testing.T) {
		ballast := filepath.Join(n.data, "ballast")
		suffer(t, n, c, outage{
			fail: func(*process) { fill(t, ballast) },
			mend: func(*process) { must(t, os.Remove(ballast)) }, long: 3 * time.Second, partly: true,
		})
	})
}

// fill writes a file until the disk is full.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	must(t, err)
	defer f.Close()
	for _, size := range []int64{1 << 16, 1} {
		for err = nil; err == nil; {
			_, err = io.CopyN(f, zeros{}, size)
		}
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// limitFiles says how long files may become that a process writes to. A process
// that is gone has none.
func limitFiles(t *testing.T, p *process, size uint64) {
	t.Helper()
	limit := syscall.Rlimit{Cur: size, Max: math.MaxUint64}
	_, _, err := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(p.Process.Pid), syscall.RLIMIT_FSIZE, uintptr(unsafe.Pointer(&limit)), 0, 0, 0)
	if err != 0 && err != syscall.ESRCH {
		t.Fatal(err)
	}
}
