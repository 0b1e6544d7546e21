package llm

import (
	"crypto/tls"
	"errors"
	"net/http/httptrace"
	"sync"
	"time"

	"github.com/diagbot/diagbot/troubleshoot"
)

// probe times the steps of the first request it traces. Its hooks run in the
// transport's goroutines, which may outlive the request.
type probe struct {
	mu    sync.Mutex
	begun time.Time
	last  time.Time // when the last step ended
	steps []Step
	addr  string
	until time.Time // when the certificate expires
	open  string    // the step that has begun and not ended
}

func (p *probe) trace() *httptrace.ClientTrace {
	p.begun = time.Now()
	p.last = p.begun
	return &httptrace.ClientTrace{
		DNSStart:          func(httptrace.DNSStartInfo) { p.begin(StepDNS) },
		DNSDone:           func(i httptrace.DNSDoneInfo) { p.end(StepDNS, i.Err) },
		ConnectStart:      func(_, _ string) { p.begin(StepTCP) },
		ConnectDone:       func(_, addr string, err error) { p.connected(addr, err) },
		TLSHandshakeStart: func() { p.begin(StepTLS) },
		TLSHandshakeDone:  p.shook,
		GotConn:           func(httptrace.GotConnInfo) { p.begin(StepAPI) },
	}
}

func (p *probe) begin(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open != name { // several addresses are tried at once
		p.open, p.last = name, time.Now()
	}
}

// end notes a step that went well; one that did not stays open.
func (p *probe) end(name string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil || p.open != name {
		return
	}
	p.steps = append(p.steps, Step{Name: name, Took: time.Since(p.last)})
	p.open = ""
}

func (p *probe) connected(addr string, err error) {
	if err == nil {
		p.mu.Lock()
		p.addr = addr
		p.mu.Unlock()
	}
	p.end(StepTCP, err)
}

func (p *probe) shook(state tls.ConnectionState, err error) {
	shown := state.PeerCertificates
	var refused *tls.CertificateVerificationError
	if errors.As(err, &refused) {
		shown = refused.UnverifiedCertificates
	}
	if len(shown) > 0 {
		p.mu.Lock()
		p.until = shown[0].NotAfter
		p.mu.Unlock()
	}
	p.end(StepTLS, err)
}

// result closes the step that was under way: with the fault, or as the answer
// of the API.
func (p *probe) result(f *troubleshoot.Fault) (steps []Step, addr string, until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := Step{Name: p.open, Took: time.Since(p.last), Fault: f}
	if last.Name == "" || f == nil {
		last.Name = StepAPI
	}
	steps = append(p.steps, last)
	p.steps = nil // hooks that come late change nothing that was returned
	return steps, p.addr, p.until
}
