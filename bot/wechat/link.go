package wechat

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/eatmoreapple/openwechat"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/troubleshoot"
)

const (
	longestOwn = 5 * time.Second // pause after a failure of our own, such as of the store
	maxPoison  = 3               // times hearing a message may panic before it is left out
	maxRefused = 20              // rounds in a row WeChat may answer with a code before the session counts as over
)

// link is one login with one openwechat.Bot, which cannot be used again once
// it ended. Three goroutines live in it: the library's, which synchronises;
// one that loads contacts; one that saves.
type link struct {
	c   *Channel
	bot *openwechat.Bot
	tap *tap
	ear bot.Ear

	ctx  context.Context // ends when the link must end
	stop context.CancelFunc
	work sync.WaitGroup

	ended chan struct{} // closed when the library's goroutine is over
	once  sync.Once

	// Written while logging in, read afterwards.
	dir    *directory
	sender *sender
	hot    bool
	since  time.Time

	newest *openwechat.SyncKey // the cursor webwxinit gave

	// The sync goroutine's own, read after ended.
	fault    *troubleshoot.Fault // why it ended; nil if it was asked to
	told     bool                // the ear knows of the login
	healthy  bool                // a round of synchronising went well
	heard    int                 // messages passed on
	retry    *backoff.ExponentialBackOff
	failures int // in a row
	saver    *saver
	last     *document
	saved    []byte
	poison   map[string]int // panics by message
}

// newLink prepares a login. ctx ends it.
func (c *Channel) newLink(ctx context.Context, ear bot.Ear) *link {
	l := &link{c: c, ear: ear, ended: make(chan struct{}), poison: make(map[string]int)}
	l.ctx, l.stop = context.WithCancel(ctx)
	l.retry = c.newBackoff()
	// The bot's own context must not end with ctx: only through its error
	// callback does the library's goroutine say that it is over.
	l.bot = openwechat.NewBot(context.WithoutCancel(ctx))
	mode := openwechat.Desktop
	if c.opt.Mode == ModeNormal {
		mode = openwechat.Normal
	}
	mode.Prepare(l.bot)
	openwechat.WithDeviceID(newDeviceID()).Prepare(l.bot)
	l.bot.UUIDCallback = func(uuid string) {
		link := scanURL + uuid
		c.code.Store(&link)
		c.show(Login{State: LoginScan, URL: link})
	}
	told := false // the callback comes with every poll until the code is confirmed
	l.bot.ScanCallBack = func(openwechat.CheckLoginResponse) {
		if !told {
			c.show(Login{State: LoginScanned})
		}
		told = true
	}
	l.bot.MessageErrorHandler = l.failed
	l.bot.LogoutCallBack = func(*openwechat.Bot) { l.once.Do(func() { close(l.ended) }) }

	l.tap = newTap(l.ctx, c.transport, c.log, c.opt.firstPause)
	l.tap.opened, l.tap.synced, l.tap.before, l.tap.alive = l.opened, l.synced, l.ready, l.alive
	l.tap.cookie = l.renewed
	client := l.bot.Caller.Client
	client.MaxRetryTimes = 1
	client.HTTPClient().Transport = l.tap
	client.HTTPClient().Timeout = 0 // the tap has one for each call
	return l
}

// open logs in, with a saved session or, if d is nil, by a scan. After an
// error the link is over.
func (l *link) open(d *document) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = malformed(troubleshoot.PhaseLogin, "panic: %v", v)
		}
		if err != nil {
			l.bot.Exit()
			l.close()
		}
	}()
	l.saver = newSaver(l.c.opt.Session, l.c.log)
	if d != nil {
		l.hot, l.last = true, d
		err = l.bot.HotLogin(newStorage(d))
	} else {
		err = l.bot.Login()
		l.c.code.Store(nil)
	}
	if err != nil {
		return err
	}
	l.work.Go(l.loadContacts)
	return nil
}

// opened notes who we are, at the end of webwxinit and before the library's
// goroutine starts.
func (l *link) opened(a *initAnswer, r *http.Request) {
	l.since = time.Now()
	if !l.hot {
		l.c.seen.clear()
	}
	l.dir = newDirectory(*a.User, l.fetchContacts)
	l.dir.account = shortHash(strconv.FormatInt(l.bot.Storage.LoginInfo.WxUin, 10))
	l.dir.learn(a.ContactList...)
	for id := range strings.SplitSeq(a.ChatSet, ",") {
		if isGroup(id) {
			l.dir.learnMissing(id)
		}
	}
	l.newest = &openwechat.SyncKey{Count: a.SyncKey.Count, List: a.SyncKey.List}
	prime(l.bot.Caller.Client.Jar(), r.URL.Host)
	l.sender = &sender{
		caller: l.bot.Caller, login: l.bot.Storage.LoginInfo, request: l.bot.Storage.Request,
		self: a.User.UserName, echoes: l.c.echoes, dir: l.dir, remarks: &remarks{}, since: l.since, name: l.name(),
	}
}

// synced takes what a webwxsync brought, in order. fresh tells whether there
// was anything new.
func (l *link) synced(a *syncAnswer) (fresh bool, err error) {
	for i := range a.DelContactList {
		l.dir.forget(a.DelContactList[i].UserName)
	}
	l.dir.learn(a.ModContactList...)
	fresh = len(a.ModContactList)+len(a.DelContactList) > 0
	var news []heard
	for _, raw := range a.AddMsgList {
		var m rawMessage
		if err := json.Unmarshal(raw, &m); err != nil {
			l.c.log.Warn("a message of unknown form was left out", "bytes", len(raw))
			continue
		}
		id := m.id()
		if l.c.seen.has(id) {
			continue
		}
		fresh = true
		msg, ours, err := l.read(&m, id)
		switch {
		case err != nil:
			return fresh, err
		case ours:
			news = append(news, heard{msg, id})
		default:
			l.c.seen.add(id)
		}
	}
	return fresh, l.tell(news)
}

// heard is a message on its way to the ear.
type heard struct {
	bot.Message
	id string // as the servers and we know it
}

// read turns a message into plain values and tells whether it is for hearing.
func (l *link) read(m *rawMessage, id string) (msg bot.Message, ours bool, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = l.poisoned(id, v)
		}
	}()
	if msg, ours = l.dir.convert(l.ctx, m); ours {
		msg.Medium = m.medium(msg.Kind, l.name())
	}
	return msg, ours && !(msg.Sender.Owner && l.c.echoes.match(msg)), nil
}

// tell has messages heard, all in one go so that they are stored in one; one by
// one after a panic, to find the one that is to blame.
func (l *link) tell(news []heard) error {
	size := len(news)
	if len(l.poison) > 0 {
		size = 1
	}
	for ; len(news) > 0; news = news[min(size, len(news)):] {
		if err := l.tellAll(news[:min(size, len(news))]); err != nil {
			return err
		}
	}
	return nil
}

func (l *link) tellAll(news []heard) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = l.poisoned(news[0].id, v)
		}
	}()
	var batch []bot.Message
	for _, n := range news {
		batch = append(batch, n.Message)
	}
	// What has been fetched is heard to the end also while stopping, so that
	// nothing of a batch comes again.
	if err := l.ear.Hear(context.WithoutCancel(l.ctx), batch); err != nil {
		return &troubleshoot.Fault{Source: troubleshoot.SourceBot, Phase: troubleshoot.PhaseSync, Cause: fmt.Errorf("hear messages: %w", err)}
	}
	l.heard += len(batch)
	for _, n := range news {
		l.c.seen.add(n.id)
		delete(l.poison, n.id)
	}
	return nil
}

// poisoned notes a panic over a message, and is an error, so that it is tried
// again, until it has happened too often.
func (l *link) poisoned(id string, v any) error {
	l.poison[id]++
	l.c.log.Error("panic while hearing a message", "message", id, "panic", fmt.Sprint(v), "times", l.poison[id])
	if l.poison[id] >= maxPoison {
		delete(l.poison, id)
		l.c.seen.add(id)
		return nil
	}
	return &troubleshoot.Fault{Source: troubleshoot.SourceBot, Phase: troubleshoot.PhaseSync, Cause: fmt.Errorf("hear message: panic: %v", v)}
}

// renewed makes room for cookies the servers set again after a hot login.
func (l *link) renewed(set []*http.Cookie) {
	if l.hot {
		yield(l.bot.Caller.Client.Jar(), string(l.bot.Caller.Client.Domain), set)
	}
}

// ready comes before each synccheck. Replies may go out before the first
// message is heard.
func (l *link) ready() error {
	l.c.sender.CompareAndSwap(nil, l.sender)
	if !l.told {
		if err := l.ear.LoggedIn(context.WithoutCancel(l.ctx), l.name()); err != nil {
			return &troubleshoot.Fault{Source: troubleshoot.SourceBot, Phase: troubleshoot.PhaseSync, Cause: fmt.Errorf("tell of the login: %w", err)}
		}
		l.told = true
	}
	l.save()
	return nil
}

// name names the login, of which the session's id is the secret part.
func (l *link) name() string {
	info := l.bot.Storage.LoginInfo
	return shortHash(strconv.FormatInt(info.WxUin, 10) + " " + info.WxSid)
}

func shortHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:8])
}

// save keeps the session as it is: what came before has been heard.
func (l *link) save() {
	d, err := snapshot(l.bot, l.last)
	if err != nil {
		l.c.log.Warn("the WeChat session was not saved", "error", err)
		return
	}
	if b := encode(d); !bytes.Equal(b, l.saved) {
		l.saved, l.last = b, d
		l.saver.put(b)
	}
}

func (l *link) alive() {
	if l.failures > 0 {
		l.c.log.Info("messages arrive again", "after", l.failures)
	}
	l.failures, l.healthy = 0, true
	l.retry.Reset()
}

// failed is openwechat's error callback, in the sync goroutine. An error it
// returns ends the bot; otherwise the library tries again at once, so the pause
// is made here.
func (l *link) failed(err error) (end error) {
	defer func() {
		if v := recover(); v != nil {
			end = fmt.Errorf("panic: %v", v)
		}
	}()
	if l.ctx.Err() != nil {
		return errStopped
	}
	f := faultOf(troubleshoot.PhaseSync, err)
	l.failures++
	if sessionOver(f.Ret) || f.Ret != 0 && f.Ret != retTooOften && l.failures >= maxRefused {
		l.fault = f
		return f
	}
	if l.skips(f) {
		return nil
	}
	wait, problem := l.retry.NextBackOff(), "WeChat does not answer as it should"
	if f.Source == troubleshoot.SourceBot { // WeChat is not to blame, and need not be spared
		wait, problem = min(wait, longestOwn), "messages cannot be taken"
	}
	if l.failures == 1 || wait > 10*time.Second {
		l.c.log.Warn(problem, "error", f, "cause", cause(f), "failures", l.failures, "wait", wait)
	}
	if pause(l.ctx, wait); l.ctx.Err() != nil {
		return errStopped
	}
	return nil
}

// skips gives up a saved cursor that the servers do not take, for the one they
// gave at the login, and tells whether it did. What came in between is lost;
// with the old one so would be all that comes.
func (l *link) skips(f *troubleshoot.Fault) bool {
	if !l.hot || l.healthy || l.newest == nil || passing(f) {
		return false
	}
	l.c.log.Warn("the saved cursor is not taken; what came while the bot was away is left out", "error", f)
	l.bot.Storage.Response.SyncKey, l.newest = l.newest, nil
	return true
}

// errStopped ends the library's goroutine when the link is asked to end.
var errStopped = errors.New("stopped")

// cause is what is known beyond the fault's own line, without secrets.
func cause(f *troubleshoot.Fault) string {
	text := f.Message
	if text == "" && f.Cause != nil {
		text = f.Cause.Error()
	}
	return cutBytes(text, maxFaultMessage)
}

// close asks the link to end and waits until all of it has.
func (l *link) close() {
	l.stop()
	<-l.ended
	l.work.Wait()
	l.saver.close()
}
