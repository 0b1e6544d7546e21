package similink

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/diagbot/diagbot/internal/simkit"
	"github.com/diagbot/diagbot/internal/simtls"
)

// The hosts of the service. The name of the last one is invented: nobody has
// written down a real one.
const (
	APIHost      = "ilinkai.weixin.qq.com"
	CDNHost      = "novac2c.cdn.weixin.qq.com"
	RedirectHost = "ilinkai-hk.weixin.qq.com"
)

// Options says how the server behaves. The zero value is a patient, correct
// server whose QR codes are confirmed at once.
type Options struct {
	Authority *simtls.Authority // signs the certificates; nil: a new one
	Listen    string            // default 127.0.0.1:0

	Hold        time.Duration // how long a poll is held when nothing is new, default 25 s
	PollTimeout time.Duration // the longpolling_timeout_ms advertised, default 35 s; negative: none
	Batch       int           // messages in one answer, default 20

	ScanDelay  time.Duration // a QR code is scanned and confirmed by itself after this; negative: only by Scan
	VerifyCode string        // digits the phone shows, which the client must send back; empty: none
	Redirect   bool          // a scanned code must be polled at RedirectHost, where the account then lives; to leave out the host, Fail with a Body

	Quota  int    // replies for each message heard, within 24 hours; default 10
	Limit  *Limit // throttles sending; nil: never
	Revive bool   // notifystart brings a session back that Kick ended

	FullURLs bool // uploads and downloads are given as whole URLs, too
	Lax      bool // headers are not asked for
	History  int  // messages and sent messages kept at least, default 10000 each

	Assume Assume
}

// Limit is a throttle for everything sent: once the bucket of Burst messages,
// refilled by one each Every, is empty, sending gets -2 "rate limited" for Block.
type Limit struct {
	Every time.Duration
	Burst int
	Block time.Duration // 15 to 30 s by most reports
}

// Server is a simulated iLink server. All its methods are safe for concurrent
// use.
type Server struct {
	opt       Options
	endpoints map[string]endpoint
	stage     *simkit.Stage[Failure]

	mu      *sync.Mutex   // the stage's; it guards what follows
	ahead   time.Duration // how far Advance has put the clock forward
	session *session
	issued  map[string]bool // every bot token there ever was
	lastUin string

	codes    map[string]*code
	newest   *code
	expire   int
	scanNext bool

	owner    *person
	people   map[string]*person // by id and by name
	messages simkit.History[message]
	handed   int64 // number of the newest message handed out
	polls    int   // getupdates begun
	noCursor int   // answers that will lack get_updates_buf
	lastID   uint64

	grants  grants
	shelf   shelf
	uploads map[string]*upload
	sent    simkit.History[Sent]
	lost    simkit.History[Sent]
	typing  simkit.History[Typing]
	clients map[string]uint64 // message ids by client_id
	limiter *rate.Limiter
	blocked time.Time

	requests   simkit.History[Request]
	counts     map[string]int
	complaints []string
}

// Start starts a server on the loopback interface.
func Start(o Options) (*Server, error) {
	o.setDefaults()
	stage, err := simkit.New[Failure](o.Authority)
	if err != nil {
		return nil, fmt.Errorf("start simulated iLink: %w", err)
	}
	s := &Server{
		opt: o, stage: stage, mu: &stage.Mu, endpoints: endpoints(),
		lastID: 14e18 + uint64(time.Now().Unix()),
		issued: map[string]bool{}, codes: map[string]*code{}, people: map[string]*person{},
		uploads: map[string]*upload{}, clients: map[string]uint64{},
		counts:   map[string]int{},
		messages: simkit.History[message]{Limit: o.History}, sent: simkit.History[Sent]{Limit: o.History},
		lost: simkit.History[Sent]{Limit: o.History}, typing: simkit.History[Typing]{Limit: o.History},
		requests: simkit.History[Request]{Limit: requestLimit},
	}
	s.owner = s.newPerson("主人")
	if o.Limit != nil {
		s.limiter = rate.NewLimiter(rate.Every(o.Limit.Every), o.Limit.Burst)
	}
	if err := s.stage.Open(o.Listen, s.Hosts(), s); err != nil {
		return nil, fmt.Errorf("start simulated iLink: %w", err)
	}
	return s, nil
}

func (o *Options) setDefaults() {
	orDefault(&o.Listen, "127.0.0.1:0")
	orDefault(&o.Hold, 25*time.Second)
	orDefault(&o.PollTimeout, 35*time.Second)
	orDefault(&o.Batch, 20)
	orDefault(&o.Quota, 10)
	orDefault(&o.History, 10000)
	o.Assume.setDefaults()
}

func orDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

// Close ends all polls and connections and waits for their goroutines.
func (s *Server) Close() error {
	s.stage.Close()
	return nil
}

// Addr is the loopback address the server listens on.
func (s *Server) Addr() string { return s.stage.Addr() }

// Authority is the certificate authority clients must trust.
func (s *Server) Authority() *simtls.Authority { return s.stage.Authority() }

// Hosts are the host names the server answers for.
func (s *Server) Hosts() []string { return []string{APIHost, CDNHost, RedirectHost} }

// Transport returns a new transport that connects [Server.Hosts] to the server
// and refuses all other hosts.
func (s *Server) Transport() *http.Transport { return s.stage.Transport(s.Hosts()) }

// Advance puts the server's clock forward: replies come too late, QR codes and
// typing tickets expire.
func (s *Server) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ahead += d
	s.stage.News.Ring()
	s.stage.Seen.Ring()
}

// now is the time as the server sees it.
func (s *Server) now() time.Time { return time.Now().Add(s.ahead) }

// token returns n random bytes in hexadecimal.
func token(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}
