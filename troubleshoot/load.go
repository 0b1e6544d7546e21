package troubleshoot

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

//go:embed entries/*.yaml locales/*.yaml glossary.yaml vocabulary.yaml
var embedded embed.FS

// Catalogue holds the entries, the rules that recognise them and the texts that
// explain them. It does not change after Load and is safe for concurrent use.
type Catalogue struct {
	entries []*Entry
	byID    map[string]*Entry
	byWord  map[string][]*Entry // codes, aliases and causes, in lower case
	unknown *Entry
	words   vocabulary
	rules   *index
	bare    map[bareKey]Diagnosis
	locales []*locale
	byTag   map[string]*locale
	tags    *tagMatcher
}

// Option changes what Load reads.
type Option func(*inputs)

type inputs struct{ dirs []fs.FS }

// WithDir adds a directory of overrides: entries/<id>.yaml replaces or adds a
// whole entry, locales/<tag>.yaml replaces or adds single texts. It is checked as
// strictly as the embedded catalogue. Later directories win.
func WithDir(dir fs.FS) Option {
	return func(s *inputs) { s.dirs = append(s.dirs, dir) }
}

// Load reads the catalogue. Errors come only from directories given with WithDir
// (all of them at once, each naming file and field) or from a broken build.
func Load(opts ...Option) (*Catalogue, error) {
	var s inputs
	for _, o := range opts {
		o(&s)
	}
	c := &Catalogue{byID: map[string]*Entry{}, byWord: map[string][]*Entry{}, byTag: map[string]*locale{}}
	own := newEmbeddedReader()
	if err := own.decode("vocabulary.yaml", &c.words); err != nil {
		return nil, fmt.Errorf("load catalogue: %w", err)
	}
	errs := c.readEntries(embedded, own.decode, nil) // Lint checks its phrases
	for _, dir := range s.dirs {
		strictly := func(name string, into any) error { return decode(dir, name, into) }
		errs = append(errs, c.readEntries(dir, strictly, c.words)...)
	}
	if err := c.findLocales(own); err != nil {
		errs = append(errs, err)
	}
	for _, dir := range s.dirs {
		errs = append(errs, c.readLocales(dir)...)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("load catalogue: %w", err)
	}
	if err := errors.Join(c.arrange()...); err != nil {
		return nil, fmt.Errorf("load catalogue: %w", err)
	}
	return c, nil
}

// readEntries reads entries/*.yaml of one file system, and checks their phrases if
// words are given.
func (c *Catalogue) readEntries(dir fs.FS, decode decoder, words vocabulary) []error {
	names, err := fs.Glob(dir, "entries/*.yaml")
	if err != nil {
		return []error{err}
	}
	var errs []error
	for _, name := range names {
		e, err := readEntry(name, decode, words)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		c.byID[e.ID] = e
	}
	return errs
}

func readEntry(name string, decode decoder, words vocabulary) (*Entry, error) {
	var e Entry
	if err := decode(name, &e); err != nil {
		return nil, err
	}
	if want := strings.TrimSuffix(path.Base(name), ".yaml"); e.ID != want {
		return nil, fmt.Errorf("%s: id: is %q, the file's name says %q", name, e.ID, want)
	}
	if err := e.check(words); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &e, nil
}

// decoder reads the YAML document of that name.
type decoder func(name string, into any) error

// embeddedReader reads embedded files, one at a time.
type embeddedReader struct {
	plain plainReader
	fill  filler
}

func newEmbeddedReader() *embeddedReader {
	return &embeddedReader{fill: filler{fields: map[reflect.Type]map[string]int{}}}
}

// decode reads what is written plainly, and leaves the rest to the library.
func (r *embeddedReader) decode(name string, into any) error {
	data, err := embedded.ReadFile(name)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if r.decodePlain(data, into) == nil {
		return nil
	}
	reflect.ValueOf(into).Elem().SetZero()
	return decode(embedded, name, into)
}

func (r *embeddedReader) decodePlain(data []byte, into any) error {
	n, err := r.plain.read(data)
	if err != nil {
		return err
	}
	return r.fill.fill(reflect.ValueOf(into).Elem(), &n)
}

// decode reads one YAML document strictly.
func decode(dir fs.FS, name string, into any) error {
	data, err := fs.ReadFile(dir, name)
	if err == nil {
		err = decodeStrictly(data, into)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func decodeStrictly(data []byte, into any) error {
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	return d.Decode(into)
}

// guideOrder is the order of the guide's pages.
var guideOrder = []string{"chatgpt-429", "chatgpt-401", "chatgpt-401-invalid-api-key", "chatgpt-400", "chatgpt-400-context-length-exceeded", "chatgpt-403", "chatgpt-500", "chatgpt-404", "chatgpt-502",
	"gpt-429", "gpt-400", "gpt-404", "gpt-401", "gpt-403", "gpt-413", "gpt-503", "gpt-524", "gpt-502", "gpt-500", "failed-to-fetch", "network-error", "unauthorized"}

// arrange sorts and indexes what was read, and checks what joins the entries.
func (c *Catalogue) arrange() []error {
	for _, e := range c.byID {
		c.entries = append(c.entries, e)
		if e.order = slices.Index(guideOrder, e.ID); e.order < 0 {
			e.order = len(guideOrder) + slices.Index(families, e.Family)
		}
	}
	slices.SortFunc(c.entries, func(a, b *Entry) int {
		if a.order != b.order {
			return a.order - b.order
		}
		return strings.Compare(a.ID, b.ID)
	})
	var errs []error
	for _, e := range c.entries {
		for _, id := range e.SeeAlso {
			if _, ok := c.byID[id]; !ok || id == e.ID {
				errs = append(errs, fmt.Errorf("entries/%s.yaml: see_also: %q is no other entry", e.ID, id))
			}
		}
		if _, ok := c.byID[e.Web]; e.Web != "" && !ok {
			errs = append(errs, fmt.Errorf("entries/%s.yaml: web: %q is no entry", e.ID, e.Web))
		}
		for _, w := range append([]string{e.Code, e.Cause}, e.Aliases...) {
			c.enter(strings.ToLower(w), e)
		}
	}
	if c.unknown = c.byID[UnknownEntry]; c.unknown == nil {
		return append(errs, fmt.Errorf("entries/%s.yaml: is missing", UnknownEntry))
	}
	if len(errs) > 0 {
		return errs
	}
	var err error
	if c.rules, err = compile(c.entries, c.words); err != nil {
		return []error{err}
	}
	c.learnBare()
	c.tags = newTagMatcher(c.locales)
	return errs
}

func (c *Catalogue) enter(word string, e *Entry) {
	if !slices.Contains(c.byWord[word], e) {
		c.byWord[word] = append(c.byWord[word], e)
	}
}

// Entries returns all entries: the guide's in the guide's order, then the rest.
// The slice and what it points to must not be changed.
func (c *Catalogue) Entries() []*Entry { return c.entries }

// Entry returns the entry with that id.
func (c *Catalogue) Entry(id string) (*Entry, bool) {
	e, ok := c.byID[id]
	return e, ok
}
