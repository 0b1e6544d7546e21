package chart

import (
	"image"
)

// Heights of the plot's parts, from top to bottom, in pixels.
const (
	headroom   = 84 // for the sum above the highest bar
	failedTall = 480
	savedTall  = 360 // at most, and only if anything was rescued
	footroom   = 52  // for the number below the lowest bar
	timeRoom   = 64  // for the labels of the time axis
)

// drawing is a plot while it is drawn.
type drawing struct {
	canvas
	s *scribe
	f figures

	up, down scale
	tall     int // below the line; 0 if nothing was rescued
	base     int // the line from which bars go up and down
	left     int // of the first bucket
	room     int // of all buckets
	n        int // how many buckets
	bar      int // width of a bar
}

func plot(s *scribe, t Trend, f figures) block {
	p := drawing{s: s, f: f, up: newScale(highest(f.sums()), failedTall, 5)}
	height := headroom + failedTall + timeRoom
	if f.rescued.total > 0 {
		p.down, p.tall = p.up.below(highest(f.rescued.counts), savedTall)
		height += p.tall + footroom
	}
	p.spread(len(t.Starts))
	ticks := timeTicks(t, p.bucket, func(text string) int { return s.width(text, axisSize) })
	return block{height: height, draw: func(c canvas, top int) {
		p.canvas, p.base = c, top+headroom+failedTall
		p.drawDays(ticks, top+headroom, top+height-timeRoom)
		p.drawGrid()
		p.drawFailed()
		p.drawRescued()
		p.drawTime(ticks, top+height-timeRoom)
	}}
}

// spread divides what the labels of the counts leave among n buckets.
func (p *drawing) spread(n int) {
	const gap = 16
	gutter := 0
	for _, u := range []scale{p.up, p.down} {
		for k := u.step; k > 0 && k <= u.top; k += u.step {
			gutter = max(gutter, p.s.width(short(k), axisSize))
		}
	}
	p.n, p.left, p.room = n, margin+gutter+gap, column-gutter-gap
	p.bar = min(p.pitch()-max(1, p.pitch()/5), 160)
}

// pitch returns the least distance from one bucket to the next.
func (p *drawing) pitch() int { return p.room / p.n }

// bucket returns where the i-th bucket starts, or the last one ends.
func (p *drawing) bucket(i int) int { return p.left + i*p.room/p.n }

// slot returns where the bar of the i-th bucket is, from top to bottom.
func (p *drawing) slot(i, top, bottom int) image.Rectangle {
	x := (p.bucket(i) + p.bucket(i+1) - p.bar) / 2
	return image.Rect(x, top, x+p.bar, bottom)
}

// drawGrid draws the ticks of both scales and the line between them.
func (p *drawing) drawGrid() {
	for n := p.up.step; n <= p.up.top; n += p.up.step {
		p.drawTick(n, p.base-p.up.px(n))
	}
	for n := p.down.step; p.tall > 0 && p.down.px(n) <= p.tall; n += p.down.step {
		p.drawTick(n, p.base+p.down.px(n))
	}
	p.fill(image.Rect(p.left, p.base-1, Width-margin, p.base+2), axis)
	p.drawNumber(0, p.base)
}

func (p *drawing) drawTick(n int64, y int) {
	p.fill(image.Rect(p.left, y-1, Width-margin, y+1), grid)
	p.drawNumber(n, y)
}

// drawNumber writes a tick's count left of the plot.
func (p *drawing) drawNumber(n int64, y int) {
	text := short(n)
	x := p.left - 16 - p.s.width(text, axisSize)
	p.s.write(p.canvas, text, image.Pt(x, y+axisSize*3/8), axisSize, muted)
}

// drawFailed stacks the causes of each bucket, the most frequent one lowest.
func (p *drawing) drawFailed() {
	sums := p.f.sums()
	labelled := p.labels(sums)
	for i, sum := range sums {
		y := p.base - 1
		var below int64 // counts so far; heights are differences, so that the whole is exact
		for _, cause := range p.f.failed {
			n := cause.counts[i]
			if n == 0 {
				continue
			}
			tall := max(p.up.px(below+n)-p.up.px(below), thinnest)
			below += n
			p.box(p.slot(i, y-tall, y), cause.tone)
			y -= tall
		}
		if labelled[i] {
			p.drawSum(sum, i, y-10)
		}
	}
}

// thinnest is how high the bar of a few among very many is.
const thinnest = 3

func (p *drawing) drawRescued() {
	counts := p.f.rescued.counts
	labelled := p.labels(counts)
	for i, n := range counts {
		if n == 0 {
			continue
		}
		top := p.base + 2
		bottom := top + max(p.down.px(n), thinnest)
		p.hatched(p.slot(i, top, bottom), rescued, rescuedLight)
		if labelled[i] {
			p.drawSum(n, i, bottom+10+axisSize*3/4)
		}
	}
}

// labels decides which bars have their number beside them: all if they fit,
// else the first of the highest.
func (p *drawing) labels(counts []int64) []bool {
	show := make([]bool, len(counts))
	fit := true
	for i, n := range counts {
		show[i] = n > 0
		fit = fit && (n == 0 || p.s.width(short(n), axisSize) <= p.pitch())
	}
	if fit {
		return show
	}
	most := highest(counts)
	for i, n := range counts {
		if show[i] = n == most; show[i] {
			clear(show[i+1:])
			break
		}
	}
	return show
}

// drawSum writes a number at the end of a bar.
func (p *drawing) drawSum(n int64, bucket, y int) {
	text := short(n)
	w := p.s.width(text, axisSize)
	x := between(margin, (p.bucket(bucket)+p.bucket(bucket+1)-w)/2, Width-margin-w)
	p.fill(image.Rect(x-2, y-axisSize*3/4-4, x+w+2, y+4), none) // no tick runs through it
	p.s.write(p.canvas, text, image.Pt(x, y), axisSize, ink)
}

// drawDays draws a line where each day starts.
func (p *drawing) drawDays(ticks []tick, top, bottom int) {
	for _, t := range ticks {
		if t.day && t.mark {
			p.fill(image.Rect(t.at-1, top, t.at+1, bottom), grid)
		}
	}
}

// drawTime writes the labels of the time axis.
func (p *drawing) drawTime(ticks []tick, top int) {
	for _, t := range ticks {
		if t.mark {
			p.fill(image.Rect(t.at-1, top, t.at+1, top+10), axis)
		}
		shade := muted
		if t.day {
			shade = ink
		}
		p.s.write(p.canvas, t.text, image.Pt(t.x, top+16+axisSize), axisSize, shade)
	}
}

func highest(counts []int64) int64 {
	var most int64
	for _, n := range counts {
		most = max(most, n)
	}
	return most
}

func between(low, n, high int) int { return max(low, min(n, high)) }
