package bot

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/diagbot/diagbot/bot/media"
	"github.com/diagbot/diagbot/llm"
	"github.com/diagbot/diagbot/troubleshoot"
)

const (
	maxRef      = 8 << 10          // bytes of a reference
	maxFileName = 80               // runes
	maxMedium   = 16 << 20         // bytes that are fetched
	maxFetching = 3                // media that are fetched and made small at the same time
	maxShowing  = 48 << 20         // bytes of pictures that are with AI services at the same time
	fetchTime   = 40 * time.Second // for the one a question came with
	olderTime   = 10 * time.Second // for those of earlier turns
)

// The entries for what came with a message.
const (
	entryUnreadable  = "picture-not-readable"
	entryTooLarge    = "medium-too-large"
	entryNotFetched  = "medium-not-fetched"
	codeMediumFailed = "medium_failed" // it was not fetched, for a reason that may pass
)

// readable reports whether a message is one that a model may be asked about.
func (r *Relay) readable(m Message) bool { return m.Kind == KindText || r.carries(m) }

// carries reports whether m came with something that can be fetched.
func (r *Relay) carries(m Message) bool {
	_, ok := r.o.Channel.(Fetcher)
	return ok && m.Medium != nil && (m.Kind == KindText || m.Kind == KindImage || m.Kind == KindFile)
}

// tidied is the medium of m as it is kept: nil if it is of no use.
func (r *Relay) tidied(m Message) *Medium {
	if !r.carries(m) || m.Medium.Ref == "" || len(m.Medium.Ref) > maxRef || strings.ContainsRune(m.Medium.Ref, '\n') {
		return nil
	}
	return &Medium{Ref: strings.Clone(m.Medium.Ref), Name: r.exact(fileName(m.Medium.Name)), Size: m.Medium.Size}
}

// like reports whether two messages brought the same along, as far as can be told:
// what is sent once more has another reference.
func (m *Medium) like(other *Medium) bool {
	if m == nil || other == nil {
		return m == other
	}
	return m.Ref == other.Ref || m.Size > 0 && m.Size == other.Size && m.Name == other.Name
}

// fileName is what a model hears of a file's name: no folders, and nothing that
// would end the quotation marks around it.
func fileName(name string) string {
	name = clean(cutBytes(name, 8*maxFileName))
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	return oneLine(strings.Map(func(r rune) rune {
		if strings.ContainsRune("\"'“”‘’「」『』《》`<>{}", r) {
			return ' '
		}
		return r
	}, name), maxFileName)
}

// unseen is the error of what came with a message and is nothing for a model,
// through no fault of ours.
type unseen struct{ entry string }

func (u unseen) Error() string { return "what came with the message: " + u.entry }

// exhibit is what came with a message: a picture, or a text.
type exhibit struct {
	pieces []llm.Picture
	text   string
	cut    bool // the text was longer
}

// exhibit fetches what came with a message. It fails with unseen, or a fault.
func (r *Relay) exhibit(ctx context.Context, m Message) (x exhibit, err error) {
	if p, known := r.album.get(m.Medium.Ref, time.Now()); known && len(p) > 0 {
		return exhibit{pieces: p}, nil
	}
	release, err := r.place(ctx)
	if err != nil {
		return x, err
	}
	defer release()
	body, err := r.fetch(ctx, m.Medium)
	if err != nil {
		return x, err
	}
	file := m.Kind == KindFile || m.Kind == KindText && m.Medium.Name != ""
	if !file || media.IsPicture(body) {
		p, err := r.develop(ctx, m.Medium.Ref, body)
		return exhibit{pieces: p}, err
	}
	text, cut, err := media.Text(body, r.o.MaxMessage)
	if err != nil {
		return x, unseen{entryNotText}
	}
	return exhibit{text: strings.TrimSpace(clean(text)), cut: cut}, nil
}

// glimpse is the picture of an earlier turn.
func (r *Relay) glimpse(ctx context.Context, ref string) ([]llm.Picture, error) {
	if p, known := r.album.get(ref, time.Now()); known {
		if len(p) == 0 {
			return p, unseen{entryNotFetched}
		}
		return p, nil
	}
	if _, ok := r.o.Channel.(Fetcher); !ok {
		return nil, unseen{entryNotFetched}
	}
	p, err := r.refetch(ctx, ref)
	if err != nil && !errors.Is(ctx.Err(), context.Canceled) {
		absent := absentFor
		if errors.As(err, new(unseen)) {
			absent = goneFor
		}
		r.album.put(ref, nil, time.Now().Add(absent))
	}
	return p, err
}

func (r *Relay) refetch(ctx context.Context, ref string) ([]llm.Picture, error) {
	release, err := r.place(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	body, err := r.fetch(ctx, &Medium{Ref: ref})
	if err != nil {
		return nil, err
	}
	return r.develop(ctx, ref, body)
}

// place waits until a medium may be fetched. Few are at a time, until they are made
// small, so that many do not fill the memory.
func (r *Relay) place(ctx context.Context) (release func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	if err := r.fetching.Acquire(ctx, 1); err != nil {
		return nil, unfetched(err)
	}
	return func() { r.fetching.Release(1) }, nil
}

// fetch returns the bytes of a medium.
func (r *Relay) fetch(ctx context.Context, m *Medium) ([]byte, error) {
	if m.Size > maxMedium {
		return nil, unseen{entryTooLarge}
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	body, err := r.o.Channel.(Fetcher).Fetch(ctx, m.Ref, maxMedium)
	switch {
	case err != nil:
		return nil, unfetched(err)
	case len(body) > maxMedium:
		return nil, unseen{entryTooLarge}
	}
	return body, nil
}

// unfetched is the error of a medium that was not fetched.
func unfetched(err error) error {
	f := troubleshoot.FaultOf(err)
	switch f.Code {
	case MediumGone:
		return unseen{entryNotFetched}
	case MediumTooLarge:
		return unseen{entryTooLarge}
	}
	return &troubleshoot.Fault{Source: troubleshoot.SourceBot, Entry: entryNotFetched, Code: codeMediumFailed,
		Status: f.Status, Ret: f.Ret, Net: f.Net, Phase: f.Phase, Detail: f.Detail, Cause: f}
}

// develop makes a picture fit for a service, one at a time, and keeps it at hand.
func (r *Relay) develop(ctx context.Context, ref string, body []byte) ([]llm.Picture, error) {
	if err := r.developing.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	defer r.developing.Release(1)
	fit, err := fitted(body)
	switch {
	case errors.Is(err, media.ErrTooLarge):
		return nil, unseen{entryTooLarge}
	case err != nil:
		return nil, unseen{entryUnreadable}
	}
	pieces := make([]llm.Picture, len(fit))
	for i, p := range fit {
		pieces[i] = llm.Picture(p)
	}
	r.album.put(ref, pieces, time.Time{})
	return pieces, nil
}

// fitted is media.Fit, where a decoder's panic is a broken picture.
func fitted(body []byte) (all []media.Picture, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = media.ErrUnreadable
		}
	}()
	return media.Fit(body)
}
