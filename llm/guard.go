package llm

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"time"

	openai "github.com/sashabaranov/go-openai"

	"github.com/diagbot/diagbot/troubleshoot"
)

// How long what is left of an answer may take once it cannot change what the
// attempt ends with.
const (
	bodyTime  = 3 * time.Second       // the body of an error
	usageTime = 2 * time.Second       // the usage after the last word
	drainTime = 50 * time.Millisecond // the end of a stream that said [DONE]; without it the connection is lost
	drainSize = 4 << 10
	lineSize  = 1 << 10 // room for the lines of a stream as they usually are; longer ones are put together
)

// guard stands between go-openai and the network. It lets through only what
// go-openai reads as success and what is success; everything else becomes an
// error, with what arrived kept in the exchange. Errors of the transport pass
// unchanged.
type guard struct {
	next   openai.HTTPDoer
	header http.Header // set on every request
}

// Do implements openai.HTTPDoer. Requests without an exchange are refused:
// nothing would end them.
func (g *guard) Do(req *http.Request) (*http.Response, error) {
	x, ok := exchangeOf(req.Context())
	if !ok {
		return nil, errors.New("request outside of an attempt")
	}
	for name, values := range g.header {
		req.Header[name] = values
	}
	if x.freight != nil {
		if err := x.freight.load(req, x); err != nil {
			return nil, err
		}
	}
	res, err := g.next.Do(req)
	if err != nil {
		return nil, err
	}
	x.status, x.header = res.StatusCode, res.Header
	if x.whole {
		x.enter(troubleshoot.PhaseStream)
	} else {
		x.enter(troubleshoot.PhaseFirstToken)
	}
	x.heard()
	body := &wire{body: res.Body, x: x, left: maxAnswer}
	if res.Body, err = x.open(res.StatusCode, body); err != nil {
		body.Close()
		return nil, err
	}
	return res, nil
}

// open looks at the beginning of an answer, or at all of it if it is short or
// comes in one piece, and returns the body that go-openai may read.
func (x *exchange) open(status int, body *wire) (io.ReadCloser, error) {
	if status < 200 || status > 299 {
		x.closing(bodyTime)
		part, _ := io.ReadAll(io.LimitReader(body, maxBody)) // the status says enough
		return nil, x.fail(part, errStatus)
	}
	in := bufio.NewReaderSize(body, lineSize)
	first, err := sniff(in)
	switch {
	case errors.Is(err, io.EOF):
		return nil, x.fail(nil, errForm)
	case err != nil:
		return nil, err
	}
	stream := &events{x: x, in: in, body: body}
	if !x.whole && first != '{' && first != '[' && first != '<' {
		return stream, nil
	}
	all, err := x.one(first, stream)
	return whole{bytes.NewReader(all), body}, err
}

// one reads all of an answer and returns it in the form that was asked for;
// some servers know only the other.
func (x *exchange) one(first byte, stream *events) ([]byte, error) {
	switch {
	case x.list == listChoices && (first == 'd' || first == 'e' || first == ':' || first == 'i'):
		return x.asWhole(stream)
	case x.whole:
		return x.readWhole(stream.in)
	}
	all, err := x.readWhole(stream.in)
	if err != nil {
		return nil, err
	}
	return x.asStream(all)
}

// whole is a body that has been read.
type whole struct {
	io.Reader
	io.Closer
}

// sniff returns the first byte that is no white space or byte order mark. What
// a server calls its answer in Content-Type is not worth looking at.
func sniff(in *bufio.Reader) (byte, error) {
	for {
		c, err := in.ReadByte()
		switch {
		case err != nil:
			return 0, err
		case c == ' ' || c == '\r' || c == '\n' || c == '\t' || c == 0xEF || c == 0xBB || c == 0xBF:
			continue
		}
		return c, in.UnreadByte()
	}
}

// readWhole reads an answer that is not a stream and judges it.
func (x *exchange) readWhole(r io.Reader) ([]byte, error) {
	all, err := io.ReadAll(r)
	if err != nil {
		return nil, err // half an answer is people's words, not evidence
	}
	all = bytes.TrimSpace(bytes.TrimPrefix(all, []byte("\xEF\xBB\xBF")))
	v := judge(all, x.list)
	if body, err := v.err(all); err != nil {
		return nil, x.fail(body, err)
	}
	switch {
	case v.filled, v.list && x.list == listModels:
		x.last = all
		return all, nil
	case v.list:
		return nil, x.fail(all, errEmpty)
	}
	return nil, x.fail(all, errForm)
}
