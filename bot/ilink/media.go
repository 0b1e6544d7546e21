package ilink

import (
	"context"
	"crypto/aes"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/troubleshoot"
)

const (
	maxMedium  = 20 << 20 // bytes of a picture or file, both ways
	mediaTime  = 90 * time.Second
	getTime    = 30 * time.Second // of one try
	mediaTries = 3
)

// Causes of faults.
var (
	errNoMedium = errors.New("the reference leads to no medium")
	errNoKey    = errors.New("the key of the medium does not fit")
	errTooLarge = errors.New("the medium has more bytes than may be fetched")
	errNoFile   = errors.New("the answer is a page, not the medium")
)

// place is where a medium is, and its key.
type place struct {
	url   string
	param string // of our own URL; only if url is empty
	key   []byte // nil: it is not encrypted
}

// The reference to a medium, as [bot.Medium] has it, is its form, the key's digits,
// and where it is.
const (
	atURL   = "u1"
	atParam = "p1"
	noKey   = "-"
)

// ref is the place in words, empty for none.
func (p place) ref() string {
	form, where := atURL, p.url
	if where == "" {
		form, where = atParam, p.param
	}
	key := noKey
	if p.key != nil {
		key = hex.EncodeToString(p.key)
	}
	if !isToken(where) {
		return ""
	}
	return form + " " + key + " " + where
}

// readRef undoes ref.
func readRef(ref string) (p place, ok bool) {
	parts := strings.Split(ref, " ")
	if len(parts) != 3 || !isToken(parts[2]) {
		return p, false
	}
	if parts[1] != noKey {
		key, err := hex.DecodeString(parts[1])
		if err != nil || len(key) != aes.BlockSize {
			return p, false
		}
		p.key = key
	}
	switch parts[0] {
	case atURL:
		p.url = parts[2]
	case atParam:
		p.url = cdnBase + "/download?encrypted_query_param=" + url.QueryEscape(parts[2])
	}
	return p, p.url != ""
}

// medium is a picture or a file, of the kind it was sent as.
type medium struct {
	bot.Medium
	kind bot.Kind
}

// medium returns the picture or file an item refers to, nil if there is none that
// can be fetched.
func (i *item) medium() *medium {
	m := &medium{kind: i.kind()}
	switch {
	case i.Type == itemImage && i.Image != nil:
		at := i.Image.Media.at()
		if key, err := hex.DecodeString(string(i.Image.Key)); err == nil && len(key) == aes.BlockSize {
			at.key = key
		}
		m.Ref, m.Size = at.ref(), int64(i.Image.Size)
	case i.Type == itemFile && i.File != nil:
		if at := i.File.Media.at(); at.key != nil { // pictures alone come without a key
			m.Ref, m.Size, m.Name = at.ref(), int64(i.File.Size), heardName(string(i.File.Name))
		}
	}
	if m.Size = max(m.Size, 0); m.Ref == "" {
		return nil
	}
	return m
}

func (r mediaRef) at() place {
	return place{url: string(r.FullURL), param: string(r.Param), key: readKey(string(r.Key))}
}

// mark tells media apart that have no words.
func (i *item) mark() string {
	var r mediaRef
	switch {
	case i.Image != nil:
		r = i.Image.Media
	case i.Voice != nil:
		r = i.Voice.Media
	case i.File != nil:
		r = i.File.Media
	case i.Video != nil:
		r = i.Video.Media
	}
	if r.Param == "" {
		return string(r.FullURL)
	}
	return string(r.Param)
}

// Fetch downloads a picture or file that was heard, also in an earlier process, of
// at most 20 MiB; see [bot.Fetcher]. What fails otherwise than for good is tried up
// to three times within 90 seconds.
func (c *Channel) Fetch(ctx context.Context, ref string, most int) (_ []byte, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = malformed(troubleshoot.PhaseSync, fmt.Errorf("panic: %v", v))
		}
	}()
	p, ok := readRef(ref)
	if !ok {
		return nil, unfetched(bot.MediumGone, errNoMedium)
	}
	ctx, cancel := context.WithTimeout(ctx, mediaTime)
	defer cancel()
	retry := c.newBackoff()
	for try := 1; ; try++ {
		body, f := c.fetch(ctx, p, min(most, maxMedium))
		if f == nil {
			return body, nil
		}
		if lasting(f) || try == mediaTries || ctx.Err() != nil {
			return nil, f
		}
		c.log.Debug("a medium was not fetched", "error", f, "cause", cause(f))
		pause(ctx, retry.NextBackOff())
	}
}

// fetch tries once.
func (c *Channel) fetch(ctx context.Context, p place, most int) ([]byte, *troubleshoot.Fault) {
	if most <= 0 {
		return nil, unfetched(bot.MediumTooLarge, errTooLarge)
	}
	ctx, cancel := context.WithTimeout(ctx, getTime)
	defer cancel()
	r := &call{phase: troubleshoot.PhaseSync, method: http.MethodGet, url: p.url, header: http.Header{}, limit: int64(most)}
	if p.key != nil {
		r.limit += aes.BlockSize
	}
	body, f := c.client.do(ctx, r)
	switch {
	case r.over:
		return nil, unfetched(bot.MediumTooLarge, errTooLarge)
	case f != nil && (f.Status == http.StatusNotFound || f.Status == http.StatusGone || f.Status == http.StatusForbidden):
		gone := *f
		gone.Code = bot.MediumGone
		return nil, &gone
	case f != nil:
		return nil, f
	case len(body) == 0 || p.key == nil && strings.HasPrefix(r.answer.Get("Content-Type"), "text/"):
		return nil, malformed(troubleshoot.PhaseSync, errNoFile)
	}
	return p.open(body, most)
}

// open decrypts what came.
func (p place) open(body []byte, most int) ([]byte, *troubleshoot.Fault) {
	if p.key == nil {
		return body, nil
	}
	body, ok := decrypt(body, p.key)
	switch {
	case !ok:
		return nil, malformed(troubleshoot.PhaseSync, errNoKey)
	case len(body) > most:
		return nil, unfetched(bot.MediumTooLarge, errTooLarge)
	}
	return body, nil
}

// unfetched is the fault of a medium that cannot be had, with its code.
func unfetched(code string, cause error) *troubleshoot.Fault {
	return &troubleshoot.Fault{
		Source: troubleshoot.SourceWeChat, Type: faultType, Phase: troubleshoot.PhaseSync, Code: code, Cause: cause,
	}
}

// lasting tells whether another try is of no use.
func lasting(f *troubleshoot.Fault) bool {
	asked := f.Status/100 == 4 && f.Status != http.StatusRequestTimeout && f.Status != http.StatusTooManyRequests
	return f.Code != "" || asked || errors.Is(f.Cause, errStranger)
}
