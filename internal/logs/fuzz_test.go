package logs

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/diagbot/diagbot/troubleshoot"
)

// FuzzLine: whatever is logged, a line stays a line and the exact secret stays
// in.
func FuzzLine(f *testing.F) {
	const secret = "quiet-river-stone"
	redactor := troubleshoot.NewRedactor(secret)
	f.Add("message", "name", "value")
	f.Add("a\nb", "password", "\xff\x00")
	f.Add("", "", secret)
	f.Fuzz(func(t *testing.T, message, name, value string) {
		var b bytes.Buffer
		log, out := New(&b, Options{JSON: true, Redactor: redactor})
		log.Info(message+secret, name, value+secret, "map", map[string]string{name: value + " " + secret})
		if err := out.Close(); err != nil {
			t.Fatal(err)
		}
		line := b.String()
		if strings.Contains(line, secret) || strings.Count(line, "\n") != 1 || !json.Valid([]byte(line)) {
			t.Error(line)
		}
	})
}
