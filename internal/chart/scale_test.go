package chart

import "testing"

func TestScale(t *testing.T) {
	for _, c := range []struct{ most, top, step int64 }{
		{0, 4, 1}, {1, 4, 1}, {4, 4, 1}, {5, 5, 1}, {6, 6, 2}, {9, 10, 2}, {11, 15, 5}, {25, 25, 5}, {26, 30, 10},
		{99, 100, 20}, {101, 150, 50}, {1e15, 1e15, 2e14},
	} {
		s := newScale(c.most, failedTall, 5)
		if s.top != c.top || s.step != c.step {
			t.Errorf("%d: to %d by %d, want to %d by %d", c.most, s.top, s.step, c.top, c.step)
		}
		if s.px(0) != 0 || s.px(s.top) != failedTall || s.px(c.most) > failedTall {
			t.Errorf("%d: from %d to %d pixels", c.most, s.px(0), s.px(s.top))
		}
	}
}

// TestRescuedNeverLooksMore holds that a rescued one is never drawn larger than a
// failure, and as large whenever there is room.
func TestRescuedNeverLooksMore(t *testing.T) {
	for most := int64(0); most < 3000; most = most*3/2 + 1 {
		up := newScale(most, failedTall, 5)
		for saved := int64(1); saved < 5000; saved = saved*3/2 + 1 {
			down, tall := up.below(saved, savedTall)
			if tall > savedTall || down.px(saved) > tall || down.px(down.step) > tall {
				t.Fatalf("%d failed, %d rescued: %v on %d pixels", most, saved, down, tall)
			}
			if down.px(1000) > up.px(1000) || up.px(saved) <= savedTall && down != up {
				t.Fatalf("%d failed, %d rescued: %v below %v", most, saved, down, up)
			}
		}
	}
}

func TestNumbers(t *testing.T) {
	for _, c := range []struct {
		n              int64
		short, grouped string
	}{
		{0, "0", "0"}, {999, "999", "999"}, {1000, "1000", "1,000"}, {9999, "9999", "9,999"}, {10_000, "10k", "10,000"},
		{12_345, "12.3k", "12,345"}, {123_456, "123k", "123,456"}, {1_500_000, "1.5M", "1,500,000"},
		{2e9, "2G", "2,000,000,000"}, {7e15, "7000T", "7,000,000,000,000,000"},
	} {
		if s, g := short(c.n), grouped(c.n); s != c.short || g != c.grouped {
			t.Errorf("%d: %q and %q", c.n, s, g)
		}
	}
}
