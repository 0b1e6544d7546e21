package bot

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	mostQuiet        = 7 * 24 * time.Hour
	pauseTold        = time.Minute // one in private hears of the pause at most so often
	pauseToldToGroup = 10 * time.Minute
)

// pause stops answering: /pause. Commands are still taken.
func (r *Relay) pause(in call) string {
	if r.switches.isPaused() {
		return r.catalogue().Say(in.tag, "pause_already")
	}
	if err := r.switches.pause(in.work, r.store, true, time.Now()); err != nil {
		return r.unread(in.tag, err)
	}
	in.did("", resultDone)
	return r.catalogue().Say(in.tag, "pause_done")
}

// resume ends a pause: /resume.
func (r *Relay) resume(in call) string {
	if !r.switches.isPaused() {
		return r.catalogue().Say(in.tag, "resume_already")
	}
	if err := r.switches.pause(in.work, r.store, false, time.Now()); err != nil {
		return r.unread(in.tag, err)
	}
	in.did("", resultDone)
	return r.catalogue().Say(in.tag, "resume_done")
}

// rests tells somebody who asks during a pause, now and then, and reports whether
// there is one. The dispatcher's.
func (d *dispatcher) rests(t task) bool {
	if !t.asks || t.way > toCatchUp || !d.switches.isPaused() {
		return false
	}
	every := pauseTold
	if t.Chat.Group {
		every = pauseToldToGroup
	}
	if !d.switches.tell(t.Chat.ID, t.heard, every) {
		d.besides(func() { d.leave(t.seq) })
		return true
	}
	d.besides(func() {
		t.tag, t.how = d.language(d.work, t)
		d.notice(t, d.catalogue().Say(t.tag, "paused"))
	})
	return true
}

// quiet spares admins notices for a while: /quiet [30m|off].
func (r *Relay) quiet(in call) string {
	say, now := r.catalogue().Say, time.Now()
	if in.args == "" {
		if until := r.switches.quietUntil(now); !until.IsZero() {
			return say(in.tag, "quiet_until", "time", r.clock(until))
		}
		return say(in.tag, "quiet_usage")
	}
	d, ok := lengthOf(in.args)
	if !ok {
		return say(in.tag, "quiet_usage")
	}
	until := time.Time{}
	if d = min(d, mostQuiet); d > 0 {
		until = now.Add(d)
	}
	if err := r.switches.hush(in.work, r.store, until); err != nil {
		return r.unread(in.tag, err)
	}
	if until.IsZero() {
		in.did("off", resultDone)
		return say(in.tag, "quiet_off")
	}
	in.did(fold(in.args), resultDone)
	return say(in.tag, "quiet_until", "time", r.clock(until))
}

// lengths are lengths of time as people write them: 30m, 2 h, 30分钟, 1天.
var lengths = regexp.MustCompile(`^(\d{1,5}) ?(s|sec|秒|초|m|min|分|分钟|分鐘|분|h|小时|小時|時間|시간|d|天|日|일)?$`)

// lengthOf reads a length of time; a bare number is minutes, and "off" is none.
func lengthOf(s string) (time.Duration, bool) {
	s = fold(s)
	switch s {
	case "off", "关", "關", "关闭", "關閉", "取消", "オフ", "끄기":
		return 0, true
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return d, true
	}
	part := lengths.FindStringSubmatch(s)
	if part == nil {
		return 0, false
	}
	n, _ := strconv.Atoi(part[1]) // at most five digits
	unit := time.Minute
	switch {
	case part[2] == "":
	case strings.Contains("s sec 秒 초", part[2]):
		unit = time.Second
	case strings.Contains("h 小时 小時 時間 시간", part[2]):
		unit = time.Hour
	case strings.Contains("d 天 日 일", part[2]):
		unit = 24 * time.Hour
	}
	return time.Duration(n) * unit, true
}
