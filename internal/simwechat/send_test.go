package simwechat_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/eatmoreapple/openwechat"

	"github.com/diagbot/diagbot/internal/simwechat"
)

func TestLostAnswerIsResent(t *testing.T) {
	s := start(t, simwechat.Options{})
	alice := s.AddFriend(simwechat.Person{Nick: "alice"})
	c, _ := quiet(t, s)
	s.Fail("webwxsendmsg", simwechat.Failure{LoseAnswer: true}, 1)
	m := openwechat.NewTextSendMessage("once", s.UserName(""), alice)
	if err := c.sendMessage(m); err == nil {
		t.Fatal("the answer came")
	}
	if err := c.sendMessage(m); err != nil {
		t.Fatal(err)
	}
	got, err := s.WaitSent(within(t), 2)
	if err != nil {
		t.Fatal(err)
	}
	if got[0].Resent || !got[1].Resent || got[0].ClientMsgID != got[1].ClientMsgID {
		t.Errorf("sent %+v", got)
	}
}

func TestReceivers(t *testing.T) {
	s := start(t, simwechat.Options{})
	group := s.AddGroup(simwechat.Group{Name: "g", Members: []simwechat.Member{{Nick: "stranger"}}})
	c, _ := quiet(t, s)
	for to, want := range map[string]int{
		"filehelper": 0, group: 0,
		"@nobody": 1204, s.UserName(""): 1204, s.Members(group)[0].UserName: 1204,
	} {
		if err := c.send(s, to, "x"); want == 0 && err != nil || want != 0 && !isRet(err, want) {
			t.Errorf("to %.12s: %v, want %d", to, err, want)
		}
	}
	s.Leave(group, s.UserName(""))
	if err := c.send(s, group, "x"); !isRet(err, 1204) {
		t.Errorf("to a group it left: %v", err)
	}
	if err := c.send(s, "filehelper", ""); !isRet(err, 1) {
		t.Errorf("empty text: %v", err)
	}
}

func TestLimit(t *testing.T) {
	s := start(t, simwechat.Options{Limit: &simwechat.Limit{Every: time.Hour, Burst: 2, Block: time.Hour}})
	c, _ := quiet(t, s)
	for i := range 4 {
		err := c.send(s, "filehelper", "x")
		if throttled := isRet(err, 1205); throttled != (i >= 2) {
			t.Errorf("send %d: %v", i, err)
		}
	}
}

func TestEcho(t *testing.T) {
	s := start(t, simwechat.Options{Echo: true})
	alice := s.AddFriend(simwechat.Person{Nick: "alice"})
	c := login(t, s)
	if err := c.send(s, alice, "x"); err != nil {
		t.Fatal(err)
	}
	if m := c.next(t); m.ToUserName != alice || m.FromUserName != s.UserName("") {
		t.Errorf("echo %s → %s", m.FromUserName, m.ToUserName)
	}
}

func TestSubscribe(t *testing.T) {
	s := start(t, simwechat.Options{})
	c, _ := quiet(t, s)
	sent, stop := s.Subscribe()
	for range 200 { // more than any buffer, and nobody reads yet
		if err := c.send(s, "filehelper", "x"); err != nil {
			t.Fatal(err)
		}
	}
	for range 200 {
		select {
		case <-sent:
		case <-within(t).Done():
			t.Fatal("lost one")
		}
	}
	stop()
	if _, ok := <-sent; ok {
		t.Error("not closed")
	}
	stop()
	rest, _ := s.Subscribe()
	_ = s.Close()
	if _, ok := <-rest; ok {
		t.Error("not closed by Close")
	}
	if late, stop := s.Subscribe(); late != nil {
		stop()
	}
}

func TestImagesAndFiles(t *testing.T) {
	s := start(t, simwechat.Options{})
	alice := s.AddFriend(simwechat.Person{Nick: "alice"})
	c, _ := quiet(t, s)
	big := bytes.Repeat([]byte("0123456789abcdef"), 80<<10) // three chunks
	opt := openwechat.CallerUploadMediaCommonOptions{
		FromUserName: s.UserName(""), ToUserName: alice,
		BaseRequest: c.Storage.Request, LoginInfo: c.Storage.LoginInfo,
	}
	image := openwechat.CallerWebWxSendImageMsgOptions(opt)
	if _, err := c.Caller.WebWxSendImageMsg(t.Context(), strings.NewReader("\x89PNG\r\n\x1a\n"), &image); err != nil {
		t.Fatal("image:", err)
	}
	file := openwechat.CallerWebWxSendFileOptions(opt)
	if _, err := c.Caller.WebWxSendFile(t.Context(), bytes.NewReader(big), &file); err != nil {
		t.Fatal("file:", err)
	}
	video := openwechat.CallerWebWxSendAppMsgOptions(opt)
	if _, err := c.Caller.WebWxSendVideoMsg(t.Context(), strings.NewReader("video"), &video); err != nil {
		t.Fatal("video:", err)
	}
	if _, err := c.Caller.WebWxSendEmoticon(t.Context(), "d41d8cd98f00b204e9800998ecf8427e", nil, &video); err != nil {
		t.Fatal("sticker:", err)
	}
	sent := s.Sent()
	if sent[0].Type != simwechat.TypeImage || string(sent[0].Media) != "\x89PNG\r\n\x1a\n" || sent[0].To != alice {
		t.Errorf("image %+v", sent[0])
	}
	if sent[1].Type != simwechat.TypeApp || !bytes.Equal(sent[1].Media, big) || sent[1].FileName == "" {
		t.Errorf("file of %d bytes, %q", len(sent[1].Media), sent[1].FileName)
	}
	if len(s.Complaints()) != 0 {
		t.Errorf("complaints: %q", s.Complaints())
	}
}

func TestUploadWithoutItsTicket(t *testing.T) {
	s := start(t, simwechat.Options{})
	c, _ := quiet(t, s)
	c.Storage.LoginInfo.PassTicket = "x"
	_, err := c.Caller.WebWxSendImageMsg(t.Context(), strings.NewReader("x"), &openwechat.CallerWebWxSendImageMsgOptions{
		FromUserName: s.UserName(""), ToUserName: "filehelper",
		BaseRequest: c.Storage.Request, LoginInfo: c.Storage.LoginInfo,
	})
	if !isRet(err, -14) {
		t.Errorf("got %v", err)
	}
	msg := openwechat.NewMediaSendMessage(openwechat.MsgTypeImage, s.UserName(""), "filehelper", "@crypt_unknown")
	resp, err := c.Caller.Client.WebWxSendAppMsg(t.Context(), msg, c.Storage.Request)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	p := openwechat.MessageResponseParser{Reader: resp.Body}
	if err := p.Err(); !isRet(err, 1) {
		t.Errorf("unknown MediaId: %v", err)
	}
}

func TestDownloads(t *testing.T) {
	s := start(t, simwechat.Options{})
	alice := s.AddFriend(simwechat.Person{Nick: "alice"})
	group := s.AddGroup(simwechat.Group{Name: "g", Members: []simwechat.Member{{UserName: alice}}})
	c := login(t, s)
	for _, kind := range []int{simwechat.TypeImage, simwechat.TypeVoice, simwechat.TypeVideo, simwechat.TypeEmoji, simwechat.TypeApp} {
		want := strings.Repeat("body", kind)
		s.SayMedia(alice, "", simwechat.Media{Type: kind, Body: []byte(want), FileName: "报告 &.pdf", Length: 3 * time.Second})
		m := c.next(t)
		if string(m.body) != want || int(m.MsgType) != kind {
			t.Errorf("type %d: %d bytes, want %d", m.MsgType, len(m.body), len(want))
		}
	}
	s.SayMedia(group, alice, simwechat.Media{Type: simwechat.TypeImage, Body: []byte("x")})
	if m := c.next(t); m.sender != "alice/" || string(m.body) != "x" {
		t.Errorf("in a group: %q %q", m.sender, m.body)
	}
	if s.SayMedia("@nobody", "", simwechat.Media{}) != "" || s.SayMedia(group, "nobody", simwechat.Media{}) != "" {
		t.Error("unknown senders were accepted")
	}
	if len(s.Complaints()) != 0 {
		t.Errorf("complaints: %q", s.Complaints())
	}
}

func TestRevokeAndDeadChanges(t *testing.T) {
	s := start(t, simwechat.Options{})
	alice := s.AddFriend(simwechat.Person{Nick: "alice"})
	c, _ := quiet(t, s)
	out, err := c.Caller.WebWxSendMsg(t.Context(), &openwechat.CallerWebWxSendMsgOptions{
		LoginInfo: c.Storage.LoginInfo, BaseRequest: c.Storage.Request,
		Message: openwechat.NewTextSendMessage("oops", s.UserName(""), alice),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Caller.WebWxRevokeMsg(t.Context(), out, c.Storage.Request); err != nil || !s.Sent()[0].Revoked {
		t.Errorf("revoke: %v", err)
	}
	err = c.Caller.WebWxOplog(t.Context(), &openwechat.CallerWebWxOplogOptions{RemarkName: "admin", ToUserName: alice, BaseRequest: c.Storage.Request})
	if err != nil {
		t.Error("remark:", err)
	}
	members, err := c.Caller.WebWxGetContact(t.Context(), c.Storage.LoginInfo)
	if err != nil {
		t.Fatal(err)
	}
	if u, _ := members.GetByUserName(alice); u.RemarkName != "" {
		t.Error("a remark was set from the web")
	}
}
