package troubleshoot

import (
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// zooTime is when the zoo's failures were seen.
var zooTime = time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)

// animal is one file of the zoo: the entry and cause expected, what was seen, and
// the pause and context window to be found in it.
type animal struct {
	entry, cause string
	seen         Observation
	wait         time.Duration
	limit        int
}

func TestZoo(t *testing.T) {
	c := load(t)
	files, err := filepath.Glob("testdata/zoo/*.txt")
	if err != nil || len(files) < 150 {
		t.Fatalf("the zoo has %d failures, want 150 or more (%v)", len(files), err)
	}
	causes := map[string]bool{}
	for _, name := range files {
		a := readAnimal(t, name)
		causes[a.cause] = true
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) { a.check(t, c) })
	}
	for _, e := range c.Entries() {
		if !causes[e.Cause] && e.Family != "bot" && !strings.HasPrefix(e.ID, "ilink-") && e.ID != "wechat-unreachable" {
			t.Errorf("no failure in the zoo has the cause %s", e.Cause)
		}
	}
}

func (a *animal) check(t *testing.T, c *Catalogue) {
	f := Normalize(a.seen)
	d := c.Diagnose(f)
	if d.Entry.ID != a.entry || d.Entry.Cause != a.cause {
		t.Errorf("diagnosed as %s (%s) by %v; want %s (%s)\nfault %v\nmessage %q", d.Entry.ID, d.Entry.Cause, d.Evidence, a.entry, a.cause, f, f.Message)
	}
	if f.RetryAfter != a.wait {
		t.Errorf("pause %v, want %v", f.RetryAfter, a.wait)
	}
	if f.ContextLimit != a.limit {
		t.Errorf("context limit %d, want %d", f.ContextLimit, a.limit)
	}
}

func readAnimal(t *testing.T, name string) animal {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	head, body, _ := strings.Cut(string(raw), "\n\n")
	lines := strings.Split(head, "\n")
	var a animal
	a.entry, a.cause, _ = strings.Cut(lines[0], " ")
	a.seen = Observation{Header: http.Header{}, Body: []byte(strings.TrimSuffix(body, "\n")), At: zooTime}
	for _, line := range lines[1:] {
		if !strings.HasPrefix(line, "error: ") || a.seen.ErrText == "" {
			key, value, _ := strings.Cut(line, ": ")
			a.set(t, key, value)
		}
	}
	return a
}

func (a *animal) set(t *testing.T, key, value string) {
	t.Helper()
	var err error
	switch key {
	case "source":
		a.seen.Source = Source(value)
	case "provider":
		a.seen.Provider = value
	case "status":
		a.seen.Status, err = strconv.Atoi(value)
	case "ret":
		a.seen.Ret, err = strconv.Atoi(value)
	case "phase":
		a.seen.Phase = Phase(value)
	case "finish":
		a.seen.FinishReason = value
	case "error":
		a.seen.ErrText = value
	case "wait":
		a.wait, err = time.ParseDuration(value)
	case "limit":
		a.limit, err = strconv.Atoi(value)
	default:
		a.seen.Header.Add(key, value)
	}
	if err != nil {
		t.Fatal(err)
	}
}
