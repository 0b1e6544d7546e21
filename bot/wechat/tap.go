package wechat

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path"
	"time"

	"golang.org/x/time/rate"

	"github.com/diagbot/diagbot/troubleshoot"
)

// tap is the transport under openwechat, for one login. Whatever the library
// asks passes through it, and only checked answers come back: messages are
// taken out and heard here, codes other than zero become faults, and calls
// that the library would repeat without end are slowed down.
type tap struct {
	base    http.RoundTripper
	log     *slog.Logger
	scripts *scripts
	stopped context.Context // ends with the login; sending goes on
	unit    time.Duration   // the first pause before a call is repeated; two idle polls fit in it

	opened func(*initAnswer, *http.Request)        // webwxinit went well
	synced func(*syncAnswer) (fresh bool, _ error) // webwxsync brought this
	before func() error                            // before each synccheck
	cookie func([]*http.Cookie)                    // an answer sets these
	alive  func()                                  // a round of synchronising went well

	polls  *rate.Limiter // login polls
	checks *rate.Limiter // synccheck calls that bring nothing
	barren bool          // the last round brought nothing; used by the sync goroutine only
	misses int           // login polls that failed in a row; used while logging in only
}

// Bounds of the calls. openwechat's own timeout, 30 s for everything, is off.
const (
	holdTime    = 25 * time.Second          // how long WeChat holds a poll when nothing is new
	pollTime    = holdTime + 15*time.Second // for the polls
	callTime    = 30 * time.Second          // for other calls
	smallAnswer = 1 << 20                   // bytes; a login poll may bring a picture
	largeAnswer = 16 << 20                  // bytes; contacts, messages
	maxMisses   = 6                         // login polls that may fail in a row
	initTries   = 3                         // for the call after the scan, which cost somebody a walk to the phone
)

func newTap(stopped context.Context, base http.RoundTripper, log *slog.Logger, unit time.Duration) *tap {
	return &tap{
		base: base, log: log, scripts: newScripts(), stopped: stopped, unit: unit,
		polls:  rate.NewLimiter(rate.Every(unit/2), 6),
		checks: rate.NewLimiter(rate.Every(unit/2), 4),
	}
}

// RoundTrip makes one call. Its errors are *troubleshoot.Fault.
func (t *tap) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	defer func() {
		if v := recover(); v != nil {
			t.log.Error("panic in the WeChat channel", "call", path.Base(r.URL.Path), "panic", fmt.Sprint(v))
			resp, err = nil, malformed(troubleshoot.PhaseSync, "panic: %v", v)
		}
	}()
	if r.Body != nil {
		defer func() { _ = r.Body.Close() }()
	}
	if !known(r.URL) {
		return nil, &troubleshoot.Fault{Source: troubleshoot.SourceWeChat, Net: troubleshoot.NetConfig, Cause: fmt.Errorf("%s is not one of WeChat's hosts", r.URL.Hostname())}
	}
	switch path.Base(r.URL.Path) {
	case "jslogin":
		return t.checked(r, troubleshoot.PhaseLogin, t.scripts.readUUID)
	case "login":
		return t.poll(r)
	case "webwxnewloginpage":
		return t.ticket(r)
	case "webwxinit":
		return t.initialise(r)
	case "webwxstatusnotify":
		return t.notify(r)
	case "synccheck":
		return t.check(r)
	case "webwxsync":
		return t.sync(r)
	case "webwxsendmsg", "webwxsendmsgimg", "webwxsendappmsg":
		return t.send(r, checkSend)
	case "webwxuploadmedia":
		return t.send(r, checkUpload)
	case "webwxgetmsgimg", "webwxgetmedia":
		return t.medium(r)
	}
	return t.stream(r)
}

// checked makes a call of the login and passes on what read makes of it.
func (t *tap) checked(r *http.Request, phase troubleshoot.Phase, read func([]byte) ([]byte, error)) (*http.Response, error) {
	resp, body, err := t.call(r, phase, callTime, smallAnswer)
	if err != nil {
		return nil, err
	}
	plain, err := read(body)
	return answer(resp, plain, err)
}

// poll asks whether the QR code was scanned. A poll that fails is not the end
// of the code somebody may be scanning: it counts as "still waiting".
func (t *tap) poll(r *http.Request) (*http.Response, error) {
	if err := t.polls.Wait(t.stopped); err != nil {
		return nil, newFault(troubleshoot.PhaseLogin, err)
	}
	resp, body, err := t.call(r, troubleshoot.PhaseLogin, pollTime, smallAnswer)
	if err == nil {
		body, err = t.scripts.readPoll(body)
	}
	if err == nil {
		t.misses = 0
		return answer(resp, body, nil)
	}
	if t.misses++; t.misses > maxMisses || t.stopped.Err() != nil {
		return nil, err
	}
	t.log.Warn("waiting for the scan", "error", err)
	pause(t.stopped, time.Duration(t.misses)*t.unit)
	return answer(&http.Response{StatusCode: http.StatusOK, Request: r}, pollAnswer("408"), nil)
}

// ticket fetches the credentials. Accounts kept out of the web protocol get a
// code with words, or a redirection to nowhere.
func (t *tap) ticket(r *http.Request) (*http.Response, error) {
	resp, body, err := t.call(r, troubleshoot.PhaseLogin, callTime, smallAnswer)
	if err != nil {
		if f := newFault(troubleshoot.PhaseLogin, err); f.Status/100 == 3 {
			f.Entry = loginBlocked
			return nil, f
		}
		return nil, err
	}
	return answer(resp, body, checkTicket(body))
}

// initialise opens the session, insisting a little: what came before it cannot
// be repeated without a person.
func (t *tap) initialise(r *http.Request) (resp *http.Response, err error) {
	for try := range initTries {
		pause(t.stopped, time.Duration(try)*t.unit)
		var body []byte
		var a *initAnswer
		if resp, body, err = t.call(r, troubleshoot.PhaseLogin, callTime, largeAnswer); err == nil {
			a, err = readInit(body)
		}
		if err == nil {
			t.opened(a, r)
			return answer(resp, a.forLibrary(), nil)
		}
		if f := newFault(troubleshoot.PhaseLogin, err); !passing(f) || t.stopped.Err() != nil {
			break
		}
		if r, err = again(r, err); r == nil {
			break
		}
	}
	return nil, err
}

// again returns a copy of r to be sent once more, or nil and err.
func again(r *http.Request, err error) (*http.Request, error) {
	if r.GetBody == nil {
		return nil, err
	}
	body, failed := r.GetBody()
	if failed != nil {
		return nil, err
	}
	r = r.WithContext(r.Context())
	r.Body = body
	return r, err
}

// notify tells the phone. It is a courtesy: only the end of the session stops
// a login here.
func (t *tap) notify(r *http.Request) (*http.Response, error) {
	resp, body, err := t.call(r, troubleshoot.PhaseLogin, callTime, smallAnswer)
	if err == nil {
		var a struct{ BaseResponse *baseResponse }
		if err = decode(troubleshoot.PhaseLogin, body, &a); err == nil {
			err = a.BaseResponse.check(troubleshoot.PhaseLogin)
		}
	}
	if err != nil {
		if f := newFault(troubleshoot.PhaseLogin, err); sessionOver(f.Ret) || t.stopped.Err() != nil {
			return nil, err
		}
		t.log.Debug("the phone was not told of the login", "error", err)
		resp = &http.Response{StatusCode: http.StatusOK, Request: r}
	}
	return answer(resp, fine(), nil)
}

// check waits for news. Rounds that bring nothing are slowed down, for the
// library asks again at once whatever it is told.
func (t *tap) check(r *http.Request) (*http.Response, error) {
	if err := t.before(); err != nil {
		return nil, err
	}
	if t.barren {
		if err := t.checks.Wait(t.stopped); err != nil {
			return nil, newFault(troubleshoot.PhaseSync, err)
		}
	}
	t.barren = true
	resp, body, err := t.call(r, troubleshoot.PhaseSync, pollTime, smallAnswer)
	if err != nil {
		return nil, err
	}
	plain, news, err := t.scripts.readCheck(body)
	if err == nil && !news {
		t.alive()
	}
	return answer(resp, plain, err)
}

// sync fetches news and has it heard before the library sees that there was
// any. When that fails the cursor does not move and the same comes again.
func (t *tap) sync(r *http.Request) (*http.Response, error) {
	resp, body, err := t.call(r, troubleshoot.PhaseSync, callTime, largeAnswer)
	if err != nil {
		return nil, err
	}
	a, err := readSync(body)
	if err != nil {
		return nil, err
	}
	fresh, err := t.synced(a)
	if err != nil {
		return nil, err
	}
	t.barren = !fresh
	t.alive()
	return answer(resp, a.forLibrary(), nil)
}

// send delivers a message, or a file for one. It does not end with the login: what
// is being answered when the bot stops may still be said.
func (t *tap) send(r *http.Request, check func([]byte) error) (*http.Response, error) {
	resp, body, err := t.read(r, troubleshoot.PhaseSend, smallAnswer)
	if err != nil {
		return nil, err
	}
	return answer(resp, body, check(body))
}

// call makes a call that ends with the login.
func (t *tap) call(r *http.Request, phase troubleshoot.Phase, limit time.Duration, size int64) (*http.Response, []byte, error) {
	if err := t.stopped.Err(); err != nil {
		return nil, nil, newFault(phase, err)
	}
	ctx, cancel := context.WithTimeout(r.Context(), limit)
	defer cancel()
	defer context.AfterFunc(t.stopped, cancel)()
	return t.read(r.WithContext(ctx), phase, size)
}

// read makes a call and reads the whole answer, at most size bytes.
func (t *tap) read(r *http.Request, phase troubleshoot.Phase, size int64) (*http.Response, []byte, error) {
	start := time.Now()
	resp, err := t.base.RoundTrip(r)
	if err != nil {
		return nil, nil, t.failed(r, start, newFault(phase, err))
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, size+1))
	switch {
	case err != nil:
		return nil, nil, t.failed(r, start, newFault(phase, err))
	case resp.StatusCode != http.StatusOK:
		return nil, nil, t.failed(r, start, &troubleshoot.Fault{Source: troubleshoot.SourceWeChat, Phase: phase, Status: resp.StatusCode})
	case int64(len(body)) > size:
		return nil, nil, t.failed(r, start, malformed(phase, "answer is over %d bytes", size))
	}
	if set := resp.Cookies(); len(set) > 0 {
		t.cookie(set)
	}
	t.log.Debug("WeChat answered", "host", r.URL.Host, "path", r.URL.Path, "bytes", len(body), "took", time.Since(start))
	return resp, body, nil
}

// failed notes a call that failed. The query of its URL holds credentials and
// is not logged.
func (t *tap) failed(r *http.Request, start time.Time, f *troubleshoot.Fault) error {
	t.log.Debug("WeChat call failed", "host", r.URL.Host, "path", r.URL.Path, "error", f, "took", time.Since(start))
	return f
}

// stream makes a call whose answer its caller, the directory, reads and checks
// itself: contact lists are too long to hold twice.
func (t *tap) stream(r *http.Request) (*http.Response, error) {
	if err := t.stopped.Err(); err != nil {
		return nil, newFault(troubleshoot.PhaseSync, err)
	}
	ctx, cancel := context.WithTimeout(r.Context(), 2*callTime)
	stop := context.AfterFunc(t.stopped, cancel)
	resp, err := t.base.RoundTrip(r.WithContext(ctx))
	if err != nil {
		stop()
		cancel()
		return nil, newFault(troubleshoot.PhaseSync, err)
	}
	resp.Body = &streamed{Reader: io.LimitReader(resp.Body, largeAnswer), body: resp.Body, done: func() { stop(); cancel() }}
	return resp, nil
}

// medium asks for a picture or a file, which its caller reads within bounds of its
// own. Like sending, it does not end with the login.
func (t *tap) medium(r *http.Request) (*http.Response, error) {
	start := time.Now()
	resp, err := t.base.RoundTrip(r)
	if err != nil {
		return nil, t.failed(r, start, newFault(troubleshoot.PhaseSync, err))
	}
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusPartialContent {
		_ = resp.Body.Close()
		return nil, t.failed(r, start, &troubleshoot.Fault{Source: troubleshoot.SourceWeChat, Phase: troubleshoot.PhaseSync, Status: resp.StatusCode})
	}
	return resp, nil
}

// streamed is a body that holds on to its call until it is closed.
type streamed struct {
	io.Reader
	body io.Closer
	done func()
}

// Close ends the call.
func (s *streamed) Close() error {
	defer s.done()
	return s.body.Close()
}

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// answer passes body on in the place of what came.
func answer(resp *http.Response, body []byte, err error) (*http.Response, error) {
	if err != nil {
		return nil, err
	}
	if resp.Header == nil {
		resp.Header = make(http.Header)
	}
	resp.Header.Del("Content-Encoding")
	resp.Header.Del("Content-Length")
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	resp.Uncompressed, resp.TransferEncoding = true, nil
	return resp, nil
}
