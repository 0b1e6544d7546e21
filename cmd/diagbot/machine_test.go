package main

import (
	"runtime"
	"testing"
)

// What the operator says of processors holds.
func TestSpareProcessor(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	terminal{environ: []string{"GOMAXPROCS=1"}}.spareProcessor()
	if runtime.GOMAXPROCS(0) != before {
		t.Error("it was overruled")
	}
	terminal{}.spareProcessor()
	if runtime.GOMAXPROCS(0) != before+1 {
		t.Errorf("%d places, want one more than %d", runtime.GOMAXPROCS(0), before)
	}
}
