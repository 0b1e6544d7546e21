package world_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/diagbot/diagbot/internal/simwechat"
	"github.com/diagbot/diagbot/internal/world"
)

// Windows in which requests are counted, and the most that may come: far above
// the two a second that are meant, far below a loop.
const (
	stormWindow = 3 * time.Second
	stormMost   = 20
)

// storm is trouble at one endpoint that lasts until it is healed.
type storm struct {
	name     string
	endpoint string
	failure  simwechat.Failure
}

func storms() []storm {
	check := func(name string, f simwechat.Failure) storm { return storm{"check/" + name, "synccheck", f} }
	fetch := func(name string, f simwechat.Failure) storm { return storm{"sync/" + name, "webwxsync", f} }
	body := func(name, body string) storm { return fetch(name, simwechat.Failure{Body: body}) }
	return []storm{
		check("too often", simwechat.Failure{Ret: 1205}),
		check("system error", simwechat.Failure{Ret: -1}),
		check("bad gateway", simwechat.HTML(http.StatusBadGateway)),
		check("page", simwechat.HTML(http.StatusOK)),
		check("reset", simwechat.Failure{Reset: true}),
		check("cut", simwechat.Failure{CutBody: true}),
		check("hang", simwechat.Failure{Hang: true}),
		check("news without messages", simwechat.Failure{Selector: "2"}),
		check("unknown news", simwechat.Failure{Selector: "7"}),
		check("empty", simwechat.Failure{Status: http.StatusOK}),
		check("no content", simwechat.Failure{Status: http.StatusNoContent}),
		check("redirect", simwechat.Failure{Status: http.StatusFound, Body: "moved"}),
		check("garbage", simwechat.Failure{Body: "\x00\xff\xfe garbage"}),
		check("no numbers", simwechat.Failure{Body: `window.synccheck={retcode:"",selector:""}`}),
		check("huge number", simwechat.Failure{Body: `window.synccheck={retcode:"99999999999999999999999",selector:"2"}`}),
		check("huge", simwechat.Failure{Body: strings.Repeat("x", 2<<20)}),

		fetch("too often", simwechat.Failure{Ret: 1205}),
		fetch("system error", simwechat.Failure{Ret: -1, ErrMsg: "<script>alert(1)</script>"}),
		fetch("bad gateway", simwechat.HTML(http.StatusBadGateway)),
		fetch("page", simwechat.HTML(http.StatusOK)),
		fetch("reset", simwechat.Failure{Reset: true}),
		fetch("lost", simwechat.Failure{LoseAnswer: true}),
		fetch("cut", simwechat.Failure{CutBody: true}),
		fetch("stall", simwechat.Failure{Stall: true}),
		fetch("empty", simwechat.Failure{Status: http.StatusOK}),
		body("null", "null"),
		body("number", "0"),
		body("list", "[]"),
		body("object", "{}"),
		body("only success", `{"BaseResponse":{"Ret":0}}`),
		body("no SyncKey", `{"BaseResponse":{"Ret":0,"ErrMsg":""},"AddMsgCount":0,"AddMsgList":[]}`),
		body("null SyncKey", `{"BaseResponse":{"Ret":0},"SyncKey":null,"AddMsgList":null,"User":null,"Profile":null}`),
		body("list longer than Count", `{"BaseResponse":{"Ret":0},"SyncKey":{"Count":1,"List":[{"Key":1,"Val":2},{"Key":2,"Val":3}]}}`),
		body("list shorter than Count", `{"BaseResponse":{"Ret":0},"SyncKey":{"Count":9,"List":[{"Key":1,"Val":2}]}}`),
		body("negative Count", `{"BaseResponse":{"Ret":0},"SyncKey":{"Count":-1,"List":[]}}`),
		body("huge Count", `{"BaseResponse":{"Ret":0},"SyncKey":{"Count":2147483647,"List":[]}}`),
		body("null keys", `{"BaseResponse":{"Ret":0},"SyncKey":{"Count":2,"List":null}}`),
		body("SyncKey of words", `{"BaseResponse":{"Ret":0},"SyncKey":"none"}`),
		body("messages of another type", `{"BaseResponse":{"Ret":0},"SyncKey":{"Count":1,"List":[{"Key":1,"Val":1}]},"AddMsgList":{"a":1}}`),
		body("Ret of words", `{"BaseResponse":{"Ret":"zero"}}`),
		body("deep", `{"BaseResponse":{"Ret":0},"AddMsgList":`+strings.Repeat("[", 200_000)),
		body("deeper", strings.Repeat(`{"a":`, 200_000)),
		body("huge", `{"BaseResponse":{"Ret":0,"ErrMsg":"`+strings.Repeat("x", 17<<20)+`"}}`),
	}
}

// stormy is a world in a storm and its people.
type stormy struct {
	storm
	*arena
	alice, bob    world.Person
	checks, syncs int // before the storm
}

// TestHostileStorms holds that no trouble with synchronising makes a request
// loop, and that nothing is lost or answered twice when it is over. All storms
// rage side by side, so that the window is waited for once.
func TestHostileStorms(t *testing.T) {
	t.Parallel()
	var all []*stormy
	for _, s := range storms() {
		a := newArena(t, func(o *world.Options) { o.WeChat.Hold = time.Second })
		w := &stormy{storm: s, arena: a, alice: a.friend("Alice"), bob: a.friend("Bob")}
		a.ask(w.alice, "first, before the storm")
		all = append(all, w)
	}
	for _, w := range all {
		w.begin()
	}
	<-time.After(stormWindow) // the window that is measured
	for _, w := range all {
		t.Run(w.name, w.judge)
	}
	for _, w := range all {
		t.Run(w.name+"/after", w.end)
	}
}

func (w *stormy) begin() {
	w.checks, w.syncs = w.WeChat.Count("synccheck"), w.WeChat.Count("webwxsync")
	w.WeChat.Fail(w.endpoint, w.failure, -1)
	w.say(w.alice, "second, in the storm")
	w.say(w.bob, "third, in the storm")
}

// judge counts what the storm made the bot ask, and ends the storm.
func (w *stormy) judge(t *testing.T) {
	checks, syncs := w.WeChat.Count("synccheck")-w.checks, w.WeChat.Count("webwxsync")-w.syncs
	w.WeChat.Heal()
	if checks > stormMost || syncs > stormMost {
		t.Errorf("%d synccheck and %d webwxsync in %v of trouble", checks, syncs, stormWindow)
	}
}

// end expects an answer to everything that was said, once.
func (w *stormy) end(t *testing.T) {
	w.t = t
	w.expect(w.alice, "second, in the storm")
	w.expect(w.bob, "third, in the storm")
	w.say(w.alice, "fourth, after the storm")
	w.expect(w.alice, "fourth, after the storm")
	if err := w.Stop(); err != nil {
		t.Error(err)
	}
	if n := len(w.WeChat.Sent()); n != 4 {
		t.Errorf("%d answers to 4 messages", n)
	}
	if n := w.WeChat.Count("jslogin"); n != 1 {
		t.Errorf("%d QR codes", n)
	}
	if complaints := w.WeChat.Complaints(); len(complaints) > 0 {
		t.Errorf("WeChat complained: %q", complaints)
	}
}

// expect waits for an answer that repeats text.
func (a *arena) expect(p world.Person, text string) {
	a.t.Helper()
	if got := a.hear(p); !strings.Contains(got, text) {
		a.t.Errorf("said %q to %q", got, text)
	}
}

// TestHostileBarren holds that WeChat announcing news that never come, while
// real ones do, is answered without a loop and without a delay of the real ones.
func TestHostileBarren(t *testing.T) {
	t.Parallel()
	a := newArena(t, nil)
	alice := a.friend("Alice")
	a.WeChat.Fail("synccheck", simwechat.Failure{Selector: "2"}, -1)
	before := a.WeChat.Count("synccheck")
	begun := time.Now()
	for i := range 10 {
		text := fmt.Sprintf("message %d", i)
		a.say(alice, text)
		a.expect(alice, text)
	}
	seconds := time.Since(begun).Seconds()
	if got := a.WeChat.Count("synccheck") - before; float64(got) > 40+10*seconds {
		t.Errorf("%d synccheck in %.1f s", got, seconds)
	}
}
