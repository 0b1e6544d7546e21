package llm

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/diagbot/diagbot/troubleshoot"
)

// StatusPage is what a vendor's official status page says of itself. Such pages
// lag behind, so it is their word, not a finding. The zero value means that
// the vendor is not known to have a page that programs can read.
type StatusPage struct {
	Host string // of the page; empty if there is none

	// Component is the part that answers chats, by the page's name for it;
	// empty if the page does not list it, and State is then the whole page's.
	Component string
	State     StatusState // StatusUnknown if the page could not be read

	Incident string    // the name of what goes on there now; empty if nothing does
	Since    time.Time // when it began; zero if not said
	Read     time.Time // when the page was read, successfully or not
}

// StatusState is how a vendor says a service is.
type StatusState string

// The states, best first.
const (
	StatusUnknown     StatusState = ""
	StatusOperational StatusState = "operational"
	StatusMaintenance StatusState = "under_maintenance"
	StatusDegraded    StatusState = "degraded_performance"
	StatusPartial     StatusState = "partial_outage"
	StatusMajor       StatusState = "major_outage"
)

// Age returns how old the page's word is at now.
func (s StatusPage) Age(now time.Time) time.Duration { return max(now.Sub(s.Read), 0) }

// vendorPage is an official page in the form of Atlassian's Statuspage, which
// others offer as well.
type vendorPage struct {
	api        string   // the end of the API's host name
	hosts      []string // of the page; the further ones if one cannot be read
	components []string // what answers chats: words of the names, best first
}

// The pages, from the vendors' documentation and public monitors. Those that
// only people can read are left out.
var vendorPages = []vendorPage{
	{"api.openai.com", []string{"status.openai.com"}, []string{"chat completions", "api"}},
	{"api.deepseek.com", []string{"status.deepseek.com", "deepseek.statuspage.io"}, []string{"api"}},
	{"api.anthropic.com", []string{"status.claude.com"}, []string{"api.anthropic.com", "claude api", "api"}},
	{"api.moonshot.cn", []string{"status.moonshot.cn"}, []string{"open api", "api"}},
	{"api.moonshot.ai", []string{"status.moonshot.cn"}, []string{"open api", "api"}},
	{"api.groq.com", []string{"groqstatus.com"}, []string{"api"}},
	{"api.minimax.io", []string{"status.minimax.io"}, []string{"text", "api"}},
	{"api.cohere.com", []string{"status.cohere.com"}, []string{"chat", "api"}},
	{"api.cohere.ai", []string{"status.cohere.com"}, []string{"chat", "api"}},
	{"api.fireworks.ai", []string{"status.fireworks.ai"}, []string{"inference", "api"}},
}

// webPage is for sessions of ChatGPT's web page, whichever proxy they go
// through.
var webPage = vendorPage{"", []string{"status.openai.com"}, []string{"conversations", "chatgpt"}}

// page returns the official page of whom p reaches.
func (o ProviderOptions) page() (vendorPage, bool) {
	if o.Source == troubleshoot.SourceWeb {
		return webPage, true
	}
	for _, v := range vendorPages {
		if isHost(o.BaseURL, v.api) {
			return v, true
		}
	}
	return vendorPage{}, false
}

// isHost reports whether a base URL is at a host or below it.
func isHost(base, host string) bool {
	u, err := url.Parse(base)
	if err != nil {
		return false
	}
	name := strings.ToLower(u.Hostname())
	return name == host || strings.HasSuffix(name, "."+host)
}

const (
	pageTime  = 5 * time.Second
	pageBytes = 256 << 10
	pageFresh = time.Minute // a page is not asked again before
)

// read asks the page's hosts in turn. There is no error: a page that cannot be
// read has an unknown state.
func (v vendorPage) read(ctx context.Context, client *http.Client) StatusPage {
	ctx, cancel := context.WithTimeout(ctx, pageTime)
	defer cancel()
	for _, host := range v.hosts {
		var s summary
		if err := getJSON(ctx, client, "https://"+host+"/api/v2/summary.json", nil, pageBytes, &s); err == nil {
			page := s.statusPage(v.components)
			page.Host, page.Read = v.hosts[0], time.Now()
			return page
		}
	}
	return StatusPage{Host: v.hosts[0], Read: time.Now()}
}

// summary is the form of a page. Every field may be missing.
type summary struct {
	Status struct {
		Indicator string `json:"indicator"`
	} `json:"status"`
	Components []component `json:"components"`
	Incidents  []incident  `json:"incidents"`
}

type component struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Status string `json:"status"`
	Group  bool   `json:"group"`
}

type incident struct {
	Name       string      `json:"name"`
	Status     string      `json:"status"`
	Started    string      `json:"started_at"`
	Created    string      `json:"created_at"`
	Components []component `json:"components"`
}

func (s summary) statusPage(wanted []string) StatusPage {
	page := StatusPage{State: indicated(s.Status.Indicator)}
	found, ok := s.component(wanted)
	if ok {
		page.Component, page.State = oneLine(found.Name), stateOf(found.Status)
	}
	for _, i := range s.Incidents {
		if i.over() || ok && !i.concerns(found) {
			continue
		}
		page.Incident, page.Since = oneLine(i.Name), i.since()
		break
	}
	return page
}

// component returns the one whose name fits best; groups do not speak for
// themselves.
func (s summary) component(wanted []string) (component, bool) {
	for _, words := range wanted {
		for _, c := range s.Components {
			if !c.Group && stateOf(c.Status) != StatusUnknown && strings.Contains(strings.ToLower(c.Name), words) {
				return c, true
			}
		}
	}
	return component{}, false
}

// over reports whether an incident is a thing of the past.
func (i incident) over() bool {
	return i.Status == "resolved" || i.Status == "postmortem" || i.Status == "completed" || i.Status == "scheduled"
}

// concerns reports whether an incident touches c; many say nothing of what
// they touch.
func (i incident) concerns(c component) bool {
	for _, touched := range i.Components {
		if touched.ID != "" && touched.ID == c.ID || touched.Name == c.Name {
			return true
		}
	}
	return len(i.Components) == 0
}

func (i incident) since() time.Time {
	for _, text := range []string{i.Started, i.Created} {
		if t, err := time.Parse(time.RFC3339, text); err == nil {
			return t
		}
	}
	return time.Time{}
}

func stateOf(text string) StatusState {
	switch s := StatusState(text); s {
	case StatusOperational, StatusMaintenance, StatusDegraded, StatusPartial, StatusMajor:
		return s
	}
	return StatusUnknown
}

// indicated translates the state of a whole page.
func indicated(text string) StatusState {
	switch text {
	case "none":
		return StatusOperational
	case "maintenance":
		return StatusMaintenance
	case "minor":
		return StatusDegraded
	case "major":
		return StatusPartial
	case "critical":
		return StatusMajor
	}
	return StatusUnknown
}

// maxName bounds a name from a page, in bytes.
const maxName = 160

// oneLine makes foreign text fit to be shown in a line.
func oneLine(text string) string {
	text = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) || r == utf8.RuneError {
			return ' '
		}
		return r
	}, text)), " ")
	if len(text) > maxName {
		text = text[:floorCut(text, maxName)] + "…"
	}
	return text
}
