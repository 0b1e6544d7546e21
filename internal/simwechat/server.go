package simwechat

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/diagbot/diagbot/internal/simkit"
	"github.com/diagbot/diagbot/internal/simtls"
)

// Options says how the server behaves. The zero value is a patient, correct
// server whose QR codes are confirmed at once.
type Options struct {
	Authority *simtls.Authority // signs the certificates; nil: a new one
	Listen    string            // default 127.0.0.1:0
	Domain    string            // where the account lives after login, default wx.qq.com; see [Domains]
	Nick      string            // the bot account's nickname, default 小诊

	Hold      time.Duration // how long a poll is held when nothing is new, default 25 s
	ScanDelay time.Duration // a QR code is scanned and confirmed by itself after this; negative: only by Scan
	QRLife    time.Duration // when an unscanned QR code expires, default 5 min

	RefuseNormal bool   // logins without the desktop client's headers are refused with 1203
	Lax          bool   // cookies are not asked for
	RenewCookies bool   // webwxsync sets the cookies anew
	EmojiSpans   bool   // emoji arrive as <span class="emoji emoji1f600"></span>
	Echo         bool   // messages sent by the client come back in webwxsync
	Limit        *Limit // throttles sending with 1205; nil: never

	ContactPage int // contacts per page of webwxgetcontact, default 1000
	History     int // messages, changes and sent messages kept at least, default 10000 each
}

// Limit is a throttle for everything sent: once the bucket of Burst messages,
// refilled by one each Every, is empty, sending gets Ret 1205 for Block.
type Limit struct {
	Every time.Duration
	Burst int
	Block time.Duration // about half an hour in production
}

// Server is a simulated WeChat web server. All its methods are safe for
// concurrent use.
type Server struct {
	opt       Options
	endpoints map[string]endpoint
	stage     *simkit.Stage[Failure]

	mu       *sync.Mutex // the stage's; it guards what follows
	session  *session
	logins   int
	refusal  refusal
	codes    map[string]*code
	newest   *code
	expire   int
	scanNext bool

	people   people
	media    shelf
	uploads  map[string]*upload
	messages simkit.History[message]
	changes  simkit.History[*contact]
	recent   []*contact
	lastID   int64

	sent     simkit.History[Sent]
	clientID map[string]bool
	limiter  *rate.Limiter
	blocked  time.Time

	requests   simkit.History[request]
	counts     map[string]int
	complaints []string
}

// Start starts a server on the loopback interface.
func Start(o Options) (*Server, error) {
	o.setDefaults()
	stage, err := simkit.New[Failure](o.Authority)
	if err != nil {
		return nil, fmt.Errorf("start simulated WeChat: %w", err)
	}
	s := &Server{
		opt: o, stage: stage, mu: &stage.Mu, endpoints: endpoints(),
		lastID: 6e18 + time.Now().Unix(),
		codes:  map[string]*code{}, clientID: map[string]bool{}, uploads: map[string]*upload{},
		counts:   map[string]int{},
		messages: simkit.History[message]{Limit: o.History}, changes: simkit.History[*contact]{Limit: o.History},
		sent: simkit.History[Sent]{Limit: o.History}, requests: simkit.History[request]{Limit: requestLimit},
	}
	s.people = newPeople(o.Nick)
	if o.Limit != nil {
		s.limiter = rate.NewLimiter(rate.Every(o.Limit.Every), o.Limit.Burst)
	}
	if err := s.stage.Open(o.Listen, s.Hosts(), s); err != nil {
		return nil, fmt.Errorf("start simulated WeChat: %w", err)
	}
	return s, nil
}

func (o *Options) setDefaults() {
	orDefault(&o.Listen, "127.0.0.1:0")
	orDefault(&o.Domain, "wx.qq.com")
	orDefault(&o.Nick, "小诊")
	orDefault(&o.Hold, 25*time.Second)
	orDefault(&o.QRLife, 5*time.Minute)
	orDefault(&o.ContactPage, 1000)
	orDefault(&o.History, 10000)
}

func orDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

// Serve answers connections of a further listener too, until Close, which
// closes it.
func (s *Server) Serve(l net.Listener) { s.stage.Serve(l) }

// Close ends all polls and connections and waits for their goroutines.
func (s *Server) Close() error {
	s.stage.Close()
	return nil
}

// Addr is the loopback address the server listens on.
func (s *Server) Addr() string { return s.stage.Addr() }

// Domains are the domains an account can live on.
func Domains() []string {
	return []string{"wx.qq.com", "wx2.qq.com", "wx8.qq.com", "web.wechat.com", "web2.wechat.com"}
}

// Hosts are the host names the server answers for.
func (s *Server) Hosts() []string {
	hosts := []string{"login.weixin.qq.com"}
	for _, d := range Domains() {
		hosts = append(hosts, d, "login."+d, "webpush."+d, "file."+d)
	}
	return hosts
}

// Transport returns a new transport that connects [Server.Hosts] to the server
// and refuses all other hosts.
func (s *Server) Transport() *http.Transport { return s.stage.Transport(s.Hosts()) }

// token returns n random bytes in hexadecimal.
func token(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}
