package llm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
)

const (
	maxAnswer = 8 << 20  // bytes of one answer, as sent
	maxEvent  = 1 << 20  // bytes of one line or event of a stream
	maxBody   = 64 << 10 // bytes of a failed answer kept to be understood
)

// How an answer can be no answer. They stay inside the package: an attempt
// turns each into a fault.
var (
	errStatus    = errors.New("the answer's status is not success")
	errInside    = errors.New("the answer carries an error")
	errForm      = errors.New("the answer is not the promised JSON")
	errChunk     = fmt.Errorf("not one value in a chunk: %w", errForm)
	errEmpty     = errors.New("the answer is empty")
	errTooLarge  = errors.New("the answer is too large")
	errTruncated = fmt.Errorf("the answer ended early: %w", io.ErrUnexpectedEOF)
)

// exchange is what one attempt sees on the wire. The guard writes it, in the
// goroutine of the attempt, which reads it afterwards.
type exchange struct {
	watch

	list    string   // the key whose array makes an answer
	freight *freight // of the request; nil for none

	status int
	header http.Header
	body   []byte // of a failed answer, at most maxBody bytes
	last   []byte // the newest event; valid until the next read
	events int    // events passed on
	done   bool   // the stream said that it is complete
	stray  []byte // what a stream held besides, at most maxBody bytes
}

// The arrays that make an answer.
const (
	listChoices = "choices"
	listModels  = "data"
)

type exchangeKey struct{}

// newExchange starts the clock of an attempt. The context it returns ends with
// a *timeoutError when a limit passes; end must be called.
func newExchange(ctx context.Context, limits Timeouts, list string, whole bool) (context.Context, *exchange) {
	x := &exchange{list: list}
	ctx, cancel := context.WithCancelCause(ctx)
	x.start(cancel, limits, whole)
	ctx = context.WithValue(ctx, exchangeKey{}, x)
	return httptrace.WithClientTrace(ctx, x.trace()), x
}

func (x *exchange) end() {
	x.stop()
	x.cancel(nil)
}

func exchangeOf(ctx context.Context) (*exchange, bool) {
	x, ok := ctx.Value(exchangeKey{}).(*exchange)
	return x, ok
}

// keep remembers the body of a failed answer, without the pictures that some
// services repeat.
func (x *exchange) keep(body []byte) {
	body = body[:min(len(body), maxBody)]
	if x.freight.pictured() {
		x.body = blot(body)
		return
	}
	x.body = bytes.Clone(body)
}

// fail keeps what arrived and returns err.
func (x *exchange) fail(body []byte, err error) error {
	x.keep(body)
	return err
}

// ignore sets aside a part of a stream that means nothing by itself.
func (x *exchange) ignore(part []byte) {
	if len(x.stray)+len(part) < maxBody {
		x.stray = append(append(x.stray, part...), '\n')
	}
}

// wire is the body of an answer as it arrives: counted, bounded and timed.
type wire struct {
	body io.ReadCloser
	x    *exchange
	left int
}

func (w *wire) Read(p []byte) (int, error) {
	if w.left <= 0 {
		return 0, errTooLarge
	}
	n, err := w.body.Read(p[:min(len(p), w.left)])
	w.left -= n
	if n > 0 {
		w.x.heard()
	}
	return n, err
}

func (w *wire) Close() error { return w.body.Close() }
