package troubleshoot

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
)

// Locale is a language the catalogue can speak.
type Locale struct{ Tag, Name string }

// Text is the prose of one entry in one language.
type Text struct {
	Title      string   `yaml:"title"`
	User       string   `yaml:"user"`
	UserWait   string   `yaml:"user_wait"`
	Group      string   `yaml:"group"`
	Suggestion string   `yaml:"suggestion"`
	Causes     []string `yaml:"causes"`
	Admin      []string `yaml:"admin"`
}

// complete reports whether every audience can be told.
func (t *Text) complete() bool {
	return t.Title != "" && t.User != "" && t.Group != "" && t.Suggestion != "" && len(t.Causes) > 0 && len(t.Admin) > 0
}

// prose is a locale file.
type prose struct {
	Locale  localeHead        `yaml:"locale"`
	UI      map[string]string `yaml:"ui"`
	Entries map[string]*Text  `yaml:"entries"`
}

type localeHead struct {
	Tag   string   `yaml:"tag"`
	Name  string   `yaml:"name"`
	Names []string `yaml:"names"` // further names people may call the language by
}

// locale is one language. The embedded files are proven by the package's tests
// and read when first needed; overrides are read, and checked, at once.
type locale struct {
	head  localeHead
	chain []*locale // itself first, then where its readers go next

	once  sync.Once
	file  string // the embedded one; empty for an operator's own language
	over  []*prose
	ready *prose
}

// texts returns the language's prose, with overrides laid over it.
func (l *locale) texts() *prose {
	l.once.Do(func() {
		p := &prose{}
		// A broken embedded file leaves the language empty: readers get the next
		// of their chain, and the package's tests fail.
		if l.file == "" || newEmbeddedReader().decode(l.file, p) != nil {
			p = &prose{}
		}
		p.tidy()
		for _, o := range l.over {
			maps.Copy(p.UI, o.UI)
			for id, t := range o.Entries {
				p.Entries[id] = merge(p.Entries[id], t)
			}
		}
		l.ready = p
	})
	return l.ready
}

// tidy makes what a file left out empty.
func (p *prose) tidy() {
	if p.UI == nil {
		p.UI = map[string]string{}
	}
	if p.Entries == nil {
		p.Entries = map[string]*Text{}
	}
	maps.DeleteFunc(p.Entries, func(_ string, t *Text) bool { return t == nil })
}

// merge lays the filled fields of over over base.
func merge(base, over *Text) *Text {
	if base == nil {
		return over
	}
	t := *base
	set := func(to *string, from string) {
		if from != "" {
			*to = from
		}
	}
	set(&t.Title, over.Title)
	set(&t.User, over.User)
	set(&t.UserWait, over.UserWait)
	set(&t.Group, over.Group)
	set(&t.Suggestion, over.Suggestion)
	if over.User != "" && over.UserWait == "" {
		t.UserWait = "" // it says what User said before
	}
	if len(over.Causes) > 0 {
		t.Causes = over.Causes
	}
	if len(over.Admin) > 0 {
		t.Admin = over.Admin
	}
	return &t
}

// readLocales reads locales/*.yaml of a directory of overrides.
func (c *Catalogue) readLocales(dir fs.FS) []error {
	names, err := fs.Glob(dir, "locales/*.yaml")
	if err != nil {
		return []error{err}
	}
	var errs []error
	for _, name := range names {
		if err := c.readLocale(dir, name); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	}
	c.linkChains()
	return errs
}

func (c *Catalogue) readLocale(dir fs.FS, name string) error {
	data, err := fs.ReadFile(dir, name)
	if err != nil {
		return err
	}
	var p prose
	if err := decodeStrictly(data, &p); err != nil {
		return err
	}
	p.tidy()
	if want := strings.TrimSuffix(path.Base(name), ".yaml"); p.Locale.Tag != want {
		return fmt.Errorf("locale.tag: is %q, the file's name says %q", p.Locale.Tag, want)
	}
	l, known := c.byTag[p.Locale.Tag]
	if !known {
		if p.Locale.Name == "" {
			return errors.New("locale.name: is missing")
		}
		l = &locale{head: p.Locale}
		c.addLocale(l)
	}
	if err := c.checkOverride(l, &p); err != nil {
		return err
	}
	l.over = append(l.over, &p)
	return nil
}

// findLocales reads the heads of the embedded locales/*.yaml.
func (c *Catalogue) findLocales(own *embeddedReader) error {
	names, err := fs.Glob(embedded, "locales/*.yaml")
	if err != nil {
		return err
	}
	for _, name := range names {
		var p prose
		if err := own.decodeHead(name, &p); err != nil {
			return err
		}
		c.addLocale(&locale{head: p.Locale, file: name})
	}
	c.linkChains()
	return nil
}

// maxHead is how much of a locale's file is read to find its head, in bytes.
const maxHead = 2 << 10

// decodeHead reads the beginning of a locale's file, up to the texts; all of it if
// they do not follow soon.
func (r *embeddedReader) decodeHead(name string, p *prose) error {
	f, err := embedded.Open(name)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	defer f.Close()
	var room [maxHead]byte
	n, _ := io.ReadFull(f, room[:])
	head, _, ok := bytes.Cut(room[:n], []byte("\nui:\n"))
	if ok && r.decodePlain(append(head, '\n'), p) == nil {
		return nil
	}
	*p = prose{}
	return r.decode(name, p)
}

func (c *Catalogue) addLocale(l *locale) {
	c.byTag[l.head.Tag] = l
	c.locales = append(c.locales, l)
	slices.SortFunc(c.locales, func(a, b *locale) int { return strings.Compare(localeOrder(a.head.Tag), localeOrder(b.head.Tag)) })
}

// localeOrder puts the required languages first.
func localeOrder(tag string) string {
	if i := slices.Index([]string{"en", "zh-Hans", "zh-Hant", "ja", "ko"}, tag); i >= 0 {
		return string(rune('0' + i))
	}
	return "z" + tag
}

// linkChains decides where a reader goes when a text is missing: parents first, a
// Chinese reader to the other script, all others to English.
func (c *Catalogue) linkChains() {
	for _, l := range c.locales {
		var chain []*locale
		visit := func(tag string) {
			if n, ok := c.byTag[tag]; ok && !slices.Contains(chain, n) {
				chain = append(chain, n)
			}
		}
		for tag := l.head.Tag; tag != ""; {
			visit(tag)
			i := strings.LastIndexByte(tag, '-')
			tag = tag[:max(i, 0)]
		}
		if strings.HasPrefix(l.head.Tag, "zh") {
			if isHantTag(l.head.Tag) {
				visit("zh-Hant")
			}
			visit("zh-Hans")
			visit("zh-Hant")
		}
		visit("en")
		for _, n := range c.locales {
			visit(n.head.Tag)
		}
		l.chain = chain
	}
}

func isHantTag(tag string) bool {
	return strings.Contains(tag, "Hant") || strings.HasSuffix(tag, "-HK") || strings.HasSuffix(tag, "-TW") || strings.HasSuffix(tag, "-MO")
}

// checkOverride finds what is wrong with an override of texts, given the entries
// already read.
func (c *Catalogue) checkOverride(l *locale, p *prose) error {
	var errs []error
	base := l.texts()
	for key, text := range p.UI {
		if old, ok := base.UI[key]; ok && !slices.Equal(placeholders(old), placeholders(text)) {
			errs = append(errs, fmt.Errorf("ui.%s: placeholders differ from %v", key, placeholders(old)))
		}
	}
	for id, t := range p.Entries {
		if _, ok := c.byID[id]; !ok {
			errs = append(errs, fmt.Errorf("entries.%s: there is no such entry", id))
			continue
		}
		if whole := merge(base.Entries[id], t); !whole.complete() {
			errs = append(errs, fmt.Errorf("entries.%s: %s", id, whole.missing()))
		}
	}
	// The embedded texts were looked at without the override: read them again.
	l.once = sync.Once{}
	return errors.Join(errs...)
}

// missing names the fields that are empty.
func (t *Text) missing() string {
	var out []string
	for _, f := range []struct {
		name  string
		empty bool
	}{{"title", t.Title == ""}, {"user", t.User == ""}, {"group", t.Group == ""}, {"suggestion", t.Suggestion == ""}, {"causes", len(t.Causes) == 0}, {"admin", len(t.Admin) == 0}} {
		if f.empty {
			out = append(out, f.name)
		}
	}
	return strings.Join(out, ", ") + ": missing"
}

// placeholders returns the names in braces, sorted, each once.
func placeholders(s string) []string {
	var out []string
	for {
		i := strings.IndexByte(s, '{')
		if i < 0 {
			break
		}
		j := strings.IndexByte(s[i:], '}')
		if j < 0 {
			break
		}
		out = append(out, s[i+1:i+j])
		s = s[i+j+1:]
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Locales returns the languages the catalogue speaks.
func (c *Catalogue) Locales() []Locale {
	out := make([]Locale, 0, len(c.locales))
	for _, l := range c.locales {
		out = append(out, Locale{l.head.Tag, l.head.Name})
	}
	return out
}

// localeFor returns the language for a tag, best match first, else the catalogue's
// first.
func (c *Catalogue) localeFor(tag string) *locale {
	if l, ok := c.byTag[tag]; ok {
		return l
	}
	if t, ok := c.MatchLocale(tag); ok {
		return c.byTag[t]
	}
	if len(c.locales) > 0 {
		return c.locales[0]
	}
	return nil
}

// Say returns a text of the user interface with its {placeholders} filled from
// args, which are name, value pairs. A key the language lacks is looked up along
// its chain; a key nobody knows is returned as it is.
func (c *Catalogue) Say(tag, key string, args ...string) string {
	l := c.localeFor(tag)
	if l == nil {
		return key
	}
	for _, l := range l.chain {
		if text, ok := l.texts().UI[key]; ok {
			return fill(text, args)
		}
	}
	return key
}

// fill replaces {name} by the value after name in args.
func fill(text string, args []string) string {
	if len(args) < 2 || strings.IndexByte(text, '{') < 0 {
		return text
	}
	var b strings.Builder
	b.Grow(len(text) + 32)
	for {
		i := strings.IndexByte(text, '{')
		j := -1
		if i >= 0 {
			j = strings.IndexByte(text[i:], '}')
		}
		if j < 0 {
			b.WriteString(text)
			return b.String()
		}
		b.WriteString(text[:i])
		b.WriteString(valueOf(text[i+1:i+j], text[i:i+j+1], args))
		text = text[i+j+1:]
	}
}

func valueOf(name, whole string, args []string) string {
	for i := 0; i+1 < len(args); i += 2 {
		if args[i] == name {
			return args[i+1]
		}
	}
	return whole
}
