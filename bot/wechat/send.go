package wechat

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/eatmoreapple/openwechat"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/troubleshoot"
)

// Limits of one part of a reply. WeChat publishes none for this protocol.
const (
	partRunes = 1800
	partBytes = 6000
	sendTries = 3 // for calls that certainly did not go out
)

// sender says things as one login. It holds copies, because openwechat's own
// objects are emptied at logout and read without locks.
type sender struct {
	caller  *openwechat.Caller
	login   *openwechat.LoginInfo
	request *openwechat.BaseRequest
	self    string
	echoes  *echoes
	dir     *directory
	remarks *remarks
	since   time.Time // of the login, or of the return to it
	name    string    // of the login
}

// send says text to one chat. A failure before anything was written is tried
// again. Once it was written the message may have arrived, and the fault has
// the code "maybe_sent"; said again, it keeps its id. Whether WeChat drops a
// second copy is not known.
func (s *sender) send(ctx context.Context, to, text, id string) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	if to == fileHelper {
		s.echoes.expect(text)
	}
	for try := 1; ; try++ {
		written, err := s.try(ctx, to, text, id)
		if err == nil {
			return nil
		}
		f := faultOf(troubleshoot.PhaseSend, err)
		if !written && try < sendTries && f.Net != "" && ctx.Err() == nil {
			pause(ctx, time.Duration(try)*300*time.Millisecond)
			continue
		}
		return ambiguous(f, written)
	}
}

func (s *sender) try(ctx context.Context, to, text, id string) (written bool, err error) {
	var wrote atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteHeaders: func() { wrote.Store(true) },
	})
	sent, err := s.caller.WebWxSendMsg(ctx, &openwechat.CallerWebWxSendMsgOptions{
		LoginInfo: s.login, BaseRequest: s.request,
		Message: &openwechat.SendMessage{
			Type: openwechat.MsgTypeText, Content: text, FromUserName: s.self, ToUserName: to, LocalID: id, ClientMsgId: id,
		},
	})
	if err == nil {
		s.echoes.sent(sent.MsgId)
	}
	return wrote.Load(), err
}

// ambiguous marks a failure that leaves open whether the message arrived: it
// was written, and no answer says that it was refused. A gateway's 4xx or 503
// does: the message went no further.
func ambiguous(f *troubleshoot.Fault, written bool) *troubleshoot.Fault {
	marked := *f
	marked.Phase = troubleshoot.PhaseSend
	stopped := f.Status/100 == 4 || f.Status == http.StatusServiceUnavailable
	if written && f.Ret == 0 && !stopped {
		marked.Code = bot.MaybeSent
		marked.Message = "the message may have arrived"
	}
	return &marked
}

// prepare checks a part and makes it fit to send.
func prepare(text string) (string, error) {
	text = strings.TrimRight(clean(text), "\n ")
	switch {
	case strings.TrimSpace(text) == "":
		return "", unfit("an empty message")
	case len(text) > partBytes || utf8.RuneCountInString(text) > partRunes:
		return "", unfit("a part over the limits of the channel")
	}
	return text, nil
}

// unfit is the fault of something that nobody should have asked us to send.
func unfit(what string) *troubleshoot.Fault {
	return &troubleshoot.Fault{
		Source: troubleshoot.SourceBot, Phase: troubleshoot.PhaseSend, Entry: troubleshoot.UnknownEntry,
		Cause: errors.New("asked to send " + what),
	}
}

func notLoggedIn() *troubleshoot.Fault {
	return &troubleshoot.Fault{
		Source: troubleshoot.SourceWeChat, Phase: troubleshoot.PhaseSend, Entry: sessionExpired,
		Cause: errors.New("not logged in"),
	}
}

// echoes knows what we said to File Transfer, so that it is not taken for the
// owner's words if the servers give it back.
type echoes struct {
	mu    sync.Mutex
	ids   *seen
	texts map[string]time.Time
	media int // being sent at the moment
}

const (
	echoTime = 2 * time.Minute
	maxEchos = 256
)

func newEchoes() *echoes {
	return &echoes{ids: newSeen(maxEchos), texts: make(map[string]time.Time)}
}

// expect notes a text before it is sent: its echo may overtake the answer.
func (e *echoes) expect(text string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := time.Now()
	for t, at := range e.texts {
		if now.Sub(at) > echoTime || len(e.texts) >= maxEchos {
			delete(e.texts, t)
		}
	}
	e.texts[strings.TrimSpace(text)] = now
}

// attaching notes that a picture or file is being sent, until the function it
// returns is called: an echo of it may overtake the answer, which has its id.
func (e *echoes) attaching() (done func()) {
	add := func(n int) {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.media += n
	}
	add(1)
	return func() { add(-1) }
}

// sent notes the id of a message that was sent.
func (e *echoes) sent(id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ids.add(id)
}

// match tells whether a message to File Transfer is our own.
func (e *echoes) match(m bot.Message) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if medium := m.Kind == bot.KindImage || m.Kind == bot.KindFile; medium {
		return e.media > 0 || e.ids.has(m.ID)
	}
	at, ours := e.texts[strings.TrimSpace(m.Text)]
	if ours = ours && time.Since(at) <= echoTime; ours {
		delete(e.texts, strings.TrimSpace(m.Text))
	}
	return ours || e.ids.has(m.ID)
}
