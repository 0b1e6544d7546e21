package wechat

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/diagbot/diagbot/troubleshoot"
)

// The answers of WeChat's servers, checked before openwechat sees them. It
// indexes and dereferences what it gets, in a goroutine nobody can recover.

// baseResponse is the outcome of a call.
type baseResponse struct {
	Ret    int
	ErrMsg string
}

func (b *baseResponse) check(phase troubleshoot.Phase) error {
	switch {
	case b == nil:
		return malformed(phase, "answer without BaseResponse")
	case b.Ret != 0:
		return refusal(phase, b.Ret, b.ErrMsg)
	}
	return nil
}

// syncKey is the cursor of a session.
type syncKey struct {
	Count int
	List  []struct{ Key, Val int64 }
}

const maxSyncKeys = 256 // a real one has about ten

func (k *syncKey) check(phase troubleshoot.Phase) error {
	switch {
	case k == nil:
		return malformed(phase, "answer without SyncKey")
	case k.Count != len(k.List) || k.Count == 0 || k.Count > maxSyncKeys:
		return malformed(phase, "SyncKey says %d and has %d", k.Count, len(k.List))
	}
	return nil
}

// decode reads a JSON answer.
func decode(phase troubleshoot.Phase, body []byte, v any) error {
	if err := json.Unmarshal(body, v); err != nil {
		return malformed(phase, "answer is not the promised JSON: %w", err)
	}
	return nil
}

// initAnswer is webwxinit's.
type initAnswer struct {
	BaseResponse *baseResponse
	SyncKey      *syncKey
	User         *rawContact
	ContactList  []rawContact
	ChatSet      string
}

func readInit(body []byte) (*initAnswer, error) {
	var a initAnswer
	if err := decode(troubleshoot.PhaseLogin, body, &a); err != nil {
		return nil, err
	}
	if err := a.BaseResponse.check(troubleshoot.PhaseLogin); err != nil {
		return nil, err
	}
	if a.User == nil || !isPerson(a.User.UserName) {
		return nil, malformed(troubleshoot.PhaseLogin, "answer without User")
	}
	return &a, a.SyncKey.check(troubleshoot.PhaseLogin)
}

// forLibrary is what openwechat needs of webwxinit's answer, and no more.
func (a *initAnswer) forLibrary() []byte {
	user := map[string]string{"UserName": a.User.UserName}
	return encode(map[string]any{"BaseResponse": baseResponse{}, "SyncKey": a.SyncKey, "User": user})
}

// syncAnswer is webwxsync's.
type syncAnswer struct {
	BaseResponse   *baseResponse
	SyncKey        *syncKey
	AddMsgList     []json.RawMessage
	ModContactList []rawContact
	DelContactList []rawContact
}

func readSync(body []byte) (*syncAnswer, error) {
	var a syncAnswer
	if err := decode(troubleshoot.PhaseSync, body, &a); err != nil {
		return nil, err
	}
	if err := a.BaseResponse.check(troubleshoot.PhaseSync); err != nil {
		return nil, err
	}
	return &a, a.SyncKey.check(troubleshoot.PhaseSync)
}

// forLibrary is webwxsync's answer without its messages: openwechat only keeps
// the cursor.
func (a *syncAnswer) forLibrary() []byte {
	return encode(map[string]any{"BaseResponse": baseResponse{}, "SyncKey": a.SyncKey})
}

func encode(v any) []byte {
	b, _ := json.Marshal(v) // plain maps and structs of strings and numbers
	return b
}

// fine is the answer of a call nobody needs to succeed.
func fine() []byte { return encode(map[string]any{"BaseResponse": baseResponse{}}) }

// checkSend reads webwxsendmsg's answer.
func checkSend(body []byte) error {
	var a struct {
		BaseResponse *baseResponse
		MsgID        looseString
	}
	if err := decode(troubleshoot.PhaseSend, body, &a); err != nil {
		return err
	}
	return a.BaseResponse.check(troubleshoot.PhaseSend)
}

// scripts read the answers that are JavaScript.
type scripts struct {
	uuid, uuidCode, login, redirect, sync *regexp.Regexp
}

func newScripts() *scripts {
	return &scripts{
		uuidCode: regexp.MustCompile(`window\.QRLogin\.code\s*=\s*(\d+)`),
		uuid:     regexp.MustCompile(`uuid = "([A-Za-z0-9_=+/-]{1,64})";`),
		login:    regexp.MustCompile(`window\.code=(\d+);`),
		redirect: regexp.MustCompile(`window\.redirect_uri="(.*?)"`),
		sync:     regexp.MustCompile(`window\.synccheck=\{retcode:"(\d{1,9})",selector:"(\d{1,9})"\}`),
	}
}

// readUUID reads jslogin's answer and returns it in its plain form.
func (s *scripts) readUUID(body []byte) ([]byte, error) {
	if m := s.uuidCode.FindSubmatch(body); m != nil && string(m[1]) != "200" {
		return nil, loginCode("qrlogin_", m[1])
	}
	m := s.uuid.FindSubmatch(body)
	if m == nil {
		return nil, malformed(troubleshoot.PhaseLogin, "no QR code in the answer")
	}
	return fmt.Appendf(nil, `window.QRLogin.code = 200; window.QRLogin.uuid = "%s";`, m[1]), nil
}

// readPoll reads login's answer and returns it in its plain form: code 200
// confirmed, 201 scanned, 400 expired, 408 still waiting.
func (s *scripts) readPoll(body []byte) ([]byte, error) {
	m := s.login.FindSubmatch(body)
	if m == nil {
		return nil, malformed(troubleshoot.PhaseLogin, "no code in the answer")
	}
	switch string(m[1]) {
	case "200":
		return s.readRedirect(body)
	case "201", "400", "408":
		return pollAnswer(string(m[1])), nil
	}
	return nil, loginCode("login_", m[1])
}

func pollAnswer(code string) []byte { return fmt.Appendf(nil, "window.code=%s;", code) }

func (s *scripts) readRedirect(body []byte) ([]byte, error) {
	m := s.redirect.FindSubmatch(body)
	if m == nil {
		return nil, malformed(troubleshoot.PhaseLogin, "no address in the answer")
	}
	if u, err := url.Parse(string(m[1])); err != nil || !known(u) {
		return nil, malformed(troubleshoot.PhaseLogin, "the answer leads away from WeChat")
	}
	return fmt.Appendf(pollAnswer("200"), `window.redirect_uri="%s"`, m[1]), nil
}

// loginCode is a code of the login scripts that means no.
func loginCode(prefix string, code []byte) *troubleshoot.Fault {
	return &troubleshoot.Fault{
		Source: troubleshoot.SourceWeChat, Phase: troubleshoot.PhaseLogin, Net: troubleshoot.NetDecode,
		Code: prefix + cutBytes(string(code), 8),
	}
}

// readCheck reads synccheck's answer and tells whether there is news.
func (s *scripts) readCheck(body []byte) (plain []byte, news bool, err error) {
	m := s.sync.FindSubmatch(body)
	if m == nil {
		return nil, false, malformed(troubleshoot.PhaseSync, "no synccheck in the answer")
	}
	if ret, _ := strconv.Atoi(string(m[1])); ret != 0 {
		return nil, false, refusal(troubleshoot.PhaseSync, ret, "")
	}
	return m[0], string(m[2]) != "0", nil
}

// checkTicket reads webwxnewloginpage's answer, the credentials.
func checkTicket(body []byte) error {
	var t struct {
		Ret     int    `xml:"ret"`
		Message string `xml:"message"`
		Skey    string `xml:"skey"`
		Sid     string `xml:"wxsid"`
		Uin     int64  `xml:"wxuin"`
		Ticket  string `xml:"pass_ticket"`
	}
	if err := xml.Unmarshal(body, &t); err != nil {
		return malformed(troubleshoot.PhaseLogin, "no credentials in the answer")
	}
	switch {
	case t.Ret != 0:
		return refusal(troubleshoot.PhaseLogin, t.Ret, t.Message)
	case t.Skey == "" || t.Sid == "" || t.Uin == 0 || t.Ticket == "":
		return malformed(troubleshoot.PhaseLogin, "credentials are incomplete")
	}
	return nil
}

// known tells whether an address belongs to WeChat. openwechat sends the
// credentials wherever a login leads it.
func known(u *url.URL) bool {
	return u.Scheme == "https" && (u.Port() == "" || u.Port() == "443") && u.User == nil && knownHost(u.Hostname())
}

func knownHost(host string) bool {
	odd := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '.' && r != '-'
	}
	return !strings.ContainsFunc(host, odd) &&
		(strings.HasSuffix(host, ".qq.com") || strings.HasSuffix(host, ".wechat.com"))
}
