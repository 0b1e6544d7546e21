package simwechat_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/eatmoreapple/openwechat"

	"github.com/diagbot/diagbot/internal/simwechat"
)

// quiet logs in without openwechat's own loop, so that a test can synchronise
// by itself.
func quiet(t testing.TB, s *simwechat.Server) (*client, *openwechat.WebInitResponse) {
	t.Helper()
	c := newClient(t, s)
	ctx := t.Context()
	uuid, err := c.Caller.GetLoginUUID(ctx)
	for err == nil {
		var said openwechat.CheckLoginResponse
		if said, err = c.Caller.CheckLogin(ctx, uuid, "0"); err != nil {
			break
		}
		if code, _ := said.Code(); code != openwechat.LoginCodeSuccess {
			continue
		}
		began, err := c.redeem(ctx, said)
		if err != nil {
			t.Fatal("log in:", err)
		}
		return c, began
	}
	t.Fatal("log in:", err)
	return nil, nil
}

// redeem turns a confirmed code into a session.
func (c *client) redeem(ctx context.Context, said openwechat.CheckLoginResponse) (*openwechat.WebInitResponse, error) {
	page, err := said.RedirectURL()
	if err != nil {
		return nil, err
	}
	info, err := c.Caller.GetLoginInfo(ctx, page)
	if err != nil {
		return nil, err
	}
	c.Storage.LoginInfo = info
	c.Storage.Request = &openwechat.BaseRequest{Uin: info.WxUin, Sid: info.WxSid, Skey: info.SKey, DeviceID: "e1"}
	return c.Caller.WebInit(ctx, c.Storage.Request)
}

func (c *client) syncFrom(t testing.TB, key *openwechat.SyncKey) *openwechat.WebWxSyncResponse {
	t.Helper()
	out, err := c.Caller.WebWxSync(t.Context(), &openwechat.CallerWebWxSyncOptions{
		BaseRequest: c.Storage.Request, LoginInfo: c.Storage.LoginInfo,
		WebInitResponse: &openwechat.WebInitResponse{SyncKey: key},
	})
	if err != nil {
		t.Fatal("sync:", err)
	}
	return out
}

func (c *client) check(ctx context.Context, key *openwechat.SyncKey) (*openwechat.SyncCheckResponse, error) {
	return c.Caller.SyncCheck(ctx, &openwechat.CallerSyncCheckOptions{
		BaseRequest: c.Storage.Request, LoginInfo: c.Storage.LoginInfo,
		WebInitResponse: &openwechat.WebInitResponse{SyncKey: key},
	})
}

func texts(r *openwechat.WebWxSyncResponse) (out []string) {
	for _, m := range r.AddMsgList {
		if m.MsgType == simwechat.TypeText {
			out = append(out, m.Content)
		}
	}
	return out
}

func TestOldKeyReplaysEverythingAfterIt(t *testing.T) {
	s := start(t, simwechat.Options{})
	alice := s.AddFriend(simwechat.Person{Nick: "alice"})
	c, began := quiet(t, s)
	for i := range 120 {
		s.Say(alice, fmt.Sprint(i))
	}
	var all []string
	key := began.SyncKey
	for range 3 {
		r := c.syncFrom(t, key)
		if got := texts(r); !slices.Equal(got, texts(c.syncFrom(t, key))) {
			t.Fatal("the same key brought something else")
		} else {
			all = append(all, got...)
		}
		if more := len(all) < 120; (r.ContinueFlag == 1) != more || r.AddMsgCount > 50 {
			t.Errorf("after %d: ContinueFlag %d, %d messages", len(all), r.ContinueFlag, r.AddMsgCount)
		}
		key = r.SyncKey
	}
	if len(all) != 120 || all[0] != "0" || all[119] != "119" {
		t.Errorf("%d messages, %v…", len(all), all[:3])
	}
	if r := c.syncFrom(t, key); r.AddMsgCount != 0 || r.SyncKey.Count != 4 {
		t.Errorf("after all: %+v", r)
	}

	later := login(t, s) // a new login with the old key, as openwechat does it
	defer later.stop()
	r := later.syncFrom(t, began.SyncKey)
	if got := texts(r); len(got) != 50 || got[0] != "0" || r.AddMsgList[0].FromUserName != s.UserName(alice) {
		t.Errorf("replay in a later login: %d messages from %s", len(got), r.AddMsgList[0].FromUserName)
	}
}

func TestUnknownKeyIsRefused(t *testing.T) {
	s := start(t, simwechat.Options{})
	c, began := quiet(t, s)
	key := *began.SyncKey
	key.List = slices.Clone(key.List)
	key.List[1].Val += 1000
	if r := c.syncFrom(t, &key); r.BaseResponse.Ret != 1 || r.SyncKey == nil || r.SyncKey.Count != 0 {
		t.Errorf("sync: %+v", r)
	}
	if r, err := c.check(t.Context(), &key); err != nil || r.RetCode != "1" {
		t.Errorf("check: %+v, %v", r, err)
	}
	if len(s.Complaints()) != 2 {
		t.Errorf("complaints: %q", s.Complaints())
	}
}

func TestPollIsHeldUntilNews(t *testing.T) {
	s := start(t, simwechat.Options{})
	alice := s.AddFriend(simwechat.Person{Nick: "alice"})
	c, began := quiet(t, s)
	polls := s.Count("synccheck")
	said := make(chan string, 1)
	go func() {
		r, err := c.check(within(t), began.SyncKey)
		if err != nil {
			said <- err.Error()
			return
		}
		said <- r.RetCode + "/" + string(r.Selector)
	}()
	if err := s.WaitCount(within(t), "synccheck", polls+1); err != nil {
		t.Fatal(err)
	}
	select {
	case got := <-said:
		t.Fatal("not held:", got)
	default:
	}
	s.Say(alice, "hi")
	if got := <-said; got != "0/2" {
		t.Errorf("got %s", got)
	}
}

func TestPollEndsWithoutNews(t *testing.T) {
	s := start(t, simwechat.Options{Hold: time.Millisecond})
	c, began := quiet(t, s)
	if r, err := c.check(t.Context(), began.SyncKey); err != nil || r.RetCode != "0" || r.Selector != "0" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestChangedContactsAreSynchronised(t *testing.T) {
	s := start(t, simwechat.Options{})
	alice := s.AddFriend(simwechat.Person{Nick: "alice"})
	group := s.AddGroup(simwechat.Group{Name: "team", Saved: true, Members: []simwechat.Member{{UserName: alice}}})
	c, began := quiet(t, s)
	s.Rename(alice, "Alice", "admin")
	s.Join(group, simwechat.Member{Nick: "carol", Display: "新人"})
	if r, err := c.check(t.Context(), began.SyncKey); err != nil || r.Selector != openwechat.SelectorModContact {
		t.Errorf("%+v, %v", r, err)
	}
	var got struct {
		ModContactCount int
		ModContactList  []*openwechat.User
		SyncKey         openwechat.SyncKey
	}
	c.rawSync(t, began.SyncKey, &got)
	if got.ModContactCount != 2 || got.ModContactList[0].RemarkName != "admin" {
		t.Fatalf("%+v", got)
	}
	members := got.ModContactList[1].MemberList
	if len(members) != 3 || members[2].DisplayName != "新人" {
		t.Errorf("%d members", len(members))
	}
	if r := c.syncFrom(t, &got.SyncKey); r.ModContactCount != 0 {
		t.Error("changes came twice")
	}
	s.Leave(group, "新人")
	if got := s.Members(group); len(got) != 2 {
		t.Errorf("members %+v", got)
	}
}

// rawSync is webwxsync with what openwechat does not read.
func (c *client) rawSync(t *testing.T, key *openwechat.SyncKey, out any) {
	t.Helper()
	resp, err := c.Caller.Client.WebWxSync(t.Context(), &openwechat.ClientWebWxSyncOptions{
		BaseRequest: c.Storage.Request, LoginInfo: c.Storage.LoginInfo,
		WebInitResponse: &openwechat.WebInitResponse{SyncKey: key},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		t.Fatal(err)
	}
}

func TestHistoryIsBounded(t *testing.T) {
	s := start(t, simwechat.Options{History: 10})
	alice := s.AddFriend(simwechat.Person{Nick: "alice"})
	c, began := quiet(t, s)
	for i := range 25 {
		s.Say(alice, fmt.Sprint(i))
	}
	got := texts(c.syncFrom(t, began.SyncKey))
	if len(got) < 10 || len(got) > 20 || got[len(got)-1] != "24" {
		t.Errorf("kept %v", got)
	}
}

func TestContactsComeInPages(t *testing.T) {
	s := start(t, simwechat.Options{ContactPage: 1000})
	s.AddFriend(simwechat.Person{Nick: `Tom & "Jerry" <3`, Remark: "a<b"})
	s.AddFriend(simwechat.Person{Nick: "news", Official: true})
	saved := s.AddGroup(simwechat.Group{Name: "saved", Saved: true})
	hidden := s.AddGroup(simwechat.Group{Name: "hidden", Members: []simwechat.Member{{Nick: "stranger"}}})
	s.AddFillers(4000)
	c, _ := quiet(t, s)
	members, err := c.Caller.WebWxGetContact(t.Context(), c.Storage.LoginInfo)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Count("webwxgetcontact"); got != 5 {
		t.Errorf("%d pages", got)
	}
	if len(members) != 4000+3+2 { // the account itself and filehelper
		t.Errorf("%d contacts", len(members))
	}
	if u, ok := members.GetByRemarkName("a&lt;b"); !ok || u.NickName != `Tom &amp; "Jerry" &lt;3` {
		t.Errorf("escaped: %+v", u)
	}
	if u, ok := members.GetByNickName("news"); !ok || !u.IsMP() {
		t.Errorf("official account: %v", u)
	}
	if u, ok := members.GetByUserName(saved); !ok || u.MemberCount != 1 || len(u.MemberList) != 0 {
		t.Errorf("saved group: %v", u)
	}
	if _, ok := members.GetByUserName(hidden); ok {
		t.Error("a group that was not saved is listed")
	}
	details, err := c.Caller.WebWxBatchGetContact(t.Context(), openwechat.Members{{UserName: hidden}, {UserName: "@nobody"}}, c.Storage.Request)
	if err != nil || len(details) != 2 || len(details[0].MemberList) != 2 || details[1].NickName != "" {
		t.Errorf("details %v, %v", details, err)
	}
}

func TestEmojiSpans(t *testing.T) {
	s := start(t, simwechat.Options{EmojiSpans: true})
	alice := s.AddFriend(simwechat.Person{Nick: "a😀"})
	c, began := quiet(t, s)
	s.Say(alice, "😀 ok 🇨🇳 👍🏽 1<2")
	got := texts(c.syncFrom(t, began.SyncKey))
	want := `<span class="emoji emoji1f600"></span> ok <span class="emoji emoji1f1e81f1f3"></span> <span class="emoji emoji1f44d1f3fd"></span> 1&lt;2`
	if got[0] != want {
		t.Errorf("got %s", got[0])
	}
}

func TestOverviewComesAfterLogin(t *testing.T) {
	s := start(t, simwechat.Options{})
	c := login(t, s)
	select {
	case m := <-c.heard:
		if m.MsgType != 51 || m.FromUserName != m.ToUserName || m.StatusNotifyCode != 4 {
			t.Errorf("first message %+v", m.MsgType)
		}
	case <-within(t).Done():
		t.Fatal("nothing came")
	}
}

func TestPushAndPhone(t *testing.T) {
	s := start(t, simwechat.Options{})
	alice := s.AddFriend(simwechat.Person{Nick: "alice"})
	c := login(t, s)
	s.SayFromPhone("filehelper", "note")
	if m := c.next(t); m.ToUserName != "filehelper" || m.FromUserName != s.UserName("") || m.Content != "note" {
		t.Errorf("from the phone: %s → %s %q", m.FromUserName, m.ToUserName, m.Content)
	}
	id := s.Push(map[string]any{"FromUserName": alice, "MsgType": 10000, "Content": "红包", "NewMsgId": 42})
	if m := c.next(t); m.MsgId != id || m.MsgType != 10000 || m.FromUserName != alice || m.NewMsgId != 42 || m.Status != 3 {
		t.Errorf("pushed: %+v", m.MsgType)
	}
	if s.Say("@nobody", "x") != "" || s.SayIn(alice, alice, "x") != "" || s.SayFromPhone("@x", "y") != "" {
		t.Error("unknown names were accepted")
	}
}

func TestWrongCredentialsAreRefused(t *testing.T) {
	s := start(t, simwechat.Options{})
	c, began := quiet(t, s)
	good := *c.Storage.Request
	for name, spoil := range map[string]func(*openwechat.BaseRequest){
		"uin":  func(r *openwechat.BaseRequest) { r.Uin++ },
		"sid":  func(r *openwechat.BaseRequest) { r.Sid = "x" },
		"skey": func(r *openwechat.BaseRequest) { r.Skey = "" },
	} {
		bad := good
		spoil(&bad)
		if _, err := c.Caller.WebInit(t.Context(), &bad); !isRet(err, 1101) {
			t.Errorf("%s: %v", name, err)
		}
	}
	c.Storage.LoginInfo.PassTicket = "x"
	if err := c.send(s, "filehelper", "x"); !isRet(err, -14) {
		t.Errorf("pass_ticket: %v", err)
	}
	c.Caller.Client.SetCookieJar(openwechat.NewJar())
	if r, err := c.check(t.Context(), began.SyncKey); err != nil || r.RetCode != "1102" {
		t.Errorf("cookies: %+v, %v", r, err)
	}
}

func TestOnlyTheRightHostAnswers(t *testing.T) {
	s := start(t, simwechat.Options{})
	client := &http.Client{Transport: s.Transport()}
	for _, u := range []string{"https://wx.qq.com/cgi-bin/mmwebwx-bin/synccheck", "https://wx.qq.com/jslogin", "https://wx.qq.com/nothing", "https://login.wx.qq.com/other/login"} {
		resp, err := client.Get(u)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", u, resp.Status)
		}
	}
	if _, err := client.Get("https://example.com/"); err == nil {
		t.Error("a foreign host was reached")
	}
}

func TestOtherDomain(t *testing.T) {
	s := start(t, simwechat.Options{Domain: "wx2.qq.com"})
	alice := s.AddFriend(simwechat.Person{Nick: "alice"})
	c := login(t, s)
	s.Say(alice, "hi")
	c.next(t)
	if c.Caller.Client.Domain != "wx2.qq.com" {
		t.Errorf("the client is at %s", c.Caller.Client.Domain)
	}
	for _, r := range s.Requests() {
		if r.Endpoint == "synccheck" && r.Host != "webpush.wx2.qq.com" {
			t.Errorf("synccheck at %s", r.Host)
		}
	}
}

func TestPushBrokenUTF8(t *testing.T) {
	s := start(t, simwechat.Options{})
	alice := s.AddFriend(simwechat.Person{Nick: "alice"})
	c, began := quiet(t, s)
	s.Push(map[string]any{"FromUserName": alice, "Content": json.RawMessage("\"a\xff\xfeb\"")})
	resp, err := c.Caller.Client.WebWxSync(t.Context(), &openwechat.ClientWebWxSyncOptions{
		BaseRequest: c.Storage.Request, LoginInfo: c.Storage.LoginInfo, WebInitResponse: began,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || !bytes.Contains(body, []byte("a\xff\xfeb")) {
		t.Errorf("%q, %v", body, err)
	}
}
