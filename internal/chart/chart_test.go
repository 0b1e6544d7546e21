package chart

import (
	"bytes"
	"errors"
	"image"
	"image/png"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// draw renders a trend and reads the picture back.
func draw(t testing.TB, trend Trend) *image.Paletted {
	t.Helper()
	data, err := PNG(trend)
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	p, ok := decoded.(*image.Paletted)
	if !ok {
		t.Fatalf("decoded a %T", decoded)
	}
	return p
}

// samples are trends of every kind.
func samples() map[string]Trend {
	all := map[string]Trend{}
	for _, w := range languages() {
		all[w.lang+" day"] = w.lastDay()
		all[w.lang+" week"] = w.lastWeek(5, 14)
		all[w.lang+" nothing"] = w.trend(w.day)
	}
	en := languages()[0]
	all["many causes"] = en.lastWeek(8, 900)
	all["one cause"] = en.lastWeek(1, 4)
	all["hours of a week"] = en.hoursOfWeek()
	all["hostile"] = en.hostile()
	huge := en.lastWeek(3, 9)
	huge.Failed[0].Counts[2], huge.Rescued[3] = math.MaxInt, math.MaxInt
	all["huge"] = huge
	rescued := en.lastDay()
	rescued.Failed = nil
	all["rescued only"] = rescued
	failed := en.lastDay()
	failed.Rescued = nil
	all["failed only"] = failed
	return all
}

// TestFrame holds that no picture is larger than promised and nothing reaches its
// border.
func TestFrame(t *testing.T) {
	const border = 20
	for name, trend := range samples() {
		p := draw(t, trend)
		if p.Rect.Dx() != Width || p.Rect.Dy() < Width/2 || p.Rect.Dy() > 2*Width {
			t.Errorf("%s: %v", name, p.Rect)
		}
		drawn := extent(p)
		if !drawn.In(p.Rect.Inset(border)) {
			t.Errorf("%s: %v is drawn of %v", name, drawn, p.Rect)
		}
	}
}

// extent returns the least rectangle with everything that is not paper.
func extent(p *image.Paletted) image.Rectangle {
	var r image.Rectangle
	for y := range p.Rect.Dy() {
		row := p.Pix[y*p.Stride : y*p.Stride+Width]
		first := bytes.IndexFunc(row, func(at rune) bool { return at != 0 })
		if first < 0 {
			continue
		}
		last := bytes.LastIndexFunc(row, func(at rune) bool { return at != 0 })
		r = r.Union(image.Rect(first, y, last+1, y+1))
	}
	return r
}

// run is a stretch of columns or rows with one tone, and how much of it is there.
type run struct{ from, to, most int }

// bars finds the bars of a tone right of the legend's swatches.
func bars(p *image.Paletted, t tone) []run {
	var found []run
	inside := false
	for x := margin + swatch + 4; x < Width; x++ {
		n := 0
		for y := range p.Rect.Dy() {
			if tone(p.ColorIndexAt(x, y)) == t {
				n++
			}
		}
		if n > 0 && !inside {
			found = append(found, run{from: x})
		}
		if inside = n > 0; inside {
			last := &found[len(found)-1]
			last.to, last.most = x+1, max(last.most, n)
		}
	}
	return found
}

func TestBarsAreProportional(t *testing.T) {
	trend := languages()[0].trend("Bars")
	trend.Starts = every(time.Hour, 5, time.Unix(0, 0))
	trend.Failed = []Series{{"a", []int{10, 20, 0, 40, 100}}}
	p := draw(t, trend)
	got := bars(p, causeTone(0))
	want := []int{10, 20, 40, 100}
	if len(got) != len(want) {
		t.Fatalf("bars %v", got)
	}
	for i, r := range got {
		height := (r.most + 4) * 100 // with its edges
		if full := want[i] * failedTall; height < full-200 || height > full+200 {
			t.Errorf("the bar of %d is %d pixels high", want[i], height/100)
		}
		if width := r.to - r.from; width != got[0].to-got[0].from {
			t.Errorf("bar %d is %d wide, the first %v", i, width, got[0])
		}
		if i > 0 && r.from < got[i-1].to+20 {
			t.Errorf("bars %v and %v touch", got[i-1], r)
		}
	}
}

func TestCausesAreStacked(t *testing.T) {
	trend := languages()[0].trend("Stack")
	trend.Starts = every(time.Hour, 1, time.Unix(0, 0))
	trend.Failed = []Series{{"rare", []int{1}}, {"often", []int{3}}, {"never", []int{0}}}
	trend.Rescued = []int{2}
	p := draw(t, trend)
	often, rare := bars(p, causeTone(0)), bars(p, causeTone(1))
	if len(often) != 1 || len(rare) != 1 || len(bars(p, causeTone(2))) != 0 {
		t.Fatalf("often %v, rare %v", often, rare)
	}
	x := (often[0].from + often[0].to) / 2
	column := tones(p, x, causeTone(0), causeTone(1), rescuedEdge)
	if !slices.Equal(column, []tone{causeTone(1), causeTone(0), rescuedEdge}) {
		t.Errorf("from top to bottom: %v", column)
	}
	if a, b := often[0].most+4, 3*(rare[0].most+4); a < b-3 || a > b+3 {
		t.Errorf("3 are %d pixels high, 1 is %d", a, b/3)
	}
}

// tones lists which of some tones a column shows, from top to bottom, without
// repeating one.
func tones(p *image.Paletted, x int, of ...tone) []tone {
	var seen []tone
	for y := range p.Rect.Dy() {
		for _, t := range of {
			if tone(p.ColorIndexAt(x, y)) == t && (len(seen) == 0 || seen[len(seen)-1] != t) {
				seen = append(seen, t)
			}
		}
	}
	return seen
}

func TestRescuedAreApart(t *testing.T) {
	p := draw(t, languages()[0].lastDay())
	lowest, highest := 0, p.Rect.Dy()
	for y := range p.Rect.Dy() {
		for x := margin + swatch + 4; x < Width; x++ {
			switch at := tone(p.ColorIndexAt(x, y)); {
			case at >= firstCause:
				lowest = max(lowest, y)
			case at == rescued:
				highest = min(highest, y)
			}
		}
	}
	if lowest == 0 || highest == p.Rect.Dy() || highest < lowest {
		t.Errorf("failures end at row %d, rescued start at %d", lowest, highest)
	}
	if got := bars(p, rescuedLight); len(got) != 5 {
		t.Errorf("hatched bars: %v", got)
	}
}

// TestLegend reads the swatches and looks for a name and a total beside each.
func TestLegend(t *testing.T) {
	p := draw(t, languages()[1].lastWeek(8, 900))
	var want []tone
	for i := range MaxShown {
		want = append(want, causeTone(i))
	}
	want = append(want, other, rescued)
	x := margin + 9
	var got []tone
	for y := range p.Rect.Dy() {
		at := tone(p.ColorIndexAt(x, y))
		if !isFill(at) || len(got) > 0 && got[len(got)-1] == at {
			continue
		}
		got = append(got, at)
		if n := inked(p, image.Rect(margin+swatch, y, Width/2, y+swatch)); n < 200 {
			t.Errorf("%d: no name beside it", at)
		}
		if n := inked(p, image.Rect(Width-margin-100, y, Width-margin, y+swatch)); n < 100 {
			t.Errorf("%d: no total beside it", at)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("swatches %v, want %v", got, want)
	}
}

func isFill(t tone) bool {
	return t == rescued || t == other || t >= firstCause && (t-firstCause)%2 == 0
}

// inked counts the dark pixels of texts in an area.
func inked(p *image.Paletted, r image.Rectangle) int {
	n := 0
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			if at := p.ColorIndexAt(x, y); at > shades/2 && at <= shades {
				n++
			}
		}
	}
	return n
}

func TestNamelessCauses(t *testing.T) {
	trend := languages()[0].trend("Names")
	trend.Starts = every(time.Hour, 1, time.Unix(0, 0))
	trend.Failed = []Series{{"\n\u3164", []int{3}}}
	p := draw(t, trend)
	for y := p.Rect.Dy() - 1; y > 0; y-- {
		if tone(p.ColorIndexAt(margin+9, y)) == causeTone(0) {
			if inked(p, image.Rect(margin+swatch+5, y-swatch, Width/2, y)) < 20 {
				t.Error("nothing stands for the name")
			}
			return
		}
	}
	t.Error("no swatch")
}

func TestTitleIsWritten(t *testing.T) {
	for _, w := range languages() {
		p := draw(t, w.lastDay())
		if n := inked(p, image.Rect(margin, margin, Width-margin, margin+leading(titleSize))); n < 2000 {
			t.Errorf("%s: %d dark pixels in the title", w.lang, n)
		}
	}
}

func TestNothingHappened(t *testing.T) {
	w := languages()[0]
	none := w.lastDay()
	for i := range none.Failed {
		none.Failed[i].Counts = []int{0, -5}
	}
	none.Rescued = nil
	for name, trend := range map[string]Trend{"zero": none, "no buckets": w.trend(w.day), "no words": {}} {
		p := draw(t, trend)
		sign := 0
		for _, at := range p.Pix {
			if tone(at) >= grid {
				t.Fatalf("%s: something is drawn in tone %d", name, at)
			}
			if at > 2*shades {
				sign++
			}
		}
		if sign < 5000 {
			t.Errorf("%s: %d pixels of the sign", name, sign)
		}
	}
}

func TestRefused(t *testing.T) {
	now := time.Unix(1e9, 0)
	for _, c := range []struct {
		starts []time.Time
		want   error
	}{
		{every(time.Hour, MaxBuckets, now), nil},
		{every(time.Hour, MaxBuckets+1, now), errTooMany},
		{[]time.Time{now, now}, errNoAscent},
		{[]time.Time{now, now.Add(-1)}, errNoAscent},
	} {
		if _, err := PNG(Trend{Starts: c.starts, Rescued: []int{1}}); !errors.Is(err, c.want) {
			t.Errorf("%d buckets: %v, want %v", len(c.starts), err, c.want)
		}
	}
}

func TestDeterministic(t *testing.T) {
	all := samples()
	for _, name := range []string{"ja week", "hostile", "ko nothing"} {
		trend := all[name]
		a, _ := PNG(trend)
		b, _ := PNG(trend)
		if len(a) == 0 || !bytes.Equal(a, b) {
			t.Errorf("%s: two pictures of %d and %d bytes", name, len(a), len(b))
		}
	}
}

// TestCallersDataStays makes sure that merging doesn't write into the caller's counts.
func TestCallersDataStays(t *testing.T) {
	trend := languages()[0].lastWeek(8, 900)
	before := make([][]int, len(trend.Failed))
	for i, s := range trend.Failed {
		before[i] = append([]int(nil), s.Counts...)
	}
	draw(t, trend)
	for i, s := range trend.Failed {
		for j, n := range s.Counts {
			if n != before[i][j] {
				t.Fatalf("series %d is now %v", i, s.Counts)
			}
		}
	}
}

// TestMemory bounds all that a picture allocates, kept or not.
func TestMemory(t *testing.T) {
	const most = 15 << 20
	all := samples()
	for _, name := range []string{"many causes", "hours of a week", "hostile", "ko nothing"} {
		trend := all[name]
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		data, err := PNG(trend)
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; err != nil || used > most || len(data) > 200_000 {
			t.Errorf("%s: %d bytes for a picture of %d, %v", name, used, len(data), err)
		}
	}
}

func FuzzPNG(f *testing.F) {
	f.Add("ja", "401\n\x00 直 \u202e", int64(3), int64(-1), uint8(24), uint32(3600))
	f.Add("zh-Hant", strings.Repeat("🔑e\u0301", 5000), int64(math.MaxInt64), int64(7), uint8(168), uint32(60))
	f.Add("x", "\xff\xfe", int64(1), int64(0), uint8(1), uint32(86400))
	f.Fuzz(func(t *testing.T, lang, text string, n, saved int64, buckets uint8, step uint32) {
		trend := Trend{
			Lang: lang, Title: text, Summary: text, FailedName: text, RescuedName: text, OtherName: text, EmptyText: text,
			Starts: every(time.Duration(step+1)*time.Second, int(buckets), time.Unix(n%1e10, 0)),
		}
		for i := range 9 {
			trend.Failed = append(trend.Failed, Series{text, []int{int(n) >> i, int(n)}})
		}
		trend.Rescued = []int{0, int(saved)}
		_, err := PNG(trend)
		if (err != nil) != (buckets > MaxBuckets) {
			t.Fatal(err)
		}
	})
}

func BenchmarkPNG(b *testing.B) {
	w := languages()[1]
	for name, trend := range map[string]Trend{"day": w.lastDay(), "week": w.lastWeek(8, 900), "hours": w.hoursOfWeek(), "nothing": w.trend(w.day)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				data, err := PNG(trend)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(len(data)), "bytes/picture")
			}
		})
	}
}
