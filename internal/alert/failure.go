package alert

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Failure says why a target did not take an alert. It holds no address beyond
// the host and no secret.
type Failure struct {
	Target string
	Kind   string
	Host   string
	Status int    // the HTTP status or the SMTP reply; 0 when no answer came
	Code   string // the vendor's own code; empty if none
	Detail string // what the vendor or the network said, redacted, at most 300 characters

	Retry      bool          // whether the same alert may be taken later
	RetryAfter time.Duration // the pause the target asked for; 0 if none
}

func (f *Failure) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "alert target %q (%s, %s)", f.Target, f.Kind, f.Host)
	if f.Status != 0 {
		fmt.Fprintf(&b, ": status %d", f.Status)
	}
	if f.Code != "" {
		fmt.Fprintf(&b, ": code %s", f.Code)
	}
	if f.Detail != "" {
		b.WriteString(": " + f.Detail)
	}
	return b.String()
}

// retryAfter reads the pause a response asks for: Retry-After in either form, or
// Feishu's own header. 0 if none.
func retryAfter(h http.Header, now time.Time) time.Duration {
	for _, name := range [...]string{"Retry-After", "X-Ogw-Ratelimit-Reset"} {
		text := strings.TrimSpace(h.Get(name))
		if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
			return time.Duration(seconds) * time.Second
		}
		if at, err := http.ParseTime(text); err == nil && at.After(now) {
			return at.Sub(now)
		}
	}
	return 0
}
