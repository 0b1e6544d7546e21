package ilink

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/diagbot/diagbot/internal/gate"
	"github.com/diagbot/diagbot/troubleshoot"
)

const (
	apiBase       = "https://ilinkai.weixin.qq.com"
	cdnBase       = "https://novac2c.cdn.weixin.qq.com/c2c"
	version       = "2.4.9"  // of the protocol
	clientVersion = "132105" // the same, as major<<16|minor<<8|patch
	smallAnswer   = 256 << 10
	largeAnswer   = 16 << 20
	callTime      = 15 * time.Second
	sideTime      = 10 * time.Second // of calls that nobody waits for
)

// client makes single calls. It follows no redirects and keeps no cookies, sends
// credentials only to WeChat's own hosts, and reads no more of an answer than it
// may. Its errors are *troubleshoot.Fault without credentials or addresses.
type client struct {
	transport http.RoundTripper
	agent     string
}

// call is one request.
type call struct {
	phase  troubleshoot.Phase
	method string
	url    string
	header http.Header
	body   []byte
	limit  int64 // bytes of the answer

	stay    context.Context // if it ends before an answer begins, so does the call; nil: never
	written bool            // the request went out
	over    bool            // the answer is over the limit
	answer  http.Header
}

// do makes a call and returns the body of its answer. With an error it returns
// what came of it.
func (c *client) do(ctx context.Context, k *call) ([]byte, *troubleshoot.Fault) {
	u, err := url.Parse(k.url)
	if err != nil || !known(u) {
		return nil, malformed(k.phase, errStranger)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wrote atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { wrote.Store(true) }})
	request, err := http.NewRequestWithContext(ctx, k.method, k.url, bytes.NewReader(k.body))
	if err != nil {
		return nil, malformed(k.phase, errStranger)
	}
	request.Header = k.header
	release := func() bool { return true }
	if k.stay != nil {
		release = context.AfterFunc(k.stay, cancel)
	}
	response, err := c.transport.RoundTrip(request)
	release()
	k.written = wrote.Load()
	if err != nil {
		return nil, netFault(k.phase, err)
	}
	defer response.Body.Close()
	k.answer = response.Header
	return k.read(response)
}

// read reads an answer. A gateway's page is of no interest.
func (k *call) read(response *http.Response) ([]byte, *troubleshoot.Fault) {
	body, err := io.ReadAll(io.LimitReader(response.Body, k.limit+1))
	switch k.over = int64(len(body)) > k.limit; {
	case response.StatusCode != http.StatusOK:
		k.over = false
		return nil, statusFault(k.phase, response.StatusCode)
	case err != nil:
		return body, netFault(k.phase, err)
	case k.over:
		return body[:k.limit], malformed(k.phase, errNotPromised)
	}
	return body, nil
}

// post asks the API as a bot, or as nobody yet if l is nil, and reads the answer
// into out. It reports whether the request went out.
func (c *client) post(ctx context.Context, l *login, phase troubleshoot.Phase, endpoint string, in any, out answer) (written bool, _ *troubleshoot.Fault) {
	k, f := c.prepare(l, phase, endpoint, in)
	if f != nil {
		return false, f
	}
	body, f := c.do(ctx, k)
	if f != nil {
		return k.written, f
	}
	return k.written, decode(phase, body, out, l.secret())
}

// prepare makes a POST to the API.
func (c *client) prepare(l *login, phase troubleshoot.Phase, endpoint string, in any) (*call, *troubleshoot.Fault) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, malformed(phase, err)
	}
	base := apiBase
	h := headers()
	h.Set("Content-Type", "application/json")
	h.Set("AuthorizationType", "ilink_bot_token")
	h.Set("X-WECHAT-UIN", newUin())
	if l != nil {
		base = l.BaseURL
		h.Set("Authorization", "Bearer "+l.Token)
	}
	return &call{phase: phase, method: http.MethodPost, url: base + "/ilink/bot/" + endpoint, header: h, body: body, limit: smallAnswer}, nil
}

// get asks for something that is not JSON, or without being a bot.
func (c *client) get(ctx context.Context, phase troubleshoot.Phase, url string, header http.Header, limit int64) ([]byte, *troubleshoot.Fault) {
	return c.do(ctx, &call{phase: phase, method: http.MethodGet, url: url, header: header, limit: limit})
}

func decode(phase troubleshoot.Phase, body []byte, out answer, secrets ...string) *troubleshoot.Fault {
	if json.Unmarshal(body, out) != nil {
		return malformed(phase, errNotPromised) // the decoder's words may repeat the answer's
	}
	if out.code() != 0 {
		return refusal(phase, out, secrets...)
	}
	return nil
}

func (c *client) base() baseInfo { return baseInfo{Version: version, Agent: c.agent} }

// headers are those of every request to the API. Without them it says that the
// session is over.
func headers() http.Header {
	return http.Header{"Ilink-App-Id": {"bot"}, "Ilink-App-Clientversion": {clientVersion}}
}

// newUin is a random number in the form the API wants, new for each request.
func newUin() string {
	var b [4]byte
	_, _ = rand.Read(b[:]) // does not fail since Go 1.24
	return base64.StdEncoding.EncodeToString(strconv.AppendUint(nil, uint64(binary.LittleEndian.Uint32(b[:])), 10))
}

// known tells whether an address is one of WeChat's, over HTTPS. Credentials and
// media go nowhere else, wherever an answer leads.
func known(u *url.URL) bool {
	return u.Scheme == "https" && (u.Port() == "" || u.Port() == "443") && u.User == nil && knownHost(u.Hostname())
}

const home = "weixin.qq.com"

func knownHost(host string) bool {
	odd := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '.' && r != '-'
	}
	return len(host) <= 253 && !strings.ContainsFunc(host, odd) && (host == home || strings.HasSuffix(host, "."+home))
}

// knownBase returns an address the API tells, without what follows the host.
func knownBase(address string) (string, bool) {
	u, err := url.Parse(address)
	if err != nil || !known(u) {
		return "", false
	}
	return "https://" + u.Hostname(), true
}

// agentOf makes a text fit for the field in which bots name themselves: at most 256
// bytes of printable ASCII.
func agentOf(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, name)
	if name = cutBytes(strings.TrimSpace(name), 256); name == "" {
		return "diagbot/1.0"
	}
	return name
}

// newTransport returns a transport with the proxies of the environment and the
// certificates of the system. Idle connections are dropped early: a message written
// to one the server just closed leaves open whether it arrived. Nothing is written
// while owns returns false.
func newTransport(owns func() bool) *http.Transport {
	dialer := &net.Dialer{Timeout: 15 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         gate.New(dialer.DialContext, owns),
		ForceAttemptHTTP2:   true,
		MaxIdleConns:        32,
		MaxIdleConnsPerHost: 16,
		IdleConnTimeout:     30 * time.Second,
		TLSHandshakeTimeout: 15 * time.Second,
	}
}
