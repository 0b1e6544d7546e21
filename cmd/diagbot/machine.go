package main

import (
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"
)

// gcPercent is how much garbage may come on top of what is in use. Go's own
// default, 100, takes about 4 MB more with 100 chats at once and saves about a
// tenth of the CPU time; on the small machines bots live on memory is scarcer.
const gcPercent = 50

// saveMemory sets the garbage collector's goal, unless the operator did.
func (t terminal) saveMemory() {
	if t.getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}

// spareProcessor lets one more goroutine run than there are processors, unless the
// operator set how many: whoever waits for the disk, as the store does for each
// commit, keeps a place until Go's monitor gives it to another, and with two places
// that is half of all.
func (t terminal) spareProcessor() {
	if t.getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 1)
	}
}

// outliveReaders keeps the process alive when nobody reads any more what it prints,
// which would end it like a crash: Ctrl-C ends the tee of "diagbot serve | tee log"
// at the same moment as it asks us to finish what is in work.
func (t terminal) outliveReaders() { signal.Ignore(syscall.SIGPIPE) }
