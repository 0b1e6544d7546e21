package chart

import "time"

// tick is a label of the time axis.
type tick struct {
	text string
	at   int  // where the time it names is
	x    int  // where its text starts
	mark bool // whether a short line shows where
	day  bool // whether it names a day
}

// timeTicks labels the time axis: buckets of a day with their day, up to two days
// of shorter ones with hours and the day at midnight, and more with days. It shows
// as many labels as have room.
func timeTicks(t Trend, place func(bucket int) int, width func(string) int) []tick {
	a := timeAxis{place: place, width: width}
	for _, start := range t.Starts {
		if t.Location == nil {
			a.starts = append(a.starts, start.UTC())
		} else {
			a.starts = append(a.starts, start.In(t.Location))
		}
	}
	switch step, span := a.step(), a.starts[len(a.starts)-1].Sub(a.starts[0]); {
	case step >= 20*time.Hour:
		return a.daily()
	case span >= 49*time.Hour:
		return a.thinned(a.midnights())
	}
	return a.hourly()
}

// timeAxis places times; its starts are in the reader's time zone.
type timeAxis struct {
	starts []time.Time
	place  func(bucket int) int // where a bucket starts, or the last one ends
	width  func(text string) int
}

const (
	labelGap = 20 // between two labels, in pixels

	dayForm  = "01-02"
	hourForm = "15:04"
)

// step returns the length of the first bucket; a lone one is a day if it starts
// at midnight, else an hour.
func (a *timeAxis) step() time.Duration {
	if len(a.starts) > 1 {
		return a.starts[1].Sub(a.starts[0])
	}
	if only := a.starts[0]; only.Hour() == 0 && only.Minute() == 0 {
		return 24 * time.Hour
	}
	return time.Hour
}

// daily puts the day in the middle below each bucket; the newest always has one.
func (a *timeAxis) daily() []tick {
	var ticks []tick
	for i, start := range a.starts {
		t := tick{text: start.Format(dayForm), at: (a.place(i) + a.place(i+1)) / 2, day: true}
		t.x = a.centred(t)
		ticks = append(ticks, t)
	}
	return a.thinned(ticks)
}

// centred returns where a label below its time starts.
func (a *timeAxis) centred(t tick) int {
	w := a.width(t.text)
	return between(0, t.at-w/2, Width-margin-w)
}

// midnights puts each day right of where it starts, or as far right as it can.
func (a *timeAxis) midnights() []tick {
	var ticks []tick
	for i, start := range a.starts {
		if !a.newDay(i) {
			continue
		}
		t := tick{text: start.Format(dayForm), at: a.place(i), mark: true, day: true}
		w := a.width(t.text)
		if t.x = min(t.at+8, Width-margin-w); t.x < t.at-w/2 {
			t.text, t.x = "", t.at // the day has hardly begun
		}
		ticks = append(ticks, t)
	}
	return ticks
}

// newDay reports whether the i-th bucket is the first of a day.
func (a *timeAxis) newDay(i int) bool {
	start := a.starts[i]
	if i == 0 {
		return start.Hour() == 0 && start.Minute() == 0
	}
	return start.YearDay() != a.starts[i-1].YearDay()
}

// hourly labels every hour, or every second, third … until the labels have room.
func (a *timeAxis) hourly() []tick {
	var ticks []tick
	for _, every := range []int{1, 2, 3, 4, 6, 12, 24} {
		if ticks = a.hours(every); roomy(ticks, labelGap, a.width) {
			break
		}
	}
	if len(ticks) > 1 {
		return a.thinned(ticks)
	}
	return a.ends()
}

// ends labels the first and the last bucket, where no hour starts between them.
func (a *timeAxis) ends() []tick {
	ticks := []tick{a.clock(0)}
	if last := a.clock(len(a.starts) - 1); last.at > ticks[0].at {
		ticks = append(ticks, last)
	}
	return a.thinned(ticks)
}

// thinned leaves labels out, at equal distances, until the others have room; the
// newest stays.
func (a *timeAxis) thinned(ticks []tick) []tick {
	for every := 1; ; every++ {
		var kept []tick
		for i := range ticks {
			if (len(ticks)-1-i)%every == 0 {
				kept = append(kept, ticks[i])
			}
		}
		if roomy(kept, labelGap, a.width) {
			return kept
		}
	}
}

func (a *timeAxis) hours(every int) []tick {
	var ticks []tick
	for i := range a.starts {
		if a.newDay(i) || a.newHours(i, every) {
			ticks = append(ticks, a.clock(i))
		}
	}
	return ticks
}

// clock labels where the i-th bucket starts, with its hour or at midnight its day.
func (a *timeAxis) clock(i int) tick {
	t := tick{text: a.starts[i].Format(hourForm), at: a.place(i), mark: true, day: a.newDay(i)}
	if t.day {
		t.text = a.starts[i].Format(dayForm)
	}
	t.x = a.centred(t)
	return t
}

// newHours reports whether a stretch of so many hours starts with the i-th bucket.
func (a *timeAxis) newHours(i, every int) bool {
	hour := a.starts[i].Hour()
	if i == 0 {
		return hour%every == 0 && a.starts[i].Minute() == 0
	}
	return hour/every != a.starts[i-1].Hour()/every
}

// roomy reports whether labels keep a distance.
func roomy(ticks []tick, gap int, width func(string) int) bool {
	for i := 1; i < len(ticks); i++ {
		if ticks[i].x < ticks[i-1].x+width(ticks[i-1].text)+gap {
			return false
		}
	}
	return true
}
