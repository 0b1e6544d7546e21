//go:build ignore

// Summary reads the events of go test -json and prints what a person wants to
// see: the output of what failed, the tests skipped and why, a line for each
// package, what failed in short and the totals. It fails if a test failed or was skipped.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

type event struct {
	Action, Package, Test, Output string
	ImportPath                    string // of build events
}

type summary struct {
	output                  map[string][]string // by package and test
	packages                []string
	short                   []string // what failed, and the beginnings of what it said
	passed, failed, skipped int
}

func main() {
	s := summary{output: map[string][]string{}}
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 16<<20)
	for in.Scan() {
		var e event
		if json.Unmarshal(in.Bytes(), &e) != nil {
			fmt.Println(in.Text())
			continue
		}
		s.take(e)
	}
	if err := in.Err(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(strings.Join(s.packages, "\n"))
	fmt.Println(strings.Join(s.short, "\n"))
	fmt.Printf("\n%d passed, %d failed, %d skipped\n", s.passed, s.failed, s.skipped)
	if s.failed > 0 || s.skipped > 0 || s.passed == 0 {
		os.Exit(1)
	}
}

func (s *summary) take(e event) {
	key := e.Package + " " + e.Test
	switch e.Action {
	case "output":
		s.output[key] = append(s.output[key], e.Output)
	case "build-output":
		fmt.Print(e.Output)
	case "build-fail":
		s.failed++
	case "pass", "fail", "skip":
		s.end(e, key)
		delete(s.output, key)
	}
}

// end counts a finished test, or lists a finished package, whose output then
// holds the line that go test prints for it.
func (s *summary) end(e event, key string) {
	text := strings.Join(s.output[key], "")
	if e.Test == "" {
		s.endPackage(e, text)
		return
	}
	switch e.Action {
	case "pass":
		s.passed++
		return
	case "fail":
		s.failed++
		s.short = append(s.short, e.Package+" "+e.Test)
		s.short = append(s.short, said(s.output[key])...)
	case "skip":
		s.skipped++
	}
	fmt.Printf("%s %s %s\n%s\n", strings.ToUpper(e.Action), e.Package, e.Test, text)
}

// said returns the first lines that a test printed by itself, shortened.
func said(output []string) (lines []string) {
	for _, line := range output {
		where, _, _ := strings.Cut(line, ": ")
		if !strings.Contains(where, "_test.go:") || strings.HasPrefix(where, "     ") {
			continue
		}
		if lines = append(lines, fmt.Sprintf("%.400s", strings.TrimRight(line, "\n"))); len(lines) == 20 {
			break
		}
	}
	return lines
}

func (s *summary) endPackage(e event, text string) {
	if e.Action == "fail" {
		s.failed++
		fmt.Printf("FAIL %s\n%s\n", e.Package, text)
	}
	lines := strings.Split(strings.TrimSpace(text), "\n")
	s.packages = append(s.packages, lines[len(lines)-1])
}
