package troubleshoot

import (
	"slices"
	"strconv"
	"strings"
)

// Diagnosis is the entry a fault belongs to, and why.
type Diagnosis struct {
	Entry    *Entry
	Evidence []Evidence
}

// Evidence says which rule matched what. It quotes the catalogue's own words and
// redacted machine-readable fields, never an upstream sentence.
type Evidence struct{ Rule, Value string }

// examination is one fault being looked at.
type examination struct {
	*sightings
	x      *index
	f      *Fault
	text   string
	codes  []code
	bareAs string // the bare word being looked up, squashed
	best   *rule
	score  int
	sign   Evidence
}

// Diagnose finds the entry that explains a fault. It is total: what nothing
// describes belongs to UnknownEntry, and a nil fault too.
func (c *Catalogue) Diagnose(f *Fault) Diagnosis {
	if f == nil {
		return Diagnosis{Entry: c.unknown}
	}
	if f.Entry != "" {
		if e, ok := c.byID[f.Entry]; ok {
			return Diagnosis{e, []Evidence{{"entry", e.ID}}}
		}
	}
	if f.isBare() {
		if d, ok := c.bare[bareKey{f.Source, f.Status}]; ok {
			return d
		}
	}
	return c.examine(f)
}

// bareKey is all that is known of a fault that has nothing but a status.
type bareKey struct {
	source Source
	status int
}

// isBare reports whether a fault has nothing but a source and a status.
func (f *Fault) isBare() bool {
	return f.Code == "" && f.Type == "" && f.Message == "" && f.Net == "" && f.Phase == "" && f.FinishReason == "" && f.Ret == 0 && f.RetryAfter == 0 &&
		(f.signs == nil || f.signs.text == "" && len(f.signs.codes) == 0 && f.signs.inside == 0)
}

// learnBare diagnoses every bare status once.
func (c *Catalogue) learnBare() {
	c.bare = map[bareKey]Diagnosis{}
	for status := range c.rules.byState {
		for _, source := range [...]Source{SourceAPI, SourceWeb} {
			c.bare[bareKey{source, status}] = c.examine(&Fault{Source: source, Status: status})
		}
	}
}

// examine looks at all signs of a fault.
func (c *Catalogue) examine(f *Fault) Diagnosis {
	s := c.rules.sightings()
	defer c.rules.rooms.Put(s)
	ex := examination{x: c.rules, f: f, sightings: s}
	ex.prepare()
	ex.look()
	if (ex.best == nil || ex.best.rank < textStage-60) && ex.loud() {
		ex.look()
	}
	if (ex.best == nil || ex.best.rank < textStage-60) && ex.beside() {
		ex.look()
	}
	if ex.best == nil || ex.best.rank < classStage {
		ex.spell()
	}
	if ex.best == nil {
		return c.byClass(f)
	}
	e := ex.best.entry
	if f.Source == SourceWeb && e.Web != "" {
		e = c.byID[e.Web]
	}
	return Diagnosis{e, ex.evidence()}
}

// prepare collects the signs of a fault, also of one made by hand.
func (ex *examination) prepare() {
	f := ex.f
	if f.signs != nil {
		ex.text, ex.codes = f.signs.text, f.signs.codes
		return
	}
	if f.Message != "" {
		ex.text = fold(cutText(f.Message, maxText))
		if quotesPeople(f.Status, ex.text) {
			ex.text = dropEchoes(ex.text)
		}
	}
	if f.Code != "" {
		ex.codes = append(ex.codes, code{key: "code", text: f.Code, flat: squash(f.Code), kind: kindCode})
	}
	if f.Type != "" {
		ex.codes = append(ex.codes, code{key: "type", text: f.Type, flat: squash(f.Type), kind: kindType})
	}
}

// loud puts back what may have been an echo, for text that says nothing without
// it. A service that found a request malformed quotes people; logs and other
// answers do not.
func (ex *examination) loud() bool {
	s := ex.f.signs
	if s == nil || s.loud == "" || !s.plain && (ex.f.Status == 400 || ex.f.Status == 422) {
		return false
	}
	ex.text = s.loud
	return true
}

// beside adds what stood beside a failure that says nothing by itself: the lines
// around an answer in a log. A status other than 500 says something.
func (ex *examination) beside() bool {
	s := ex.f.signs
	if status := ex.status(); s == nil || s.rest == "" || status > 299 && status != 500 {
		return false
	}
	ex.text = cutText(ex.text, maxText/2) + cutText(fold(s.rest), maxText/2)
	return true
}

// look tries every rule the fault's signs point to.
func (ex *examination) look() {
	f := ex.f
	ex.clear()
	if ex.text != "" {
		ex.x.phrases.find(ex.text, ex.sightings)
	}
	if f.Ret != 0 {
		ex.try(ex.x.byRet[f.Ret], 0, "ret", "")
	}
	for i := range ex.codes {
		c := &ex.codes[i]
		if ids := ex.x.byCode[c.flat]; ids != nil {
			ex.try(ids, -10*int(c.kind), "code", c.text)
		} else {
			ex.part(c)
		}
	}
	ex.bare()
	if f.FinishReason != "" {
		ex.try(ex.x.byEnd[f.FinishReason], 0, "finish", f.FinishReason)
	}
	ex.phrases(0)
	if f.Net != "" {
		ex.try(ex.x.byNet[f.Net], 0, "net", string(f.Net))
	}
	if f.Phase != "" {
		ex.try(ex.x.byPhase[f.Phase], 0, "phase", string(f.Phase))
	}
	ex.try(ex.x.byState[ex.status()], 0, "status", "")
}

// phrases tries the rules for what was found in the text, early words first.
func (ex *examination) phrases(bonus int) {
	tells := func(id int32) bool { return ex.x.topText[id]+bonus > ex.score }
	if !slices.ContainsFunc(ex.order, tells) {
		return // a code said more than any sentence here
	}
	ex.sort()
	for n, id := range ex.order {
		ex.try(ex.x.byText[id], bonus-min(n, 5), "text", "")
	}
}

// status is the status that counts: an edge's own is less telling than the one
// it reports from behind it.
func (ex *examination) status() int {
	s := ex.f.signs
	if s == nil || s.inside == 0 {
		return ex.f.Status
	}
	if ex.f.Status < 400 || ex.f.Status >= 500 && s.inside < 500 {
		return s.inside
	}
	return ex.f.Status
}

// try considers rules that one sign points to.
func (ex *examination) try(ids []int32, bonus int, kind, value string) {
	for _, id := range ids {
		r := &ex.x.rules[id]
		if r.rank+bonus > ex.score && ex.shows(r) {
			ex.best, ex.score, ex.sign = r, r.rank+bonus, Evidence{kind, value}
		}
	}
}

// shows reports whether the fault shows every part of the rule.
func (ex *examination) shows(r *rule) bool {
	s, f := r.src, ex.f
	switch {
	case len(s.Source) > 0 && !slices.Contains(s.Source, f.Source),
		len(s.Status) > 0 && !slices.Contains(s.Status, ex.status()) && !slices.Contains(s.Status, f.Status),
		s.Retry && f.RetryAfter <= 0,
		len(s.Net) > 0 && !slices.Contains(s.Net, f.Net),
		len(s.Phase) > 0 && !slices.Contains(s.Phase, f.Phase),
		len(s.Finish) > 0 && !slices.Contains(s.Finish, f.FinishReason),
		len(s.Ret) > 0 && !slices.Contains(s.Ret, f.Ret):
		return false
	case len(r.text) > 0 && !ex.any(r.text), len(r.near) > 0 && !ex.any(r.near), ex.any(r.unless):
		return false
	case len(r.code) > 0 && !ex.hasCode(r.code), len(r.with) > 0 && !ex.hasCode(r.with):
		return false
	}
	return len(s.From) == 0 || ex.from(r)
}

func (ex *examination) any(ids []int32) bool {
	for _, id := range ids {
		if ex.has(int(id)) {
			return true
		}
	}
	return false
}

// hasCode looks among the codes; a rule without a key also fits the bare word
// being looked up.
func (ex *examination) hasCode(rules []codeRule) bool {
	for _, r := range rules {
		for i := range ex.codes {
			c := &ex.codes[i]
			if (r.key == "" || r.key == c.key) && (r.parent == "" || r.parent == c.parent) && c.flat == r.text {
				return true
			}
		}
		if r.key == "" && ex.bareAs != "" && ex.bareAs == r.text {
			return true
		}
	}
	return false
}

// from reports whether the fault comes from one of the vendors named.
func (ex *examination) from(r *rule) bool {
	if ex.any(r.from) {
		return true
	}
	if ex.f.Provider == "" {
		return false
	}
	name := strings.ToLower(ex.f.Provider)
	for _, n := range r.names {
		if strings.Contains(name, n) {
			return true
		}
	}
	return false
}

// evidence lists what of the winning rule was seen.
func (ex *examination) evidence() []Evidence {
	var room [8]Evidence
	r, out := ex.best, room[:0]
	if ex.sign.Rule == "code" {
		out = append(out, Evidence{"code", ex.sign.Value})
	}
	for _, ids := range [...][]int32{r.text, r.near} {
		if i := slices.IndexFunc(ids, func(id int32) bool { return ex.has(int(id)) }); i >= 0 {
			out = append(out, Evidence{"text", ex.x.phrases.words[ids[i]]})
		}
	}
	add := func(rule, value string, present bool) {
		if present {
			out = append(out, Evidence{rule, value})
		}
	}
	add("net", string(ex.f.Net), len(r.src.Net) > 0)
	add("phase", string(ex.f.Phase), len(r.src.Phase) > 0)
	add("finish", ex.f.FinishReason, len(r.src.Finish) > 0)
	if len(r.src.Ret) > 0 {
		out = append(out, Evidence{"ret", strconv.Itoa(ex.f.Ret)})
	}
	if r.src.Retry {
		out = append(out, Evidence{"retry_after", ex.f.RetryAfter.String()})
	}
	if len(r.src.Status) > 0 && ex.status() != 0 { // that there was none tells people nothing
		out = append(out, Evidence{"status", strconv.Itoa(ex.status())})
	}
	return append(make([]Evidence, 0, len(out)), out...)
}

// byClass is the answer when no rule fits: the page of the status's class.
func (c *Catalogue) byClass(f *Fault) Diagnosis {
	id := UnknownEntry
	switch {
	case f.Source != SourceAPI && f.Source != SourceWeb:
	case f.Status >= 500 && f.Status < 600:
		id = "gpt-500"
	case f.Status >= 400 && f.Status < 500:
		id = "gpt-400"
	}
	if f.Source == SourceWeb && id != UnknownEntry {
		id = "chat" + id
	}
	e, ok := c.byID[id]
	if !ok || id == UnknownEntry {
		return Diagnosis{Entry: c.unknown}
	}
	return Diagnosis{e, []Evidence{{"class", strconv.Itoa(f.Status)}}}
}
