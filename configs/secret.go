package configs

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is a value that must not be shown: printing, logging and encoding it
// yields a mask. Only Reveal returns it.
type Secret struct{ value string }

const mask = "[secret]"

// NewSecret wraps a value.
func NewSecret(value string) Secret { return Secret{value} }

// Reveal returns the value itself.
func (s Secret) Reveal() string { return s.value }

// Empty reports whether there is no value.
func (s Secret) Empty() bool { return s.value == "" }

// String masks the value; an empty secret is the empty string.
func (s Secret) String() string {
	if s.Empty() {
		return ""
	}
	return mask
}

// GoString masks the value in %#v.
func (s Secret) GoString() string { return fmt.Sprintf("configs.Secret{%q}", s.String()) }

// Format masks the value under every verb, also those that would look at the
// fields.
func (s Secret) Format(f fmt.State, verb rune) {
	text := s.String()
	if verb == 'v' && f.Flag('#') {
		text = s.GoString()
	}
	_, _ = io.WriteString(f, text)
}

// MarshalText masks the value in JSON, YAML and other encodings.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue masks the value in logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
