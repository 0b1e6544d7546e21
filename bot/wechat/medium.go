package wechat

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/eatmoreapple/openwechat"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/troubleshoot"
)

// Bounds of what is fetched.
const (
	maxMedium  = 20 << 20 // bytes of a picture or file
	maxRef     = 8 << 10  // bytes
	fetchTime  = 90 * time.Second
	fetchTries = 3
)

// Causes of faults.
var (
	errNoMedium = errors.New("the reference leads to no medium")
	errOldLogin = errors.New("the medium belongs to an earlier login")
	errNothing  = errors.New("WeChat sends nothing for the medium")
	errTooLarge = errors.New("the medium has more bytes than may be fetched")
)

// reference is what the web protocol asks for a medium by. It is good for one login.
type reference struct {
	Login string `json:"l"`
	ID    string `json:"i,omitempty"` // of the message, for a picture
	From  string `json:"f,omitempty"` // the rest is for a file
	Media string `json:"m,omitempty"`
	Name  string `json:"n,omitempty"` // encrypted
	Size  int64  `json:"s,omitempty"` // bytes
}

// medium is what can be fetched of a message, nil if nothing.
func (m *rawMessage) medium(kind bot.Kind, login string) *bot.Medium {
	r := reference{Login: login}
	out := &bot.Medium{}
	switch {
	case kind == bot.KindImage && m.MsgId != "" && m.MsgId != "0":
		r.ID = string(m.MsgId)
	case kind == bot.KindFile && m.MediaId != "":
		size, _ := strconv.ParseInt(string(m.FileSize), 10, 64)
		r.From, r.Media, r.Name, r.Size = m.FromUserName, m.MediaId, m.EncryFileName, max(size, 0)
		out.Name, out.Size = fileName(plain(m.FileName)), r.Size
	default:
		return nil
	}
	if out.Ref = string(encode(r)); len(out.Ref) > maxRef {
		return nil
	}
	return out
}

// Fetch downloads a picture or file that was heard in the login of now, of at most
// 20 MiB; see [bot.Fetcher]. WeChat forgets the references of earlier logins. What
// fails otherwise is tried up to three times within 90 seconds: at times a picture
// comes empty at first.
func (c *Channel) Fetch(ctx context.Context, ref string, most int) (_ []byte, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = malformed(troubleshoot.PhaseSync, "panic: %v", v)
		}
	}()
	s := c.sender.Load()
	if s == nil {
		return nil, notLoggedIn()
	}
	r, f := s.find(ref)
	if f != nil {
		return nil, f
	}
	if most = min(most, maxMedium); most <= 0 || r.Size > int64(most) {
		return nil, unfetched(bot.MediumTooLarge, errTooLarge)
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	retry := c.newBackoff()
	for try := 1; ; try++ {
		body, err := s.fetch(ctx, r, most)
		if err == nil {
			return body, nil
		}
		f := faultOf(troubleshoot.PhaseSync, err)
		if lasting(f) || try == fetchTries || ctx.Err() != nil {
			return nil, toldOfGone(f)
		}
		c.log.Debug("a medium was not fetched", "error", f, "cause", cause(f))
		pause(ctx, retry.NextBackOff())
	}
}

// find reads a reference, or says why it leads nowhere.
func (s *sender) find(ref string) (r reference, _ *troubleshoot.Fault) {
	switch {
	case len(ref) > maxRef || json.Unmarshal([]byte(ref), &r) != nil || r.ID == "" && r.Media == "":
		return r, unfetched(bot.MediumGone, errNoMedium)
	case r.Login != s.name:
		return r, unfetched(bot.MediumGone, errOldLogin)
	}
	return r, nil
}

// fetch tries once.
func (s *sender) fetch(ctx context.Context, r reference, most int) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	resp, err := s.ask(ctx, r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, int64(most)+1))
	switch {
	case err != nil:
		return nil, newFault(troubleshoot.PhaseSync, err)
	case len(body) > most:
		return nil, unfetched(bot.MediumTooLarge, errTooLarge)
	case len(body) == 0:
		return nil, &troubleshoot.Fault{Source: troubleshoot.SourceWeChat, Phase: troubleshoot.PhaseSync, Net: troubleshoot.NetDecode, Cause: errNothing}
	case r.fits(body):
		return body, nil
	}
	return nil, malformed(troubleshoot.PhaseSync, "%d bytes came that are not the medium", len(body))
}

// fits tells whether an answer may be the medium. A page of a gateway is not, nor is
// a piece of a file.
func (r reference) fits(body []byte) bool {
	kind := http.DetectContentType(body)
	if r.ID != "" {
		return !strings.HasPrefix(kind, "text/")
	}
	size := int64(len(body))
	return size == r.Size || size > r.Size && !strings.HasPrefix(kind, "text/html")
}

// ask makes the call for a medium.
func (s *sender) ask(ctx context.Context, r reference) (*http.Response, error) {
	if r.ID != "" {
		return s.caller.Client.WebWxGetMsgImg(ctx, &openwechat.Message{MsgId: r.ID}, s.login)
	}
	m := &openwechat.Message{FromUserName: r.From, MediaId: r.Media, EncryFileName: r.Name}
	return s.caller.Client.WebWxGetMedia(ctx, m, s.login)
}

// unfetched is the fault of a medium that cannot be had, with its code.
func unfetched(code string, cause error) *troubleshoot.Fault {
	return &troubleshoot.Fault{Source: troubleshoot.SourceWeChat, Phase: troubleshoot.PhaseSync, Code: code, Cause: cause}
}

// lasting tells whether another try is of no use.
func lasting(f *troubleshoot.Fault) bool {
	asked := f.Status/100 == 4 && f.Status != http.StatusRequestTimeout && f.Status != http.StatusTooManyRequests
	return f.Code != "" || asked
}

// toldOfGone marks the failures by which the servers say that they have no such
// medium any more: they send nothing, or a page with a status.
func toldOfGone(f *troubleshoot.Fault) *troubleshoot.Fault {
	if errors.Is(f.Cause, errNothing) || f.Status == http.StatusNotFound || f.Status == http.StatusGone {
		f := *f
		f.Code = bot.MediumGone
		return &f
	}
	return f
}
