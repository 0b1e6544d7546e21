package wechat

import (
	"time"

	"github.com/diagbot/diagbot/troubleshoot"
)

// next is what to do after a session ended.
type next int

const (
	nextScan   next = iota // show a new QR code
	nextHot                // try the saved session once
	nextRefuse             // give up: this account may not use the web protocol
)

const (
	refusedWithin = 15 * time.Second // blocked accounts are logged out 2 to 4 s after the scan
	hotAgainAfter = time.Minute      // how long a session must have lived to be tried again without a scan
)

// ending describes a session that WeChat ended.
type ending struct {
	fault   *troubleshoot.Fault
	hot     bool          // it began without a scan
	lived   time.Duration // since the login
	healthy bool          // at least one round of synchronising went well
	heard   bool          // at least one message was passed on
}

// decide chooses what follows, never a loop of logins without a person in it:
// repeated logins turn a warning into a ban.
func decide(e ending) next {
	ret := e.fault.Ret
	young := !e.hot && e.lived < refusedWithin
	switch {
	case ret == retEnvironment:
		return nextRefuse
	case ret == retCookie && young && !e.heard:
		return nextRefuse
	case young && !e.healthy:
		return nextRefuse
	case ret == retNotLoggedIn && (!e.hot || e.lived >= hotAgainAfter):
		return nextHot
	}
	return nextScan
}
