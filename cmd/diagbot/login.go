package main

import (
	"fmt"
	"time"

	"github.com/mdp/qrterminal/v3"

	"github.com/diagbot/diagbot/bot/wechat"
	"github.com/diagbot/diagbot/troubleshoot"
)

// loginView shows the operator the steps of a login.
type loginView struct {
	*app
	catalogue *troubleshoot.Catalogue
	pulse     *pulse
	explained string // the entry explained last; once is enough until the login is back
}

// show prints one step. A QR code is drawn with half blocks, which fits 80
// columns and a phone's terminal.
func (v *loginView) show(l wechat.Login) {
	switch l.State {
	case wechat.LoginScan:
		v.pulse.set("scan")
		fmt.Fprintln(v.out, v.say("login_scan"))
		qrterminal.GenerateHalfBlock(l.URL, qrterminal.L, v.out)
		fmt.Fprintln(v.out, v.say("login_link", "url", l.URL))
	case wechat.LoginScanned:
		fmt.Fprintln(v.out, v.say("login_scanned"))
	case wechat.LoginExpired:
		fmt.Fprintln(v.out, v.say("login_expired"))
	case wechat.LoginWaiting:
		v.pulse.set("offline")
		fmt.Fprintln(v.out, v.say("login_waiting", "wait", l.Wait.Round(time.Second).String()))
		v.explain(l.Fault)
	case wechat.LoginConfirmed:
		v.pulse.set("online")
		v.explained = ""
		key := "login_confirmed"
		if l.Hot {
			key = "login_resumed"
		}
		fmt.Fprintln(v.out, v.say(key, "name", l.Name))
		fmt.Fprintln(v.out, v.say("serve_ready"))
	case wechat.LoginUnusable:
		fmt.Fprintln(v.out, v.say("login_unusable", "why", l.Reason))
	case wechat.LoginLost:
		v.pulse.set("offline")
		fmt.Fprintln(v.out, v.say("login_lost"))
		v.explain(l.Fault)
	case wechat.LoginRefused:
		v.pulse.set("offline")
		fmt.Fprintln(v.err, v.say("login_refused"))
		v.explain(l.Fault)
	}
}

// explain prints what the catalogue has on a fault, unless it is there already.
func (v *loginView) explain(f *troubleshoot.Fault) {
	if f == nil {
		return
	}
	entry := v.catalogue.Diagnose(f).Entry
	if entry.ID == v.explained {
		return
	}
	v.explained = entry.ID
	fmt.Fprintf(v.out, "\n%s\n\n", v.catalogue.Explain(entry.ID, troubleshoot.Telling{
		Audience: troubleshoot.AudienceAdmin, Locale: v.chatLocale(v.catalogue),
	}))
}
