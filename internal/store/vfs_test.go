//go:build unix

package store

import (
	"os"
	"sync"
	"testing"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// shimName is a VFS of SQLite that is the usual one, but tells a disk what
// becomes of its files and fails when that says so.
const shimName = "disk_of_tests"

// shim is that VFS. SQLite calls it by addresses of functions, which cannot
// carry anything along.
var shim struct {
	once  sync.Once
	rc    int32
	disks disks
	usual sqlite3.Tsqlite3_vfs

	mu      sync.Mutex
	methods map[uintptr]uintptr // ours, by those they stand before
	open    map[uintptr]*openFile
}

type openFile struct {
	disk    *disk
	platter *platter
	usual   *sqlite3.Tsqlite3_io_methods
}

// at is what is at an address of C's memory.
func at[T any](p uintptr) *T { return *(**T)(unsafe.Pointer(&p)) }

// call is the C function at an address.
func call[F any](p uintptr) F { return *(*F)(unsafe.Pointer(&struct{ uintptr }{p})) }

// address is that of a Go function that is no closure.
func address[F any](f F) uintptr { return *(*uintptr)(unsafe.Pointer(&struct{ f F }{f})) }

func registerVFS(t testing.TB) {
	t.Helper()
	shim.once.Do(func() {
		shim.disks.byDir, shim.open = make(map[string]*disk), make(map[uintptr]*openFile)
		shim.methods = make(map[uintptr]uintptr)
		tls := libc.NewTLS() // as long as the process
		shim.usual = *at[sqlite3.Tsqlite3_vfs](sqlite3.Xsqlite3_vfs_find(tls, 0))
		ours := libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(shim.usual)))
		*at[sqlite3.Tsqlite3_vfs](ours) = shim.usual
		v := at[sqlite3.Tsqlite3_vfs](ours)
		v.FzName, _ = libc.CString(shimName)
		v.FpNext = 0
		v.FxOpen, v.FxDelete = address(shimOpen), address(shimDelete)
		shim.rc = sqlite3.Xsqlite3_vfs_register(tls, ours, 0)
	})
	if shim.rc != sqlite3.SQLITE_OK {
		t.Fatalf("register VFS: %d", shim.rc)
	}
}

func shimOpen(tls *libc.TLS, vfs, name, file uintptr, flags int32, out uintptr) int32 {
	path := ""
	if name != 0 {
		path = libc.GoString(name)
	}
	_, missing := os.Stat(path)
	rc := call[func(*libc.TLS, uintptr, uintptr, uintptr, int32, uintptr) int32](shim.usual.FxOpen)(tls, vfs, name, file, flags, out)
	d := shim.disks.of(path)
	if rc != sqlite3.SQLITE_OK || path == "" || d == nil {
		return rc
	}
	shim.mu.Lock()
	defer shim.mu.Unlock()
	methods := at[uintptr](file)
	shim.open[file] = &openFile{d, d.open(path, missing == nil), at[sqlite3.Tsqlite3_io_methods](*methods)}
	*methods = instead(tls, *methods)
	return rc
}

// instead returns methods like those at an address, but for ours.
func instead(tls *libc.TLS, usual uintptr) uintptr {
	if shim.methods[usual] == 0 {
		ours := *at[sqlite3.Tsqlite3_io_methods](usual)
		ours.FxClose, ours.FxWrite = address(shimClose), address(shimWrite)
		ours.FxTruncate, ours.FxSync = address(shimTruncate), address(shimSync)
		shim.methods[usual] = libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(ours)))
		*at[sqlite3.Tsqlite3_io_methods](shim.methods[usual]) = ours
	}
	return shim.methods[usual]
}

func shimDelete(tls *libc.TLS, vfs, name uintptr, syncDir int32) int32 {
	if d := shim.disks.of(libc.GoString(name)); d != nil {
		d.remove(libc.GoString(name))
	}
	return call[func(*libc.TLS, uintptr, uintptr, int32) int32](shim.usual.FxDelete)(tls, vfs, name, 0)
}

func opened(file uintptr) *openFile {
	shim.mu.Lock()
	defer shim.mu.Unlock()
	return shim.open[file]
}

func shimWrite(tls *libc.TLS, file, from uintptr, n int32, offset int64) int32 {
	b := make([]byte, n)
	copy(b, unsafe.Slice(at[byte](from), n))
	f := opened(file)
	if rc := f.disk.change(f.platter, change{offset, b}); rc != sqlite3.SQLITE_OK {
		return rc
	}
	return call[func(*libc.TLS, uintptr, uintptr, int32, int64) int32](f.usual.FxWrite)(tls, file, from, n, offset)
}

func shimTruncate(tls *libc.TLS, file uintptr, size int64) int32 {
	f := opened(file)
	if rc := f.disk.change(f.platter, change{at: size}); rc != sqlite3.SQLITE_OK {
		return rc
	}
	return call[func(*libc.TLS, uintptr, int64) int32](f.usual.FxTruncate)(tls, file, size)
}

func shimSync(_ *libc.TLS, file uintptr, _ int32) int32 {
	f := opened(file)
	return f.disk.sync(f.platter)
}

func shimClose(tls *libc.TLS, file uintptr) int32 {
	f := opened(file)
	shim.mu.Lock()
	delete(shim.open, file)
	shim.mu.Unlock()
	return call[func(*libc.TLS, uintptr) int32](f.usual.FxClose)(tls, file)
}
