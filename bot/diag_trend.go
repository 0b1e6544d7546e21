package bot

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Trend is what failed in a span of time, for a picture of it, with its words in
// the reader's language.
type Trend struct {
	Locale  string
	Title   string
	Summary string
	Empty   string // said when nothing failed

	Starts   []time.Time // when each of the equal parts of the time begins
	Location *time.Location
	Causes   []Cause
	Rescued  []int // in each part
	Words    TrendWords
}

// TrendWords are the headings of a picture.
type TrendWords struct{ Failed, Rescued, Other string }

// Cause is what failed for one reason, and was not rescued, in each part of a time.
type Cause struct {
	Name            string
	Counts          []int
	Failed, Rescued int // altogether
}

// period is a time that /diag trend knows.
type period struct {
	name         string
	length, step time.Duration
}

func periods() []period {
	const day = 24 * time.Hour
	return []period{{"24h", day, time.Hour}, {"7d", 7 * day, 6 * time.Hour}}
}

// trend shows what failed over time, in a picture where the channel has any:
// /diag trend [24h|7d].
func (r *Relay) trend(in call) string {
	want := strings.ReplaceAll(fold(in.args), " ", "")
	switch want {
	case "":
		want = "24h"
	case "1d":
		want = "24h"
	case "168h", "week", "一周", "一週":
		want = "7d"
	}
	for _, s := range periods() {
		if s.name != want {
			continue
		}
		if r.draws() {
			return recipe(s.name, in.tag)
		}
		return r.trendText(in.work, s, in.tag)
	}
	return r.catalogue().Say(in.tag, "trend_usage")
}

// draws reports whether pictures can be drawn and sent.
func (r *Relay) draws() bool {
	_, ok := r.o.Channel.(Pictures)
	return ok && r.o.Draw != nil
}

// trendText is the trend in words, where there are no pictures.
func (r *Relay) trendText(ctx context.Context, s period, tag string) string {
	t, err := r.readTrend(ctx, s, tag)
	if err != nil {
		return r.unread(tag, err)
	}
	if len(t.Causes) == 0 {
		return t.Title + "\n" + t.Empty
	}
	lines := []string{t.Title, t.Summary}
	for _, c := range t.Causes {
		lines = append(lines, r.catalogue().Say(tag, "trend_line", "title", c.Name, "failed", strconv.Itoa(c.Failed), "rescued", strconv.Itoa(c.Rescued)))
	}
	return strings.Join(lines, "\n")
}

// readTrend counts what failed until now, in parts that begin at full hours.
func (r *Relay) readTrend(ctx context.Context, s period, tag string) (Trend, error) {
	say, now := r.catalogue().Say, time.Now()
	first := now.Truncate(time.Hour).Add(time.Hour - s.length)
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	counts, err := r.store.Trend(ctx, first, s.step)
	if err != nil {
		return Trend{}, err
	}
	n := int(s.length / s.step)
	t := Trend{Locale: tag, Location: r.o.Location, Rescued: make([]int, n), Empty: say(tag, "trend_empty"),
		Title: say(tag, "trend_title", "span", r.spanName(tag, s)),
		Words: TrendWords{say(tag, "trend_failed"), say(tag, "trend_rescued"), say(tag, "trend_other")}}
	for i := range n {
		t.Starts = append(t.Starts, first.Add(time.Duration(i)*s.step))
	}
	causes := make(map[string]*Cause)
	for _, c := range counts {
		at := int(c.From.Sub(first) / s.step)
		if at < 0 || at >= n {
			continue
		}
		x := causes[c.Entry]
		if x == nil {
			x = &Cause{Name: r.code(c.Entry) + " " + r.catalogue().Title(c.Entry, tag), Counts: make([]int, n)}
			causes[c.Entry] = x
		}
		x.Counts[at] += c.Count - c.Rescued
		x.Failed, x.Rescued = x.Failed+c.Count-c.Rescued, x.Rescued+c.Rescued
		t.Rescued[at] += c.Rescued
	}
	t.add(causes)
	failed, rescued := t.sums()
	t.Summary = say(tag, "trend_summary", "failed", strconv.Itoa(failed), "rescued", strconv.Itoa(rescued))
	return t, nil
}

func (r *Relay) spanName(tag string, s period) string {
	if s.length > 24*time.Hour {
		return r.catalogue().Units(tag, "dur_days", int64(s.length/(24*time.Hour)))
	}
	return r.catalogue().Units(tag, "dur_hours", int64(s.length/time.Hour))
}

// add puts the causes in order, the most frequent first.
func (t *Trend) add(causes map[string]*Cause) {
	for _, id := range slices.Sorted(maps.Keys(causes)) {
		t.Causes = append(t.Causes, *causes[id])
	}
	slices.SortStableFunc(t.Causes, func(a, b Cause) int { return cmp.Compare(b.Failed+b.Rescued, a.Failed+a.Rescued) })
}

func (t *Trend) sums() (failed, rescued int) {
	for _, c := range t.Causes {
		failed, rescued = failed+c.Failed, rescued+c.Rescued
	}
	return failed, rescued
}
