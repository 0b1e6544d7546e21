package simwechat

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/diagbot/diagbot/internal/simkit"
)

// bodyLimit bounds a request: an upload's chunk has 512 KiB.
const bodyLimit = 2 << 20

// answer is what an endpoint says.
type answer struct {
	status  int // 0: 200
	mime    string
	body    []byte
	cookies []*http.Cookie
	ranged  bool // a download: Range works
}

// endpoint is one of the server's pages. It may block as long as the request's
// context and the server live.
type endpoint struct {
	place string // the part of the host before the account's domain
	serve func(*Server, *visit) answer
}

// The places endpoints live at.
const (
	atBase  = ""
	atPush  = "webpush."
	atFile  = "file."
	atLogin = "login."
)

func endpoints() map[string]endpoint {
	return map[string]endpoint{
		"jslogin":              {atLogin, (*Server).jsLogin},
		"login":                {atLogin, (*Server).pollLogin},
		"webwxnewloginpage":    {atBase, (*Server).loginPage},
		"webwxpushloginurl":    {atBase, (*Server).pushLogin},
		"webwxinit":            {atBase, (*Server).initialise},
		"webwxstatusnotify":    {atBase, (*Server).statusNotify},
		"webwxlogout":          {atBase, (*Server).logout},
		"webwxgetcontact":      {atBase, (*Server).listContacts},
		"webwxbatchgetcontact": {atBase, (*Server).batchContacts},
		"synccheck":            {atPush, (*Server).syncCheck},
		"webwxsync":            {atBase, (*Server).sync},
		"webwxsendmsg":         {atBase, (*Server).sendText},
		"webwxsendmsgimg":      {atBase, (*Server).sendImage},
		"webwxsendvideomsg":    {atBase, (*Server).sendVideo},
		"webwxsendappmsg":      {atBase, (*Server).sendApp},
		"webwxsendemoticon":    {atBase, (*Server).sendEmoji},
		"webwxrevokemsg":       {atBase, (*Server).revoke},
		"webwxcheckupload":     {atBase, (*Server).checkUpload},
		"webwxuploadmedia":     {atFile, (*Server).uploadMedia},
		"webwxgetmedia":        {atFile, (*Server).getMedia},
		"webwxgetmsgimg":       {atBase, (*Server).getImage},
		"webwxgetvoice":        {atBase, (*Server).getVoice},
		"webwxgetvideo":        {atBase, (*Server).getVideo},
		"webwxgeticon":         {atBase, (*Server).picture},
		"webwxgetheadimg":      {atBase, (*Server).picture},
		"webwxoplog":           {atBase, (*Server).accepted},
		"webwxverifyuser":      {atBase, (*Server).accepted},
		"webwxupdatechatroom":  {atBase, (*Server).accepted},
		"qrcode":               {atLogin, (*Server).qrImage},
	}
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if !s.stage.Enter() {
		return
	}
	defer s.stage.Leave()
	r := s.meet(req)
	f := r.Failure
	if f.Delay > 0 && !s.stage.Pause(r.Context(), f.Delay) {
		return
	}
	switch {
	case f.Hang:
		_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, bodyLimit)) // or net/http would not see the client leave
		s.stage.Hang(r.Context(), r.Fate)
		simkit.Reset(w)
	case f.Reset:
		simkit.Reset(w)
	case f.replaces():
		s.write(w, r, f.answer(r.name))
	default:
		s.play(w, r)
	}
}

func endpointName(p string) string {
	if strings.HasPrefix(p, "/qrcode/") {
		return "qrcode"
	}
	return path.Base(p)
}

// play lets the endpoint do its work and then spoils the answer as f says.
func (s *Server) play(w http.ResponseWriter, r *visit) {
	r.Body = http.MaxBytesReader(w, r.Body, bodyLimit)
	a := answer{status: http.StatusNotFound, mime: "text/html", body: []byte(HTML(http.StatusNotFound).Body)}
	if e, ok := s.endpoints[r.name]; ok && atPlace(r.Host, e.place) && atPath(r.URL.Path) {
		a = e.serve(s, r)
	}
	switch {
	case r.Failure.LoseAnswer:
		simkit.Reset(w)
	case r.Failure.CutBody, r.Failure.Stall:
		s.stage.Cut(w, r.Fate, a.mime, a.body, r.Failure.Stall)
	default:
		s.write(w, r, a)
	}
}

// atPath tells the paths endpoints have.
func atPath(p string) bool {
	return p == "/jslogin" || path.Dir(p) == "/cgi-bin/mmwebwx-bin" || path.Dir(p) == "/qrcode"
}

func atPlace(host, place string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if place == atLogin && host == "login.weixin.qq.com" {
		return true
	}
	for _, d := range Domains() {
		if host == place+d {
			return true
		}
	}
	return false
}

func (s *Server) write(w http.ResponseWriter, r *visit, a answer) {
	for _, c := range a.cookies {
		http.SetCookie(w, c)
	}
	if a.mime != "" {
		w.Header().Set("Content-Type", a.mime)
	}
	w.Header().Set("Connection", "keep-alive")
	if a.ranged && len(a.body) > 0 {
		http.ServeContent(w, r.Request, "", time.Time{}, bytes.NewReader(a.body))
		return
	}
	if a.status != 0 {
		w.WriteHeader(a.status)
	}
	_, _ = w.Write(a.body) // the client may have gone
}

// baseResponse begins every JSON answer.
type baseResponse struct {
	Ret    int
	ErrMsg string
}

func jsonAnswer(v any) answer {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil { // a raw message of a test that JSON cannot carry
		return answer{status: http.StatusInternalServerError, body: []byte(err.Error())}
	}
	return answer{mime: "text/plain", body: b.Bytes()} // the real server's type, too
}

func retAnswer(ret int) answer {
	return jsonAnswer(struct{ BaseResponse baseResponse }{baseResponse{Ret: ret}})
}

func scriptAnswer(lines ...string) answer {
	return answer{mime: "text/javascript", body: []byte(strings.Join(lines, ""))}
}
