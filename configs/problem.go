package configs

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Problem is one thing wrong, or worth a warning, in the configuration.
type Problem struct {
	Path    string // the key, e.g. "providers[1].base_url"; a variable's name; empty for the file as a whole
	File    string // the file it stands in; empty when it stands in none
	Line    int    // 1-based line of the file; 0 when there is none
	Env     string // the environment variable it comes from, if any
	Message string // what is wrong, in English, without any secret
	Example string // a value that would be right, as it is written in YAML; may be empty

	rule rule
	args []any
}

// Error returns the problem in one English line.
func (p Problem) Error() string { return p.In("en") }

// In returns the problem in one line of the given language: Chinese for a tag
// that begins with "zh", English for the rest.
func (p Problem) In(locale string) string {
	var b strings.Builder
	for _, place := range []string{p.where(), p.Path} {
		if place != "" {
			b.WriteString(place + ": ")
		}
	}
	b.WriteString(p.rule.in(locale, p.args...))
	if p.Example != "" {
		b.WriteString(ruleExample.in(locale, p.Example))
	}
	return b.String()
}

func (p Problem) where() string {
	switch {
	case p.Env != "" && p.Env != p.Path:
		return p.Env
	case p.Env == "" && p.Line > 0:
		return p.File + ":" + strconv.Itoa(p.Line)
	case p.Env == "":
		return p.File
	}
	return ""
}

// Error holds every problem found by [Load].
type Error struct{ Problems []Problem }

// Error lists the problems in English, one a line.
func (e *Error) Error() string { return e.In("en") }

// In lists the problems in the given language, as [Problem.In] does.
func (e *Error) In(locale string) string {
	if len(e.Problems) == 1 {
		return ruleOne.in(locale) + e.Problems[0].In(locale)
	}
	var b strings.Builder
	b.WriteString(ruleMany.in(locale, len(e.Problems)))
	for _, p := range e.Problems {
		b.WriteString("\n  " + p.In(locale))
	}
	return b.String()
}

// Unwrap gives each problem to errors.As.
func (e *Error) Unwrap() []error {
	errs := make([]error, len(e.Problems))
	for i, p := range e.Problems {
		errs[i] = p
	}
	return errs
}

// findings collects problems and warnings while a configuration is read, and
// knows where each key was written.
type findings struct {
	file     string
	lines    map[string]int    // path → line
	origins  map[string]string // path → environment variable
	keys     []key
	problems []Problem
	warnings []Problem
}

func (f *findings) add(path string, r rule, args ...any) {
	if !f.bad(path) {
		f.problems = append(f.problems, f.problem(path, r, args...))
	}
}

func (f *findings) warn(path string, r rule, args ...any) {
	p := f.problem(path, r, args...)
	p.Example = ""
	f.warnings = append(f.warnings, p)
}

// bad reports whether a problem of this very key, or of a key around it, is
// already known: what follows from it is not worth saying.
func (f *findings) bad(path string) bool {
	return slices.ContainsFunc(f.problems, func(p Problem) bool {
		rest, under := strings.CutPrefix(path, p.Path)
		return p.Path != "" && under && (rest == "" || rest[0] == '.' || rest[0] == '[')
	})
}

func (f *findings) problem(path string, r rule, args ...any) Problem {
	p := Problem{Path: path, Message: r.in("en", args...), rule: r, args: args}
	if k, ok := find(f.keys, path); ok && r.wantsExample() {
		p.Example = exampleFor(k, path)
	}
	p.Env = f.origin(path)
	if p.Env == "" {
		p.File, p.Line = f.file, f.line(path)
	}
	return p
}

// exampleFor returns the example of a key as it fits the path: one element of a
// list for a path that ends in one.
func exampleFor(k key, path string) string {
	if !strings.HasSuffix(path, "]") || k.byName {
		return k.example
	}
	var list struct{ First yaml.Node }
	text := "first: " + k.example
	if yaml.Unmarshal([]byte(text), &list) != nil || len(list.First.Content) == 0 {
		return k.example
	}
	first, err := yaml.Marshal(list.First.Content[0])
	if err != nil {
		return k.example
	}
	return strings.TrimSpace(string(first))
}

// origin and line look for the nearest place known at or above a path.
func (f *findings) origin(path string) string {
	for ; path != ""; path = parent(path) {
		if env, ok := f.origins[path]; ok {
			return env
		}
	}
	return ""
}

func (f *findings) line(path string) int {
	for ; path != ""; path = parent(path) {
		if n, ok := f.lines[path]; ok {
			return n
		}
	}
	return f.lines[""]
}

func parent(path string) string {
	return path[:max(strings.LastIndexAny(path, ".["), 0)]
}

// err returns what was found as one error in the order of the file, nil when
// nothing was.
func (f *findings) err() error {
	if len(f.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(f.problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Env, b.Env))
	})
	return &Error{Problems: f.problems}
}

// quoted shows a value that is not a secret: cut, escaped, and masked when it
// looks like a key that was put in the wrong place.
func quoted(v any) string {
	s := fmt.Sprint(v)
	if looksSecret(s) {
		return mask
	}
	if r := []rune(s); len(r) > 40 {
		s = string(r[:39]) + "…"
	}
	if _, text := v.(string); text {
		return strconv.Quote(s)
	}
	return s
}
