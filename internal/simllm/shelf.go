package simllm

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

//go:embed failures/*.txt
var files embed.FS

// collection is every failure, in order and by each of its names.
type collection struct {
	all    []*Failure
	byName map[string]*Failure
}

var shelf = sync.OnceValues(func() (*collection, error) { return readAll(files) })

func readAll(from fs.FS) (*collection, error) {
	names, err := fs.Glob(from, "failures/*.txt")
	if err != nil {
		return nil, err
	}
	c := &collection{byName: map[string]*Failure{}}
	var problems []error
	for _, name := range names {
		text, err := fs.ReadFile(from, name)
		if err != nil {
			return nil, err
		}
		for section := range strings.SplitSeq("\n"+string(text), "\n=== ") {
			if strings.TrimSpace(section) == "" {
				continue
			}
			problems = append(problems, c.add(name, section))
		}
	}
	return c, errors.Join(problems...)
}

func (c *collection) add(file, section string) error {
	f, err := parse(section)
	if err != nil {
		return fmt.Errorf("%s: %s: %w", file, f.Name, err)
	}
	for _, name := range append([]string{f.Name}, f.Aliases...) {
		if other, taken := c.byName[name]; taken {
			return fmt.Errorf("%s: %s: name %s is taken by %s", file, f.Name, name, other.Name)
		}
		c.byName[name] = f
	}
	c.all = append(c.all, f)
	return nil
}

// parse reads one section: the name, fields, and then, as on the wire, a status
// line, headers and the body, with a blank line between each.
func parse(section string) (*Failure, error) {
	name, rest, _ := strings.Cut(section, "\n")
	f := &Failure{Name: strings.TrimSpace(name), Source: "api", Header: http.Header{}}
	fields, answer, _ := strings.Cut(rest, "\n\n")
	for _, line := range lines(fields) {
		key, value, ok := strings.Cut(line, ":")
		if !ok {
			return f, fmt.Errorf("field %q: no colon", line)
		}
		if err := f.set(key, strings.TrimSpace(value)); err != nil {
			return f, err
		}
	}
	if err := f.setAnswer(answer); err != nil {
		return f, err
	}
	return f, f.compile()
}

func (f *Failure) set(key, value string) (err error) {
	switch key {
	case "about":
		f.About = value
	case "alias":
		f.Aliases = strings.Fields(value)
	case "source":
		f.Source = value
	case "guide":
		f.Guide = value
	case "entry":
		f.Entry = value
	case "also":
		f.Also = strings.Fields(value)
	case "wait":
		f.Wait, err = time.ParseDuration(value)
	case "harmless":
		f.Harmless, err = strconv.ParseBool(value)
	case "stream":
		f.Stream, err = strconv.ParseBool(value)
	case "end":
		f.End = End(value)
	case "delay":
		if f.slow = value == "slow"; !f.slow {
			f.Delay, err = time.ParseDuration(value)
		}
	default:
		return fmt.Errorf("field %s: unknown", key)
	}
	if err != nil {
		return fmt.Errorf("field %s: %w", key, err)
	}
	return nil
}

// setAnswer reads "429 application/json", headers and the body, without the
// newlines at its end.
func (f *Failure) setAnswer(text string) error {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	head, body, _ := strings.Cut(text, "\n\n")
	top := lines(head)
	status, kind, _ := strings.Cut(top[0], " ")
	var err error
	if f.Status, err = strconv.Atoi(status); err != nil {
		return fmt.Errorf("status line %q: %w", top[0], err)
	}
	if kind != "" {
		f.Header.Set("Content-Type", kind)
	}
	for _, line := range top[1:] {
		key, value, ok := strings.Cut(line, ":")
		if !ok {
			return fmt.Errorf("header %q: no colon", line)
		}
		f.Header.Add(key, strings.TrimSpace(value))
	}
	f.Body = strings.TrimRight(body, "\n")
	f.bare = f.Body == "" || strings.HasSuffix(f.Body, "{{/**/}}")
	return nil
}

func (f *Failure) compile() (err error) {
	f.headers = map[string][]*script{}
	for key, values := range f.Header {
		for _, value := range values {
			t, err := compile(value)
			if err != nil {
				return fmt.Errorf("header %s: %w", key, err)
			}
			f.headers[key] = append(f.headers[key], t)
		}
	}
	if f.body, err = compile(f.Body); err != nil {
		return fmt.Errorf("body: %w", err)
	}
	return nil
}

func lines(text string) []string {
	return strings.Split(strings.Trim(text, "\n"), "\n")
}
