package arch

import (
	"fmt"
	"go/build"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/diagbot/diagbot"

// pkg is a package of this module with the imports of its shipped files.
type pkg struct {
	path    string // below the module; "." for its root
	imports []string
}

// ours lists what each package may import of this module. A package that is
// not named here, by itself or by a parent, may import nothing of it. Tests may
// import anything.
func ours() map[string][]string {
	return map[string][]string{
		"troubleshoot":       {},
		"llm":                {"troubleshoot"},
		"bot":                {"bot/media", "llm", "troubleshoot"},
		"bot/media":          {},
		"bot/wechat":         {"bot", "troubleshoot", "internal/gate"},
		"bot/storetest":      {"bot", "llm", "troubleshoot"},
		"configs":            {},
		"internal/store":     {"bot"},
		"internal/alert":     {"troubleshoot"},
		"internal/logs":      {"troubleshoot"},
		"internal/chart":     {},
		"internal/similink":  {"internal/simkit", "internal/simtls"},
		"bot/ilink":          {"bot", "troubleshoot", "internal/gate"},
		"internal/gate":      {},
		"internal/simtls":    {},
		"internal/simkit":    {"internal/simtls"},
		"internal/simllm":    {"internal/simtls"},
		"internal/simwechat": {"internal/simkit", "internal/simtls"},
		"internal/simproxy":  {},
		"internal/world":     {"bot", "bot/wechat", "bot/ilink", "llm", "troubleshoot", "internal/simllm", "internal/simwechat", "internal/similink"},
		"cmd":                {"bot", "bot/wechat", "bot/ilink", "configs", "llm", "troubleshoot", "internal"},
	}
}

// home names the only package that may import a foreign one, with all below it.
func home() map[string]string {
	return map[string]string{
		"github.com/eatmoreapple/openwechat":  "bot/wechat",
		"github.com/sashabaranov/go-openai":   "llm",
		"github.com/spf13/viper":              "configs",
		"github.com/go-viper/mapstructure/v2": "configs",
		"github.com/spf13/cobra":              "cmd",
		"github.com/mdp/qrterminal/v3":        "cmd",
		"golang.org/x/term":                   "cmd",
		"github.com/yuin/goldmark":            "bot",
		"github.com/wneessen/go-mail":         "internal/alert",
		"golang.org/x/image/font":             "internal/chart",
		"golang.org/x/image/vector":           "internal/chart",
		"golang.org/x/image/draw":             "bot/media",
		"golang.org/x/image/webp":             "bot/media",
		"modernc.org/sqlite":                  "internal/store",
		"github.com/jackc/pgx/v5":             "internal/store",
		"github.com/rogpeppe/go-internal":     "", // tests only
		"go.uber.org/goleak":                  "",
	}
}

// barred lists what a package must not import: files and the environment are
// read in configs, internal/store and cmd; the relay makes no network calls; no
// package runs templates, which would keep every method of every type in the
// binary.
func barred() map[string][]string {
	return map[string][]string{
		"troubleshoot": {"os", "os/exec", "net/http/httptest"},
		"llm":          {"os", "os/exec"},
		"bot":          {"os", "os/exec", "net/http"},
		"bot/wechat":   {"os", "os/exec"},
		"configs":      {"net/http", "os/exec", "text/template"},
		"cmd/diagbot":  {"text/template"},

		"internal/simllm": {"text/template"},
	}
}

func TestArrows(t *testing.T) {
	for _, p := range packages(t) {
		for _, complaint := range complaints(p) {
			t.Error(complaint)
		}
	}
}

// TestComplains makes sure that the test above can fail.
func TestComplains(t *testing.T) {
	for _, c := range []struct {
		path, imports string
		wrong         bool
	}{
		{"bot", module + "/llm", false},
		{"llm", module + "/bot", true},
		{"bot", module + "/bot/wechat", true},
		{"troubleshoot", module + "/llm", true},
		{"cmd/diagbot", module + "/internal/store", false},
		{"internal/new", module + "/bot", true},
		{"bot", "github.com/eatmoreapple/openwechat", true},
		{"bot/wechat", "github.com/eatmoreapple/openwechat", false},
		{"bot/wechat", "github.com/sashabaranov/go-openai/jsonschema", true},
		{"cmd/diagbot", "go.uber.org/goleak", true},
		{"bot", "net/http", true},
		{"bot", "net/url", false},
		{"bot/wechat", "net/http", false},
		{"llm", "os", true},
		{"cmd/diagbot", "os", false},
	} {
		got := complaints(pkg{c.path, []string{c.imports}})
		if (len(got) > 0) != c.wrong {
			t.Errorf("%s importing %s: %v", c.path, c.imports, got)
		}
	}
}

func complaints(p pkg) []string {
	var found []string
	for _, imported := range p.imports {
		if mine, ok := strings.CutPrefix(imported, module+"/"); ok && !under(mine, allowed(p.path)...) {
			found = append(found, fmt.Sprintf("%s must not import %s", p.path, mine))
		}
		for foreign, only := range home() {
			if under(imported, foreign) && !(only != "" && under(p.path, only)) {
				found = append(found, fmt.Sprintf("%s must not import %s, which belongs to %q", p.path, imported, only))
			}
		}
		if slices.Contains(barred()[p.path], imported) {
			found = append(found, fmt.Sprintf("%s must not import %s", p.path, imported))
		}
	}
	return found
}

// allowed returns the list of the nearest package named in ours.
func allowed(p string) []string {
	for ; p != "."; p = path.Dir(p) {
		if list, ok := ours()[p]; ok {
			return list
		}
	}
	return nil
}

// under reports whether a path is one of the roots or below one, where "bot"
// doesn't stand for the channels below it.
func under(p string, roots ...string) bool {
	return slices.ContainsFunc(roots, func(root string) bool {
		return p == root || root != "bot" && strings.HasPrefix(p, root+"/")
	})
}

// packages reads the imports of every package of the module, on every system
// the program is built for.
func packages(t *testing.T) []pkg {
	t.Helper()
	root := filepath.Join("..", "..")
	imports := map[string][]string{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(root, name)
		rel = filepath.ToSlash(rel)
		if base := d.Name(); rel != "." && (strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || base == "testdata") {
			return filepath.SkipDir
		}
		for _, system := range []string{"linux", "windows", "darwin"} {
			imports[rel] = append(imports[rel], importsOf(t, name, system)...)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return sorted(t, imports)
}

func importsOf(t *testing.T, dir, system string) []string {
	t.Helper()
	ctx := build.Default
	ctx.GOOS, ctx.CgoEnabled = system, false
	p, err := ctx.ImportDir(dir, 0)
	if _, none := err.(*build.NoGoError); err != nil && !none {
		t.Errorf("%s: %v", dir, err)
	}
	return p.Imports
}

func sorted(t *testing.T, imports map[string][]string) []pkg {
	t.Helper()
	var all []pkg
	for p, list := range imports {
		if len(list) > 0 {
			slices.Sort(list)
			all = append(all, pkg{p, slices.Compact(list)})
		}
	}
	slices.SortFunc(all, func(a, b pkg) int { return strings.Compare(a.path, b.path) })
	for _, must := range []string{"troubleshoot", "llm", "bot", "configs"} {
		if !slices.ContainsFunc(all, func(p pkg) bool { return p.path == must }) {
			t.Errorf("package %s was not seen among %v", must, all)
		}
	}
	return all
}
