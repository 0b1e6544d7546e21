package main

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/diagbot/diagbot/bot"
)

func sampleTrend() bot.Trend {
	t := bot.Trend{
		Locale: "en", Title: "Failures in the last 24 h", Summary: "6 failed · 4 rescued", Location: time.UTC, Rescued: []int{0, 4, 0, 0},
		Causes: []bot.Cause{{Name: "429 请求太多了", Counts: []int{1, 0, 0, 3}, Failed: 4, Rescued: 4}, {Name: strings.Repeat("long ", 20), Counts: []int{0, 0, 0, 2}, Failed: 2}},
		Words:  bot.TrendWords{Failed: "Failed", Rescued: "Rescued", Other: "Others"},
	}
	for i := range 4 {
		t.Starts = append(t.Starts, time.Date(2026, 11, 22, 6*i, 0, 0, 0, time.UTC))
	}
	return t
}

func TestSketch(t *testing.T) {
	const want = `Failures in the last 24 h
6 failed · 4 rescued
429 请求太多了                     ████████████░░░░░░░░░░░░ 8
long long long long long long lon… ██████ 2
00:00 ▂▇·█ 18:00`
	if got := sketch(sampleTrend()); got != want {
		t.Errorf("drew\n%s\nwant\n%s", got, want)
	}
	none := sampleTrend()
	none.Causes, none.Empty = nil, "Nothing failed in this time."
	if got := sketch(none); got != "Failures in the last 24 h\nNothing failed in this time." {
		t.Errorf("drew %q of nothing", got)
	}
	many := sampleTrend()
	for range 20 {
		many.Causes = append(many.Causes, bot.Cause{Name: "x", Counts: make([]int, 4), Failed: 1})
	}
	if got := sketch(many); strings.Count(got, "\n") != 2+mostSketched+1 || !strings.Contains(got, "Others +14") {
		t.Errorf("drew\n%s", got)
	}
}

// TestPictureOfTheDemo is told in letters and saved where that is asked for.
func TestPictureOfTheDemo(t *testing.T) {
	words, err := wordsFor("en", func(string) string { return "" })
	must(t, err)
	a := &app{words: words}
	dir := t.TempDir()
	for _, p := range []*pencil{{}, {dir: dir}, {dir: filepath.Join(dir, "none")}} {
		raw, err := p.draw(sampleTrend())
		must(t, err)
		got := a.picture(p, raw)
		last := got[strings.LastIndex(got, "\n")+1:]
		want := map[string]string{"": "[diagbot demo --pictures . saves it]", dir: "[saved as " + filepath.Join(dir, "diagbot-trend-1.png") + "]"}[p.dir]
		if !strings.HasPrefix(got, "[a picture of 1080×") || !strings.Contains(got, "429 请求太多了") || want != "" && last != want || want == "" && !strings.HasPrefix(last, "[not saved as ") {
			t.Errorf("%q: shown as\n%s", p.dir, got)
		}
	}
	raw, err := os.ReadFile(filepath.Join(dir, "diagbot-trend-1.png"))
	must(t, err)
	if _, err := png.Decode(bytes.NewReader(raw)); err != nil {
		t.Error(err)
	}
}
