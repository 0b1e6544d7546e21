package main

import (
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
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

// TestNoRoomToStart starts on disks that have no room left for one file or another,
// or none for a byte. The reason is told, and the status asks for another try.
func TestNoRoomToStart(t *testing.T) {
	t.Parallel()
	n := newInternet(t)
	dir := t.TempDir()
	for _, options := range []string{"nr_inodes=1", "nr_inodes=2", "nr_inodes=3", "nr_inodes=4", "nr_inodes=5", "nr_inodes=6", "size=4k", "size=8k", "size=16k", "size=48k"} {
		if err := syscall.Mount("none", dir, "tmpfs", 0, options); errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
			t.Skip("tests may not mount a disk")
		} else if err != nil {
			t.Fatal(err)
		}
		p := n.launch(t, []string{"DIAGBOT_DATA_DIR=" + filepath.Join(dir, "data")}, "serve")
		if status := p.status(t); status != int(statusFailed) {
			t.Errorf("%s: status %d", options, status)
		}
		if said := p.text(); !strings.Contains(said, "no space left on device") && !strings.Contains(said, "the disk is full") {
			t.Errorf("%s: %s", options, said)
		}
		must(t, syscall.Unmount(dir, 0))
	}
}

// TestReadOnlyDisk starts on a disk that the system has made read-only, as it does
// with a broken one.
func TestReadOnlyDisk(t *testing.T) {
	t.Parallel()
	n := newInternet(t)
	dir := t.TempDir()
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=8m"); errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
		t.Skip("tests may not mount a disk")
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { must(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
	n.env = append(n.env, "DIAGBOT_DATA_DIR="+dir)
	p := n.start(t, "serve")
	p.waitFor(t, "Answering.")
	if status := p.stop(t); status != 0 {
		t.Fatalf("status %d", status)
	}
	must(t, syscall.Mount("none", dir, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
	p = n.start(t, "serve")
	if status := p.status(t); status != int(statusFailed) || !strings.Contains(p.text(), "read-only file system") {
		t.Errorf("status %d: %s", status, p.text())
	}
}

// TestBackupToFullDisk names the file that was to be written, and leaves nothing.
func TestBackupToFullDisk(t *testing.T) {
	t.Parallel()
	n := newInternet(t)
	p := n.start(t, "serve")
	p.waitFor(t, "Answering.")
	dir := t.TempDir()
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=32k"); errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
		t.Skip("tests may not mount a disk")
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { must(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
	file := filepath.Join(dir, "copy.db")
	b := n.start(t, "backup", file)
	if status := b.status(t); status != int(statusFailed) || !strings.Contains(b.text(), file+": the disk is full") {
		t.Errorf("status %d: %s", status, b.text())
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
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
