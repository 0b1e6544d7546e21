package logs

// fifo is a queue of lines that gives its space back.
type fifo struct {
	lines []line
	head  int
}

func (f *fifo) len() int { return len(f.lines) - f.head }

func (f *fifo) first() *line { return &f.lines[f.head] }

func (f *fifo) push(l line) { f.lines = append(f.lines, l) }

func (f *fifo) pop() line {
	l := f.lines[f.head]
	f.lines[f.head] = line{}
	f.head++
	if f.head == len(f.lines) {
		f.lines, f.head = f.lines[:0], 0
	}
	if f.head >= 64 && f.head > len(f.lines)/2 {
		n := copy(f.lines, f.lines[f.head:])
		clear(f.lines[n:])
		f.lines, f.head = f.lines[:n], 0
	}
	return l
}
