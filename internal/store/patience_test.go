package store

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestPatience holds that a patient write shares the transaction of the next one
// where some come in time, that it never waits for long, and not at all where none
// come.
func TestPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, err := Open(t.Context(), Options{Dir: t.TempDir()})
		check(t, err)
		var all sync.WaitGroup
		shared := make(map[*tx]bool)
		later := func() { check(t, db.writeLater(t.Context(), func(x *tx) error { shared[x] = true; return nil })) }
		soon := func() { check(t, db.write(t.Context(), func(x *tx) error { shared[x] = true; return nil })) }

		began := time.Now()
		for range 10 * tryAfter {
			later()
		}
		if d := time.Since(began); d != 10*patient {
			t.Errorf("alone it waited %v", d)
		}
		for range tryAfter + mostLuck {
			all.Go(later)
			synctest.Wait()
			soon()
		}
		clear(shared)
		all.Go(later)
		all.Go(later)
		synctest.Wait()
		soon()
		all.Wait()
		if len(shared) != 1 {
			t.Errorf("three writes took %d transactions", len(shared))
		}
		all.Go(later)
		synctest.Wait()
		check(t, db.Close()) // it is not left out
		all.Wait()
	})
}
