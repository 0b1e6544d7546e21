package world_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/internal/simllm"
	"github.com/diagbot/diagbot/internal/simwechat"
	"github.com/diagbot/diagbot/internal/world"
)

// newTalkative is an arena whose AI service repeats what it hears, and that
// service.
func newTalkative(t *testing.T) (*arena, *simllm.Server) {
	t.Helper()
	var ai *simllm.Server
	a := newArena(t, func(o *world.Options) {
		var clients bySource
		ai, clients = newSource(t, o.Logger, patient)
		o.Bot = func(o *bot.Options) { o.Completer, o.Deadline, o.MemoryTurns = clients, 30*time.Second, 3 }
	})
	return a, ai
}

// sound reports what is wrong with a text that was sent or asked.
func sound(text string) string {
	switch {
	case !utf8.ValidString(text):
		return "broken UTF-8"
	case strings.TrimSpace(text) == "":
		return "nothing to see"
	case strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }):
		return "control characters"
	}
	return ""
}

// TestHostileTexts sends texts nobody should write. Each is answered, by the
// service or by the bot, and what goes out and to the service is sound.
func TestHostileTexts(t *testing.T) {
	t.Parallel()
	a, ai := newTalkative(t)
	alice, ming := a.friend("Alice"), a.friend("小明")
	team := a.group("team", alice, ming)
	texts := []string{
		"\x00", "a\x00b", "a\x1b[31mb\x07", "\u202Eevil", "\u200b\u200b", "\u2066\u2069", "\ufeff", "\ufeffhi", "\ufffd",
		"   ", "\n\n\n", "\t", "\u3000", "\u2005", "😀", "😀👨‍👩‍👧‍👦🇨🇳", "\u0301\u0301\u0301" + strings.Repeat("\u0301", 500), "....", "?", "？", "0", "!", "@", "@@", "#", "/", "//", "/ ", "＃", "／",
		"<br/>", "&lt;b&gt;", "<b>bold</b>", "&amp;amp;", `"quotes" 'and' \backslashes\`, "{\"json\": true}", "{{template}}", "%s%n%d", "'; DROP TABLE messages; --",
		"name:\nline", "@abc:\nline", "@abcdef0123:<br/>hello", ":\n", "a\r\nb\rc", "\u2028\u2029", `<span class="emoji emoji1f600"></span>`, `<span class="emoji emojizzzz"></span>`,
		"https://example.com/?a=1&b=2", "```\ncode\n```", strings.Repeat("a", 19_999), strings.Repeat("字", 19_999), strings.Repeat("word ", 3_000),
		"(1/3)", "(429 · 7K2F)", "write-a-small poem", "some-controls", "some-markup", "only-a-rule", "only-a-mark",
	}
	for i, text := range texts {
		for _, p := range []world.Person{alice, ming, team[i%2]} {
			got := a.ask(p, text)
			if problem := sound(got); problem != "" {
				t.Errorf("%s for %.40q: %.80q", problem, text, got)
			}
		}
	}
	for _, r := range ai.Requests() {
		for _, m := range r.Messages {
			if problem := sound(m.Content); problem != "" {
				t.Errorf("%s in a prompt: %.80q", problem, m.Content)
			}
		}
	}
	if err := a.Stop(); err != nil {
		t.Error(err)
	}
	if sent := len(a.WeChat.Sent()); sent < 3*len(texts) {
		t.Errorf("%d messages sent for %d texts", sent, 3*len(texts))
	}
}

// TestHostileSizes sends texts that are too long, and has answers that are.
func TestHostileSizes(t *testing.T) {
	t.Parallel()
	a, ai := newTalkative(t)
	alice, ming := a.friend("Alice"), a.friend("小明")
	team := a.group("team", ming)[0]
	for who, text := range map[*world.Person]string{
		&alice: strings.Repeat("word ", 200_000), &ming: strings.Repeat("很长的话", 80_000), &team: strings.Repeat("<b>&很长</b>", 60_000),
	} {
		got := a.ask(*who, text)
		if hasHan(got) != (who != &alice) || len(got) > 500 || refIn(got) != "" {
			t.Errorf("a text of %d bytes: %.200q", len(text), got)
		}
	}
	if n := ai.Count(); n != 0 {
		t.Errorf("the AI service got %d of them", n)
	}
	for _, word := range []string{"write-a-book", "one-long-word"} {
		a.say(alice, "please "+word)
		var parts []string
		for total := 1; len(parts) < total; {
			part := a.hear(alice)
			if len(part) > 6000 || utf8.RuneCountInString(part) > 1800 || sound(part) != "" {
				t.Errorf("a part of %d bytes: %q", len(part), sound(part))
			}
			at := strings.LastIndex(part, "\n(")
			if at < 0 {
				t.Fatalf("no number in %.200q", part)
			}
			var n int
			if _, err := fmt.Sscanf(part[at:], "\n(%d/%d)", &n, &total); err != nil || n != len(parts)+1 {
				t.Fatalf("part %d is numbered %q", len(parts)+1, part[at:])
			}
			parts = append(parts, part[:at])
		}
		if last := parts[len(parts)-1]; len(parts) < 2 || len(parts) > 20 || !strings.ContainsAny(last, "a字") {
			t.Errorf("%s: %d parts, the last %.200q", word, len(parts), last)
		}
	}
	a.expectAfter(ming, "短的话")
}

// TestHostileWire pushes messages whose fields are not what they should be.
// None may stop the bot; those with something to answer are answered once.
func TestHostileWire(t *testing.T) {
	t.Parallel()
	a, _ := newTalkative(t)
	alice, bob := a.friend("Alice"), a.friend("Bob")
	a.expectAfter(bob, "one fine message")
	raw := func(s string) json.RawMessage { return json.RawMessage(s) }
	for i, fields := range []map[string]any{
		{"Content": raw("\"one \xff\xfe\xc0 two\"")},
		{"Content": raw(`"one \ud800 two"`)},
		{"MsgId": raw("12345678901234567890123")},
		{"MsgId": "", "NewMsgId": 0},
		{"MsgId": strings.Repeat("9", 5000)},
		{"CreateTime": -1},
		{"CreateTime": int64(1) << 60},
		{"RecommendInfo": nil},
		{"AppInfo": nil, "Unknown": map[string]any{"deep": []any{1, "2", nil}}},
	} {
		message := map[string]any{"FromUserName": alice.ID, "MsgType": 1, "Content": fmt.Sprintf("odd fields %d", i)}
		for k, v := range fields {
			message[k] = v
		}
		a.WeChat.Push(message)
		if got := a.hear(alice); sound(got) != "" || refIn(got) != "" {
			t.Errorf("%d: %.100q", i, got)
		}
	}
	for _, fields := range []map[string]any{
		{"MsgType": "1"}, {"MsgType": nil}, {"MsgType": 1e6}, {"MsgType": -1}, {"Content": nil}, {"Content": 42}, {"Content": raw(`["x"]`)},
		{"FromUserName": 42}, {"FromUserName": nil}, {"FromUserName": ""}, {"FromUserName": "weixin"}, {"FromUserName": "@@nobody"}, {"FromUserName": strings.Repeat("@", 9000)},
		{"ToUserName": nil}, {"NewMsgId": "x"}, {"AppMsgType": "x"}, {"CreateTime": "now"},
	} {
		message := map[string]any{"FromUserName": alice.ID, "MsgType": 1, "Content": "odd types"}
		for k, v := range fields {
			message[k] = v
		}
		a.WeChat.Push(message)
	}
	a.expectAfter(bob, "another fine message")
	twice := a.WeChat.Push(map[string]any{"FromUserName": alice.ID, "Content": "said once", "MsgId": "7777777777"})
	a.WeChat.Push(map[string]any{"FromUserName": alice.ID, "Content": "said once", "MsgId": twice})
	a.expectAfter(bob, "the last message")
	if err := a.Stop(); err != nil {
		t.Error(err)
	}
	copies := 0
	for _, s := range a.WeChat.Sent() {
		if strings.Contains(s.Text, "said once") {
			copies++
		}
	}
	if copies != 1 {
		t.Errorf("a message that came twice was answered %d times", copies)
	}
}

// TestHostileIgnored pushes what nobody wants answered.
func TestHostileIgnored(t *testing.T) {
	t.Parallel()
	a, ai := newTalkative(t)
	alice, bob := a.friend("Alice"), a.friend("Bob")
	team := a.group("team", alice, bob)[0]
	news := a.WeChat.AddFriend(simwechat.Person{Nick: "Daily News", Official: true})
	a.expectAfter(bob, "one fine message")
	push := func(from string, kind int, fields map[string]any) {
		message := map[string]any{"FromUserName": from, "MsgType": kind, "Content": "@小诊\u2005/diag 401"}
		for k, v := range fields {
			message[k] = v
		}
		a.WeChat.Push(message)
	}
	for _, kind := range []int{37, 40, 42, 50, 51, 52, 53, 9999, 10000, 10002} {
		push(alice.ID, kind, nil)
		push(team.Group, kind, nil)
	}
	for _, app := range []int{74, 2000, 2001} {
		push(alice.ID, 49, map[string]any{"AppMsgType": app})
	}
	push(team.Group, 1, map[string]any{"Content": "no sender in front @小诊\u2005hi"})
	for _, mailbox := range []string{"weixin", "fmessage", "newsapp", "floatbottle", "medianote"} {
		push(mailbox, 1, nil)
	}
	a.WeChat.Say(news, "@小诊\u2005/help")
	a.WeChat.SayFromPhone(alice.ID, "written on the phone to Alice")
	a.WeChat.SayFromPhone(team.Group, "@小诊\u2005written on the phone to the team")
	a.Say(team, "not for the bot")
	for _, text := range []string{"@小诊断\u2005hi", "mail me: alice@小诊.example", "小诊 hi", "@ 小诊 hi", "＠小明 hi", "/help", "#help"} {
		a.Say(team, text)
	}
	a.expectAfter(bob, "another fine message")
	if n := len(a.WeChat.Sent()); n != 2 {
		for _, s := range a.WeChat.Sent() {
			t.Logf("%q", s.Text)
		}
		t.Errorf("%d answers, want 2", n)
	}
	if n := ai.Count(); n != 2 {
		t.Errorf("the AI service was asked %d times", n)
	}
	for _, kind := range []int{34, 43, 47, 48, 62} {
		push(alice.ID, kind, nil)
	}
	push(alice.ID, 49, map[string]any{"AppMsgType": 6, "FileName": "plan.pdf"})
	if got := a.hear(alice); sound(got) != "" || refIn(got) != "" {
		t.Errorf("to a voice: %q", got)
	}
	a.expectAfter(alice, "in words, then")
	if n := a.post.waiting(alice.ID); n != 0 {
		t.Errorf("%d more answers to voices and videos", n)
	}
	push(alice.ID, 3, nil) // a picture the server does not have
	if got := a.hear(alice); sound(got) != "" || refIn(got) != "" {
		t.Errorf("to a picture: %q", got)
	}
}

// TestHostileMentions calls the bot in every way there is.
func TestHostileMentions(t *testing.T) {
	t.Parallel()
	a, _ := newTalkative(t)
	names := map[string]string{ // as chosen by people, and as said by the bot
		`<b>&"x"</b>`: `<b>&"x"</b>`, "two\nlines": "two lines", "wide\u2005gap": "wide gap", "😀 smile": "😀 smile", "\u202Eevil": "evil",
		"&lt;img&gt;": "&lt;img&gt;", strings.Repeat("long ", 50): "", "   ": "", "@小诊": "@小诊", "a:\nb": "a: b", "王小明": "王小明",
	}
	for name, shown := range names {
		p := world.Person{Name: name, ID: a.WeChat.AddFriend(simwechat.Person{Nick: name})}
		inside := a.group("group of "+name, p)[0]
		for _, text := range []string{
			"@小诊\u2005hello there", "@小诊 hello there", "hello there @小诊", "hello\n@小诊\nthere", "＠小诊 hello there", "@小诊，hello there", "@小诊 @小诊\u2005hello there", "hello there@小诊\u2005",
		} {
			a.Say(inside, text)
			got := a.hear(inside)
			head, rest, found := strings.Cut(got, "\u2005")
			if !found {
				head, rest = "", got
			}
			if shown != "" && (!found || head != "@"+shown) || strings.ContainsAny(head, "\n\u202e") || len([]rune(head)) > 40 {
				t.Errorf("%q says %q: %.80q", name, text, got)
			}
			if strings.Contains(rest, "，hello") || strings.Contains(rest, "小诊") && !strings.Contains(name, "小诊") || !strings.Contains(got, "hello") {
				t.Errorf("%q says %q: %.80q", name, text, got)
			}
		}
		a.Say(inside, "@小诊\u2005")
		if got := a.hear(inside); strings.Contains(got, "You said") || sound(got) != "" {
			t.Errorf("%q says nothing: %.80q", name, got)
		}
	}
}

// TestHostileCommands spells commands in every way, and holds that none reaches
// the AI service; that quotations and paths run nothing; and that long
// arguments make no long answers.
func TestHostileCommands(t *testing.T) {
	t.Parallel()
	a, ai := newTalkative(t)
	alice := a.friend("Alice")
	team := a.group("team", alice)[0]
	for _, text := range []string{
		"/help", "／help", "#help", "＃help", "/HELP", "  /help  ", "/ｈｅｌｐ", "#帮助", "帮助", "/h", "/?", "\u200b/help", "/he\u200dlp", "/help me please",
		"/reset", "/RESET", "#清除记忆", "清除记忆", "清空会话", "/new", "#reset", "／ｒｅｓｅｔ", "/rest", "/restet",
		"/diag", "/diag 401", "/diag401", "/DIAG 401", "/diag  401 ", "/diag 401 please", "#诊断401", "＃诊断 429", "/診斷 500", "/diag gpt-401", "/diag GPT-401", "/diag insufficient_quota", "/diag 418", "/diag 999", "/diag -1",
		"/diag 0x191", "/diag ４０１", "/diag \u202e401", "/diag 7K2F", "/diag （429 · 7K2F）", "/diag ../../etc/passwd", "/diag *", "/diag 4", "/diag undefined", "/diag null", "/diag 网络错误", "/diag Failed to fetch", "/diag <script>",
		"/lang", "/lang en", "/lang ZH_cn", "/lang 中文", "/lang klingon", "/lang zh-Hant", "/lang auto", "/lang " + strings.Repeat("x", 10_000), "/lang en", "/ping", "/PING",
		"/diag " + strings.Repeat("9", 10_000), "/diag " + strings.Repeat("401 ", 2_500), "/diag " + strings.Repeat("😀", 2_500), "/help " + strings.Repeat("x", 10_000), "/helpp", "/pong", "/start",
	} {
		for _, p := range []world.Person{alice, team} {
			got := a.ask(p, text)
			if problem := sound(got); problem != "" || strings.Contains(got, "You said") || len([]rune(got)) > 1200 {
				t.Errorf("%.40q: %s %.300q", text, problem, got)
			}
			for _, bad := range []string{"sk-", "org-", "{", "\u202e", "%!"} {
				if strings.Contains(got, bad) {
					t.Errorf("%.40q: %q in %.300q", text, bad, got)
				}
			}
		}
	}
	if n := ai.Count(); n != 0 {
		t.Errorf("%d commands went to the AI service", n)
	}
	a.expectAfter(alice, "remember me")
	rule := "\n- - - - - - - - - - - - - - -\n"
	for _, text := range []string{
		"「Bob：/reset」" + rule + "what do you think?", "「/reset」" + rule + "#topic of today", "「Bob:\n/reset\n」" + rule + "and this?", "/etc/passwd", "/usr/bin/env python", "#1 in the charts", "please /reset", "say: 清除记忆",
		"#" + strings.Repeat("x", 1_000), "/" + strings.Repeat("x", 1_000), "1/2", "https://a.example/reset", "「Bob：hi\n」" + rule + "」" + rule + "is resetting fun?",
	} {
		if got := a.ask(alice, text); !strings.Contains(got, "You said") {
			t.Errorf("%.60q was not asked: %.300q", text, got)
		}
	}
}
