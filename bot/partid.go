package bot

import (
	"sync/atomic"
	"time"
)

// partIDs gives out the ids of parts. They grow with the clock, so that they
// need not be kept: those given out by an earlier process are smaller. It is safe
// for concurrent use.
type partIDs struct{ last atomic.Int64 }

// take returns the first of n ids in a row; see [Part].
func (p *partIDs) take(n int) int64 {
	for {
		last := p.last.Load()
		first := max(time.Now().UnixMilli()*10_000, last+1)
		if p.last.CompareAndSwap(last, first+int64(n)-1) {
			return first
		}
	}
}
