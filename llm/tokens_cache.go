package llm

import (
	"hash/maphash"
	"sync"
)

// gauge counts for one prompt. It spends a bounded time on what is older and
// was not counted before; that is estimated, and counted next time.
type gauge struct {
	counts    *counts
	words     vocabulary
	left      int  // bytes of older text that may still be counted
	estimated bool // something was not counted
}

// roughBytes is how much older text is counted for one prompt: about 1 ms.
const roughBytes = 3 << 10

func (g *gauge) count(text string, rough bool) int {
	n, ok := g.counts.of(g.words, text)
	switch {
	case ok:
		return n
	case rough && g.left <= 0:
		g.estimated = true
		return g.words.estimate(text)
	case rough:
		g.left -= len(text)
	}
	n = g.words.count(text)
	g.counts.keep(g.words, text, n)
	return n
}

// counts remembers what texts counted, by their hash: a conversation is sent
// again with every message. It keeps the newer of some thousands.
type counts struct {
	mu         sync.Mutex
	seed       maphash.Seed
	young, old map[textKey]int
}

// textKey is no text, so that nothing people say is kept.
type textKey struct {
	hash  uint64
	bytes int
	words vocabulary
}

// generation is how many counts are kept before the older half is forgotten.
const generation = 8 << 10

func newCounts() *counts {
	return &counts{seed: maphash.MakeSeed(), young: map[textKey]int{}, old: map[textKey]int{}}
}

func (c *counts) gauge(words vocabulary) *gauge {
	return &gauge{counts: c, words: words, left: roughBytes}
}

func (c *counts) key(words vocabulary, text string) textKey {
	return textKey{maphash.String(c.seed, text), len(text), words}
}

// of returns what text counted before.
func (c *counts) of(words vocabulary, text string) (int, bool) {
	k := c.key(words, text)
	c.mu.Lock()
	defer c.mu.Unlock()
	if n, ok := c.young[k]; ok {
		return n, true
	}
	n, ok := c.old[k]
	if ok {
		c.add(k, n)
	}
	return n, ok
}

func (c *counts) keep(words vocabulary, text string, n int) {
	k := c.key(words, text)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add(k, n)
}

func (c *counts) add(k textKey, n int) {
	if len(c.young) >= generation {
		c.old, c.young = c.young, make(map[textKey]int, generation/8)
	}
	c.young[k] = n
}
