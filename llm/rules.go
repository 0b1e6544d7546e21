package llm

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"time"

	"github.com/diagbot/diagbot/troubleshoot"
)

// rule is a line of the decision table.
type rule struct {
	beside int // how often to ask the same again when something else can be asked
	alone  int // and when nothing else can
	pause  pause
	cure   Action   // ActionTrim or ActionRepair, if it could help
	then   []Action // the ways out, best first
	cool   scope
	lasts  time.Duration // how long the cooldown is when nobody asked for a time
	first  time.Duration // and how long the first time, where one request proves little; 0: the same
	trial  bool          // see remedy
	alert  bool
	fails  bool
	// partial: if asking again does not help either, the beginning of an answer
	// is worth sending.
	partial bool
}

// How long what does not pass by itself is kept out before it is tried again.
const (
	accessTime  = 10 * time.Minute // a key or an address that is refused
	moneyTime   = 45 * time.Minute // an account without money
	capTime     = time.Hour        // a daily or weekly allowance, if its end is not named
	modelTime   = time.Hour        // a model that is not there
	hostTime    = 5 * time.Minute  // a server without memory
	limitTime   = 10 * time.Second // a rate limit that names no time
	doubtTime   = 30 * time.Second // what a single request met, and may have brought upon itself
	loadingTime = 15 * time.Second // a model that is being loaded
)

var (
	toProvider = []Action{ActionNextProvider}
	toModel    = []Action{ActionNextModel, ActionNextProvider}
	toKey      = []Action{ActionNextKey, ActionNextProvider}
	toAny      = []Action{ActionNextKey, ActionNextProvider, ActionNextModel}
)

// Lines that several causes share.
var (
	stays      = rule{}
	badKey     = rule{then: toKey, cool: scopeKey, lasts: accessTime, trial: true, alert: true}
	badAddress = rule{then: toProvider, cool: scopeProvider, lasts: accessTime, trial: true, alert: true}
	badPlace   = rule{then: toProvider, cool: scopeProvider, lasts: accessTime, first: doubtTime, trial: true, alert: true}
	rateLimit  = rule{beside: 1, alone: 3, pause: pauseBackoff, then: toAny, cool: scopeQuota, lasts: limitTime, partial: true}
	tooLong    = rule{cure: ActionTrim, then: toModel}
	badRequest = rule{cure: ActionRepair, then: toProvider, alert: true}
	trouble    = rule{beside: 1, alone: 2, pause: pauseBackoff, then: toProvider, cool: scopeProvider, fails: true, partial: true}
	noAnswer   = rule{beside: 0, alone: 1, pause: pauseBlip, then: toProvider, cool: scopeProvider, fails: true, partial: true}
	noLine     = rule{beside: 1, alone: 1, pause: pauseBlip, then: toProvider, fails: true}
	oddAnswer  = rule{beside: 1, alone: 1, pause: pauseBlip, then: toProvider, fails: true}
)

// byCause is the table: the causes of the catalogue's entries and what to do.
// Waits that are asked for come on top of the pauses here.
var byCause = map[string]rule{
	"invalid_api_key":      badKey,
	"missing_auth":         badKey,
	"unauthorized_session": badKey,
	"org_membership":       badKey,
	"account_deactivated":  badKey,
	"permission_denied":    {then: toKey, cool: scopeKey, lasts: accessTime, first: doubtTime, trial: true, alert: true},
	"region_blocked":       badAddress,
	"cloudflare_challenge": badPlace, // firewalls also judge what people wrote
	"insufficient_quota":   {then: toKey, cool: scopeGroup, lasts: moneyTime, trial: true, alert: true},
	"usage_cap_reached":    {then: toAny, cool: scopeQuota, lasts: capTime, alert: true},

	"rate_limit_requests":      rateLimit,
	"rate_limit_tokens":        rateLimit,
	"overloaded":               {beside: 1, alone: 2, pause: pauseBackoff, then: toModel, cool: scopeProvider, fails: true, partial: true},
	"server_error":             trouble,
	"bad_gateway":              trouble,
	"gateway_timeout":          {beside: 0, alone: 1, pause: pauseBackoff, then: toProvider, cool: scopeProvider, fails: true, partial: true},
	"client_timeout":           noAnswer,
	"model_not_loaded":         {beside: 0, alone: 3, pause: pauseLong, then: toModel, cool: scopeModel, lasts: loadingTime},
	"local_resource_exhausted": {then: toModel, cool: scopeModel, lasts: hostTime, trial: true, alert: true, fails: true},

	"dns_failure":          noLine,
	"connection_refused":   noLine,
	"connection_reset":     {beside: 1, alone: 2, pause: pauseBlip, then: toProvider, fails: true, partial: true},
	"fetch_failed_browser": {beside: 1, alone: 2, pause: pauseBlip, then: toProvider, fails: true, partial: true},
	"stream_truncated":     {beside: 1, alone: 2, pause: pauseNone, then: toProvider, fails: true, partial: true},
	"proxy_failure":        {then: toProvider, alert: true, fails: true},
	"tls_failure":          badAddress,
	"invalid_response":     oddAnswer,

	"context_length_exceeded": tooLong,
	"payload_too_large":       tooLong,
	"request_exceeds_tpm":     tooLong,
	"bad_request_param":       badRequest,
	"unsupported_capability":  {cure: ActionRepair, then: toModel, alert: true},
	"model_not_found":         {then: toModel, cool: scopeModel, lasts: modelTime, trial: true, alert: true},
	"endpoint_not_found":      badPlace,
	"session_state_lost":      {beside: 1, alone: 1, then: toProvider},
	"content_policy":          stays,
	"unknown_error":           {then: toProvider},

	// What is no AI service's fault.
	"bot_busy": stays, "bot_restarting": stays, "bot_store_failing": stays, "message_not_text": stays, "message_too_long": stays,
	"medium_not_fetched": stays, "medium_too_large": stays,
	"ilink_session_expired": stays, "ilink_window_closed": stays,
	"wechat_kicked_offline": stays, "wechat_login_blocked": stays, "wechat_not_a_friend": stays,
	"wechat_send_too_fast": stays, "wechat_session_expired": stays, "wechat_unreachable": stays,
}

// byEntry are the entries that differ from others of the same cause.
var byEntry = map[string]rule{
	"gpt-401-ip-not-authorized": badAddress, // every key goes out from the same address
	"empty-answer":              {beside: 1, alone: 1, then: toProvider},
	entryUnseen:                 {cure: ActionRepair, then: toModel},
	entryUnreadable:             {cure: ActionRepair, then: toModel},
}

// ruleFor finds the line for a fault. What the fault itself tells apart comes
// before the cause.
func ruleFor(f *troubleshoot.Fault, e *troubleshoot.Entry) rule {
	switch {
	case e == nil, unsent(f) && e.Cause == "unknown_error":
		return stays
	case f.Net == troubleshoot.NetConfig:
		return badAddress
	case e.Cause == "tls_failure" && brokenOff(f):
		return noLine
	case e.Cause == "invalid_response" && misplaced(f):
		return badPlace
	}
	if r, ok := byEntry[e.ID]; ok {
		return r
	}
	return byCause[e.Cause]
}

// unsent tells a request that never left, for a reason of its own.
func unsent(f *troubleshoot.Fault) bool { return f.Status == 0 && f.Net == "" }

// brokenOff tells a handshake that was interrupted from one that was refused.
func brokenOff(f *troubleshoot.Fault) bool {
	return errors.Is(f.Cause, io.EOF) || errors.Is(f.Cause, io.ErrUnexpectedEOF) || errors.Is(f.Cause, syscall.ECONNRESET)
}

// misplaced tells the answer of something that is no AI service: a redirect or
// a web page. Asking again does not change the address.
func misplaced(f *troubleshoot.Fault) bool {
	return f.Status >= http.StatusMultipleChoices && f.Status < http.StatusBadRequest ||
		strings.HasPrefix(strings.TrimSpace(f.Detail), "<")
}

// pause is how to wait when nobody asked for a time.
type pause uint8

const (
	pauseNone    pause = iota
	pauseBlip          // what a connection needs to come back
	pauseBackoff       // doubling
	pauseLong          // doubling from ten times that
)

// before returns the pause before asking the same for the n-th time again,
// counted from 0.
func (p pause) before(n int, s Pauses) time.Duration {
	switch p {
	case pauseBlip:
		return s.Backoff * 3 / 5
	case pauseBackoff:
		return s.Backoff << min(n, 4)
	case pauseLong:
		return 10 * s.Backoff << min(n, 2)
	}
	return 0
}
