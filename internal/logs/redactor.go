package logs

import (
	"encoding"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"reflect"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"github.com/diagbot/diagbot/troubleshoot"
)

// mask stands for a value whose name says that it is secret.
const mask = "***"

// redactor takes secrets out of whatever may stand in a record.
type redactor struct {
	exact *troubleshoot.Redactor

	names atomic.Pointer[map[string]judged] // replaced, never changed
}

// naming says how the value of a name is treated.
type naming uint8

const (
	plain   naming = iota // by what it looks like
	suspect               // masked unless it is a word
	telling               // masked
)

// judged is what is remembered of a name.
type judged struct {
	naming
	clean string // the name without secrets
}

// maxNames bounds what is remembered of names: a program has few, a stranger's
// map may have many.
const maxNames = 1024

// text redacts s and cuts it to MaxText.
func (r *redactor) text(s string) string {
	if len(s) <= MaxText {
		return r.exact.Redact(s)
	}
	// Some more is redacted than is kept, lest the cut leave half a secret that
	// nothing recognises.
	clean := r.exact.Redact(cut(s, 2*MaxText))
	return cut(clean, max(0, min(MaxText, len(clean)-MaxText/8))) + "…"
}

// cut returns the first n bytes of s, less the rune they would break.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// attr redacts an attribute.
func (r *redactor) attr(a slog.Attr) slog.Attr {
	switch a.Value.Kind() {
	case slog.KindBool, slog.KindDuration, slog.KindTime:
		return a
	case slog.KindFloat64, slog.KindInt64, slog.KindUint64:
		if r.name(a.Key).naming == telling {
			a.Value = slog.StringValue(mask)
		}
		return a
	}
	return slog.Attr{Key: r.name(a.Key).clean, Value: r.value(a.Key, a.Value.Resolve())}
}

// value redacts the value of a name. It has no LogValuer left.
func (r *redactor) value(name string, v slog.Value) slog.Value {
	switch v.Kind() {
	case slog.KindString:
		return slog.StringValue(r.named(name, v.String()))
	case slog.KindGroup:
		attrs := v.Group()
		clean := make([]slog.Attr, len(attrs))
		for i, a := range attrs {
			clean[i] = r.attr(a)
		}
		return slog.GroupValue(clean...)
	case slog.KindAny:
		if v.Any() == nil {
			return v
		}
		return slog.StringValue(r.any(name, v.Any()))
	}
	return v
}

// any is a foreign value as redacted text. It never panics, whatever the
// value's methods do.
func (r *redactor) any(name string, v any) (s string) {
	defer func() {
		if p := recover(); p != nil {
			s = r.text(fmt.Sprintf("!PANIC: %v", p))
		}
	}()
	if s, ok := said(v); ok {
		return r.named(name, s)
	}
	p := printer{r: r}
	p.value(name, reflect.ValueOf(v), 0)
	return cut(p.b.String(), 2*MaxText)
}

// said is what the value says of itself, if it says anything.
func said(v any) (string, bool) {
	switch v := v.(type) {
	case error:
		return v.Error(), true
	case *url.Userinfo:
		return mask, true
	case fmt.Stringer:
		return v.String(), true
	case []byte:
		return string(v), true
	case encoding.TextMarshaler:
		text, err := v.MarshalText()
		return string(text), err == nil
	case fmt.Formatter:
		return fmt.Sprintf("%+v", v), true
	}
	return "", false
}

// named redacts the value of a name.
func (r *redactor) named(name, value string) string {
	switch r.name(name).naming {
	case telling:
		if value != "" {
			return mask
		}
	case suspect:
		if name != nameOfKeys && strings.ContainsAny(value, "0123456789") || len(value) >= 20 {
			return mask
		}
	}
	return r.text(value)
}

// nameOfKeys is the house's name for which key was used, by name or number.
const nameOfKeys = "key"

// name judges a name and remembers it.
func (r *redactor) name(name string) judged {
	known := r.names.Load()
	if known != nil {
		if j, ok := (*known)[name]; ok {
			return j
		}
	}
	j := judged{r.judge(name), r.text(name)}
	if len(name) <= maxName && (known == nil || len(*known) < maxNames) {
		more := map[string]judged{name: j}
		if known != nil {
			maps.Copy(more, *known)
		}
		r.names.CompareAndSwap(known, &more) // who loses learns it next time
	}
	return j
}

// maxName is how much of a name's end is judged: what is telling stands there.
const maxName = 40

// judge asks what the redactor makes of a value after the name, so that there
// is one list of telling names in the program.
func (r *redactor) judge(name string) naming {
	name = name[max(0, len(name)-maxName):]
	masks := func(value string) bool { return !strings.HasSuffix(r.exact.Redact(name+"="+value), value) }
	switch {
	case masks("word"):
		return telling
	case masks("w0rd"):
		return suspect
	}
	return plain
}
