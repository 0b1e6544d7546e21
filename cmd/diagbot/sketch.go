package main

import (
	"bytes"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/mattn/go-runewidth"

	"github.com/diagbot/diagbot/bot"
)

// The columns of a sketch on a terminal, and how many causes it names.
const (
	nameColumns  = 34
	barColumns   = 24
	mostSketched = 8
)

// pencil draws the demo's pictures and remembers, for terminals, what is on them.
type pencil struct {
	dir string // where pictures are saved; empty: nowhere

	mu     sync.Mutex
	sketch string // of the last picture
	saved  int
}

// draw implements bot.Options.Draw.
func (p *pencil) draw(t bot.Trend) ([]byte, error) {
	raw, err := drawn(t)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sketch = sketch(t)
	return raw, err
}

// picture tells what a terminal can of a picture that the bot sent, and saves it if
// that was asked for.
func (a *app) picture(p *pencil, raw []byte) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	size := ""
	if shape, err := png.DecodeConfig(bytes.NewReader(raw)); err == nil {
		size = fmt.Sprint(shape.Width, "×", shape.Height)
	}
	lines := []string{a.say("demo_picture", "size", size, "kb", strconv.Itoa((len(raw)+1023)/1024))}
	if p.sketch != "" {
		lines = append(lines, p.sketch)
	}
	if p.dir == "" {
		return strings.Join(append(lines, a.say("demo_picture_unsaved")), "\n")
	}
	p.saved++
	path := filepath.Join(p.dir, "diagbot-trend-"+strconv.Itoa(p.saved)+".png")
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		return strings.Join(append(lines, a.say("demo_picture_bad", "path", path, "why", reason(err))), "\n")
	}
	return strings.Join(append(lines, a.say("demo_picture_saved", "path", path)), "\n")
}

// sketch draws a trend with letters: a bar for each cause, full where it failed and
// light where it was rescued, and below when that was.
func sketch(t bot.Trend) string {
	lines := []string{t.Title, t.Summary}
	if len(t.Causes) == 0 {
		return t.Title + "\n" + t.Empty
	}
	most, perPart := 0, make([]int, len(t.Starts))
	for _, c := range t.Causes {
		most = max(most, c.Failed+c.Rescued)
		for i, n := range c.Counts {
			perPart[i] += n
		}
	}
	for _, c := range t.Causes[:min(len(t.Causes), mostSketched)] {
		name := runewidth.FillRight(runewidth.Truncate(c.Name, nameColumns, "…"), nameColumns)
		lines = append(lines, name+" "+bar(c.Failed, c.Rescued, most)+" "+strconv.Itoa(c.Failed+c.Rescued))
	}
	if left := len(t.Causes) - mostSketched; left > 0 {
		lines = append(lines, fmt.Sprintf("%s +%d", t.Words.Other, left))
	}
	for i, n := range t.Rescued {
		perPart[i] += n
	}
	clock := func(i int) string { return t.Starts[i].In(t.Location).Format("15:04") }
	return strings.Join(append(lines, clock(0)+" "+spark(perPart)+" "+clock(len(t.Starts)-1)), "\n")
}

// bar is a bar for failed and rescued ones of at most so many.
func bar(failed, rescued, most int) string {
	columns := func(n int) int { return (n*barColumns + most - 1) / max(most, 1) }
	full := columns(failed)
	return strings.Repeat("█", full) + strings.Repeat("░", max(0, columns(failed+rescued)-full))
}

// spark draws counts as a row of bars.
func spark(counts []int) string {
	most := 1
	for _, n := range counts {
		most = max(most, n)
	}
	heights := []rune("▁▂▃▄▅▆▇█")
	var b strings.Builder
	for _, n := range counts {
		if n == 0 {
			b.WriteRune('·')
			continue
		}
		b.WriteRune(heights[(n*len(heights)-1)/most])
	}
	return b.String()
}
