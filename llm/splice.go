package llm

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
)

// freight is the pictures of one request. go-openai writes a mark for each, and
// the guard puts the pictures in while the request goes out: their base64 is
// never held as a whole, however often a prompt is asked.
type freight struct {
	mark  string // nobody can guess it, so nobody can write it in a message
	items [][]byte
}

var errFreight = errors.New("the request has lost a picture")

// url returns what stands for a picture in go-openai's request.
func (f *freight) url(p Picture) string {
	if f.mark == "" {
		f.mark = rand.Text()
	}
	f.items = append(f.items, p.Data)
	return "data:" + p.Type + ";base64," + f.mark
}

// load puts the pictures into a request, in the order of their marks.
func (f *freight) load(req *http.Request, x *exchange) error {
	words, err := io.ReadAll(req.Body)
	_ = req.Body.Close()
	if err != nil {
		return err
	}
	between := bytes.Split(words, []byte(f.mark))
	if len(between) != len(f.items)+1 {
		return errFreight
	}
	size := int64(len(words) - len(f.items)*len(f.mark))
	for _, item := range f.items {
		size += int64(base64.StdEncoding.EncodedLen(len(item)))
	}
	req.ContentLength = size
	req.GetBody = func() (io.ReadCloser, error) { return f.body(between, x), nil }
	req.Body = f.body(between, x)
	return nil
}

// body is the whole request, made as it is read.
func (f *freight) body(between [][]byte, x *exchange) io.ReadCloser {
	parts := make([]io.Reader, 0, 2*len(between))
	for i, words := range between {
		parts = append(parts, bytes.NewReader(words))
		if i < len(f.items) {
			parts = append(parts, &encoded{data: f.items[i], x: x})
		}
	}
	return io.NopCloser(io.MultiReader(parts...))
}

// encoded reads data as base64, three bytes for each four that are asked for.
type encoded struct {
	data []byte
	x    *exchange
	four [4]byte
	rest []byte // of four
}

// Read implements io.Reader. It tells the watch that the request is still going
// out, so that a picture on a slow line is no silence of the provider.
func (e *encoded) Read(p []byte) (int, error) {
	if len(e.rest) == 0 && len(e.data) == 0 {
		return 0, io.EOF
	}
	e.x.sending()
	if whole := min(len(p)/4*3, len(e.data)); len(e.rest) == 0 && whole > 0 {
		base64.StdEncoding.Encode(p, e.data[:whole])
		e.data = e.data[whole:]
		return base64.StdEncoding.EncodedLen(whole), nil
	}
	if len(e.rest) == 0 {
		next := min(3, len(e.data))
		base64.StdEncoding.Encode(e.four[:], e.data[:next])
		e.data, e.rest = e.data[next:], e.four[:]
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}
