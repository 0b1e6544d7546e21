package wechat

import (
	"context"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/diagbot/diagbot/troubleshoot"
)

// reachTime bounds the visit to one host.
const reachTime = 10 * time.Second

// Reached tells how a visit to one of WeChat's servers went.
type Reached struct {
	Host  string
	Took  time.Duration
	Fault *troubleshoot.Fault // nil: the host answered; what it answered does not matter
}

// Reach visits the servers that a login and the messages need, without logging
// in, over the connections Run would use, and returns the results in order. A
// nil transport is our own.
func Reach(ctx context.Context, transport http.RoundTripper) []Reached {
	if transport == nil {
		own := newTransport(nil)
		defer own.CloseIdleConnections()
		transport = own
	}
	visits := []Reached{{Host: "login.wx.qq.com"}, {Host: "wx.qq.com"}, {Host: "webpush.wx.qq.com"}}
	var under sync.WaitGroup
	for i := range visits {
		under.Go(func() { visits[i].visit(ctx, transport) })
	}
	under.Wait()
	return visits
}

func (r *Reached) visit(ctx context.Context, transport http.RoundTripper) {
	ctx, cancel := context.WithTimeout(ctx, reachTime)
	defer cancel()
	request := (&http.Request{Method: http.MethodHead, URL: &url.URL{Scheme: "https", Host: r.Host, Path: "/"}, Header: http.Header{}}).WithContext(ctx)
	started := time.Now()
	response, err := transport.RoundTrip(request)
	r.Took = time.Since(started)
	if err != nil {
		r.Fault = newFault(troubleshoot.PhaseLogin, err)
		return
	}
	_ = response.Body.Close()
}
