package alert

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sample is an alert with every field.
func sample() Alert {
	return Alert{
		Key: "session", Severity: Critical, Title: "微信登录已失效", Text: "账号在别处登录。<b>", Steps: "1. 扫码\n2. 等待",
		Link: "https://login.weixin.qq.com/l/4f8Zw-x==", Account: "小助手",
		At: time.Date(2026, 11, 22, 9, 8, 7, 0, time.FixedZone("", 8*3600)),
	}
}

// received is what a server got.
type received struct {
	method string
	uri    string
	header http.Header
	body   []byte
	at     time.Time
}

// server answers each request with the next of the answers, the last one
// again and again.
func server(t *testing.T, answers ...string) (*httptest.Server, <-chan received) {
	t.Helper()
	got := make(chan received, 100)
	n := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- received{r.Method, r.URL.RequestURI(), r.Header, body, time.Now()}
		_, _ = io.WriteString(w, answers[min(n, len(answers)-1)])
		n++
	}))
	t.Cleanup(s.Close)
	return s, got
}

// told tests the target with the alert and returns what its server got.
func told(t *testing.T, target Target, al Alert, got <-chan received) received {
	t.Helper()
	a, err := New(Options{Targets: []Target{target}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := a.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	if r := a.Test(t.Context(), al)[0]; r.Err != nil || r.Host != "127.0.0.1" {
		t.Fatal(r)
	}
	r := <-got
	if r.method != http.MethodPost || r.header.Get("Content-Type") != "application/json; charset=utf-8" || r.header.Get("User-Agent") != "diagbot" {
		t.Error(r.method, r.header)
	}
	return r
}

func sameJSON(t *testing.T, got []byte, want string) {
	t.Helper()
	var g, w any
	if err := json.Unmarshal(got, &g); err != nil {
		t.Fatalf("%v: %s", err, got)
	}
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(g, w) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// recent reports whether the text is a Unix time of now, in the given unit.
func recent(t *testing.T, text string, unit time.Duration) {
	t.Helper()
	n, err := strconv.ParseInt(text, 10, 64)
	if age := time.Since(time.Unix(0, n*int64(unit))); err != nil || age < -time.Minute || age > time.Hour {
		t.Errorf("timestamp %q: %v, %v old", text, err, age)
	}
}

func hmac256(key, text string) []byte {
	m := hmac.New(sha256.New, []byte(key))
	_, _ = io.WriteString(m, text)
	return m.Sum(nil)
}

func TestFeishu(t *testing.T) {
	s, got := server(t, `{"code":0,"msg":"success","data":{}}`)
	r := told(t, Target{Name: "f", Kind: KindFeishu, URL: s.URL + "/open-apis/bot/v2/hook/abc", Secret: "s3cret"}, sample(), got)
	var signed struct{ Timestamp, Sign string }
	if err := json.Unmarshal(r.body, &signed); err != nil {
		t.Fatal(err)
	}
	recent(t, signed.Timestamp, time.Second)
	if want := base64.StdEncoding.EncodeToString(hmac256(signed.Timestamp+"\ns3cret", "")); signed.Sign != want {
		t.Errorf("sign %q, want %q", signed.Sign, want)
	}
	sameJSON(t, r.body, `{"timestamp":"`+signed.Timestamp+`","sign":"`+signed.Sign+`","msg_type":"post","content":{"post":{"zh_cn":{
		"title":"[diagbot] 微信登录已失效","content":[
		[{"tag":"text","text":"账号在别处登录。<b>"}],
		[{"tag":"text","text":"1. 扫码\n2. 等待"}],
		[{"tag":"a","text":"https://login.weixin.qq.com/l/4f8Zw-x==","href":"https://login.weixin.qq.com/l/4f8Zw-x=="}],
		[{"tag":"text","text":"小助手 · 2026-11-22 09:08:07 +08:00"}]]}}}}`)
	if r.uri != "/open-apis/bot/v2/hook/abc" {
		t.Error(r.uri)
	}
}

// TestFeishuSign checks the signature with a pair computed by other means:
// printf ” | openssl dgst -sha256 -hmac "$(printf '1599360473\nsecret')" -binary | base64
func TestFeishuSign(t *testing.T) {
	const want = "q4jswNiMy51J5JuQV566yJat0/lQ/c+22kINzUgKsGU="
	if got := sign("1599360473\nsecret", ""); got != want {
		t.Error(got)
	}
}

func TestFeishuUnsigned(t *testing.T) {
	s, got := server(t, `{"StatusCode":0,"StatusMessage":"success"}`)
	r := told(t, Target{Name: "f", Kind: KindFeishu, URL: s.URL + "/hook"}, Alert{Title: "x"}, got)
	if strings.Contains(string(r.body), "sign") || strings.Contains(string(r.body), "timestamp") {
		t.Errorf("%s", r.body)
	}
}

func TestDingTalk(t *testing.T) {
	s, got := server(t, `{"errcode":0,"errmsg":"ok"}`)
	r := told(t, Target{Name: "d", Kind: KindDingTalk, URL: s.URL + "/robot/send?access_token=tok", Secret: "SEC+1"}, sample(), got)
	sameJSON(t, r.body, `{"msgtype":"text","at":{"isAtAll":false},"text":{"content":"[diagbot] 微信登录已失效\n\n账号在别处登录。<b>\n\n1. 扫码\n2. 等待\n\nhttps://login.weixin.qq.com/l/4f8Zw-x==\n\n小助手 · 2026-11-22 09:08:07 +08:00"}}`)
	u, err := url.Parse(r.uri)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	recent(t, q.Get("timestamp"), time.Millisecond)
	want := base64.StdEncoding.EncodeToString(hmac256("SEC+1", q.Get("timestamp")+"\nSEC+1"))
	if q.Get("access_token") != "tok" || q.Get("sign") != want || len(q) != 3 || u.Path != "/robot/send" {
		t.Error(r.uri, want)
	}
	if !strings.Contains(u.RawQuery, "sign="+url.QueryEscape(want)) {
		t.Error("the signature is not escaped:", r.uri)
	}
}

// TestDingTalkSign: printf '1577262236757\nSECx' | openssl dgst -sha256 -hmac SECx -binary | base64
func TestDingTalkSign(t *testing.T) {
	const want = "bxM6g1SzvN1RiJbXP3tL7x/cmlG4YP2ksTIFC/d6WZU="
	if got := sign("SECx", "1577262236757\nSECx"); got != want {
		t.Error(got)
	}
}

func TestWeCom(t *testing.T) {
	s, got := server(t, `{"errcode":0,"errmsg":"ok"}`)
	target := Target{Name: "w", Kind: KindWeCom, URL: s.URL + "/cgi-bin/webhook/send?key=693a91f6"}
	al := sample()
	al.Text = "给 <@all> 看"
	r := told(t, target, al, got)
	if r.uri != "/cgi-bin/webhook/send?key=693a91f6" {
		t.Error(r.uri)
	}
	sameJSON(t, r.body, `{"msgtype":"text","text":{"content":"[diagbot] 微信登录已失效\n\n给 ＜@all> 看\n\n1. 扫码\n2. 等待\n\nhttps://login.weixin.qq.com/l/4f8Zw-x==\n\n小助手 · 2026-11-22 09:08:07 +08:00"}}`)

	var long struct {
		Msgtype  string
		Text     *struct{ Content string }
		Markdown struct{ Content string }
	}
	al.Text, al.Steps = strings.Repeat("长", 1900), strings.Repeat("步", 1900)
	if err := json.Unmarshal(told(t, target, al, got).body, &long); err != nil {
		t.Fatal(err)
	}
	c := long.Markdown.Content
	if long.Msgtype != "markdown" || long.Text != nil || len(c) > 4096 || len(c) < 4000 || !utf8.ValidString(c) ||
		!strings.Contains(c, "长…\n\n步") || !strings.Contains(c, al.Link) || !strings.HasSuffix(c, "+08:00") {
		t.Errorf("%d bytes: %s", len(c), c)
	}
}

func TestBark(t *testing.T) {
	s, got := server(t, `{"code":200,"message":"success","timestamp":1700000000}`)
	const message = `"title":"[diagbot] 微信登录已失效","body":"账号在别处登录。<b>\n\n1. 扫码\n2. 等待\n\n小助手 · 2026-11-22 09:08:07 +08:00",
		"group":"diagbot","level":"timeSensitive","isArchive":"1","url":"https://login.weixin.qq.com/l/4f8Zw-x=="`
	r := told(t, Target{Name: "b", Kind: KindBark, URL: s.URL + "/ynJ5Ft4atk"}, sample(), got)
	sameJSON(t, r.body, `{`+message+`}`)
	if r.uri != "/ynJ5Ft4atk" {
		t.Error(r.uri)
	}
	r = told(t, Target{Name: "b", Kind: KindBark, URL: s.URL + "/", Secret: "ynJ5Ft4atk"}, sample(), got)
	sameJSON(t, r.body, `{"device_key":"ynJ5Ft4atk",`+message+`}`)
	if r.uri != "/push" {
		t.Error(r.uri)
	}
	for _, c := range []struct {
		al   Alert
		want string
	}{
		{Alert{Severity: Info}, "passive"}, {Alert{Severity: Warning}, "active"},
		{Alert{Severity: Error}, "timeSensitive"}, {Alert{Severity: Critical, Recovered: true}, "passive"},
	} {
		if got := barkLevel(c.al); got != c.want {
			t.Errorf("%v: %s", c.al, got)
		}
	}
}

func TestNtfy(t *testing.T) {
	s, got := server(t, `{"id":"sPs71M8A2T","time":1643935928,"event":"message","topic":"mine"}`)
	r := told(t, Target{Name: "n", Kind: KindNtfy, URL: s.URL + "/my_topic-1", Secret: "tk_abc"}, sample(), got)
	sameJSON(t, r.body, `{"topic":"my_topic-1","title":"[diagbot] 微信登录已失效","message":"账号在别处登录。<b>\n\n1. 扫码\n2. 等待\n\n小助手 · 2026-11-22 09:08:07 +08:00",
		"priority":5,"tags":["rotating_light"],"click":"https://login.weixin.qq.com/l/4f8Zw-x=="}`)
	if r.uri != "/" || r.header.Get("Authorization") != "Bearer tk_abc" {
		t.Error(r.uri, r.header)
	}
	r = told(t, Target{Name: "n", Kind: KindNtfy, URL: strings.Replace(s.URL, "://", "://bob:pw@", 1) + "/t/"}, Alert{Title: "x", Recovered: true}, got)
	var m struct {
		Topic    string
		Priority int
		Tags     []string
	}
	if err := json.Unmarshal(r.body, &m); err != nil || m.Topic != "t" || m.Priority != 3 || m.Tags[0] != "white_check_mark" {
		t.Errorf("%s", r.body)
	}
	if user, pw, _ := (&http.Request{Header: r.header}).BasicAuth(); user != "bob" || pw != "pw" {
		t.Error(r.header)
	}
}

func TestGeneric(t *testing.T) {
	s, got := server(t, "")
	al := sample()
	r := told(t, Target{Name: "g", Kind: KindGeneric, URL: s.URL + "/hook?x=1", Secret: "s3cret"}, al, got)
	sameJSON(t, r.body, `{"version":1,"state":"trouble","event":"","key":"session","severity":"critical","title":"微信登录已失效","text":"账号在别处登录。<b>",
		"steps":"1. 扫码\n2. 等待","link":"https://login.weixin.qq.com/l/4f8Zw-x==","account":"小助手","at":"2026-11-22T09:08:07+08:00"}`)
	at := r.header.Get("X-Diagbot-Timestamp")
	recent(t, at, time.Second)
	want := "sha256=" + hex.EncodeToString(hmac256("s3cret", at+"."+string(r.body)))
	if r.header.Get("X-Diagbot-Signature") != want || r.uri != "/hook?x=1" {
		t.Error(r.uri, r.header, want)
	}
	al.Recovered = true
	r = told(t, Target{Name: "g", Kind: KindGeneric, URL: s.URL}, al, got)
	if !strings.Contains(string(r.body), `"state":"recovered"`) || r.header.Get("X-Diagbot-Signature") != "" {
		t.Errorf("%s %v", r.body, r.header)
	}
}

// TestLimits sends the longest alert everywhere and looks at the sizes.
func TestLimits(t *testing.T) {
	al := Alert{
		Title: strings.Repeat("题\"", 500), Text: strings.Repeat("\"长\\", 5000), Steps: strings.Repeat("步\n", 5000),
		Account: strings.Repeat("号", 500), Link: "https://h/" + strings.Repeat("x", 780),
	}.cleaned(nil, time.Now())
	for kind, limit := range map[string]int{KindFeishu: maxFeishu, KindDingTalk: maxDingTalk, KindBark: maxBark} {
		d := map[string]dialect{KindFeishu: feishu(), KindDingTalk: dingtalk(), KindBark: bark()}[kind]
		body := d.request(&Target{URL: "https://h/p"}, al, time.Now()).body
		if len(body) > limit || !utf8.Valid(body) || !json.Valid(body) || !strings.Contains(string(body), al.Link) {
			t.Errorf("%s: %d bytes: %.200s", kind, len(body), body)
		}
	}
	var m struct{ Title, Message, Click string }
	if err := json.Unmarshal(ntfyRequest(&Target{URL: "https://h/p"}, al, time.Now()).body, &m); err != nil ||
		len(m.Title) > maxNtfyTitle || len(m.Message) > maxNtfyMessage || len(m.Message) < 3900 || m.Click != al.Link {
		t.Error(len(m.Title), len(m.Message), m.Click, err)
	}
	if strings.ContainsRune(string(fit(al, 1000, func(al Alert) []byte { return []byte(al.title() + al.plain()) })), '\uFFFD') {
		t.Error("a rune was broken")
	}
}

func TestCleaned(t *testing.T) {
	al := Alert{
		Title: "two\r\nlines\tand\x1b[31m red", Text: "a\u202Eb\x00\r\nc \xff sk-proj-AbCdEfGh1234567890", Severity: "odd", Account: " a  b ",
	}
	c := al.cleaned(nil, time.Unix(1, 0))
	if c.Title != "two lines and[31m red" || c.Text != "ab\nc \uFFFD ***" || c.Severity != Error || c.Account != "a b" || c.Key != "two lines and[31m red" && c.Key == "" || !c.At.Equal(time.Unix(1, 0)) {
		t.Errorf("%#v", c)
	}
	for link, want := range map[string]bool{
		"https://login.weixin.qq.com/l/abc": true, "http://h:1/x?y=z&a=%20": true,
		"javascript:alert(1)": false, "https://": false, "/l/abc": false, "https://a b/": false, "https://h/\n": false, "https://u:p@h/": false,
		"https://h/人": false, `https://h/"x`: false, "https://h/<x>": false, "https://h/" + strings.Repeat("x", 800): false, "": false,
	} {
		if got := (Alert{Link: link}).cleaned(nil, time.Now()).Link; (got == link && link != "") != want {
			t.Errorf("%q: %q", link, got)
		}
	}
}
