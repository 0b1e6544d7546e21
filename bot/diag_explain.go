package bot

import (
	"strings"
	"time"

	"github.com/diagbot/diagbot/troubleshoot"
)

// maxPaste bounds a pasted error, in bytes.
const maxPaste = 16 << 10

// explainText explains an error that an admin met elsewhere: /diag explain TEXT, or
// that alone as a reply to it. The text is neither kept nor said again.
func (r *Relay) explainText(in call) string {
	c, text := r.catalogue(), orElse(strings.TrimSpace(in.args), in.Quote)
	if text == "" {
		return c.Say(in.tag, "explain_usage")
	}
	fault := troubleshoot.Normalize(troubleshoot.Observation{ErrText: cutBytes(text, maxPaste), At: time.Now()})
	found := c.Diagnose(fault)
	told := c.Explain(found.Entry.ID, troubleshoot.Telling{Audience: troubleshoot.AudienceAdmin, Locale: in.tag, Wait: fault.RetryAfter})
	if len(found.Evidence) == 0 {
		return told
	}
	why := c.Signs(found, in.tag)
	return told + "\n\n" + c.Say(in.tag, "explain_why", "list", r.redact(strings.Join(why, comma(in.tag))))
}
