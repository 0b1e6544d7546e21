package main

import (
	"strings"
	"time"

	"github.com/mdp/qrterminal/v3"

	"github.com/diagbot/diagbot/bot/wechat"
	"github.com/diagbot/diagbot/troubleshoot"
)

// loginView shows the operator the steps of one account's login.
type loginView struct {
	*office
	account   string
	explained string // the entry explained last; once is enough until the login is back
}

// show prints one step.
func (v *loginView) show(l wechat.Login) {
	switch l.State {
	case wechat.LoginScan:
		v.offer("login_scan", l.URL)
	case wechat.LoginScanned:
		v.tell("login_scanned")
	case wechat.LoginExpired:
		v.tell("login_expired")
	case wechat.LoginWaiting:
		v.waiting(l.Wait, l.Fault)
	case wechat.LoginConfirmed:
		key := "login_confirmed"
		if l.Hot {
			key = "login_resumed"
		}
		v.online(key, "name", l.Name)
		v.tell("serve_ready")
	case wechat.LoginUnusable:
		v.tell("login_unusable", "why", l.Reason)
	case wechat.LoginLost:
		v.ended("login_lost", l.Fault)
	case wechat.LoginRefused:
		v.ended("login_refused", l.Fault)
	}
}

// offer shows the code of a login.
func (v *loginView) offer(key, url string) {
	v.pulse.set(v.account, "scan")
	v.tell(key)
	v.print(v.account, picture(url))
	v.tell("login_link", "url", url)
	v.alarm.scan(v.account, url)
	v.crier.scan(v.account, url)
}

// waiting tells that WeChat is out of reach.
func (v *loginView) waiting(wait time.Duration, f *troubleshoot.Fault) {
	v.pulse.set(v.account, "offline")
	v.tell("login_waiting", "wait", v.span(wait.Round(time.Second)))
	v.explain(f)
}

// online tells that the account is logged in.
func (v *loginView) online(key string, args ...string) {
	v.pulse.set(v.account, "online")
	v.explained = ""
	v.tell(key, args...)
	v.alarm.online(v.account, v.say(key, args...))
	v.crier.over(v.account)
}

// ended tells that it is not any more.
func (v *loginView) ended(key string, f *troubleshoot.Fault) {
	v.pulse.set(v.account, "offline")
	v.tell(key)
	v.explain(f)
}

func (v *loginView) tell(key string, args ...string) { v.print(v.account, v.say(key, args...)) }

// picture draws a QR code with half blocks, which fits 80 columns and a phone's
// terminal.
func picture(url string) string {
	var b strings.Builder
	qrterminal.GenerateHalfBlock(url, qrterminal.L, &b)
	return "\n" + strings.TrimSuffix(b.String(), "\n")
}

// explain tells what the catalogue has on a fault, unless that was told already.
func (v *loginView) explain(f *troubleshoot.Fault) {
	if f == nil {
		return
	}
	entry := v.catalogue().Diagnose(f).Entry
	if entry.ID == v.explained {
		return
	}
	v.explained = entry.ID
	v.print(v.account, "\n"+v.explanation(f)+"\n")
	v.alarm.tell(v.account, alarmLogin, f)
	v.crier.trouble(v.account, f)
}
