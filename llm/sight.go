package llm

import (
	"errors"
	"slices"
	"time"

	"github.com/diagbot/diagbot/troubleshoot"
)

// sight is what is known of whether a model takes pictures. It is guarded by its
// provider's lock.
type sight struct {
	seen  bool                // it answered to one
	until time.Time           // it is asked nothing with pictures before
	fault *troubleshoot.Fault // the refusal
}

// blindTime is how long a refusal of pictures is believed: models are exchanged
// under the same name.
const blindTime = time.Hour

var (
	errBlind      = errors.New("no model that may be asked takes pictures")
	errUnreadable = errors.New("the picture is empty, too large or of a type that no service reads")
)

// blind returns the models that are asked nothing with pictures, as what a
// message does not try.
func (p *provider) blind(now time.Time) (all shuns) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.models {
		if p.options.Vision == VisionNo || now.Before(m.sight.until) {
			all = append(all, shun{p: p, m: m, sight: true})
		}
	}
	return all
}

// refusedPictures learns from a refusal, and returns until when it is believed. A
// model that has answered to pictures before, or is configured to take them, is
// given the benefit of the doubt.
func (p *provider) refusedPictures(r route, sure bool, f *troubleshoot.Fault, now time.Time) (until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := &r.model().sight
	s.until, s.fault = now.Add(blindTime), f
	if s.seen || !sure || p.options.Vision == VisionYes {
		s.until = now.Add(doubtTime)
	}
	return s.until
}

// tookPictures learns from an answer.
func (p *provider) tookPictures(r route) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r.model().sight = sight{seen: true}
}

// asks reports whether the provider has a model that may be asked at some time.
func (p *provider) asks(s shuns) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.held && !s.provider(p) && slices.ContainsFunc(p.models, func(m *model) bool { return !s.model(p, m) })
}

// refusal returns the newest refusal of pictures by one of its models; nil if
// there was none.
func (p *provider) refusal() *troubleshoot.Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	var newest *model
	for _, m := range p.models {
		if m.sight.fault != nil && (newest == nil || m.sight.until.After(newest.sight.until)) {
			newest = m
		}
	}
	if newest == nil {
		return nil
	}
	return newest.sight.fault
}

// behold looks at the pictures of a prompt before anybody is asked. It returns a
// fault if they are what is asked about and nobody could look at them.
func (q *quest) behold(now time.Time) *troubleshoot.Fault {
	g, ok := hang(q.prompt.Messages)
	q.show(g)
	if !ok {
		return &troubleshoot.Fault{Source: troubleshoot.SourceBot, Entry: entryUnreadable, Cause: errUnreadable}
	}
	if !g.newest && g.older == 0 {
		return nil
	}
	for _, p := range q.all {
		q.shuns = append(q.shuns, p.blind(now)...)
	}
	if slices.ContainsFunc(q.all, func(p *provider) bool { return p.asks(q.shuns) }) {
		return nil
	}
	if g.newest {
		return q.unseen()
	}
	q.hideOlder()
	return nil
}

// show has the next attempts ask with these pictures.
func (q *quest) show(g gallery) {
	q.gallery, q.prompt.Messages = g, g.messages
}

// hideOlder has the next attempts ask without the pictures of older turns. If
// there are no others, those who see none can be asked again.
func (q *quest) hideOlder() {
	q.unseenOlder += q.gallery.older
	q.show(q.gallery.withoutOlder())
	if !q.gallery.newest {
		q.shuns = q.shuns.withoutSight()
	}
}

func (s shuns) withoutSight() shuns {
	return slices.DeleteFunc(slices.Clone(s), func(x shun) bool { return x.sight })
}

// helpsToHide reports whether somebody can be asked now who could not be asked
// about the pictures of older turns.
func (q *quest) helpsToHide(now time.Time) bool {
	if q.gallery.newest || q.gallery.older == 0 {
		return false
	}
	all := q.shuns.withoutSight()
	return len(all) < len(q.shuns) && slices.ContainsFunc(q.all, func(p *provider) bool { return p.reachable(all, now) })
}

// unseen is the fault of a picture that nobody could look at: the refusal that
// told so, if there was one.
func (q *quest) unseen() *troubleshoot.Fault {
	f := troubleshoot.Fault{Source: q.all[0].options.Source}
	for _, p := range q.all {
		if known := p.refusal(); known != nil {
			f = *known
			break
		}
	}
	f.Entry, f.Cause, f.RetryAfter = entryUnseen, errBlind, 0
	return &f
}
