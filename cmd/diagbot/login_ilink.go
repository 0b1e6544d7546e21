package main

import "github.com/diagbot/diagbot/bot/ilink"

// showILink prints one step of a login to the official API.
func (v *loginView) showILink(l ilink.Login) {
	switch l.State {
	case ilink.LoginScan:
		v.offer("login_scan_ilink", l.URL)
	case ilink.LoginScanned:
		v.tell("login_scanned")
	case ilink.LoginDigits:
		v.digits(l.Again)
	case ilink.LoginExpired:
		v.tell("login_expired")
	case ilink.LoginConfirmed:
		key := "login_ilink"
		if l.Hot {
			key = "login_ilink_resumed"
		}
		v.online(key)
		v.tell("serve_ready")
	case ilink.LoginBack:
		v.online("login_back")
	case ilink.LoginWaiting:
		v.waiting(l.Wait, l.Fault)
	case ilink.LoginUnusable:
		v.tell("login_unusable", "why", l.Reason)
	case ilink.LoginLost:
		v.ended("login_lost", l.Fault)
	case ilink.LoginGivenUp:
		v.ended("login_given_up", nil)
		v.alarm.unscanned(v.account)
		v.crier.unscanned(v.account)
	case ilink.LoginHeld:
		v.tell("login_held")
		v.alarm.tell(v.account, alarmHeld, l.Fault)
	}
}

// digits asks for the digits on the phone, where somebody can be asked.
func (v *loginView) digits(again bool) {
	if v.keys == nil {
		v.tell("login_digits_nobody")
		return
	}
	v.keys.expect()
	if again {
		v.tell("login_digits_again")
	} else {
		v.tell("login_digits")
	}
}
