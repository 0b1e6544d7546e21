package llm

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// events is a stream of server-sent events as go-openai can read it: one line
// per event, no comments, no names, nothing but chunks of an answer. A chunk
// goes out only when it is complete; an error in any spelling ends the stream
// with an error. How a stream must end is the attempt's to judge, which knows
// whether a finish reason came.
type events struct {
	x    *exchange
	in   *bufio.Reader
	body io.Closer

	rest  []byte // the line under way; nil for none
	ended bool   // nothing comes after rest
	long  []byte // room for a line longer than the reader's
	event []byte // prefix and data of the event under way
	lines int    // data lines in it
	named bool   // it is called "error"

	lean []byte // room for what is passed on of an event
	out  []byte // what go-openai may read
	err  error  // what comes after that
}

const eventPrefix = "data: "

// Read implements io.Reader with at most one event at a time.
func (e *events) Read(p []byte) (int, error) {
	for len(e.out) == 0 {
		if e.err != nil {
			return 0, e.err
		}
		e.err = e.step()
	}
	n := copy(p, e.out)
	e.out = e.out[n:]
	return n, nil
}

// Close closes the body; after [DONE] it first reads its end, which has
// usually arrived, so that the connection can be used again.
func (e *events) Close() error {
	if e.x.done {
		e.x.closing(drainTime)
		_, _ = io.CopyN(io.Discard, e.in, drainSize) // a failure only costs the connection
	}
	return e.body.Close()
}

// step takes one line. Lines end with \n, \r\n or, as the standard has it, \r.
func (e *events) step() error {
	if e.rest == nil {
		if e.ended {
			return e.conclude()
		}
		line, err := e.line()
		e.ended = errors.Is(err, io.EOF)
		if err != nil && !e.ended {
			return e.broken(line, err)
		}
		e.rest = line
		if len(line) == 0 && e.ended {
			return e.conclude()
		}
	}
	line, rest, _ := bytes.Cut(e.rest, []byte{'\r'})
	if data, ok := bytes.CutPrefix(line, []byte("data")); ok && e.lines == 1 && len(data) > 0 && e.closed() {
		return e.dispatch() // a server that does not put blank lines between events
	}
	if e.rest = nil; len(rest) > 0 {
		e.rest = rest
	}
	return e.take(line)
}

// line returns the next line without its end. With an error it returns what
// came before it.
func (e *events) line() ([]byte, error) {
	e.long = e.long[:0]
	for {
		part, err := e.in.ReadSlice('\n')
		if err == nil && len(e.long) == 0 {
			return part[:len(part)-1], nil
		}
		if len(e.long)+len(part) > maxEvent {
			return nil, errTooLarge
		}
		e.long = append(e.long, part...)
		switch {
		case err == nil:
			return e.long[:len(e.long)-1], nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return e.long, err
		}
	}
}

// take reads one line of the event-stream format.
func (e *events) take(line []byte) error {
	if len(line) == 0 {
		return e.dispatch()
	}
	field, val, _ := bytes.Cut(line, []byte{':'})
	val = bytes.TrimSpace(val)
	switch string(field) {
	case "data":
		return e.add(val)
	case "event":
		e.named = string(val) == "error"
	case "", "id", "retry": // "" is a comment, sent to keep the connection
	default:
		return e.foreign(line)
	}
	return nil
}

func (e *events) add(data []byte) error {
	if e.lines == 0 {
		e.event = append(e.event[:0], eventPrefix...)
	} else {
		e.event = append(e.event, ' ') // white space in JSON, as the line end it stands for
	}
	if len(e.event)+len(data) > maxEvent {
		return errTooLarge
	}
	e.event = append(e.event, data...)
	e.lines++
	return nil
}

// foreign takes a line that is no field: JSON without "data:" counts as an
// event, anything else is kept in case the stream turns out to be none.
func (e *events) foreign(line []byte) error {
	if e.lines == 0 && judge(line, e.x.list).object {
		if err := e.add(line); err != nil {
			return err
		}
		return e.dispatch()
	}
	e.x.ignore(line)
	return nil
}

func (e *events) data() []byte { return e.event[len(eventPrefix):] }

// closed reports whether the data so far is a whole.
func (e *events) closed() bool {
	data := e.data()
	return string(data) == "[DONE]" || members(data, func(_, _ []byte) bool { return true })
}

// dispatch judges the event that has been read and passes it on, drops it, or
// ends the stream.
func (e *events) dispatch() error {
	named, lines := e.named, e.lines
	e.named, e.lines = false, 0
	if lines == 0 {
		return nil
	}
	data := e.data()
	switch {
	case len(data) == 0:
	case string(data) == "[DONE]":
		e.x.done = true
		e.pass(data)
		return io.EOF
	case named:
		return e.x.fail(data, errInside)
	case data[0] == '{' && bytes.Contains(data, []byte(`"choices"`)) && !bytes.Contains(data, []byte(`"error"`)):
		e.pass(data)
	default:
		return e.weigh(data)
	}
	return nil
}

// weigh takes a closer look at an event that is not plainly a chunk.
func (e *events) weigh(data []byte) error {
	v := judge(data, e.x.list)
	if body, err := v.err(data); err != nil {
		return e.x.fail(body, err)
	}
	switch {
	case data[0] == '[':
		return e.x.fail(data, errInside)
	case v.object && (v.list || v.usage):
		e.pass(data) // without "error":null, which go-openai takes for an error
	case data[0] == '{' && !v.object:
		return e.x.fail(data, errForm)
	default:
		e.x.ignore(data)
	}
	return nil
}

// pass hands out what matters of an event.
func (e *events) pass(data []byte) {
	e.x.events++
	e.x.last = data
	e.lean = append(essence(append(e.lean[:0], eventPrefix...), data), '\n')
	e.out = e.lean
}

// essence appends what an answer is made of to out. Most of a chunk is ids, sent
// with every word, and go-openai copies and decodes all that it is given. What is
// no object is appended as it is.
func essence(out, data []byte) []byte {
	from := len(out)
	out = append(out, '{')
	object := members(data, func(key, value []byte) bool {
		if !isKey(key, listChoices) && !isKey(key, "usage") {
			return true
		}
		if len(out) > from+1 {
			out = append(out, ',')
		}
		out = append(append(append(append(out, '"'), key...), `":`...), value...)
		return true
	})
	if !object {
		return append(out[:from], data...)
	}
	return append(out, '}')
}

// conclude handles the end of the body: an event that is whole but for the
// blank line still counts, half of one does not.
func (e *events) conclude() error {
	if e.lines > 0 && e.closed() {
		return e.dispatch()
	}
	if e.lines > 0 {
		e.x.ignore(e.data())
	}
	v := judge(e.x.stray, e.x.list)
	if body, err := v.err(e.x.stray); err != nil {
		return e.x.fail(body, err)
	}
	if e.x.events == 0 {
		return e.x.fail(e.x.stray, errForm)
	}
	return io.EOF
}

// broken handles a body that fails before its end.
func (e *events) broken(line []byte, err error) error {
	e.x.ignore(line)
	e.x.keep(e.x.stray)
	return err
}
