package troubleshoot

import (
	"fmt"
	"strings"
	"sync"
)

// rule is a compiled symptom of an entry.
type rule struct {
	entry  *Entry
	rank   int
	code   []codeRule
	with   []codeRule
	text   []int32
	near   []int32
	unless []int32
	from   []int32
	names  []string // of providers
	src    *Symptom
}

// codeRule is a code, or a code under one key, in an object under one name.
type codeRule struct{ parent, key, text string }

// index finds the rules a fault may show, by the most telling thing they look at.
// Each rule is filed under one kind only.
type index struct {
	rules   []rule
	phrases *phrases
	rooms   sync.Pool // of *sightings
	byCode  map[string][]int32
	byText  [][]int32 // by phrase
	topText []int     // the highest rank of a phrase's rules
	byNet   map[NetKind][]int32
	byPhase map[Phase][]int32
	byEnd   map[string][]int32
	byRet   map[int][]int32
	byState map[int][]int32
}

// compile builds the index over the entries' symptoms, which have been checked.
func compile(entries []*Entry, words vocabulary) (*index, error) {
	x := &index{
		phrases: newPhrases(words), byCode: map[string][]int32{}, byNet: map[NetKind][]int32{}, byPhase: map[Phase][]int32{},
		byEnd: map[string][]int32{}, byRet: map[int][]int32{}, byState: map[int][]int32{},
	}
	n := 0
	for _, e := range entries {
		n += len(e.Symptoms)
	}
	x.rules = make([]rule, 0, n)
	for _, e := range entries {
		for i := range e.Symptoms {
			x.add(e, &e.Symptoms[i])
		}
	}
	x.byText = make([][]int32, len(x.phrases.words))
	for id := range x.rules {
		x.file(int32(id), &x.rules[id])
	}
	if n, forms := len(x.phrases.words), len(x.phrases.forms); n > maxPhrases || forms > maxForms {
		return nil, fmt.Errorf("symptoms: %d phrases of %d forms, at most %d of %d are allowed", n, forms, maxPhrases, maxForms)
	}
	x.phrases.pack()
	x.topText = make([]int, len(x.byText))
	for phrase, ids := range x.byText {
		for _, id := range ids {
			x.topText[phrase] = max(x.topText[phrase], x.rules[id].rank)
		}
	}
	return x, nil
}

// sightings returns room for one examination.
func (x *index) sightings() *sightings {
	s, ok := x.rooms.Get().(*sightings)
	if !ok {
		return &sightings{order: make([]int32, 0, 32)}
	}
	return s
}

func (x *index) add(e *Entry, s *Symptom) {
	rank, _ := s.rank()
	r := rule{entry: e, rank: rank, src: s, code: codeRules(s.Code), with: codeRules(s.With), text: x.compileText(s.Text), near: x.compileText(s.Near), unless: x.compileText(s.Unless)}
	r.from = x.compileText(s.From)
	for _, f := range s.From {
		each, _ := x.phrases.expand(f)
		for _, name := range each {
			r.names = append(r.names, strings.ToLower(strings.Trim(name, "~|")))
		}
	}
	x.rules = append(x.rules, r)
}

// file enters the rule under the kind of sign that decides it.
func (x *index) file(id int32, r *rule) {
	s := r.src
	switch {
	case len(s.Ret) > 0:
		enter(x.byRet, s.Ret, id)
	case len(r.code) > 0:
		for _, c := range r.code {
			if l := x.byCode[c.text]; len(l) == 0 || l[len(l)-1] != id {
				x.byCode[c.text] = append(l, id)
			}
		}
	case len(s.Finish) > 0:
		enter(x.byEnd, s.Finish, id)
	case len(r.text) > 0:
		for _, p := range r.text {
			x.byText[p] = append(x.byText[p], id)
		}
	case len(s.Net) > 0:
		enter(x.byNet, s.Net, id)
	case len(s.Phase) > 0:
		enter(x.byPhase, s.Phase, id)
	default:
		enter(x.byState, s.Status, id)
	}
}

func enter[K comparable](m map[K][]int32, keys []K, id int32) {
	for _, k := range keys {
		m[k] = append(m[k], id)
	}
}

func (x *index) compileText(list []string) []int32 {
	if len(list) == 0 {
		return nil
	}
	out := make([]int32, len(list))
	for i, p := range list {
		out[i] = int32(x.phrases.add(p))
	}
	return out
}

func codeRules(list []string) []codeRule {
	var out []codeRule
	for _, c := range list {
		key, text, ok := strings.Cut(c, "=")
		if !ok {
			key, text = "", c
		}
		parent, name, inside := strings.Cut(key, ".")
		if !inside {
			parent, name = "", key
		}
		out = append(out, codeRule{parent, name, squash(text)})
	}
	return out
}
