package llm

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
)

const (
	idleConns   = 128              // kept per host; each costs about 40 KB, a new one a handshake
	connLife    = 90 * time.Second // an unused connection is kept this long
	pingAfter   = 15 * time.Second // of silence on an HTTP/2 connection
	pingTimeout = 10 * time.Second // then the connection counts as dead
	headerBytes = 256 << 10        // of an answer
)

// newTransport returns a pooled transport. It has no limit for headers or
// whole answers: the watch of each attempt knows the phase, a transport does
// not. Compression is off because it makes proxies hold back streams.
func newTransport(t Timeouts, proxy string) (*http.Transport, error) {
	via, err := proxyURL(proxy)
	if err != nil {
		return nil, err
	}
	dialer := &net.Dialer{Timeout: t.Dial, KeepAlive: pingAfter}
	return &http.Transport{
		Proxy:                  via,
		OnProxyConnectResponse: proxyAnswer,
		DialContext:            dialer.DialContext,
		TLSHandshakeTimeout:    t.TLS,
		MaxIdleConnsPerHost:    idleConns,
		IdleConnTimeout:        connLife,
		MaxResponseHeaderBytes: headerBytes,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTimeout},
	}, nil
}

type proxyFunc func(*http.Request) (*url.URL, error)

var errProxyForm = errors.New(`is not an http, https or socks5 URL with a host, nor "direct"`)

// proxyURL reads a proxy option. Its errors do not quote the value, which may
// hold a password.
func proxyURL(option string) (proxyFunc, error) {
	switch option {
	case "":
		return http.ProxyFromEnvironment, nil
	case "direct":
		return nil, nil
	}
	u, err := url.Parse(option)
	if err != nil || u.Hostname() == "" {
		return nil, errProxyForm
	}
	switch u.Scheme {
	case "http", "https", "socks5", "socks5h":
		return http.ProxyURL(u), nil
	}
	return nil, errProxyForm
}

// proxyAnswer makes a proxy's refusal look like every other proxy failure of
// net/http, which by itself returns bare text here.
func proxyAnswer(_ context.Context, _ *url.URL, _ *http.Request, res *http.Response) error {
	if res.StatusCode == http.StatusOK {
		return nil
	}
	return &net.OpError{Op: "proxyconnect", Net: "tcp", Err: fmt.Errorf("proxy answered %d %s",
		res.StatusCode, http.StatusText(res.StatusCode))}
}
