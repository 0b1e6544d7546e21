package wechat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/diagbot/diagbot/bot"
)

// known is a directory that answers no questions.
func knownDirectory() *directory {
	d := newDirectory(rawContact{UserName: "@me", NickName: "小诊"}, nil)
	close(d.ready)
	d.learn(
		rawContact{UserName: "@alice", NickName: "Alice &amp; Co"},
		rawContact{UserName: "@news", NickName: "News", VerifyFlag: 24},
		rawContact{UserName: "@@group", NickName: "群", MemberList: []rawContact{
			{UserName: "@me", NickName: "小诊", DisplayName: "医生"},
			{UserName: "@alice", NickName: "Alice &amp; Co"},
			{UserName: "@bob", NickName: "Bob", DisplayName: "鲍勃"},
		}},
	)
	return d
}

func TestConvertKinds(t *testing.T) {
	d := knownDirectory()
	for _, test := range []struct {
		kind, app int
		url       string
		want      bot.Kind
	}{
		{1, 0, "", bot.KindText}, {1, 0, "/cgi-bin/mmwebwx-bin/webwxgetpubliclinkimg?url=xxx", bot.KindOther},
		{3, 0, "", bot.KindImage}, {34, 0, "", bot.KindVoice}, {43, 0, "", bot.KindVideo}, {62, 0, "", bot.KindVideo},
		{47, 0, "", bot.KindOther}, {48, 0, "", bot.KindOther},
		{49, 5, "", bot.KindLink}, {49, 6, "", bot.KindFile}, {49, 33, "", bot.KindLink}, {49, 57, "", bot.KindText},
		{49, 17, "", bot.KindOther}, {49, 74, "", ""}, {49, 2000, "", ""}, {49, 2001, "", ""},
		{37, 0, "", ""}, {40, 0, "", ""}, {42, 0, "", ""}, {50, 0, "", ""}, {51, 0, "", ""}, {52, 0, "", ""}, {53, 0, "", ""},
		{9999, 0, "", ""}, {10000, 0, "", ""}, {10002, 0, "", ""}, {0, 0, "", ""}, {-1, 0, "", ""},
	} {
		m := &rawMessage{MsgId: "1", MsgType: test.kind, AppMsgType: test.app, Url: test.url, FromUserName: "@alice", ToUserName: "@me", Content: "x"}
		msg, ok := d.convert(context.Background(), m)
		if ok != (test.want != "") || ok && msg.Kind != test.want {
			t.Errorf("type %d/%d: %q, %v; want %q", test.kind, test.app, msg.Kind, ok, test.want)
		}
	}
}

func TestConvertWho(t *testing.T) {
	d := knownDirectory()
	for _, test := range []struct {
		from, to, content string
		want              string // chat|sender|name|owner|text, or "" if ignored
	}{
		{"@alice", "@me", "hi", "@alice|@alice|Alice & Co|false|hi"},
		{"@stranger", "@me", "hi", "@stranger|@stranger||false|hi"},
		{"@news", "@me", "hi", ""},
		{"weixin", "@me", "hi", ""}, {"fmessage", "@me", "hi", ""}, {"newsapp", "@me", "hi", ""}, {"gh_22b87fa7cb3c", "@me", "hi", ""},
		{"filehelper", "@me", "hi", ""}, {"", "", "hi", ""},
		{"@me", "filehelper", "/diag", "filehelper|@me|小诊|true|/diag"},
		{"@me", "@alice", "hi", ""}, {"@me", "@@group", "@医生 hi", ""}, {"@me", "@me", "hi", ""},
		{"@@group", "@me", "@bob:<br/>hi", "@@group|@bob|鲍勃|false|hi"},
		{"@@group", "@me", "@alice:<br/>code:<br/>  x", "@@group|@alice|Alice & Co|false|code:\n  x"},
		{"@@group", "@me", "@alice:\nhi", "@@group|@alice|Alice & Co|false|hi"},
		{"@@group", "@me", "@new:<br/>hi", "@@group|@new||false|hi"},
		{"@@group", "@me", "@me:<br/>hi", ""},
		{"@@group", "@me", "no sender", ""}, {"@@group", "@me", "", ""}, {"@@group", "@me", "fake name:<br/>hi", ""},
		{"@@other", "@me", "@bob:<br/>@小诊 hi", "@@other|@bob||false|hi"},
	} {
		m := &rawMessage{MsgId: "1", MsgType: 1, FromUserName: test.from, ToUserName: test.to, Content: test.content}
		msg, ok := d.convert(context.Background(), m)
		got := ""
		if ok {
			got = fmt.Sprintf("%s|%s|%s|%v|%s", msg.Chat.ID, msg.Sender.ID, msg.Sender.Name, msg.Sender.Owner, msg.Text)
		}
		if got != test.want {
			t.Errorf("%s → %s %q: %q, want %q", test.from, test.to, test.content, got, test.want)
		}
	}
}

func TestConvertMentionIsOutsideTheQuote(t *testing.T) {
	d := knownDirectory()
	const quoted = "「Bob：@医生\u2005问」<br/>- - - - - -<br/>"
	for content, mentioned := range map[string]bool{
		quoted + "不错":          false,
		quoted + "@医生\u2005不错": true,
		quoted + "@小诊 不错":      true,
		"@医生\u2005不错":          true,
		"@医生&amp;护士\u2005不错":   false,
		"&#64;医生 不错":           true, // decoded first
		"@所有人\u2005不错":         false,
	} {
		m := &rawMessage{MsgId: "1", MsgType: 1, FromUserName: "@@group", ToUserName: "@me", Content: "@bob:<br/>" + content}
		msg, ok := d.convert(context.Background(), m)
		if !ok || msg.Mentioned != mentioned {
			t.Errorf("%q: %+v, want mentioned %v", content, msg, mentioned)
		}
		if mentioned && msg.Text != "不错" {
			t.Errorf("%q: text %q", content, msg.Text)
		}
		if strings.HasPrefix(content, "「") && msg.Quote != "@医生\u2005问" {
			t.Errorf("%q: quote %q", content, msg.Quote)
		}
	}
}

func TestMessageIDs(t *testing.T) {
	for body, want := range map[string]string{
		`{"MsgId":"42","NewMsgId":7}`: "42",
		`{"MsgId":43,"NewMsgId":7}`:   "43",
		`{"MsgId":"","NewMsgId":7}`:   "7",
	} {
		var m rawMessage
		if err := json.Unmarshal([]byte(body), &m); err != nil || m.id() != want {
			t.Errorf("%s: %q, %v", body, m.id(), err)
		}
	}
	a, b := &rawMessage{Content: "a"}, &rawMessage{Content: "b"}
	if same := (&rawMessage{Content: "a"}).id(); a.id() == b.id() || a.id() != same || same == "" {
		t.Errorf("ids %q, %q", a.id(), b.id())
	}
}

func TestDirectoryAsksOnce(t *testing.T) {
	asked := map[string]int{}
	d := newDirectory(rawContact{UserName: "@me", NickName: "Bot"}, func(_ context.Context, ids ...string) ([]rawContact, error) {
		asked[ids[0]]++
		switch ids[0] {
		case "@official":
			return []rawContact{{UserName: "@official", VerifyFlag: 8}}, nil
		case "@@g":
			return []rawContact{{UserName: "@@g", NickName: "G", MemberList: []rawContact{{UserName: "@x", NickName: "X"}}}}, nil
		}
		return nil, nil
	})
	close(d.ready)
	ctx := context.Background()
	for range 5 {
		if p := d.person(ctx, "@official"); !p.official {
			t.Error("official account not recognised")
		}
		d.person(ctx, "@nobody")
		if g := d.group(ctx, "@@g"); g.name != "G" {
			t.Errorf("group %+v", g)
		}
		d.group(ctx, "@@none")
		if name := d.member(ctx, "@@g", "@x"); name != "X" {
			t.Errorf("member %q", name)
		}
		d.member(ctx, "@@g", "@later")
	}
	for id, n := range asked {
		if want := map[string]int{"@@g": 2}[id]; n != max(want, 1) {
			t.Errorf("asked %d times for %s", n, id)
		}
	}
}

func TestDirectoryIsQuietAfterAFailure(t *testing.T) {
	asked := 0
	d := newDirectory(rawContact{UserName: "@me"}, func(context.Context, ...string) ([]rawContact, error) {
		asked++
		return nil, errors.New("no")
	})
	close(d.ready)
	for i := range 10 {
		d.person(context.Background(), fmt.Sprintf("@%d", i))
	}
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
}

func TestDirectoryFollowsChanges(t *testing.T) {
	d := knownDirectory()
	ctx := context.Background()
	d.learn(rawContact{UserName: "@@group", NickName: "新名"})
	if g := d.group(ctx, "@@group"); g.name != "新名" || len(g.members) != 3 || g.mine[0] != "医生" {
		t.Errorf("renamed group %+v", g)
	}
	d.learn(rawContact{UserName: "@@group", NickName: "新名", MemberList: []rawContact{{UserName: "@me", NickName: "小诊"}, {UserName: "@new", NickName: "New"}}})
	if g := d.group(ctx, "@@group"); len(g.members) != 2 || len(g.mine) != 1 || d.member(ctx, "@@group", "@new") != "New" {
		t.Errorf("changed group %+v", g)
	}
	d.learn(rawContact{UserName: "@alice", NickName: "Alicia"})
	if p := d.person(ctx, "@alice"); p.name != "Alicia" {
		t.Errorf("renamed friend %+v", p)
	}
	d.forget("@alice", "@@group")
	if p := d.person(ctx, "@alice"); p.name != "" {
		t.Errorf("deleted friend %+v", p)
	}
}

func FuzzConvert(f *testing.F) {
	for _, seed := range []string{
		`{"MsgId":"1","MsgType":1,"FromUserName":"@@group","ToUserName":"@me","Content":"@bob:<br/>「a：b」<br/>---<br/>@医生 x"}`,
		`{"MsgId":1,"MsgType":49,"AppMsgType":57,"FromUserName":"@alice","ToUserName":"@me","Content":"&lt;msg&gt;&lt;appmsg&gt;&lt;title&gt;t","FileName":"t"}`,
		`{"NewMsgId":2,"MsgType":1,"FromUserName":"@alice","Content":"<span class=\"emoji emoji1f1e81f1f3\"></span>\ud800"}`,
		`{"MsgId":"3","MsgType":49,"AppMsgType":6,"FromUserName":"@alice","ToUserName":"@me","MediaId":"m","EncryFileName":"e","FileName":"../a.txt","FileSize":"9"}`,
		`{"MsgId":"4","MsgType":3,"FromUserName":"@alice","ToUserName":"@me"}`,
		`null`, `{}`,
	} {
		f.Add([]byte(seed))
	}
	d := knownDirectory()
	f.Fuzz(func(t *testing.T, body []byte) {
		var m rawMessage
		if json.Unmarshal(body, &m) != nil {
			return
		}
		msg, ok := d.convert(context.Background(), &m)
		if !ok {
			return
		}
		if msg.ID == "" || len(msg.ID) > 64 || msg.Chat.ID == "" || msg.Sender.ID == "" || msg.Kind == "" {
			t.Fatalf("incomplete: %+v", msg)
		}
		for _, s := range []string{msg.Text, msg.Quote, msg.Chat.Name, msg.Sender.Name} {
			if !utf8.ValidString(s) || len(s) > maxText || strings.ContainsRune(s, 0) {
				t.Fatalf("bad text %q", s)
			}
		}
		if medium := m.medium(msg.Kind, "login"); medium != nil {
			r, fault := (&sender{name: "login"}).find(medium.Ref)
			if fault != nil || r.Size < 0 || len(medium.Ref) > maxRef || len(medium.Name) > 200 || strings.ContainsAny(medium.Name, "/\x00\n") || !utf8.ValidString(medium.Name) {
				t.Fatalf("bad medium %+v", medium)
			}
		}
		if msg.Sender.Owner && m.FromUserName != "@me" {
			t.Fatalf("%+v taken for the owner", m)
		}
	})
}

// BenchmarkGroupMention converts a mention in a group of 500, with 4,000
// contacts; openwechat takes 150 ms for that.
func BenchmarkGroupMention(b *testing.B) {
	d := newDirectory(rawContact{UserName: "@me", NickName: "小诊"}, nil)
	close(d.ready)
	for i := range 4000 {
		d.learn(rawContact{UserName: fmt.Sprintf("@%032x", i), NickName: fmt.Sprintf("Friend %d", i)})
	}
	g := rawContact{UserName: "@@group", NickName: "群", MemberList: []rawContact{{UserName: "@me"}}}
	for i := range 499 {
		g.MemberList = append(g.MemberList, rawContact{UserName: fmt.Sprintf("@%032x", i), NickName: fmt.Sprintf("Friend %d", i)})
	}
	d.learn(g)
	m := &rawMessage{MsgId: "1", MsgType: 1, FromUserName: "@@group", ToUserName: "@me", Content: fmt.Sprintf("@%032x:<br/>@小诊 你好", 42)}
	for b.Loop() {
		if msg, ok := d.convert(context.Background(), m); !ok || !msg.Mentioned {
			b.Fatal(msg)
		}
	}
}

func TestKeysOfPeopleWithARemark(t *testing.T) {
	d := knownDirectory()
	d.account = "me"
	d.learn(rawContact{UserName: "@alice", NickName: "Alice", RemarkName: " Mum &amp; Dad "}, rawContact{UserName: "@bob", NickName: "Mum & Dad"})
	key := func(from, content string) string {
		msg, _ := d.convert(t.Context(), &rawMessage{MsgId: "1", MsgType: 1, FromUserName: from, ToUserName: "@me", Content: content})
		if !msg.Chat.Group && msg.Chat.Key != msg.Sender.Key || msg.Chat.Group && msg.Chat.Key != "" {
			t.Errorf("chat %+v, sender %+v", msg.Chat, msg.Sender)
		}
		return msg.Sender.Key
	}
	expect := func(when, alice, bob string) {
		t.Helper()
		if got := key("@alice", "hi"); got != alice {
			t.Errorf("%s: alice is %q, want %q", when, got, alice)
		}
		if got := key("@@group", "@alice:<br/>hi"); got != alice {
			t.Errorf("%s: alice is %q in a group, want %q", when, got, alice)
		}
		if got := key("@bob", "hi"); got != bob {
			t.Errorf("%s: bob is %q, want %q", when, got, bob)
		}
	}
	expect("before the list is in", "", "")
	d.complete()
	const mum = "remark:me:Mum & Dad"
	expect("one with a remark", mum, "")
	d.learn(rawContact{UserName: "@bob", NickName: "Bob", RemarkName: "Mum &amp; Dad"})
	expect("two with the same", "", "")
	d.learn(rawContact{UserName: "@alice", NickName: "Alice"})
	expect("it was taken away", "", mum)
	d.learn(rawContact{UserName: "@alice", NickName: "Alice", RemarkName: "Mum &amp; Dad"})
	d.forget("@bob", "@nobody")
	expect("the other was deleted", mum, "")
}
