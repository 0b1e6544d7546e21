package main

import (
	"testing"
	"testing/synctest"
)

// A line that is typed between being told to and being asked is not lost, and one
// that nobody was told to type is no answer.
func TestKeyboardExpects(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		lines := make(chan string)
		k := &keyboard{lines: lines, asks: make(chan asking), enter: make(map[int]func())}
		presses := 0
		defer k.onEnter(func() { presses++ })()
		go k.run(t.Context())
		lines <- "idle"
		synctest.Wait()
		k.expect()
		lines <- "wrong"
		lines <- "4711"
		synctest.Wait()
		if got, err := k.ask(t.Context()); got != "4711" || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
		lines <- ""
		synctest.Wait()
		if presses != 2 {
			t.Errorf("%d presses of Enter, want 2", presses)
		}
	})
}
