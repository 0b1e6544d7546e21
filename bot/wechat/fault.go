package wechat

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/diagbot/diagbot/troubleshoot"
)

// WeChat's return codes that decide what happens next.
const (
	retSystem       = -1   // their own trouble
	retLoggedOut    = 1100 // logged out on the phone
	retNotLoggedIn  = 1101 // logged in elsewhere, or the session is over
	retCookie       = 1102 // credentials no longer taken; also how blocked accounts end
	retEnvironment  = 1203 // this account may not use the web protocol
	retNotAFriend   = 1204 // the receiver does not want to hear from us
	retTooOften     = 1205 // slow down
	loginBlocked    = "wechat-login-blocked"
	sessionExpired  = "wechat-session-expired"
	maxFaultMessage = 200 // bytes of the servers' words kept
)

// newFault describes a failed exchange with WeChat. cause is what the
// transport met; it carries no URL.
func newFault(phase troubleshoot.Phase, cause error) *troubleshoot.Fault {
	var f *troubleshoot.Fault
	if errors.As(cause, &f) && f != nil {
		return f
	}
	f = troubleshoot.Normalize(troubleshoot.Observation{Source: troubleshoot.SourceWeChat, Phase: phase, Err: cause})
	if f.Net == "" {
		f.Net = troubleshoot.NetOther
	}
	return f
}

// refusal is an answer with a return code other than zero.
func refusal(phase troubleshoot.Phase, ret int, message string) *troubleshoot.Fault {
	message = cutBytes(shownName(message), maxFaultMessage)
	return &troubleshoot.Fault{Source: troubleshoot.SourceWeChat, Phase: phase, Ret: ret, Message: message}
}

// malformed is an answer openwechat would not survive, or could not use.
func malformed(phase troubleshoot.Phase, format string, args ...any) *troubleshoot.Fault {
	return &troubleshoot.Fault{
		Source: troubleshoot.SourceWeChat, Phase: phase, Net: troubleshoot.NetDecode,
		Cause: fmt.Errorf(format, args...),
	}
}

// faultOf finds the fault in an error of openwechat. Its own errors have none;
// their texts may hold URLs with credentials, so only the type is kept.
func faultOf(phase troubleshoot.Phase, err error) *troubleshoot.Fault {
	var f *troubleshoot.Fault
	if errors.As(err, &f) && f != nil {
		return f
	}
	f = &troubleshoot.Fault{Source: troubleshoot.SourceWeChat, Phase: phase}
	if errors.Is(err, context.DeadlineExceeded) {
		f.Net = troubleshoot.NetTimeout
	} else if !strings.Contains(err.Error(), "://") {
		f.Cause = err
	}
	return f
}

// sessionOver tells whether a code ends the session.
func sessionOver(ret int) bool {
	switch ret {
	case retLoggedOut, retNotLoggedIn, retCookie, retEnvironment:
		return true
	}
	return false
}

// passing tells whether a failure may go away by itself.
func passing(f *troubleshoot.Fault) bool {
	return f.Ret == 0 || f.Ret == retTooOften || f.Ret == retSystem
}
