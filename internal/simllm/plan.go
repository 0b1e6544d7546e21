package simllm

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// plan says which request fails, and how.
type plan struct {
	mu     sync.Mutex
	next   []*Failure
	keys   map[string]*Failure
	models map[string]*Failure
	blind  map[string]*Failure // by model; of requests with pictures
	always *Failure
}

// Next makes the next requests, of whatever kind, fail, one like each name. "ok"
// lets one through. It comes before every other order.
func (s *Server) Next(names ...string) error {
	found := make([]*Failure, len(names))
	for i, name := range names {
		var err error
		if found[i], err = find(name); err != nil {
			return err
		}
	}
	s.plan.mu.Lock()
	defer s.plan.mu.Unlock()
	s.plan.next = append(s.plan.next, found...)
	return nil
}

// Always makes every request fail until Heal, unless a nearer order says
// otherwise; "ok" ends it.
func (s *Server) Always(name string) error {
	f, err := find(name)
	if err != nil {
		return err
	}
	s.plan.mu.Lock()
	defer s.plan.mu.Unlock()
	s.plan.always = f
	return nil
}

// ForKey makes every request with that key fail; "ok" shields it from Always.
func (s *Server) ForKey(key, name string) error {
	return s.order(&s.plan.keys, key, name)
}

// ForModel makes every request for that model fail; "ok" shields it from Always.
func (s *Server) ForModel(model, name string) error {
	return s.order(&s.plan.models, model, name)
}

func (s *Server) order(in *map[string]*Failure, about, name string) error {
	f, err := find(name)
	if err != nil {
		return err
	}
	s.plan.mu.Lock()
	defer s.plan.mu.Unlock()
	if *in == nil {
		*in = map[string]*Failure{}
	}
	(*in)[about] = f
	return nil
}

// Heal cancels all orders. Requests that fail already go on failing.
func (s *Server) Heal() {
	s.plan.mu.Lock()
	defer s.plan.mu.Unlock()
	s.plan.next, s.plan.keys, s.plan.models, s.plan.blind, s.plan.always = nil, nil, nil, nil, nil
}

// Waiting says how many orders of Next have not been met yet.
func (s *Server) Waiting() int {
	s.plan.mu.Lock()
	defer s.plan.mu.Unlock()
	return len(s.plan.next)
}

// failureFor picks the failure of a request, or nil. The nearest order wins:
// Next, a marker in the prompt, blindness, the key's, the model's, Always.
func (s *Server) failureFor(r Request) *Failure {
	p := &s.plan
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.next) > 0 {
		f := p.next[0]
		p.next = p.next[1:]
		return f
	}
	if s.options.Markers {
		if f := marked(r.Newest()); f != nil {
			return f
		}
	}
	if f := p.blindness(r); f != nil {
		return f
	}
	if f, ok := p.keys[r.Key]; ok {
		return f
	}
	if f, ok := p.models[r.Model]; ok {
		return f
	}
	return p.always
}

// marker matches "!401", also in Chinese typing.
var marker = regexp.MustCompile(`[!！]([0-9A-Za-z][0-9A-Za-z-]*)`)

func marked(text string) *Failure {
	for _, m := range marker.FindAllStringSubmatch(text, -1) {
		if f, err := find(strings.TrimRight(m[1], "-")); err == nil {
			return f
		}
	}
	return nil
}

// find returns the failure of that name; nil for "ok".
func find(name string) (*Failure, error) {
	name = strings.ToLower(strings.TrimPrefix(name, "!"))
	if name == "ok" {
		return nil, nil
	}
	s, err := shelf()
	if err != nil {
		return nil, err
	}
	f, ok := s.byName[name]
	if !ok {
		return nil, fmt.Errorf("failure %q: unknown", name)
	}
	return f, nil
}
