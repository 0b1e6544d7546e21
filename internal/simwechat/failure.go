package simwechat

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/diagbot/diagbot/internal/simkit"
)

// Failure is one way a request can go wrong. The first of Hang, Reset, a
// replacing answer (Status, Body, Ret, Selector), LoseAnswer, CutBody and Stall that
// is set applies; Delay comes before any of them.
type Failure struct {
	Ret      int    // refused by the protocol, in the form of the endpoint: JSON, JavaScript or XML
	ErrMsg   string // text that goes with Ret
	Selector string // of synccheck, with Ret; default 0
	Status   int    // HTTP status; with an empty Body the answer is empty
	Body     string // sent as it is; Status defaults to 200

	Reset      bool          // the connection is reset before anything is done
	Hang       bool          // never answered; Heal and Close reset the connection
	LoseAnswer bool          // the request is carried out, then the connection is reset
	CutBody    bool          // the request is carried out, half of the answer arrives, then the connection ends
	Stall      bool          // the request is carried out, half of the answer arrives, then nothing until Heal
	Delay      time.Duration // before anything is done
}

// HTML returns the failure of a gateway that answers with an HTML page.
func HTML(status int) Failure { return Failure{Status: status, Body: simkit.Page(status, "nginx")} }

// AnyEndpoint makes Fail apply to every request.
const AnyEndpoint = simkit.AnyEndpoint

// Fail makes the next times requests to an endpoint fail; times < 0: all until
// Heal. The endpoint is the last element of the path (synccheck, webwxsync,
// webwxsendmsg, jslogin, login, webwxinit …) or [AnyEndpoint]. Several Fails of one endpoint
// come in the order they were asked for. Held polls return at once.
func (s *Server) Fail(endpoint string, f Failure, times int) { s.stage.Fail(endpoint, f, times) }

// Heal ends all failures and resets what hangs.
func (s *Server) Heal() { s.stage.Heal() }

func (f Failure) replaces() bool {
	return f.Status != 0 || f.Body != "" || f.Ret != 0 || f.Selector != ""
}

func (f Failure) answer(endpoint string) answer {
	if f.Status == 0 && f.Body == "" {
		return refuse(endpoint, f)
	}
	mime := "text/plain"
	if strings.HasPrefix(strings.TrimSpace(f.Body), "<") {
		mime = "text/html"
	}
	return answer{status: f.Status, mime: mime, body: []byte(f.Body)}
}

// refuse says Ret in the way of the endpoint.
func refuse(endpoint string, f Failure) answer {
	switch endpoint {
	case "synccheck":
		return checkAnswer(f.Ret, f.Selector)
	case "login":
		return scriptAnswer(fmt.Sprintf("window.code=%d;", f.Ret))
	case "jslogin":
		return scriptAnswer(fmt.Sprintf(`window.QRLogin.code = %d; window.QRLogin.uuid = "";`, f.Ret))
	case "webwxnewloginpage":
		return xmlAnswer(loginResult{Ret: f.Ret, Message: f.ErrMsg})
	case "webwxpushloginurl":
		return jsonAnswer(pushResult{Ret: strconv.Itoa(f.Ret), Msg: f.ErrMsg})
	case "webwxsync":
		return jsonAnswer(emptySync(f.Ret, f.ErrMsg))
	}
	return jsonAnswer(struct{ BaseResponse baseResponse }{baseResponse{f.Ret, f.ErrMsg}})
}

func xmlAnswer(v any) answer {
	b, err := xml.Marshal(v)
	if err != nil {
		return answer{status: http.StatusInternalServerError, body: []byte(err.Error())}
	}
	return answer{mime: "text/plain", body: b}
}
