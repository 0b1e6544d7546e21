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

// length is the first part of a length of time as people write them: 30m, 2 hours,
// 1小时30分钟.
var length = regexp.MustCompile(`^(\d{1,5})(?: ?([^\d\s]+))? ?`)

// lengthOf reads a length of time; a bare number is minutes, and "off" is none.
func lengthOf(s string) (d time.Duration, ok bool) {
	const longest = 64 // bytes
	s = fold(bare(s))
	switch s {
	case "off", "关", "關", "关闭", "關閉", "取消", "オフ", "끄기":
		return 0, true
	case "半小时", "半个小时", "半小時", "半個小時", "半時間", "반시간":
		return 30 * time.Minute, true
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return d, true
	}
	for s = inDigits(s); s != "" && len(s) <= longest; ok = true {
		part := length.FindStringSubmatch(s)
		if part == nil || part[2] == "" && (ok || part[0] != s) {
			return 0, false
		}
		unit := unitOf(part[2])
		if unit == 0 {
			return 0, false
		}
		n, _ := strconv.Atoi(part[1]) // at most five digits
		d, s = d+unit*time.Duration(min(n, int(mostQuiet/unit))), s[len(part[0]):]
	}
	return d, ok && s == ""
}

// inDigits writes a single Chinese number at the beginning of s in digits.
func inDigits(s string) string {
	for n, word := range []string{"一", "二", "三", "四", "五", "六", "七", "八", "九", "十"} {
		if rest, found := strings.CutPrefix(s, word); found {
			return strconv.Itoa(n+1) + rest
		}
	}
	if rest, found := strings.CutPrefix(strings.Replace(s, "兩", "两", 1), "两"); found {
		return "2" + rest
	}
	return s
}

// unitOf is how long a unit is, by its names; 0 if there is none.
func unitOf(name string) time.Duration {
	switch strings.TrimLeft(name, "个個") {
	case "s", "sec", "secs", "second", "seconds", "秒", "秒钟", "秒鐘", "초":
		return time.Second
	case "", "m", "min", "mins", "minute", "minutes", "分", "分钟", "分鐘", "分間", "분":
		return time.Minute
	case "h", "hr", "hrs", "hour", "hours", "小时", "小時", "钟头", "鐘頭", "時間", "시간":
		return time.Hour
	case "d", "day", "days", "天", "日", "日間", "일":
		return 24 * time.Hour
	case "w", "week", "weeks", "周", "週", "星期", "礼拜", "禮拜", "週間", "주", "주일":
		return 7 * 24 * time.Hour
	}
	return 0
}
