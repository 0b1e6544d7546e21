package world_test

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// TestREADMEQuotes holds that the conversation both READMEs show is one that was
// played.
func TestREADMEQuotes(t *testing.T) {
	played, err := os.ReadFile("testdata/failures.txt")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(played), "\n")
	for _, name := range []string{"README.md", "README.zh-CN.md"} {
		readme, err := os.ReadFile("../../" + name)
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(readme), "```\n")
		quoted, _, _ := strings.Cut(rest, "\n```")
		for _, line := range strings.Split(quoted, "\n") {
			if !slices.Contains(lines, ref.ReplaceAllString(line, "REF$1")) {
				t.Errorf("%s shows what nobody said: %s", name, line)
			}
		}
	}
}
