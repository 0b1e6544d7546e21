package bot

import (
	"github.com/diagbot/diagbot/troubleshoot"
)

// verdict is what a failed Send means for the part and for the account.
type verdict int

const (
	delivered verdict = iota // the channel took it
	unsure                   // perhaps it did: sent once more, for silence is worse than a repeat
	refused                  // never will: the reply is dropped
	again                    // it did not, and says why: a few more tries
	throttled                // too fast: the whole account pauses
	offline                  // nothing was sent: wait for the network or the login
)

// judge classifies the error of a Send.
func judge(err error) verdict {
	if err == nil {
		return delivered
	}
	f := troubleshoot.FaultOf(err)
	if f.Code == MaybeSent {
		return unsure
	}
	if v, ok := judgeEntry(f.Entry); ok {
		return v
	}
	if v, ok := judgeRet(f); ok {
		return v
	}
	return judgeNet(f)
}

func judgeEntry(entry string) (verdict, bool) {
	switch entry {
	case "wechat-send-too-fast":
		return throttled, true
	case "wechat-not-a-friend", "ilink-window-closed":
		return refused, true
	case "wechat-session-expired", "wechat-kicked-offline", "wechat-login-blocked", "ilink-session-expired":
		return offline, true
	}
	return 0, false
}

// judgeRet knows the codes of WeChat (knowledge: openwechat's base_response.go
// and field reports) and HTTP's.
func judgeRet(f *troubleshoot.Fault) (verdict, bool) {
	switch f.Ret {
	case 1205:
		return throttled, true
	case 1204:
		return refused, true
	case 1100, 1101, 1102, 1203, -14:
		return offline, true
	}
	switch {
	case f.Status == 429:
		return throttled, true
	case f.Ret != 0 || f.Status >= 500:
		return again, true
	case f.Status >= 400:
		return refused, true
	}
	return 0, false
}

// judgeNet sorts failures of the connection. What is no fault of a channel at
// all, such as a panic, leaves open what happened.
func judgeNet(f *troubleshoot.Fault) verdict {
	switch {
	case f.Net == troubleshoot.NetConfig:
		return refused
	case f.Net != "", f.Phase == troubleshoot.PhaseDial, f.Phase == troubleshoot.PhaseTLS, f.Phase == troubleshoot.PhaseLogin:
		return offline
	case f.Source == troubleshoot.SourceBot && f.Phase == troubleshoot.PhaseSend:
		return refused
	}
	return unsure
}
