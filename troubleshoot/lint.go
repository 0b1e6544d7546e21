package troubleshoot

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// required are the languages every entry must be complete in.
var required = []string{"en", "zh-Hans", "zh-Hant", "ja", "ko"}

// glossary holds the rules of wording that a program can check.
type glossary struct {
	Limits            map[string]map[string]int `yaml:"limits"` // "cjk" and "latin": field to characters
	AppliesTo         []string                  `yaml:"applies_to"`
	ForbiddenAll      []string                  `yaml:"forbidden_all"`
	Forbidden         map[string][]string       `yaml:"forbidden"`
	ForbiddenAnywhere []string                  `yaml:"forbidden_anywhere"`
	Terms             any                       `yaml:"terms"`
	Style             any                       `yaml:"style"`
}

// Lint checks the whole catalogue, with its overrides: entries and texts complete
// in every required language, wording as the glossary demands, causes covered,
// examples diagnosed as their entry, no two entries recognised by the same signs.
// Each problem names file and field.
func (c *Catalogue) Lint() []error {
	l := linter{c: c, patterns: map[string]*regexp.Regexp{}}
	l.entries()
	l.vocabulary()
	l.symptoms()
	l.examples()
	g, err := readGlossary()
	if err != nil {
		return append(l.found, err)
	}
	for _, loc := range c.locales {
		l.locale(loc, g)
	}
	for _, tag := range required {
		if _, ok := c.byTag[tag]; !ok {
			l.bad("locales/%s.yaml: is missing", tag)
		}
	}
	return l.found
}

func readGlossary() (*glossary, error) {
	data, err := embedded.ReadFile("glossary.yaml")
	if err != nil {
		return nil, fmt.Errorf("glossary.yaml: %w", err)
	}
	var g glossary
	if err := yaml.Unmarshal(data, &g); err != nil {
		return nil, fmt.Errorf("glossary.yaml: %w", err)
	}
	return &g, nil
}

type linter struct {
	c        *Catalogue
	found    []error
	patterns map[string]*regexp.Regexp
}

// pattern compiles p once; a broken one is reported once.
func (l *linter) pattern(p string) *regexp.Regexp {
	re, known := l.patterns[p]
	if !known {
		var err error
		if re, err = regexp.Compile(p); err != nil {
			l.bad("glossary.yaml: %w", err)
		}
		l.patterns[p] = re
	}
	return re
}

func (l *linter) bad(format string, args ...any) {
	l.found = append(l.found, fmt.Errorf(format, args...))
}

func (l *linter) entries() {
	covered := map[string]bool{}
	aliases := map[string]string{}
	for _, e := range l.c.entries {
		covered[e.Cause] = true
		if _, known := groupOf[e.Cause]; !known && e.Cause != strings.ReplaceAll(e.ID, "-", "_") {
			l.bad("entries/%s.yaml: cause: %q is neither a known cause nor the entry's own", e.ID, e.Cause)
		}
		for _, a := range e.Aliases {
			if other, taken := aliases[a]; taken {
				l.bad("entries/%s.yaml: aliases: %q belongs to %s already", e.ID, a, other)
			}
			aliases[a] = e.ID
			if _, ok := l.c.byID[a]; ok {
				l.bad("entries/%s.yaml: aliases: %q is an entry's id", e.ID, a)
			}
		}
	}
	for cause := range groupOf {
		if !covered[cause] {
			l.bad("entries: no entry has the cause %s", cause)
		}
	}
	for _, id := range guideOrder {
		if e, ok := l.c.byID[id]; !ok || e.Origin != "guide" {
			l.bad("entries/%s.yaml: the guide's page is missing", id)
		}
	}
}

// vocabulary finds sets that are empty, and words with signs that would be taken
// as they are.
func (l *linter) vocabulary() {
	for _, name := range slices.Sorted(maps.Keys(l.c.words)) {
		if len(l.c.words[name]) == 0 || !isName(name) {
			l.bad("vocabulary.yaml: %s: is empty, or no name", name)
		}
		for _, w := range l.c.words[name] {
			if strings.ContainsAny(w, ",*&{}<>=") {
				l.bad("vocabulary.yaml: %s: %q has a sign of phrases", name, w)
			}
		}
	}
}

// symptoms finds signs that more than one entry claims under the same conditions.
func (l *linter) symptoms() {
	claimed := map[string]string{}
	claim := func(e *Entry, s *Symptom, kind, value string) {
		rank, _ := s.rank()
		key := fmt.Sprint(kind, "|", value, "|", rank, s.Source, s.From, s.With, s.Near, s.Status, s.Net, s.Phase, s.Retry)
		if kind == "status" {
			key = fmt.Sprint(kind, "|", value, "|", rank, s.Source)
		}
		if other, taken := claimed[key]; taken && other != e.ID {
			l.bad("entries/%s.yaml: symptoms: %s %q decides for %s too", e.ID, kind, value, other)
		}
		claimed[key] = e.ID
	}
	for _, e := range l.c.entries {
		if len(e.Symptoms) == 0 && e.ID != UnknownEntry {
			l.bad("entries/%s.yaml: symptoms: are missing", e.ID)
		}
		for i := range e.Symptoms {
			s := &e.Symptoms[i]
			if err := s.checkPhrases(l.c.words); err != nil {
				l.bad("entries/%s.yaml: symptoms[%d]: %w", e.ID, i, err)
			}
			switch s.stage() {
			case "code", "vendor":
				for _, c := range s.Code {
					claim(e, s, "code", squash(c))
				}
			case "text":
				for _, t := range s.Text {
					claim(e, s, "text", fold(t))
				}
			case "status":
				for _, n := range s.Status {
					claim(e, s, "status", fmt.Sprint(n))
				}
			}
		}
	}
}

func (l *linter) examples() {
	for _, e := range l.c.entries {
		if len(e.Examples) == 0 {
			l.bad("entries/%s.yaml: examples: are missing", e.ID)
		}
		for i := range e.Examples {
			if d := l.c.Diagnose(e.Examples[i].fault()); d.Entry != e {
				l.bad("entries/%s.yaml: examples[%d]: is diagnosed as %s", e.ID, i, d.Entry.ID)
			}
		}
	}
}

// fault is the example as a fault; fields no body can carry are set by hand.
func (x *Example) fault() *Fault {
	source := x.Source
	if source == "" {
		source = SourceAPI
	}
	if x.Net != "" || x.Code != "" || x.Type != "" {
		return &Fault{Source: source, Provider: x.Provider, Status: x.Status, Net: x.Net, Phase: x.Phase, FinishReason: x.Finish, Ret: x.Ret, Code: x.Code, Type: x.Type}
	}
	return Normalize(Observation{
		Source: source, Provider: x.Provider, Status: x.Status, Body: []byte(x.Body), ErrText: x.Error, Phase: x.Phase, FinishReason: x.Finish, Ret: x.Ret,
	})
}

// locale checks one language's texts.
func (l *linter) locale(loc *locale, g *glossary) {
	tag := loc.head.Tag
	p := loc.texts()
	if loc.file != "" {
		if err := decode(embedded, loc.file, &prose{}); err != nil {
			l.bad("%w", err)
		}
	}
	must := slices.Contains(required, tag)
	for _, e := range l.c.entries {
		t, ok := p.Entries[e.ID]
		switch {
		case !ok && must:
			l.bad("locales/%s.yaml: entries.%s: is missing", tag, e.ID)
		case ok && !t.complete() && must:
			l.bad("locales/%s.yaml: entries.%s: %s", tag, e.ID, t.missing())
		}
		if ok {
			l.text(tag, e.ID, t, g)
		}
	}
	for id := range p.Entries {
		if _, ok := l.c.byID[id]; !ok {
			l.bad("locales/%s.yaml: entries.%s: there is no such entry", tag, id)
		}
	}
	l.ui(tag, p, must, g)
}

func (l *linter) text(tag, id string, t *Text, g *glossary) {
	at := fmt.Sprintf("locales/%s.yaml: entries.%s.", tag, id)
	short := map[string]string{"title": t.Title, "user": t.User, "user_wait": t.UserWait, "group": t.Group, "suggestion": t.Suggestion}
	limits := g.Limits["latin"]
	if !isLatinTag(tag) {
		limits = g.Limits["cjk"]
	}
	for _, field := range slices.Sorted(maps.Keys(short)) {
		text := short[field]
		if n := utf8.RuneCountInString(text); limits[field] > 0 && n > limits[field] {
			l.bad("%s%s: %d characters, at most %d", at, field, n, limits[field])
		}
		if slices.Contains(g.AppliesTo, field) {
			l.forbidden(at+field, text, g.ForbiddenAll)
			l.forbidden(at+field, text, g.Forbidden[tag])
		}
		l.forbidden(at+field, text, g.ForbiddenAnywhere)
		l.holes(at+field, text, field == "user_wait")
	}
	for field, list := range map[string][]string{"causes": t.Causes, "admin": t.Admin} {
		for i, text := range list {
			l.forbidden(fmt.Sprintf("%s%s[%d]", at, field, i), text, g.ForbiddenAnywhere)
			l.holes(fmt.Sprintf("%s%s[%d]", at, field, i), text, false)
		}
	}
	if strings.Contains(t.Group, "\n") {
		l.bad("%sgroup: is more than one line", at)
	}
}

// holes checks that {wait} stands in user_wait and no placeholder elsewhere.
func (l *linter) holes(at, text string, wait bool) {
	got := placeholders(text)
	switch {
	case wait && text != "" && !slices.Equal(got, []string{"wait"}):
		l.bad("%s: must hold {wait} and nothing else in braces", at)
	case !wait && len(got) > 0:
		l.bad("%s: {%s} is never filled here", at, got[0])
	}
}

func (l *linter) forbidden(at, text string, patterns []string) {
	for _, p := range patterns {
		re := l.pattern(p)
		if re == nil {
			continue
		}
		if m := re.FindString(text); m != "" {
			l.bad("%s: %q is forbidden by %s", at, m, p)
		}
	}
}

// ui checks that a language has English's keys with the same placeholders.
func (l *linter) ui(tag string, p *prose, must bool, g *glossary) {
	en, ok := l.c.byTag["en"]
	if !ok {
		return
	}
	source := en.texts().UI
	for _, key := range slices.Sorted(maps.Keys(source)) {
		text, ok := p.UI[key]
		switch {
		case !ok && must:
			l.bad("locales/%s.yaml: ui.%s: is missing", tag, key)
		case ok && !slices.Equal(placeholders(text), placeholders(source[key])):
			l.bad("locales/%s.yaml: ui.%s: placeholders %v, English has %v", tag, key, placeholders(text), placeholders(source[key]))
		}
	}
	for key, text := range p.UI {
		if _, ok := source[key]; !ok {
			l.bad("locales/%s.yaml: ui.%s: English has no such key", tag, key)
		}
		l.forbidden(fmt.Sprintf("locales/%s.yaml: ui.%s", tag, key), text, g.ForbiddenAnywhere)
	}
	for _, key := range uiKeys() {
		if _, ok := source[key]; !ok && tag == "en" {
			l.bad("locales/en.yaml: ui.%s: is missing", key)
		}
	}
}

// uiKeys are the texts this package itself says.
func uiKeys() []string {
	keys := []string{"ref", "ref_only", "join", "told_admin", "told_user", "told_group", "reasons", "suggestion", "steps", "auto", "links", "see_also", "also_under", "more", "worth_retrying", "word_yes", "word_no",
		"age_seconds", "age_minutes", "age_hours", "age_days", "dur_seconds", "dur_minutes", "dur_hours", "dur_days", "dur_seconds_one", "dur_minutes_one", "dur_hours_one", "dur_days_one"}
	for _, s := range severities {
		keys = append(keys, "severity_"+s)
	}
	keys = append(keys, Step{Do: "retry", Max: 1}.key())
	for _, r := range remedies {
		keys = append(keys, "remedy_"+r)
	}
	return keys
}
