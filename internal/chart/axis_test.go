package chart

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata"
)

// labelled returns the time axis of buckets on 930 pixels.
func labelled(starts []time.Time, zone *time.Location) []tick {
	place := func(i int) int { return 100 + i*930/len(starts) }
	return timeTicks(Trend{Starts: starts, Location: zone}, place, func(text string) int { return 17 * len(text) })
}

func TestTimeLabels(t *testing.T) {
	zone := func(name string) *time.Location {
		z, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		return z
	}
	utc := func(month time.Month, day, hour, minute int) time.Time {
		return time.Date(2026, month, day, hour, minute, 0, 0, time.UTC)
	}
	for _, c := range []struct {
		name   string
		starts []time.Time
		zone   *time.Location
		want   string
	}{
		{"a day of hours", every(time.Hour, 24, utc(11, 21, 7, 0)), zone("Asia/Shanghai"),
			"15:00 18:00 21:00 11-22 03:00 06:00 09:00 12:00"},
		{"no zone", every(time.Hour, 24, utc(11, 21, 7, 0)), nil, "09:00 12:00 15:00 18:00 21:00 11-22 03:00 06:00"},
		{"two days of hours", every(time.Hour, 48, utc(11, 21, 7, 0)), zone("Asia/Tokyo"),
			"18:00 11-22 06:00 12:00 18:00 11-23 06:00 12:00"},
		{"half an hour off", every(time.Hour, 24, utc(11, 21, 7, 0)), zone("Asia/Kolkata"),
			"15:30 18:30 21:30 11-22 03:30 06:30 09:30"},
		{"an hour twice", every(time.Hour, 24, utc(11, 1, 4, 0)), zone("America/New_York"),
			"11-01 03:00 06:00 09:00 12:00 15:00 18:00 21:00"},
		{"days", every(24*time.Hour, 7, utc(11, 15, 16, 0)), zone("Asia/Shanghai"),
			"11-16 11-17 11-18 11-19 11-20 11-21 11-22"},
		{"a month of days", every(24*time.Hour, 30, utc(10, 24, 16, 0)), zone("Asia/Shanghai"),
			"10-29 11-03 11-08 11-13 11-18 11-23"},
		{"a week of hours", every(time.Hour, 168, utc(11, 14, 7, 0)), zone("Asia/Shanghai"),
			"11-15 11-16 11-17 11-18 11-19 11-20 11-21"},
		{"a day has hardly begun", every(time.Hour, 168, utc(11, 14, 17, 0)), zone("Asia/Shanghai"),
			"11-16 11-17 11-18 11-19 11-20 11-21"},
		{"minutes of one hour", every(time.Minute, 30, utc(11, 21, 7, 5)), nil, "07:05 07:34"},
		{"one hour", every(time.Hour, 1, utc(11, 21, 7, 0)), nil, "07:00"},
		{"one day", every(time.Hour, 1, utc(11, 21, 0, 0)), nil, "11-21"},
	} {
		var got []string
		for _, t := range labelled(c.starts, c.zone) {
			if t.text != "" {
				got = append(got, t.text)
			}
		}
		if joined := strings.Join(got, " "); joined != c.want {
			t.Errorf("%s: %s\nwant %s", c.name, joined, c.want)
		}
	}
}

// TestTimeLabelsHaveRoom tries many axes: labels neither touch nor leave the picture.
func TestTimeLabelsHaveRoom(t *testing.T) {
	for _, step := range []time.Duration{1, time.Second, time.Minute, 10 * time.Minute, time.Hour, 7 * time.Hour, 24 * time.Hour, 9000 * time.Hour} {
		for n := 1; n <= MaxBuckets; n += 5 {
			ticks := labelled(every(step, n, time.Unix(1.7e9, 0)), nil)
			if len(ticks) == 0 {
				t.Errorf("%v × %d: no labels", step, n)
			}
			if !roomy(ticks, labelGap, func(text string) int { return 17 * len(text) }) {
				t.Errorf("%v × %d: %v", step, n, ticks)
			}
			for _, k := range ticks {
				if k.x < 0 || k.x+17*len(k.text) > Width-margin {
					t.Errorf("%v × %d: %v leaves the picture", step, n, k)
				}
			}
		}
	}
}
