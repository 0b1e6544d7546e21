package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/diagbot/diagbot/internal/similink"
	"github.com/diagbot/diagbot/internal/simllm"
	"github.com/diagbot/diagbot/internal/simwechat"
)

// crowd is people who go on asking, each question another, and who check what
// they hear against what they asked: everything is answered, in the order of the
// questions, and once.
type crowd struct {
	codes  func() int // that were asked for
	faults func() []string
	talks  map[string]*talk // by the chat's handle

	mu   sync.Mutex
	asks map[string][]time.Time // when the model was asked, by question

	blames  []string      // what t was told
	astray  []string      // what was said to somebody else, as the owner
	transit time.Duration // how long what a process has said may take to arrive after its end

	ended func() // ends listening
	heard sync.WaitGroup
}

// talk is what is said in one chat.
type talk struct {
	name   string
	say    func(text string)
	prefix string // of a reply
	ahead  int    // questions that may wait for their answers

	mu      sync.Mutex
	asked   []question
	done    int    // of these, answered
	pos     int    // of the answer that is being heard
	last    string // the id of the last part
	lastAt  time.Time
	ids     map[string]bool
	repeats []repetition
	wrong   string     // what went wrong first
	news    *sync.Cond // something was heard
}

// question is one of them, and what the answer must be.
type question struct {
	label string
	want  string // without blanks; empty: an explanation
	said  time.Time
	first time.Time // when the first part of the answer came
}

// repetition is a part that was said twice in a row.
type repetition struct{ first, again time.Time }

// newCrowd brings people together who can talk to a bot: friends, and a group of
// four. latency is the model's.
func newCrowd(t *testing.T, friends int, latency time.Duration) (*internet, *crowd) {
	t.Helper()
	c, ai := crowdOf(latency)
	n := newInternet(t, ai)
	c.codes, c.faults = func() int { return n.wechat.Count("jslogin") }, n.wechat.Complaints
	n.env = append(n.env, patient()...)
	// A part on its way is what a kill leaves in doubt.
	n.wechat.Fail("webwxsendmsg", simwechat.Failure{Delay: 10 * time.Millisecond}, -1)
	for i := range friends {
		friend := n.wechat.AddFriend(simwechat.Person{Nick: fmt.Sprintf("Friend %d", i)})
		say := func(text string) { n.wechat.Say(friend, text) }
		if i%4 == 3 { // in files
			say = func(text string) {
				n.wechat.SayMedia(friend, "", simwechat.Media{Type: simwechat.TypeApp, FileName: "note.txt", Body: []byte(text)})
			}
		}
		c.add(friend, "", say)
	}
	var members []simwechat.Member
	for _, name := range []string{"Anna", "Ben", "Cleo", "Dan"} {
		members = append(members, simwechat.Member{UserName: n.wechat.AddFriend(simwechat.Person{Nick: name})})
	}
	group := n.wechat.AddGroup(simwechat.Group{Name: "team", Members: members})
	next := 0
	c.add(group, "@", func(text string) {
		n.wechat.SayIn(group, members[next%len(members)].UserName, "@小诊\u2005"+text)
		next++
	})
	sent, end := n.wechat.Subscribe()
	c.listen(t, end, func() {
		for m := range sent {
			c.hear(m.To, part{m.ClientMsgID, m.Text, m.At})
		}
	})
	return n, c
}

// newOfficialCrowd is newCrowd over iLink, which has no groups. What was handed out
// must come again to a client that shows an older cursor, or a kill loses it.
func newOfficialCrowd(t *testing.T, friends int, latency time.Duration) (*internet, *crowd) {
	t.Helper()
	c, ai := crowdOf(latency)
	n := newInternetWith(t, sims{ilink: similink.Options{Assume: similink.Assume{Replay: true}}}, ai)
	n.configured(t, onILink)
	c.codes, c.faults = func() int { return n.ilink.Count("get_bot_qrcode") }, n.ilink.Complaints
	n.env = append(n.env, patient()...)
	n.ilink.Fail("sendmessage", similink.Failure{Delay: 10 * time.Millisecond}, -1)
	for i := range friends {
		friend := n.ilink.AddUser(fmt.Sprintf("Friend %d", i))
		say := func(text string) { n.ilink.Say(friend, text) }
		if i%4 == 3 { // in files
			say = func(text string) { n.ilink.SayFile(friend, "note.txt", []byte(text)) }
		}
		c.add(friend, "", say)
		c.talks[friend].ahead = 2 // WeChat takes ten parts for a message, and a kill may repeat some
	}
	sent, end := n.ilink.Subscribe()
	c.listen(t, end, func() {
		for m := range sent {
			c.hear(m.To, part{m.ClientID, m.Text, m.At})
		}
	})
	return n, c
}

func crowdOf(latency time.Duration) (*crowd, func(*simllm.Options)) {
	c := &crowd{talks: make(map[string]*talk), asks: make(map[string][]time.Time), transit: 500 * time.Millisecond}
	return c, func(o *simllm.Options) { o.Latency, o.Pause, o.Reply = latency, 2*time.Millisecond, c.reply }
}

// patient makes a bot answer everything, and nothing but that.
func patient() []string {
	return []string{"DIAGBOT_THINKING_AFTER=0s", "DIAGBOT_MEMORY_TURNS=3", "DIAGBOT_MAILBOX_SIZE=100"}
}

// listen lets the crowd hear until end is called.
func (c *crowd) listen(t *testing.T, end, hear func()) {
	c.ended = end
	c.heard.Go(hear)
	t.Cleanup(func() { end(); c.heard.Wait() })
}

func (c *crowd) add(chat, prefix string, say func(string)) {
	k := &talk{name: fmt.Sprint("q", len(c.talks)), say: say, prefix: prefix, ahead: 4, ids: make(map[string]bool)}
	k.news = sync.NewCond(&k.mu)
	c.talks[chat] = k
}

// reply is what the model says.
func (c *crowd) reply(r simllm.Request) string {
	text := r.Newest()
	label := labelled.FindString(text)
	c.mu.Lock()
	c.asks[label] = append(c.asks[label], r.At)
	c.mu.Unlock()
	return replyTo(label, strings.Contains(text, "at length"))
}

var (
	labelled = regexp.MustCompile(`q\d+-\d+`)
	numbered = regexp.MustCompile(`\n\(\d+/\d+\)$`)
)

// replyTo is the model's answer. A long one takes three parts.
func replyTo(label string, long bool) string {
	if !long {
		return "That is answer " + label + "."
	}
	var b strings.Builder
	for i := range 130 {
		fmt.Fprintf(&b, "Line %d of the long answer %s, which is no shorter.\n", i, label)
	}
	return b.String()
}

func squeezed(s string) string { return strings.Join(strings.Fields(s), "") }

// ask asks something that was never asked before.
func (k *talk) ask(r *rand.Rand) {
	k.mu.Lock()
	label := fmt.Sprint(k.name, "-", len(k.asked))
	text, want := label+" please", replyTo(label, false)
	switch dice := r.IntN(10); {
	case dice == 0 && k.prefix == "": // a group is not told each time
		text, want = text+" !400-content-filter", ""
	case dice < 3:
		text, want = text+" at length", replyTo(label, true)
	}
	k.asked = append(k.asked, question{label: label, want: squeezed(want), said: time.Now()})
	k.mu.Unlock()
	k.say(text)
}

// write asks and asks until ctx ends, and is never more than some questions
// ahead of the answers.
func (k *talk) write(ctx context.Context, r *rand.Rand, pause time.Duration) {
	defer context.AfterFunc(ctx, func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.news.Broadcast()
	})()
	for {
		k.mu.Lock()
		for len(k.asked)-k.done >= k.ahead && k.wrong == "" && ctx.Err() == nil {
			k.news.Wait()
		}
		wrong := k.wrong
		k.mu.Unlock()
		if wrong != "" {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Duration(r.Int64N(int64(2 * pause)))):
		}
		if ctx.Err() == nil {
			k.ask(r)
		}
	}
}

// part is what the bot has said at once.
type part struct {
	id, text string
	at       time.Time
}

// hear passes on what the bot says in a chat.
func (c *crowd) hear(chat string, m part) {
	if k := c.talks[chat]; k != nil {
		k.hear(m)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.astray = append(c.astray, fmt.Sprintf("%s at %v: %s", chat, m.at, m.text))
}

// hear checks what the bot says against what was asked.
func (k *talk) hear(m part) {
	k.mu.Lock()
	defer k.mu.Unlock()
	defer k.news.Broadcast()
	if k.wrong != "" {
		return
	}
	if m.id == k.last {
		k.repeats = append(k.repeats, repetition{k.lastAt, m.at})
		k.lastAt = m.at
		return
	}
	switch {
	case k.ids[m.id]:
		k.wrong = fmt.Sprintf("said again, after other things: %.60q", m.text)
		return
	case k.done == len(k.asked):
		k.wrong = fmt.Sprintf("nobody asked for %.60q", m.text)
		return
	}
	k.ids[m.id], k.last, k.lastAt = true, m.id, m.at
	k.match(m)
}

func (k *talk) match(m part) {
	q := &k.asked[k.done]
	text := m.text
	if k.pos == 0 && k.prefix != "" {
		_, text, _ = strings.Cut(text, "\u2005")
	}
	if k.pos == 0 {
		q.first = m.at
	}
	text = squeezed(numbered.ReplaceAllString(text, ""))
	switch rest := q.want[k.pos:]; {
	case q.want == "" && strings.Contains(text, "(400·") && !labelled.MatchString(text):
		k.done++
	case q.want != "" && text != "" && strings.HasPrefix(rest, text):
		if k.pos += len(text); k.pos == len(q.want) {
			k.done, k.pos = k.done+1, 0
		}
	default:
		k.wrong = fmt.Sprintf("to %s, of which %d of %d was said: %.80q", q.label, k.pos, len(q.want), m.text)
	}
}

// blame fails the test, and remembers why: what processes printed is long.
func (c *crowd) blame(t *testing.T, format string, args ...any) {
	t.Helper()
	c.blames = append(c.blames, fmt.Sprintf(format, args...))
	t.Error(c.blames[len(c.blames)-1])
}

// quiet waits until everything is answered.
func (c *crowd) quiet(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, k := range c.talks {
		stop := context.AfterFunc(ctx, func() {
			k.mu.Lock()
			defer k.mu.Unlock()
			k.news.Broadcast()
		})
		k.mu.Lock()
		for k.done < len(k.asked) && k.wrong == "" && ctx.Err() == nil {
			k.news.Wait()
		}
		switch {
		case k.wrong != "":
			c.blame(t, "%s: %s", k.name, k.wrong)
		case k.done < len(k.asked):
			c.blame(t, "%s: %d of %d answered; waiting for %s, of which %d of %d was said", k.name, k.done, len(k.asked),
				k.asked[k.done].label, k.pos, len(k.asked[k.done].want))
		}
		k.mu.Unlock()
		stop()
	}
}

// settle holds what was repeated against the interruptions that explain it: each
// of them one part in a chat.
func (c *crowd) settle(t *testing.T, breaks []time.Time) {
	t.Helper()
	c.ended()
	c.heard.Wait()
	questions, repeats, again := 0, 0, 0
	for _, k := range c.talks {
		questions += len(k.asked)
		repeats += len(k.repeats)
		if k.wrong != "" || k.done != len(k.asked) {
			c.blame(t, "%s: %d of %d answered; %s", k.name, k.done, len(k.asked), k.wrong)
		}
		blamed := make(map[int]bool) // for one part each
		for _, r := range k.repeats {
			i := slices.IndexFunc(breaks, func(b time.Time) bool { return !b.After(r.again) && !b.Add(c.transit).Before(r.first) })
			for ; blamed[i] && i+1 < len(breaks) && !breaks[i+1].After(r.again); i++ {
			}
			if i < 0 || blamed[i] {
				c.blame(t, "%s: said at %v and again at %v without need; the bot was interrupted at %v", k.name, r.first, r.again, breaks)
			}
			blamed[i] = true
		}
		for _, q := range k.asked {
			again += c.settleAsks(t, q, breaks)
		}
	}
	if len(c.astray) > 0 {
		c.blame(t, "said to nobody of them: %q", c.astray)
	}
	for _, complaint := range c.faults() {
		if !strings.Contains(complaint, "sent again") {
			c.blame(t, "WeChat complained: %s", complaint)
		}
	}
	t.Logf("%d questions, %d breaks, %d parts said again, %d questions put to the model again", questions, len(breaks), repeats, again)
}

// settleAsks holds how often the model was asked against the kills before the
// answer was stored: never after its first part was said.
func (c *crowd) settleAsks(t *testing.T, q question, breaks []time.Time) (again int) {
	asks := c.asks[q.label]
	if q.want == "" {
		return 0
	}
	allowed := 1
	for _, b := range breaks {
		if b.Add(c.transit).After(q.said) && b.Before(q.first) { // it ends, or learns of it, a little later
			allowed++
		}
	}
	if len(asks) == 0 || len(asks) > allowed || asks[len(asks)-1].After(q.first) {
		c.blame(t, "%s: asked the model at %v, said at %v, answered at %v, %d times at most", q.label, asks, q.said, q.first, allowed)
	}
	return len(asks) - 1
}
