package simllm

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"image"
	_ "image/gif"  // services read it
	_ "image/jpeg" // and this
	_ "image/png"  // and this
	"net/http"
	"strings"
)

// Picture is a picture of a request, as far as a test wants to know it.
type Picture struct {
	Type          string // as its data URL says
	Bytes         int
	Sum           uint32 // CRC-32 of its bytes (IEEE)
	Width, Height int    // 0 if it cannot be read
}

// String describes the picture by what it is, so that an answer shows which one
// arrived.
func (p Picture) String() string {
	return fmt.Sprintf("%s, %d×%d, %d bytes, %08x", p.Type, p.Width, p.Height, p.Bytes, p.Sum)
}

// Pictures returns the pictures of all messages, oldest first.
func (r Request) Pictures() []Picture {
	var all []Picture
	for _, m := range r.Messages {
		all = append(all, m.Pictures...)
	}
	return all
}

// wirePart is a part of a content that is a list.
type wirePart struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	ImageURL *struct {
		URL string `json:"url"`
	} `json:"image_url"`
}

// read takes a message from the wire: its text parts joined, and its pictures.
func (m wireMessage) read() Message {
	out := Message{Role: m.Role}
	if json.Unmarshal(m.Content, &out.Content) == nil {
		return out
	}
	var parts []wirePart
	if json.Unmarshal(m.Content, &parts) != nil {
		return out
	}
	var texts []string
	for _, part := range parts {
		if part.ImageURL != nil {
			out.Pictures = append(out.Pictures, look(part.ImageURL.URL))
		} else {
			texts = append(texts, part.Text)
		}
	}
	out.Content = strings.Join(texts, "\n")
	return out
}

// look opens the picture of a data URL.
func look(url string) Picture {
	head, body, _ := strings.Cut(url, ",")
	kind, ok := strings.CutSuffix(head, ";base64")
	data, err := base64.StdEncoding.DecodeString(body)
	if !ok || err != nil {
		return Picture{}
	}
	p := Picture{Type: strings.TrimPrefix(kind, "data:"), Bytes: len(data), Sum: crc32.ChecksumIEEE(data)}
	switch {
	case p.Type == "image/webp" && len(data) > 12 && string(data[8:12]) == "WEBP":
		p.Width, p.Height = 1, 1 // taken on trust
	case http.DetectContentType(data) == p.Type:
		if config, _, err := image.DecodeConfig(bytes.NewReader(data)); err == nil {
			p.Width, p.Height = config.Width, config.Height
		}
	}
	return p
}

// unreadable reports whether a picture cannot be opened.
func (r Request) unreadable() bool {
	for _, p := range r.Pictures() {
		if p.Width == 0 {
			return true
		}
	}
	return false
}

// Blind makes requests with pictures fail like the failure named, for the models
// named or, without any, for all. "ok" ends it. A nearer order comes first: Next,
// or a marker in the prompt.
func (s *Server) Blind(name string, models ...string) error {
	if len(models) == 0 {
		models = []string{""}
	}
	for _, model := range models {
		if err := s.order(&s.plan.blind, model, name); err != nil {
			return err
		}
	}
	return nil
}

// blindness returns the failure of a request because of its pictures, or nil. The
// plan's lock must be held.
func (p *plan) blindness(r Request) *Failure {
	if len(p.blind) == 0 || len(r.Pictures()) == 0 {
		return nil
	}
	if f, ok := p.blind[r.Model]; ok {
		return f
	}
	return p.blind[""]
}

// seen describes the newest message's pictures; empty if it has none.
func (r Request) seen() string {
	for i := len(r.Messages) - 1; i >= 0; i-- {
		if m := r.Messages[i]; m.Role == "user" {
			all := make([]string, len(m.Pictures))
			for k, p := range m.Pictures {
				all[k] = p.String()
			}
			return strings.Join(all, "; ")
		}
	}
	return ""
}
