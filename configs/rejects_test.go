package configs

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRejects loads each file of testdata/bad, one rule broken in each. The file
// begins with the message expected ("# want:", several for several problems) and
// the environment it needs ("# env:").
func TestRejects(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			want, environ := header(t, file)
			_, err := Load(Options{Path: filepath.Base(file), Dir: "testdata/bad", Environ: environ})
			if got := problems(err); got != want {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

// header reads what a file of the corpus says about itself.
func header(t *testing.T, file string) (want string, environ []string) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	environ = []string{"OPENAI_API_KEY=sk-good"}
	for s := bufio.NewScanner(f); s.Scan(); {
		if text, ok := strings.CutPrefix(s.Text(), "# want: "); ok {
			want += text + "\n"
		}
		if text, ok := strings.CutPrefix(s.Text(), "# env: "); ok {
			environ = append(environ, text)
		}
	}
	return want, environ
}

func problems(err error) string {
	e, ok := err.(*Error)
	if !ok {
		return "no problem"
	}
	var b strings.Builder
	for _, p := range e.Problems {
		b.WriteString(p.Error() + "\n")
	}
	return b.String()
}

// TestTabInTheFirstLine: the parser names no line then, and a file of the corpus
// begins with what is expected of it.
func TestTabInTheFirstLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte("\tlocale: en\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Load(Options{Path: path, Environ: []string{"OPENAI_API_KEY=sk-good"}})
	if got := problems(err); !strings.Contains(got, "config.yaml:1: this line begins with a tab") {
		t.Errorf("got %s", got)
	}
}
