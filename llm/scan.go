package llm

import (
	"bytes"
	"encoding/json"
)

// members calls visit with each key and raw value of the JSON object in b, at
// the top level only, until visit returns false. It reports whether b is an
// object that closes; it does not check more of the grammar than it needs to
// find its way, and allocates only for keys with escapes.
func members(b []byte, visit func(key, value []byte) bool) bool {
	b = bytes.TrimSpace(b)
	if len(b) == 0 || b[0] != '{' {
		return false
	}
	for i := space(b, 1); i < len(b); {
		switch b[i] {
		case '}':
			return space(b, i+1) == len(b)
		case ',':
			i = space(b, i+1)
			continue
		case '"':
		default:
			return false
		}
		end := str(b, i)
		colon := space(b, end)
		if colon >= len(b) || b[colon] != ':' {
			return false
		}
		from := space(b, colon+1)
		to := value(b, from)
		if to <= from || to > len(b) {
			return false
		}
		if !visit(unquote(b[i:end]), b[from:to]) {
			return true
		}
		i = space(b, to)
	}
	return false
}

// space returns the index of the first byte from i on that is no white space.
func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// str returns the index after the string that begins at b[i].
func str(b []byte, i int) int {
	for i++; i < len(b); i++ {
		quote := bytes.IndexByte(b[i:], '"')
		if quote < 0 {
			break
		}
		slashes := 0
		for at := i + quote - 1; at >= i && b[at] == '\\'; at-- {
			slashes++
		}
		i += quote
		if slashes%2 == 0 {
			return i + 1
		}
	}
	return len(b)
}

// value returns the index after the value that begins at b[i].
func value(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '"':
			i = str(b, i)
		case '{', '[':
			depth++
			i++
		case '}', ']':
			if depth == 0 {
				return i
			}
			depth--
			i++
		case ',', ' ', '\n', '\t', '\r':
			if depth == 0 {
				return i
			}
			i++
			continue
		default:
			i++
			continue
		}
		if depth == 0 {
			return i
		}
	}
	return len(b)
}

// unquote returns the text of a quoted key; keys of providers have no escapes,
// hostile ones may.
func unquote(quoted []byte) []byte {
	if bytes.IndexByte(quoted, '\\') >= 0 {
		var s string
		if json.Unmarshal(quoted, &s) == nil {
			return []byte(s)
		}
	}
	if len(quoted) < 2 {
		return nil
	}
	return quoted[1 : len(quoted)-1]
}

// says reports whether a raw value holds anything: gateways send "error":null,
// "", false, {} and 0 with good answers.
func says(raw []byte) bool {
	switch string(raw) {
	case "", "null", `""`, "false", "0", "{}", "[]":
		return false
	}
	return true
}

// verdict is what the top level of an answer or event says about it.
type verdict struct {
	object  bool // it is a JSON object
	failed  bool // it carries an error
	list    bool // the promised array is there
	filled  bool // and not empty
	foreign bool // a key that only errors have, though not "error"
	usage   bool
	inner   []byte // the error of the first choice, if that is where it is
}

// isKey compares keys as encoding/json does, without case.
func isKey(key []byte, name string) bool {
	return len(key) == len(name) && bytes.EqualFold(key, []byte(name))
}

// judge reads the top level of b, whose promised array is called list.
func judge(b []byte, list string) verdict {
	var v verdict
	v.object = members(b, func(key, value []byte) bool {
		v.note(key, value, list)
		return true
	})
	return v
}

func (v *verdict) note(key, value []byte, list string) {
	is := func(name string) bool { return isKey(key, name) }
	switch {
	case is("error"), is("errors"), is("base_resp"):
		v.failed = v.failed || says(value) && !fine(value)
	case is(list):
		v.list = value[0] == '['
		v.filled = v.list && space(value, 1) < len(value)-1
		if v.filled {
			v.inner = choiceError(value)
		}
	case is("usage"):
		v.usage = says(value)
	case is("message"), is("msg"), is("detail"), is("error_msg"), is("errorMessage"):
		v.foreign = v.foreign || says(value)
	case is("code"), is("error_code"), is("status"):
		v.foreign = v.foreign || says(value) && value[0] != '2'
	case is("success"):
		v.foreign = v.foreign || string(value) == "false"
	case is("type"), is("object"):
		v.foreign = v.foreign || bytes.EqualFold(value, []byte(`"error"`))
	}
}

// fine tells a nested status that reports success (MiniMax's base_resp).
func fine(value []byte) bool {
	zero := false
	members(value, func(key, value []byte) bool {
		zero = zero || string(key) == "status_code" && string(value) == "0"
		return !zero
	})
	return zero
}

// choiceError returns an error inside the first choice, where OpenRouter puts
// one that came after the generation had begun; nil if there is none.
func choiceError(list []byte) []byte {
	var inner []byte
	from := space(list, 1)
	members(list[from:value(list, from)], func(key, value []byte) bool {
		if string(key) == "error" && says(value) {
			inner = value
		}
		return inner == nil
	})
	return inner
}

// err returns the error an answer or event carries, and the body that tells of
// it; nil if it carries none.
func (v *verdict) err(b []byte) ([]byte, error) {
	switch {
	case v.failed:
		return b, errInside
	case v.inner != nil:
		return append(append([]byte(`{"error":`), v.inner...), '}'), errInside
	case v.foreign && !v.filled && !v.usage:
		return b, errInside
	}
	return nil, nil
}
