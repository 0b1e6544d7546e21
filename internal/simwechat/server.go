package simwechat

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"

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
	opt        Options
	authority  *simtls.Authority
	listener   net.Listener
	http       *http.Server
	done       chan struct{} // closed by Close
	running    sync.WaitGroup
	closing    sync.Once
	endpoints  map[string]endpoint
	transports []*http.Transport

	mu       sync.Mutex
	ended    bool // nothing new may start
	news     bell // something a held poll may wait for
	seen     bell // something a test may wait for
	flush    int  // counts Fail calls: held polls end so that the next one meets the failure
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
	messages history[message]
	changes  history[*contact]
	recent   []*contact
	lastID   int64

	sent     history[Sent]
	clientID map[string]bool
	limiter  *rate.Limiter
	blocked  time.Time

	faults     map[string][]*fault
	healed     chan struct{} // closed and replaced by Heal
	requests   history[request]
	counts     map[string]int
	complaints []string
}

// Start starts a server on the loopback interface.
func Start(o Options) (*Server, error) {
	o.setDefaults()
	s := &Server{
		opt: o, authority: o.Authority, done: make(chan struct{}), endpoints: endpoints(),
		lastID: 6e18 + time.Now().Unix(), news: newBell(), seen: newBell(), healed: make(chan struct{}),
		codes: map[string]*code{}, clientID: map[string]bool{}, uploads: map[string]*upload{},
		faults: map[string][]*fault{}, counts: map[string]int{},
		messages: history[message]{limit: o.History}, changes: history[*contact]{limit: o.History},
		sent: history[Sent]{limit: o.History}, requests: history[request]{limit: requestLimit},
	}
	s.people = newPeople(o.Nick)
	if o.Limit != nil {
		s.limiter = rate.NewLimiter(rate.Every(o.Limit.Every), o.Limit.Burst)
	}
	if err := s.listen(); err != nil {
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

func (s *Server) listen() (err error) {
	if s.authority == nil {
		if s.authority, err = simtls.New(); err != nil {
			return err
		}
	}
	config, err := s.authority.ServerConfig(s.Hosts()...)
	if err != nil {
		return err
	}
	config.NextProtos = []string{"http/1.1"} // connections must be hijackable
	if s.listener, err = net.Listen("tcp", s.opt.Listen); err != nil {
		return err
	}
	if ip := s.listener.Addr().(*net.TCPAddr).IP; !ip.IsLoopback() {
		return errors.Join(fmt.Errorf("listen on %s: not the loopback interface", ip), s.listener.Close())
	}
	s.http = &http.Server{
		Handler: s, TLSConfig: config,
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          log.New(io.Discard, "", 0), // clients that hang up are part of the play
	}
	s.running.Add(1)
	go s.serve(s.listener)
	return nil
}

func (s *Server) serve(l net.Listener) {
	defer s.running.Done()
	_ = s.http.ServeTLS(l, "", "") // ends with ErrServerClosed
}

// Serve answers connections of a further listener too, until Close, which
// closes it.
func (s *Server) Serve(l net.Listener) {
	if s.enter() {
		go s.serve(l)
	}
}

// Close ends all polls and connections and waits for their goroutines.
func (s *Server) Close() error {
	s.closing.Do(func() {
		s.mu.Lock()
		s.ended = true
		s.mu.Unlock()
		close(s.done)
		_ = s.http.Close() // only the listener can fail here, and it is gone
		s.running.Wait()
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, t := range s.transports {
			t.CloseIdleConnections()
		}
	})
	return nil
}

// enter begins something Close must wait for, unless Close has begun.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ended {
		s.running.Add(1)
	}
	return !s.ended
}

// Addr is the loopback address the server listens on.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Authority is the certificate authority clients must trust.
func (s *Server) Authority() *simtls.Authority { return s.authority }

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
func (s *Server) Transport() *http.Transport {
	route := map[string]string{}
	for _, h := range s.Hosts() {
		route[h+":443"] = s.Addr()
	}
	t := s.authority.Transport(route)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.transports = append(s.transports, t)
	return t
}

// token returns n random bytes in hexadecimal.
func token(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}
