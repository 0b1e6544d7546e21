package main

import (
	"strings"
	"testing"
	"time"

	"github.com/diagbot/diagbot/internal/similink"
	"github.com/diagbot/diagbot/internal/simllm"
	"github.com/diagbot/diagbot/internal/simwechat"
	"github.com/diagbot/diagbot/troubleshoot"
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

// wording is what the bot says under a key, in English unless the key has a language
// in front: zh-Hans:unknown_code.
func wording(t *testing.T, key string, args ...string) string {
	t.Helper()
	c, err := troubleshoot.Load()
	must(t, err)
	tag, name, other := strings.Cut(key, ":")
	if !other {
		tag, name = "en", key
	}
	return c.Say(tag, name, args...)
}

// title is what an entry is called in Chinese.
func title(t *testing.T, entry string) string {
	t.Helper()
	c, err := troubleshoot.Load()
	must(t, err)
	return c.Title(entry, "zh-Hans")
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

// reply has somebody reply to words of somebody, and returns the answer.
func (f *phones) reply(t *testing.T, who, to, text string) string {
	t.Helper()
	if !f.official {
		return f.ask(t, who, "「Bob："+to+"」\n- - - - - - - - - - - - - - -\n"+text)
	}
	f.ilink.Quote(who, text, similink.Quoted{Text: to})
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
			if got := f.ask(t, f.owner(), text); !strings.Contains(got, wording(t, "key_refused", "provider", "openai")) {
				t.Errorf("%q: %q", text, got)
			}
		}
		for _, text := range []string{"/key add openai " + secret, "/key " + secret} {
			if got := f.ask(t, f.owner(), text); !strings.HasSuffix(got, "\n"+wording(t, "key_delete_hint")) || strings.Contains(got, secret) {
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
		model := func(name string) string { return wording(t, "model_done", "provider", "openai", "name", name) }
		use := func(name string) string { return wording(t, "provider_use_done", "name", name) }
		usage, none := wording(t, "model_usage"), wording(t, "probe_unknown_source", "name", "nosuch", "list", "openai, backup")
		quiet, _, _ := strings.Cut(wording(t, "quiet_until"), "{")
		for _, c := range [][2]string{
			{"/model “gpt-4.1”", model("gpt-4.1")}, {"/model ＜ｇｐｔ－４ｏ＞。", model("gpt-4o")}, {"/model openai gpt-4.1\u200b", model("gpt-4.1")},
			{"/model openai", usage}, {"/model “”", usage}, {"/model <auto>", wording(t, "model_auto", "provider", "openai")},
			{"/provider use backup\u200b", use("backup")}, {"/provider use 「OpenAI」", use("openai")}, {"/provider use <auto>", wording(t, "provider_auto_done")},
			{"/provider use “nosuch”", none}, {"/diag probe “nosuch”", none}, {"/lang <en>", wording(t, "lang_set", "name", "English")},
			{"/quiet 1 hour。", quiet}, {"/quiet 1小时30分钟", quiet}, {"/quiet off\u200b", wording(t, "quiet_off")},
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
		say := func(key string, args ...string) string { return wording(t, "zh-Hans:"+key, args...) }
		limit := "429 " + title(t, "gpt-429")
		for _, c := range [][2]string{
			{"/diag 429 是什么意思", limit}, {"/diag 429是什么", limit}, {"/diag 错误429", limit}, {"/diag HTTP429", limit},
			{"/diag 429,401", limit}, {"/diag 5xx", say("more", "id", "gpt-500")}, {"/diag 4XX", say("more", "id", "gpt-400")}, {"/diag 418 什么鬼", say("code_class", "code", "418", "title", title(t, "gpt-400"))},
			{"/diag a4299", say("unknown_code", "code", "a4299")}, {"/diag 9429", say("unknown_code", "code", "9429")},
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
			if got := f.ask(t, alice, text); !strings.Contains(got, title(t, "gpt-429")) {
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
	if got := f.hear(t, f.owner()); !strings.Contains(got, wording(t, "probe_failing", "step", wording(t, "probe_model")+" gpt-4o", "code", "404")) {
		t.Errorf("checked: %q", got)
	}
}

// TestPhoneExplainAQuotation: an admin on a phone replies to an error with /diag explain.
// What is quoted gives no command, and others get nothing explained.
func TestPhoneExplainAQuotation(t *testing.T) {
	eachPhone(t, func(t *testing.T, f *phones) {
		alice := f.person("Alice")
		f.ask(t, alice, "/lang zh-Hans")
		f.ask(t, f.owner(), "/lang zh-Hans")
		const wrong = "Error: 429 insufficient_quota, you exceeded your current quota"
		if got := f.reply(t, f.owner(), wrong, "/diag explain"); !strings.Contains(got, "gpt-429-insufficient-quota") {
			t.Errorf("explained: %q", got)
		}
		if got := f.reply(t, f.owner(), "/pause", "/diag explain"); !strings.Contains(got, "unknown-error") {
			t.Errorf("a command explained: %q", got)
		}
		if got := f.reply(t, alice, wrong, "/diag explain"); got != wording(t, "zh-Hans:diag_usage") {
			t.Errorf("to somebody else: %q", got)
		}
		if got := f.ask(t, f.owner(), "/diag 解释"); got != wording(t, "zh-Hans:explain_usage") {
			t.Errorf("nothing explained: %q", got)
		}
		if got := f.ask(t, f.owner(), "/resume"); got != wording(t, "zh-Hans:resume_already") {
			t.Errorf("paused: %q", got)
		}
	})
}

// TestPhoneEndlessAnswer: an answer too long to be kept whole ends with a word of that.
func TestPhoneEndlessAnswer(t *testing.T) {
	t.Parallel()
	f := newPhones(t, false, func(o *simllm.Options) {
		o.Reply = func(simllm.Request) string { return strings.Repeat("A sentence of the book. ", 5000) }
	})
	f.ask(t, f.owner(), "/lang en")
	more, cut := wording(t, "rest_notice", "word", "go on"), wording(t, "cut_notice")
	for _, text := range []string{"Write a book.", "go on", "continue", "more", "go on", "continue"} {
		last := f.ask(t, f.owner(), text)
		for !strings.Contains(last, more) && !strings.Contains(last, cut) {
			last = f.hear(t, f.owner())
		}
		if strings.Contains(last, cut) {
			return
		}
	}
	t.Error("the book goes on")
}

// TestPhoneModelTypedTwice: who corrects the name of a model, or goes back to another,
// has the one before asked no more, neither first nor second.
func TestPhoneModelTypedTwice(t *testing.T) {
	eachPhone(t, func(t *testing.T, f *phones) {
		f.ask(t, f.owner(), "/lang en")
		f.ask(t, f.owner(), "/provider cool backup")
		for _, c := range [][3]string{ // not the same words again, which WeChat repeats, too
			{"gpt-4oo", "/model", "gpt-4oo; gpt-4o-mini"}, {"gpt-4o", "/模型", "gpt-4o; gpt-4o-mini"}, {"gpt-4o-mini", "/provider", "gpt-4o-mini"},
			{"backup gpt-5", "/providers", "gpt-4o-mini"}, {"auto", "/source", "gpt-4o-mini"},
		} {
			f.ask(t, f.owner(), "/model "+c[0])
			if got, want := f.ask(t, f.owner(), c[1]), "\n"+wording(t, "provider_models", "list", c[2])+"\n2. "+wording(t, "source_held", "name", "backup"); !strings.Contains(got, want) {
				t.Errorf("after /model %s: %q, want %q", c[0], got, want)
			}
		}
	})
}

// TestPhoneTwoAdmins: who prefers what another admin set aside is told that it is.
func TestPhoneTwoAdmins(t *testing.T) {
	eachPhone(t, func(t *testing.T, f *phones) {
		bob := f.person("Bob")
		f.ask(t, f.owner(), "/lang en")
		f.admin(t, bob)
		f.ask(t, bob, "/lang en")
		use, held := wording(t, "provider_use_done", "name", "backup"), wording(t, "provider_use_held", "name", "backup")
		f.ask(t, f.owner(), "/provider cool backup")
		if got := f.ask(t, bob, "/provider use backup"); got != use+"\n"+held {
			t.Errorf("set aside: %q", got)
		}
		f.ask(t, bob, "/provider resume backup")
		if got := f.ask(t, f.owner(), "/provider use backup"); got != use {
			t.Errorf("taken back: %q", got)
		}
	})
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
	if got := f.admin(t, bob); got != wording(t, "auth_told", "name", tail(bob)) {
		t.Errorf("the owner was told %q", got)
	}
	f.ask(t, alice, "hello")
	f.ask(t, ming, "hello")
	list := f.ask(t, f.owner(), "/block")
	for n, id := range []string{ming, alice, bob} {
		if !strings.Contains(list, string(rune('1'+n))+". "+tail(id)+", "+wording(t, "chat_private")) {
			t.Errorf("%s is not number %d of %q", tail(id), n+1, list)
		}
	}
	if got := f.ask(t, f.owner(), "/block "+tail(alice)); got != wording(t, "block_done", "name", tail(alice)) {
		t.Errorf("blocked: %q", got)
	}
	elsewhere := wording(t, "where_owner") // a chat that is not there
	for command, want := range map[string]string{"/unblock": tail(alice), "/admin": tail(bob), "/audit": tail(f.owner()) + " (owner), " + wording(t, "chat_private")} {
		if got := f.ask(t, f.owner(), command); !strings.Contains(got, want) || strings.Contains(got, "?") || strings.Contains(got, elsewhere) {
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
	if got := f.hear(t, bob); got != wording(t, "probe_checking", "n", "15") {
		t.Errorf("first in private: %q", got)
	}
	if got := f.hear(t, bob); !strings.HasPrefix(got, wording(t, "probe_title", "name", "openai")) {
		t.Errorf("then in private: %q", got)
	}
	if got := f.hear(t, group); !strings.HasSuffix(got, wording(t, "dm_only")) {
		t.Errorf("in the group: %q", got)
	}
	f.wechat.SayIn(group, bob, "@小诊\u2005/ping")
	if got := f.hear(t, group); !strings.HasSuffix(got, wording(t, "pong")) {
		t.Errorf("more in the group: %q", got)
	}
}
