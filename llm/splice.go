package llm

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
)

// freight is the messages of one request. go-openai leaves their list empty and
// the guard writes it while the request goes out: go-openai would copy all that
// was said four times, and hold a picture's base64 as a whole.
type freight struct {
	messages []Message
}

// noMessages is the list as go-openai leaves it. No text of a request can hold
// it: in a JSON string its quotes would have backslashes.
const noMessages = `"messages":[]`

var (
	errFreight    = errors.New("the request has no place for its messages")
	errNoMessages = errors.New("the prompt has no message")
)

// pictured reports whether there is a picture among the messages.
func (f *freight) pictured() bool { return f != nil && pictured(f.messages) }

// load writes the messages into a request.
func (f *freight) load(req *http.Request, x *exchange) error {
	options, err := io.ReadAll(req.Body)
	_ = req.Body.Close()
	if err != nil {
		return err
	}
	before, after, ok := bytes.Cut(options, []byte(noMessages))
	if !ok {
		return errFreight
	}
	d := newDraft(len(options) + f.size())
	d.text.Write(before)
	d.text.WriteString(`"messages":[`)
	if !d.list(f.messages) {
		return errNoMessages
	}
	d.text.WriteByte(']')
	d.text.Write(after)
	req.ContentLength = d.size()
	req.GetBody = func() (io.ReadCloser, error) { return d.body(x), nil }
	req.Body = d.body(x)
	return nil
}

// size is about how many bytes the messages take without their pictures. Of
// usual text no more than a sixteenth is escaped.
func (f *freight) size() int {
	size := 0
	for i := range f.messages {
		m := &f.messages[i]
		size += 48 + len(m.Content) + len(m.Content)/16 + 80*len(m.Pictures)
	}
	return size
}

// draft is the text of a request in the making, and the pictures between.
type draft struct {
	text     bytes.Buffer
	json     *json.Encoder // writes to text
	quoting  string        // here, so that it is not copied to be quoted
	pictures [][]byte
	places   []int // of the pictures in text
}

func newDraft(size int) *draft {
	d := new(draft)
	d.text.Grow(size)
	d.json = json.NewEncoder(&d.text)
	return d
}

// list writes messages, and reports whether there were any. Empty ones are left
// out: providers refuse them.
func (d *draft) list(messages []Message) bool {
	begun := false
	for i := range messages {
		m := &messages[i]
		if m.Content == "" && len(m.Pictures) == 0 {
			continue
		}
		if begun {
			d.text.WriteByte(',')
		}
		d.message(m)
		begun = true
	}
	return begun
}

func (d *draft) message(m *Message) {
	d.text.WriteString(`{"role":`)
	d.quote(string(m.Role))
	d.text.WriteString(`,"content":`)
	if len(m.Pictures) == 0 {
		d.quote(m.Content)
	} else {
		d.parts(m)
	}
	d.text.WriteByte('}')
}

// parts writes the content of a message with pictures: what is said comes before
// them.
func (d *draft) parts(m *Message) {
	d.text.WriteString(`[{"type":"text","text":`)
	d.quote(cmp.Or(m.Content, pictureMark)) // some services want words with every picture
	for _, p := range m.Pictures {
		d.text.WriteString(`},{"type":"image_url","image_url":{"url":`)
		d.quote("data:" + p.Type + ";base64,")
		d.pictures = append(d.pictures, p.Data)
		d.places = append(d.places, d.text.Len()-1) // before the closing quote
		d.text.WriteByte('}')
	}
	d.text.WriteString("}]")
}

// quote writes s as a JSON string.
func (d *draft) quote(s string) {
	d.quoting = s
	_ = d.json.Encode(&d.quoting)     // neither a string nor a buffer fails
	d.text.Truncate(d.text.Len() - 1) // the end of the line
}

// size is that of the whole request, in bytes.
func (d *draft) size() int64 {
	size := int64(d.text.Len())
	for _, p := range d.pictures {
		size += int64(base64.StdEncoding.EncodedLen(len(p)))
	}
	return size
}

// body is the whole request; base64 is made as it is read.
func (d *draft) body(x *exchange) io.ReadCloser {
	text, from := d.text.Bytes(), 0
	if len(d.pictures) == 0 {
		return io.NopCloser(bytes.NewReader(text))
	}
	parts := make([]io.Reader, 0, 2*len(d.pictures)+1)
	for i, p := range d.pictures {
		parts = append(parts, bytes.NewReader(text[from:d.places[i]]), &encoded{data: p, x: x})
		from = d.places[i]
	}
	return io.NopCloser(io.MultiReader(append(parts, bytes.NewReader(text[from:]))...))
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
