package llm

import (
	"cmp"
	"sync"
	"time"
)

// target is a model that a prompt is cut for.
type target struct {
	provider, model string
	window          int // tokens, as configured; 0: the model family's
	output          int // tokens an answer may have, as configured; 0: the family's reserve
}

// meter measures prompts in tokens and cuts them to what a model takes. It
// learns from the providers: what a prompt really cost, and how long one may
// be. It is safe for concurrent use.
type meter struct {
	counts *counts
	now    func() time.Time

	mu    sync.Mutex
	known map[modelAt]*lesson
}

// modelAt names a model at a provider; there are as many as are configured.
type modelAt struct{ provider, model string }

// lesson is what a provider's answers taught about a model.
type lesson struct {
	ratio   float64   // reported tokens for each counted; 0 if none were reported
	window  int       // the smallest window an error named; 0 if none did
	ceiling int       // counted tokens not to be reached again after a refusal without a number
	until   time.Time // when the ceiling ends
}

func newMeter() *meter {
	return &meter{counts: newCounts(), now: time.Now, known: map[modelAt]*lesson{}}
}

const (
	// leastWindow is the smallest window believed, in tokens.
	leastWindow = 256
	// ceilingTime is how long a guessed limit holds. A wrong guess must not
	// shorten conversations for ever.
	ceilingTime = time.Hour

	leastSample = 100  // counted tokens that make a fair comparison
	newWeight   = 0.3  // of the newest comparison
	leastRatio  = 0.5  // bounds of the ratio; beyond them a report is not
	mostRatio   = 2.0  // about the words that were sent
	driftMargin = 1.05 // a calibrated count's
)

// measured is a prompt cut for a target.
type measured struct {
	fitted
	exact bool // counted, not estimated in parts
}

// fit cuts messages to what t takes, as far as is known.
func (m *meter) fit(t target, messages []Message) measured {
	g := m.counts.gauge(familyOf(t.model).words)
	f := fit(messages, m.limit(t), g.count)
	return measured{fitted: f, exact: !g.estimated && !pictured(f.messages)}
}

// limit returns the counted tokens a prompt for t may have.
func (m *meter) limit(t target) int {
	f := familyOf(t.model)
	l := m.lesson(t)
	window := cmp.Or(t.window, f.window)
	if l.window > 0 && (t.window == 0 || l.window < t.window) {
		window = l.window
	}
	factor := f.margin
	if l.ratio > 0 {
		factor = l.ratio * driftMargin
	}
	limit := int(float64(window-reserve(window, t.output, f.reserve)) / factor)
	if l.ceiling > 0 && m.now().Before(l.until) {
		limit = min(limit, l.ceiling)
	}
	return max(limit, leastLimit)
}

// reserve returns the tokens of a window that are kept for the answer.
func reserve(window, configured, usual int) int {
	if configured > 0 {
		return min(configured, window*3/4)
	}
	return min(usual, window/4)
}

func (m *meter) lesson(t target) lesson {
	m.mu.Lock()
	defer m.mu.Unlock()
	if l := m.known[modelAt{t.provider, t.model}]; l != nil {
		return *l
	}
	return lesson{}
}

func (m *meter) learn(t target, change func(*lesson)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := modelAt{t.provider, t.model}
	if m.known[at] == nil {
		m.known[at] = &lesson{}
	}
	change(m.known[at])
}

// reported compares what was sent with the tokens the provider says it had.
func (m *meter) reported(t target, sent measured, prompt int) {
	if !sent.exact || sent.tokens < leastSample || prompt <= 0 {
		return
	}
	ratio := float64(prompt) / float64(sent.tokens)
	ratio = min(max(ratio, leastRatio), mostRatio)
	m.learn(t, func(l *lesson) {
		if l.ratio > 0 {
			ratio = newWeight*ratio + (1-newWeight)*l.ratio
		}
		l.ratio = ratio
	})
}

// refused learns that sent was too long for t, and the window the error named,
// 0 if it named none. It reports whether the next fit makes the prompt shorter;
// if not there is nothing left to cut.
func (m *meter) refused(t target, sent measured, window int) bool {
	size := sent.tokens
	if size == 0 { // not counted so far
		size = primingTokens + costOf(sent.messages, m.counts.gauge(familyOf(t.model).words).count, true)
	}
	if window >= leastWindow {
		m.learn(t, func(l *lesson) { l.window = min(window, cmp.Or(l.window, window)) })
	}
	if m.limit(t) < size {
		return true
	}
	m.learn(t, func(l *lesson) { l.ceiling, l.until = max(size*3/4, leastLimit), m.now().Add(ceilingTime) })
	return m.limit(t) < size
}
