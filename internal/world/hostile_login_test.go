package world_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/diagbot/diagbot/bot/wechat"
	"github.com/diagbot/diagbot/internal/simwechat"
)

// TestHostileLogins spoils each step of a login, once or for as long as it
// lasts, and holds that the bot gets in and answers, without burning QR codes.
func TestHostileLogins(t *testing.T) {
	t.Parallel()
	spoilt := map[string]simwechat.Failure{
		"gateway": simwechat.HTML(http.StatusBadGateway), "page": simwechat.HTML(http.StatusOK), "reset": {Reset: true}, "cut": {CutBody: true},
		"empty": {Status: http.StatusOK}, "null": {Body: "null"}, "list": {Body: "[]"}, "garbage": {Body: "\x00\xff"},
		"no user":    {Body: `{"BaseResponse":{"Ret":0},"SyncKey":{"Count":1,"List":[{"Key":1,"Val":1}]},"User":null}`},
		"odd user":   {Body: `{"BaseResponse":{"Ret":0},"SyncKey":{"Count":1,"List":[{"Key":1,"Val":1}]},"User":{"UserName":"filehelper"}}`},
		"no SyncKey": {Body: `{"BaseResponse":{"Ret":0},"User":{"UserName":"@me"}}`},
		"busy":       {Ret: 1205}, "system": {Ret: -1},
		"deep": {Body: strings.Repeat("[", 100_000)}, "huge": {Body: `{"BaseResponse":{"Ret":0},"ErrMsg":"` + strings.Repeat("x", 17<<20) + `"}`},
	}
	for name, failure := range spoilt {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHome(t)
			if name == "gateway" || name == "garbage" { // their codes have other meanings
				h.spoil(t, "jslogin", failure, 1)
				h.spoil(t, "login", failure, 1)
			}
			h.spoil(t, "webwxinit", failure, 1)
			for _, endpoint := range []string{"webwxstatusnotify", "webwxgetcontact", "webwxbatchgetcontact"} {
				h.spoil(t, endpoint, failure, -1)
			}
		})
	}
}

// spoil logs in anew while an endpoint fails.
func (h *home) spoil(t *testing.T, endpoint string, failure simwechat.Failure, times int) {
	t.Helper()
	_ = h.account.Session().Remove()
	h.srv.Fail(endpoint, failure, times)
	codes := h.srv.Count("jslogin")
	states := h.live(t)
	h.srv.Heal()
	if codes = h.srv.Count("jslogin") - codes; !has(states, wechat.LoginConfirmed) || codes > 2 {
		t.Errorf("%s: %d QR codes; states %v", endpoint, codes, states)
	}
}
