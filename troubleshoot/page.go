package troubleshoot

import "strings"

// looksLikePage reports whether s is HTML, or text with HTML in it.
func looksLikePage(s string) bool {
	head := s
	if len(head) > 1500 {
		head = head[:1500]
	}
	if strings.IndexByte(head, '<') < 0 {
		return false
	}
	low := strings.ToLower(head)
	for _, tag := range [...]string{"<!doctype", "<html", "<head", "<title", "<body", "<h1", "<h2", "<center", "</div>", "</span>", "<script", "</p>", "<meta"} {
		if strings.Contains(low, tag) {
			return true
		}
	}
	return false
}

// page files the words of an HTML page: its title, what a person would see, and
// the addresses of its scripts, by which walls of robots are known.
func (r *reading) page(s string, level int) {
	at := strings.IndexByte(s, '<')
	if at > 0 && at < maxText {
		r.plain(s[:at], level)
	}
	s = s[max(at, 0):]
	words, marks := visible(s)
	n := statusIn(words)
	if n == 0 {
		n = edgeStatus(s)
	}
	if n != 0 && r.status == 0 {
		r.sawStatus(n, level)
	}
	if words != "" {
		r.addMessage(field{key: "page", text: words, level: level, quoted: true})
	}
	if marks != "" {
		r.addMessage(field{key: "marks", text: marks, level: level, quoted: true})
	}
	r.found = true
}

// edgeStatus is the status in the link to Cloudflare's help that its error pages
// carry, which is all that some logs keep of them; 0 if there is none.
func edgeStatus(s string) int {
	_, link, ok := strings.Cut(s, "5xx-error-landing")
	if !ok {
		return 0
	}
	_, number, ok := strings.Cut(link[:min(len(link), 80)], "errorcode_")
	if !ok {
		return 0
	}
	n, _ := statusOf(number[:min(len(number), 3)])
	return n
}

// Bounds on what is kept of a page.
const (
	maxWords = 1200
	maxMarks = 1500
)

// wallStyles are in the styles of walls of robots whose pages say nothing else:
// ChatGPT's and Alibaba Cloud's.
var wallStyles = [...]string{"enlarge-appear", "errors.aliyun.com"}

// visible returns the text outside tags, scripts and styles, and the scripts'
// addresses with the beginning of their text.
func visible(s string) (words, marks string) {
	var w, m strings.Builder
	for len(s) > 0 && (w.Len() < maxWords || m.Len() < maxMarks) {
		lt := strings.IndexByte(s, '<')
		if lt < 0 {
			addWords(&w, s)
			break
		}
		addWords(&w, s[:lt])
		s = s[lt:]
		gt := strings.IndexByte(s, '>')
		if gt < 0 {
			addMarks(&m, s)
			break
		}
		tag := s[:gt]
		s = s[gt+1:]
		switch name := tagName(tag); name {
		case "script", "style", "svg":
			end := indexFold(s, "</"+name)
			body := s
			if end >= 0 {
				body, s = s[:end], s[end:]
			} else {
				s = ""
			}
			if name == "script" {
				addMarks(&m, tag)
				addMarks(&m, body)
				break
			}
			for _, style := range wallStyles {
				if strings.Contains(body, style) {
					addMarks(&m, style)
				}
			}
		case "link", "form", "iframe":
			if !strings.Contains(tag, "stylesheet") || strings.Contains(tag, "aliyun") {
				addMarks(&m, tag)
			}
		}
	}
	return strings.TrimSpace(w.String()), strings.TrimSpace(m.String())
}

func addWords(w *strings.Builder, s string) {
	if s = strings.TrimSpace(s); s == "" || w.Len() >= maxWords {
		return
	}
	if w.Len() > 0 {
		w.WriteByte(' ')
	}
	w.WriteString(entities.Replace(cutText(s, maxWords)))
}

func addMarks(m *strings.Builder, s string) {
	if m.Len() < maxMarks {
		m.WriteString(cutText(s, 500))
		m.WriteByte(' ')
	}
}

var entities = strings.NewReplacer("&#39;", "'", "&quot;", `"`, "&amp;", "&", "&lt;", "<", "&gt;", ">", "&nbsp;", " ", "&#x27;", "'")

func tagName(tag string) string {
	i := 1
	for i < len(tag) && isWord(tag[i]) {
		i++
	}
	return strings.ToLower(tag[1:i])
}

func indexFold(s, sub string) int {
	for i := 0; ; {
		j := strings.IndexByte(s[i:], '<')
		if j < 0 {
			return -1
		}
		i += j
		if len(s)-i >= len(sub) && strings.EqualFold(s[i:i+len(sub)], sub) {
			return i
		}
		i++
	}
}
