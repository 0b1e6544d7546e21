package alert

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// bark is the iPhone app. Apple takes notifications of 4 KB, of which the server
// adds a part. https://github.com/Finb/bark-server/blob/master/docs/API_V2.md
func bark() dialect { return dialect{barkRequest, barkAnswer} }

const maxBark = 3_000 // bytes of a request

func barkRequest(t *Target, al Alert, _ time.Time) request {
	address := t.URL
	if t.Secret != "" {
		u, _ := url.Parse(t.URL) // checked
		address = u.JoinPath("push").String()
	}
	return request{url: address, body: fit(al, maxBark, func(al Alert) []byte {
		message := map[string]string{
			"title": al.title(), "body": strings.Join(al.paragraphs(false), "\n\n"),
			"group": "diagbot", "level": barkLevel(al), "isArchive": "1",
		}
		if al.Link != "" {
			message["url"] = al.Link
		}
		if t.Secret != "" {
			message["device_key"] = t.Secret
		}
		return encode(message)
	})}
}

// barkLevel says whether the phone may be silent. "critical" would sound over
// "do not disturb", which is left to alerts that need it.
func barkLevel(al Alert) string {
	switch {
	case al.Recovered || al.Severity == Info:
		return "passive"
	case al.Severity == Warning:
		return "active"
	}
	return "timeSensitive"
}

func barkAnswer(_ int, body []byte) answer {
	var v struct {
		Code *int   `json:"code"`
		Text string `json:"message"`
	}
	if json.Unmarshal(body, &v) != nil || v.Code == nil {
		return answer{}
	}
	a := answer{ok: *v.Code == http.StatusOK, code: number(v.Code), text: v.Text}
	a.known = *v.Code >= 400 && *v.Code < 500
	a.fate.retry = *v.Code == http.StatusTooManyRequests
	return a
}

// ntfy is ntfy.sh or a server like it. Messages over 4,096 bytes become
// attachments. https://docs.ntfy.sh/publish/#publish-as-json
func ntfy() dialect { return dialect{ntfyRequest, ntfyAnswer} }

const (
	maxNtfyMessage = 4_000 // bytes of the text
	maxNtfyTitle   = 250   // bytes
)

func ntfyRequest(t *Target, al Alert, _ time.Time) request {
	root, _ := url.Parse(t.URL) // checked
	topic := strings.Trim(root.Path, "/")
	root.Path, root.RawPath = "/", ""
	text := fit(al, maxNtfyMessage, func(al Alert) []byte { return []byte(strings.Join(al.paragraphs(false), "\n\n")) })
	message := map[string]any{"topic": topic, "title": cutBytes(al.title(), maxNtfyTitle), "message": string(text)}
	message["priority"], message["tags"] = ntfyUrgency(al)
	if al.Link != "" {
		message["click"] = al.Link
	}
	r := request{url: root.String(), body: encode(message), header: map[string]string{}}
	if t.Secret != "" {
		r.header["Authorization"] = "Bearer " + t.Secret
	}
	return r
}

// ntfyUrgency returns the priority, 1 to 5, and a tag that is shown as a picture.
func ntfyUrgency(al Alert) (int, []string) {
	switch {
	case al.Recovered:
		return 3, []string{"white_check_mark"}
	case al.Severity == Critical:
		return 5, []string{"rotating_light"}
	case al.Severity == Error:
		return 4, []string{"rotating_light"}
	case al.Severity == Warning:
		return 3, []string{"warning"}
	}
	return 2, []string{"information_source"}
}

func ntfyAnswer(_ int, body []byte) answer {
	var v struct {
		ID   string `json:"id"`
		Code *int   `json:"code"`
		Text string `json:"error"`
	}
	if json.Unmarshal(body, &v) != nil {
		return answer{}
	}
	return answer{ok: v.ID != "", code: number(v.Code), text: v.Text}
}
