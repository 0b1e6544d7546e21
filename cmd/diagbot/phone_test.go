package main

import (
	"strings"
	"testing"
	"time"

	"github.com/diagbot/diagbot/internal/simllm"
	"github.com/diagbot/diagbot/internal/simwechat"
)

// twoSources is a configuration with two AI sources.
const twoSources = "providers:\n  - {name: openai, keys: ['env:OPENAI_API_KEY'], models: [gpt-4o-mini]}\n" +
	"  - {name: backup, keys: ['env:OPENAI_API_KEY'], models: [gpt-4o]}\n"

// phones are people with phones around a running diagbot, on either channel.
type phones struct {
	*internet
	*process
	official bool
	told     chan [2]string      // to whom and what
	unread   map[string][]string // by whom
}

// eachPhone runs a test on each channel.
func eachPhone(t *testing.T, test func(t *testing.T, f *phones)) {
	t.Parallel()
	for _, channel := range []string{"openwechat", "ilink"} {
		t.Run(channel, func(t *testing.T) {
			t.Parallel()
			test(t, newPhones(t, channel == "ilink"))
		})
	}
}

func newPhones(t *testing.T, official bool, others ...func(*simllm.Options)) *phones {
	t.Helper()
	f := &phones{internet: newInternet(t, others...), official: official, told: make(chan [2]string, 1000), unread: map[string][]string{}}
	if config := twoSources; official {
		f.configured(t, config+onILink)
	} else {
		f.configured(t, config)
	}
	f.listen(t)
	f.process = f.start(t, "serve", "--lang", "en")
	f.waitFor(t, "Answering.")
	return f
}

// listen collects what people read.
func (f *phones) listen(t *testing.T) {
	unofficial, stop := f.wechat.Subscribe()
	official, end := f.ilink.Subscribe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for unofficial != nil || official != nil {
			select {
			case m, ok := <-unofficial:
				if f.told <- [2]string{m.To, m.Text}; !ok {
					unofficial = nil
				}
			case m, ok := <-official:
				if f.told <- [2]string{m.To, m.Text}; !ok {
					official = nil
				}
			}
		}
	}()
	t.Cleanup(func() { stop(); end(); <-done })
}

func (f *phones) person(nick string) string {
	if f.official {
		return f.ilink.AddUser(nick)
	}
	return f.wechat.AddFriend(simwechat.Person{Nick: nick})
}

// owner is where the account's owner talks to the bot.
func (f *phones) owner() string {
	if f.official {
		return f.ilink.Owner()
	}
	return "filehelper"
}

func (f *phones) say(who, text string) {
	switch {
	case f.official:
		f.ilink.Say(who, text)
	case who == f.owner():
		f.wechat.SayFromPhone(who, text)
	default:
		f.wechat.Say(who, text)
	}
}

// hear returns what is said next in a chat, which must come.
func (f *phones) hear(t *testing.T, chat string) string {
	t.Helper()
	for late := time.After(30 * time.Second); len(f.unread[chat]) == 0; {
		select {
		case m := <-f.told:
			f.unread[m[0]] = append(f.unread[m[0]], m[1])
		case <-late:
			t.Fatal("no answer came")
		}
	}
	text := f.unread[chat][0]
	f.unread[chat] = f.unread[chat][1:]
	return text
}

func (f *phones) ask(t *testing.T, who, text string) string {
	t.Helper()
	f.say(who, text)
	return f.hear(t, who)
}

// admin makes somebody an admin, and returns what the owner is told of it.
func (f *phones) admin(t *testing.T, who string) string {
	t.Helper()
	pair := f.start(t, "pair")
	pair.status(t)
	_, code, _ := strings.Cut(pair.text(), "/auth ")
	if code = strings.Fields(code)[0]; !strings.Contains(f.ask(t, who, "/auth "+code), "/help") {
		t.Fatal("not paired")
	}
	return f.hear(t, f.owner())
}

// TestPhoneKeyBehindABlank: a blank that a keyboard put behind the slash sends no key
// to a model.
func TestPhoneKeyBehindABlank(t *testing.T) {
	eachPhone(t, func(t *testing.T, f *phones) {
		const secret = "sk-another-one-0123456789"
		f.ask(t, f.owner(), "/lang en")
		for _, text := range []string{"/ key add openai two " + secret, "／　key add openai two " + secret, "/\nkey:add openai two " + secret} {
			if got := f.ask(t, f.owner(), text); !strings.Contains(got, "doesn't take that key") {
				t.Errorf("%q: %q", text, got)
			}
		}
		for _, text := range []string{"/key add openai " + secret, "/key " + secret} {
			if got := f.ask(t, f.owner(), text); !strings.Contains(got, "Send /key add") || !strings.Contains(got, "delete your message") || strings.Contains(got, secret) {
				t.Errorf("%q: %q", text, got)
			}
		}
		for _, r := range f.openai.Requests() {
			for _, m := range r.Messages {
				if strings.Contains(m.Content, secret) {
					t.Errorf("a model was told %q", m.Content)
				}
			}
		}
	})
}

// TestPhoneNamesAsTyped: names with what phones put around them are the names.
func TestPhoneNamesAsTyped(t *testing.T) {
	eachPhone(t, func(t *testing.T, f *phones) {
		f.ask(t, f.owner(), "/lang en")
		for _, c := range [][2]string{
			{"/model “gpt-4.1”", "I'll ask openai for gpt-4.1 first"},
			{"/model ＜ｇｐｔ－４ｏ＞。", "I'll ask openai for gpt-4o first"},
			{"/model openai gpt-4.1\u200b", "I'll ask openai for gpt-4.1 first"},
			{"/model openai", "Send /model and a name"},
			{"/model “”", "Send /model and a name"},
			{"/model <auto>", "in the configured order"},
			{"/provider use backup\u200b", "I'll ask backup first"},
			{"/provider use 「OpenAI」", "I'll ask openai first"},
			{"/provider use <auto>", "back to the order"},
			{"/provider use “nosuch”", "There are: openai, backup"},
			{"/lang <en>", "I'll speak English"},
			{"/quiet 1 hour。", "no notices until"},
			{"/quiet 1小时30分钟", "no notices until"},
			{"/quiet off\u200b", "you'll get notices again"},
			{"/diag probe “nosuch”", "There are: openai, backup"},
		} {
			if got := f.ask(t, f.owner(), c[0]); !strings.Contains(got, c[1]) {
				t.Errorf("%q: %q, want %q", c[0], got, c[1])
			}
		}
	})
}

// TestPhoneCodesAmongWords: a code is found among the words people put around it.
func TestPhoneCodesAmongWords(t *testing.T) {
	eachPhone(t, func(t *testing.T, f *phones) {
		alice := f.person("Alice")
		f.ask(t, alice, "/lang zh-Hans")
		for _, c := range [][2]string{
			{"/diag 429 是什么意思", "429 请求太多了"}, {"/diag 429是什么", "429 请求太多了"}, {"/diag 错误429", "429 请求太多了"}, {"/diag HTTP429", "429 请求太多了"},
			{"/diag 429,401", "429 请求太多了"}, {"/diag 5xx", "发 /diag gpt-500"}, {"/diag 4XX", "发 /diag gpt-400"}, {"/diag 418 什么鬼", "没有专讲 418"},
			{"/diag a4299", "没有关于 a4299"}, {"/diag 9429", "没有关于 9429"},
		} {
			if got := f.ask(t, alice, c[0]); !strings.Contains(got, c[1]) {
				t.Errorf("%q: %q, want %q", c[0], got, c[1])
			}
		}
	})
}

// TestPhoneReferenceAsCopied: the brackets of a reference change no language.
func TestPhoneReferenceAsCopied(t *testing.T) {
	eachPhone(t, func(t *testing.T, f *phones) {
		alice := f.person("Alice")
		f.ask(t, alice, "你好，在吗")
		for _, text := range []string{"/diag （429 · 7K2F）", "/diag（429 · 7K2F）", "/diag “429 rate limit”"} {
			if got := f.ask(t, alice, text); !strings.Contains(got, "请求太多了") {
				t.Errorf("%s: %q", text, got)
			}
		}
	})
}

// TestPhoneModelThatIsNotThere: the check of the line names what is wrong by a code
// that /diag knows.
func TestPhoneModelThatIsNotThere(t *testing.T) {
	t.Parallel()
	f := newPhones(t, false, func(o *simllm.Options) { o.Models = []string{"gpt-4o-mini"} })
	f.ask(t, f.owner(), "/lang en")
	f.say(f.owner(), "/diag probe backup")
	f.hear(t, f.owner())
	if got := f.hear(t, f.owner()); !strings.Contains(got, "Model gpt-4o failing 404") {
		t.Errorf("checked: %q", got)
	}
}

// TestPhonePeopleWithoutNames: where WeChat tells no names, admins can still tell
// people apart.
func TestPhonePeopleWithoutNames(t *testing.T) {
	t.Parallel()
	f := newPhones(t, true)
	f.ask(t, f.owner(), "/lang en")
	bob, alice, ming := f.person("Bob"), f.person("Alice"), f.person("小明")
	tail := func(id string) string {
		id = strings.TrimSuffix(id, "@im.wechat")
		return "#" + id[len(id)-6:]
	}
	if got := f.admin(t, bob); !strings.HasPrefix(got, tail(bob)+" has sent the pairing code") {
		t.Errorf("the owner was told %q", got)
	}
	f.ask(t, alice, "hello")
	f.ask(t, ming, "hello")
	list := f.ask(t, f.owner(), "/block")
	for n, id := range []string{ming, alice, bob} {
		if !strings.Contains(list, string(rune('1'+n))+". "+tail(id)+", private chat") {
			t.Errorf("%s is not number %d of %q", tail(id), n+1, list)
		}
	}
	if got := f.ask(t, f.owner(), "/block "+tail(alice)); !strings.Contains(got, "I'll ignore "+tail(alice)+" from now on") {
		t.Errorf("blocked: %q", got)
	}
	for command, want := range map[string]string{"/unblock": tail(alice), "/admin": tail(bob), "/audit": tail(bob)} {
		if got := f.ask(t, f.owner(), command); !strings.Contains(got, want) || strings.Contains(got, "?") {
			t.Errorf("%s: %q", command, got)
		}
	}
}

// TestPhoneProbeInAGroup: a group reads one line of what an admin has looked at.
func TestPhoneProbeInAGroup(t *testing.T) {
	t.Parallel()
	f := newPhones(t, false)
	bob := f.person("Bob")
	group := f.wechat.AddGroup(simwechat.Group{Name: "team", Saved: true, Members: []simwechat.Member{{UserName: bob}}})
	f.admin(t, bob)
	f.ask(t, bob, "/lang en")
	f.wechat.SayIn(group, bob, "@小诊\u2005/diag probe openai")
	if got := f.hear(t, bob); !strings.Contains(got, "Checking the line") {
		t.Errorf("first in private: %q", got)
	}
	if got := f.hear(t, bob); !strings.Contains(got, "Connection check: openai") {
		t.Errorf("then in private: %q", got)
	}
	if got := f.hear(t, group); !strings.Contains(got, "in private") {
		t.Errorf("in the group: %q", got)
	}
	f.wechat.SayIn(group, bob, "@小诊\u2005/ping")
	if got := f.hear(t, group); !strings.Contains(got, "I'm here") {
		t.Errorf("more in the group: %q", got)
	}
}
