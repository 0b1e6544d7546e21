//go:build linux

package world_test

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// tick is the unit of CPU time in /proc on every architecture Go runs on.
const tick = 10 * time.Millisecond

// meter measures CPU time from its making on.
type meter struct {
	p     *process
	began time.Time
	bot   time.Duration
	own   time.Duration
	all   time.Duration
}

func (p *process) meter(b *testing.B) meter {
	return meter{p: p, began: time.Now(), bot: p.cpu(b), own: ownCPU(b), all: machineCPU(b)}
}

// report tells the bot's CPU time for each thousand messages, in seconds, and
// how many cores others have kept busy meanwhile: what is left of the machine
// when the bots and this process are taken away. That much is noise.
func (m meter) report(b *testing.B, messages int, others ...meter) {
	wall, bot := time.Since(m.began), m.p.cpu(b)-m.bot
	rest := machineCPU(b) - m.all - (ownCPU(b) - m.own) - bot
	for _, o := range others {
		rest -= o.p.cpu(b) - o.bot
	}
	b.ReportMetric(1000*bot.Seconds()/float64(messages), "cpu-s/1000msg")
	b.ReportMetric(max(rest, 0).Seconds()/wall.Seconds(), "others-cores")
}

// cpu is the CPU time the bot has used, in user and kernel mode, all threads,
// to 10 ms.
func (p *process) cpu(b *testing.B) time.Duration {
	b.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	check(b, err)
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	return ticks(b, fields[11:13])
}

// machineCPU is the CPU time everybody has used since the machine started.
func machineCPU(b *testing.B) time.Duration {
	b.Helper()
	stat, err := os.ReadFile("/proc/stat")
	check(b, err)
	line, _, _ := strings.Cut(string(stat), "\n")
	fields := strings.Fields(line) // cpu user nice system idle iowait irq softirq …
	return ticks(b, append(fields[1:4:4], fields[6:8]...))
}

func ticks(b *testing.B, fields []string) (sum time.Duration) {
	b.Helper()
	for _, f := range fields {
		n, err := strconv.Atoi(f)
		check(b, err)
		sum += time.Duration(n) * tick
	}
	return sum
}

func ownCPU(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	check(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// status reads a number from /proc/<pid>/status. Peak memory is VmHWM and not
// the ru_maxrss of the ended process, which counts this process's own peak: a
// child shares its parent's memory until it calls exec.
func (p *process) status(b *testing.B, name string) float64 {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	check(b, err)
	m := regexp.MustCompile(`(?m)^` + name + `:\s+(\d+)`).FindSubmatch(text)
	if m == nil {
		b.Fatalf("no %s in %s", name, text)
	}
	n, err := strconv.ParseFloat(string(m[1]), 64)
	check(b, err)
	return n
}

// peak is the most memory the bot has occupied at once, in megabytes, its own
// program's pages included.
func (p *process) peak(b *testing.B) float64 { return p.status(b, "VmHWM") * 1024 / 1e6 }
