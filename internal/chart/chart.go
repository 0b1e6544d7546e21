// Package chart draws failures over time as a picture for a phone: bars
// stacked by cause above the line, what the bot rescued by itself below it, and
// a legend with totals. It decides on axes, colours and labels; every word in the
// picture is given by the caller, in the reader's language.
//
// It refuses to guess: counts are drawn as they are given, nothing is smoothed,
// and what doesn't fit is merged or cut with an ellipsis. Nothing is kept between
// two pictures, and equal trends give equal bytes.
//
// Its typeface is a subset of Noto Sans CJK, © 2014-2021 Adobe, under the SIL
// Open Font License 1.1; see font/README.md and font/OFL.txt.
package chart

import (
	"bytes"
	"errors"
	"fmt"
	"image/png"
	"time"
)

// Limits of a picture.
const (
	MaxBuckets = 168 // a week of hours
	MaxShown   = 6   // causes with a colour of their own; the others are merged
	Width      = 1080
)

// Trend is what a picture shows. Texts are drawn on one line each, but for the
// title, the summary and EmptyText, which may take two; line breaks and
// characters that cannot be seen are removed, and characters that the typeface
// lacks are drawn as a box.
type Trend struct {
	Lang    string // BCP 47 tag: which regional shapes Chinese characters have
	Title   string
	Summary string // below the title, such as "9 failed · 6 rescued"; may be empty

	Starts   []time.Time    // when each bucket starts, ascending; at most MaxBuckets
	Location *time.Location // of the labels of the time axis; nil means UTC

	Failed  []Series // by cause, in any order
	Rescued []int    // per bucket, what the bot saved by itself

	FailedName  string // the legend's heading of all causes
	RescuedName string
	OtherName   string // for the causes that were merged
	EmptyText   string // said when there is nothing to draw
}

// Series is one cause and how often it occurred in each bucket. Missing counts
// and counts below 0 are 0; counts beyond the last bucket are ignored; a count
// above 1,000,000,000 is drawn as that.
type Series struct {
	Name   string
	Counts []int
}

// PNG draws a trend, Width pixels wide and at most twice as high. It fails when
// there are more than MaxBuckets buckets or they don't ascend.
func PNG(t Trend) ([]byte, error) {
	if err := t.check(); err != nil {
		return nil, fmt.Errorf("draw trend: %w", err)
	}
	s, err := newScribe(t.Lang)
	if err != nil {
		return nil, fmt.Errorf("draw trend: %w", err)
	}
	var out bytes.Buffer
	if err := png.Encode(&out, page(t, s).picture()); err != nil {
		return nil, fmt.Errorf("draw trend: %w", err)
	}
	return out.Bytes(), nil
}

var (
	errTooMany  = fmt.Errorf("more than %d buckets", MaxBuckets)
	errNoAscent = errors.New("the buckets do not ascend")
)

func (t *Trend) check() error {
	if len(t.Starts) > MaxBuckets {
		return errTooMany
	}
	for i := 1; i < len(t.Starts); i++ {
		if !t.Starts[i].After(t.Starts[i-1]) {
			return errNoAscent
		}
	}
	return nil
}

// page lists what is drawn, from top to bottom.
func page(t Trend, s *scribe) sheet {
	f := countUp(t)
	blocks := []block{
		paragraph(s, t.Title, line{size: titleSize, tone: ink, rows: 2}),
		paragraph(s, t.Summary, line{size: summarySize, tone: muted, rows: 2}),
	}
	if f.empty() {
		return append(blocks, allClear(s, t.EmptyText))
	}
	return append(blocks, plot(s, t, f), legend(s, t, f))
}
