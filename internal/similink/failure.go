package similink

import (
	"strings"
	"time"

	"github.com/diagbot/diagbot/internal/simkit"
)

// Failure is one way a request can go wrong. The first of Hang, Reset, a
// replacing answer (Ret, Errcode, Status, Body), LoseAnswer, CutBody and Stall
// that is set applies; Delay comes before any of them.
type Failure struct {
	Ret     int    // refused in the field ret
	Errcode int    // refused in the field errcode; with Ret zero there is no ret at all
	ErrMsg  string // text that goes with either
	Status  int    // HTTP status; with an empty Body the answer is empty
	Body    string // sent as it is; Status defaults to 200

	Reset      bool          // the connection is reset before anything is done
	Hang       bool          // never answered; Heal and Close reset the connection
	LoseAnswer bool          // the request is carried out, then the connection is reset
	CutBody    bool          // the request is carried out, half of the answer arrives, then the connection ends
	Stall      bool          // the request is carried out, half of the answer arrives, then nothing until Heal
	Delay      time.Duration // before anything is done
}

// HTML returns the failure of a gateway that answers with an HTML page.
func HTML(status int) Failure {
	return Failure{Status: status, Body: simkit.Page(status, "cloudflare")}
}

// AnyEndpoint makes Fail apply to every request.
const AnyEndpoint = simkit.AnyEndpoint

// Fail makes the next times requests to an endpoint fail; times < 0: all until
// Heal. The endpoint is the last element of the path (get_bot_qrcode,
// get_qrcode_status, notifystart, getupdates, sendmessage, getconfig, sendtyping,
// getuploadurl, upload, download …) or [AnyEndpoint]. Several Fails of one
// endpoint come in the order they were asked for. Held polls return at once, with
// nothing in them.
func (s *Server) Fail(endpoint string, f Failure, times int) { s.stage.Fail(endpoint, f, times) }

// Heal ends all failures and resets what hangs.
func (s *Server) Heal() { s.stage.Heal() }

func (f Failure) replaces() bool {
	return f.Status != 0 || f.Body != "" || f.Ret != 0 || f.Errcode != 0
}

func (f Failure) answer() answer {
	if f.Status == 0 && f.Body == "" {
		v := verdict{Errcode: f.Errcode, ErrMsg: f.ErrMsg}
		if f.Ret != 0 {
			v.Ret = &f.Ret
		}
		return jsonAnswer(v)
	}
	mime := "application/json"
	if strings.HasPrefix(strings.TrimSpace(f.Body), "<") {
		mime = "text/html"
	}
	return answer{status: f.Status, mime: mime, body: []byte(f.Body)}
}
