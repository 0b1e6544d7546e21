package alert

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"
)

// Message is what a generic webhook gets by POST as JSON. Any status from 200 to
// 299 means that it was taken; 408, 425, 429 and those from 500 on, that it is to
// be sent again, after Retry-After if given.
//
// With a secret, the header X-Diagbot-Timestamp holds the Unix time in seconds,
// and X-Diagbot-Signature "sha256=" and, in hex, the HMAC-SHA256 under the secret
// of timestamp, full stop and body.
type Message struct {
	Version  int       `json:"version"` // 1
	State    string    `json:"state"`   // "trouble" or "recovered"
	Event    string    `json:"event"`   // what kind of trouble, as in a target's events
	Key      string    `json:"key"`     // the same for a trouble and its recovery
	Severity Severity  `json:"severity"`
	Title    string    `json:"title"`
	Text     string    `json:"text"`
	Steps    string    `json:"steps"`
	Link     string    `json:"link"`
	Account  string    `json:"account"`
	At       time.Time `json:"at"`             // RFC 3339
	Since    time.Time `json:"since,omitzero"` // of a recovery: when the trouble was told first
}

func generic() dialect {
	return dialect{genericRequest, func(int, []byte) answer { return answer{ok: true} }}
}

func genericRequest(t *Target, al Alert, now time.Time) request {
	m := Message{1, "trouble", al.Event, al.Key, al.Severity, al.Title, al.Text, al.Steps, al.Link, al.Account, al.At.Round(0), al.since.Round(0)}
	if al.Recovered {
		m.State = "recovered"
	}
	r := request{url: t.URL, body: encode(m), header: map[string]string{}}
	if t.Secret != "" {
		at := strconv.FormatInt(now.Unix(), 10)
		mac := hmac.New(sha256.New, []byte(t.Secret))
		mac.Write([]byte(at + "."))
		mac.Write(r.body)
		r.header["X-Diagbot-Timestamp"] = at
		r.header["X-Diagbot-Signature"] = "sha256=" + hex.EncodeToString(mac.Sum(nil))
	}
	return r
}
