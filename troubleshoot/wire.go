package troubleshoot

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
)

// wireOf says how a connection failed, by the error's types where Go keeps them
// and by its text where it does not. The order matters: an egress proxy's trouble
// first, then the name, then the certificate, then the connection.
func wireOf(err error) (NetKind, Phase) {
	if k, p := wireByType(err); k != "" {
		return k, p
	}
	if k, p := wireByText(err.Error()); k != "" {
		return k, p
	}
	var u *url.Error
	var op *net.OpError
	switch {
	case errors.As(err, &u) && u.Op == "parse":
		return NetConfig, ""
	case u != nil, errors.As(err, &op):
		return NetOther, ""
	}
	return "", ""
}

func wireByType(err error) (NetKind, Phase) {
	if viaProxy(err) {
		return NetProxy, PhaseDial
	}
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return NetDNS, PhaseDial
	}
	if isTLS(err) {
		return NetTLS, PhaseTLS
	}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return NetRefused, PhaseDial
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return NetUnreachable, PhaseDial
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNABORTED):
		return NetReset, ""
	case errors.Is(err, http.ErrSchemeMismatch):
		return NetTLS, PhaseTLS
	}
	if isTimeout(err) {
		return NetTimeout, timeoutPhase(err)
	}
	return endOf(err)
}

// endOf tells a connection closed without an answer from a body that ended early,
// and both from an answer that is not the promised JSON.
func endOf(err error) (NetKind, Phase) {
	var u *url.Error
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)) && errors.As(err, &u):
		return NetReset, PhaseHeaders // reading a body has no such error
	case errors.Is(err, io.ErrUnexpectedEOF):
		return NetEOF, PhaseStream
	case errors.Is(err, io.EOF):
		return NetEOF, ""
	case errors.As(err, &syntax), errors.As(err, &kind):
		return NetDecode, ""
	}
	return "", ""
}

func viaProxy(err error) bool {
	for e := err; e != nil; {
		var op *net.OpError
		if !errors.As(e, &op) {
			return false
		}
		if op.Op == "proxyconnect" || op.Op == "socks connect" {
			return true
		}
		e = op.Err
	}
	return false
}

func isTLS(err error) bool {
	var verify *tls.CertificateVerificationError
	var header tls.RecordHeaderError
	var alert tls.AlertError
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var roots x509.SystemRootsError
	return errors.As(err, &verify) || errors.As(err, &header) || errors.As(err, &alert) || errors.As(err, &authority) ||
		errors.As(err, &name) || errors.As(err, &invalid) || errors.As(err, &roots)
}

func isTimeout(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, syscall.ETIMEDOUT) {
		return true
	}
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

func timeoutPhase(err error) Phase {
	var op *net.OpError
	text := err.Error()
	switch {
	case errors.As(err, &op) && op.Op == "dial":
		return PhaseDial
	case strings.Contains(text, "TLS handshake"):
		return PhaseTLS
	case strings.Contains(text, "headers"):
		return PhaseHeaders
	}
	return PhaseTotal
}

// wireTexts are what Go says when it keeps no type, best sign first.
var wireTexts = [...]struct {
	text  string
	kind  NetKind
	phase Phase
}{
	{"proxyconnect", NetProxy, PhaseDial},
	{"Proxy Authentication Required", NetProxy, PhaseDial},
	{"socks connect", NetProxy, PhaseDial},
	{"no such host", NetDNS, PhaseDial},
	{"server misbehaving", NetDNS, PhaseDial},
	{"dial tcp: lookup ", NetDNS, PhaseDial},
	{"x509: ", NetTLS, PhaseTLS},
	{"TLS handshake timeout", NetTimeout, PhaseTLS},
	{"tls: ", NetTLS, PhaseTLS},
	{"server gave HTTP response to HTTPS client", NetTLS, PhaseTLS},
	{"unsupported protocol scheme", NetConfig, ""},
	{"invalid header field value", NetConfig, ""},
	{"invalid control character in URL", NetConfig, ""},
	{"missing protocol scheme", NetConfig, ""},
	{"first path segment in URL cannot contain colon", NetConfig, ""},
	{"no Host in request URL", NetConfig, ""},
	{"invalid port ", NetConfig, ""},
	{"missing ']' in host", NetConfig, ""},
	{"invalid URL escape", NetConfig, ""},
	{"connection refused", NetRefused, PhaseDial},
	{"actively refused", NetRefused, PhaseDial},
	{"network is unreachable", NetUnreachable, PhaseDial},
	{"no route to host", NetUnreachable, PhaseDial},
	{"connection reset by peer", NetReset, ""},
	{"forcibly closed by the remote host", NetReset, ""},
	{"broken pipe", NetReset, ""},
	{"server closed idle connection", NetReset, ""},
	{"use of closed network connection", NetReset, ""},
	{"GOAWAY", NetReset, ""},
	{"http2: client connection lost", NetReset, ""},
	{`": stream error: stream ID`, NetReset, PhaseHeaders}, // of a call, not of a body
	{"stream error: stream ID", NetEOF, PhaseStream},
	{"while reading body", NetTimeout, PhaseStream},
	{"i/o timeout", NetTimeout, PhaseDial},
	{"awaiting response headers", NetTimeout, PhaseHeaders},
	{"awaiting headers", NetTimeout, PhaseHeaders},
	{"deadline exceeded", NetTimeout, PhaseTotal},
	{"connectex: A connection attempt failed", NetTimeout, PhaseDial},
	{"operation timed out", NetTimeout, PhaseDial},
	{`": unexpected EOF`, NetReset, PhaseHeaders}, // of a call, not of a body
	{"unexpected EOF", NetEOF, PhaseStream},
	{"unexpected end of JSON input", NetDecode, ""},
	{"looking for beginning of value", NetDecode, ""},
	{"cannot unmarshal", NetDecode, ""},
}

func wireByText(s string) (NetKind, Phase) {
	for _, w := range wireTexts {
		if strings.Contains(s, w.text) {
			return w.kind, w.phase
		}
	}
	if strings.HasSuffix(s, `": EOF`) {
		return NetReset, PhaseHeaders
	}
	return "", ""
}
