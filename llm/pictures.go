package llm

import (
	"fmt"
	"log/slog"
	"slices"
)

// The bounds of a prompt's pictures.
const (
	mostPictures     = 4       // in a prompt; the newest are kept
	mostPictureBytes = 5 << 20 // of one
	// pictureTokens is what a picture is taken to cost, whatever its size. At
	// 2,048 pixels a side OpenAI counts 765 to 1,445 tokens, Anthropic about
	// 1,600, Qwen and Gemini up to 1,300; those who count more shrink pictures.
	pictureTokens = 1600
)

// pictureMark stands for a picture that is left out, so that the model knows
// that there was one.
const pictureMark = "[picture]"

// String says what the picture is like; what it shows is nobody's business.
func (p Picture) String() string { return fmt.Sprintf("%s of %d bytes", p.Type, len(p.Data)) }

// GoString is String.
func (p Picture) GoString() string { return p.String() }

// LogValue is String.
func (p Picture) LogValue() slog.Value { return slog.StringValue(p.String()) }

// readable reports whether the picture is one that may be sent.
func (p Picture) readable() bool {
	if len(p.Data) == 0 || len(p.Data) > mostPictureBytes {
		return false
	}
	switch p.Type {
	case "image/jpeg", "image/png", "image/gif", "image/webp":
		return true
	}
	return false
}

// pictured reports whether a message has a picture.
func pictured(messages []Message) bool {
	for i := range messages {
		if len(messages[i].Pictures) > 0 {
			return true
		}
	}
	return false
}

// gallery is the pictures of a prompt, within bounds.
type gallery struct {
	messages []Message
	newest   bool // the newest message has some
	older    int  // how many the others have
}

// hang puts a prompt's pictures within bounds; messages is not written to. ok is
// false if a picture of the newest message may not be sent at all.
func hang(messages []Message) (g gallery, ok bool) {
	g.messages = slices.Clone(messages)
	left, last := mostPictures, len(messages)-1
	for i := last; i >= 0; i-- {
		m := &g.messages[i]
		if len(m.Pictures) == 0 {
			continue
		}
		kept := sendable(*m, left)
		if i == last && len(kept) < min(len(m.Pictures), left) {
			return g, false
		}
		*m = m.with(kept)
		left -= len(kept)
		g.newest = g.newest || i == last
		if i < last {
			g.older += len(kept)
		}
	}
	return g, true
}

// sendable returns the newest pictures of a user's message that may be sent, at
// most n.
func sendable(m Message, n int) []Picture {
	if m.Role != RoleUser {
		return nil
	}
	kept := slices.DeleteFunc(slices.Clone(m.Pictures), func(p Picture) bool { return !p.readable() })
	return kept[max(len(kept)-n, 0):]
}

// with returns the message with these of its pictures, and a mark for the others.
func (m Message) with(kept []Picture) Message {
	for range len(m.Pictures) - len(kept) {
		if m.Content != "" {
			m.Content += "\n"
		}
		m.Content += pictureMark
	}
	m.Pictures = kept
	return m
}

// withoutOlder returns the gallery with the newest message's pictures alone.
func (g gallery) withoutOlder() gallery {
	g.messages = slices.Clone(g.messages)
	for i := range max(len(g.messages)-1, 0) {
		if m := &g.messages[i]; len(m.Pictures) > 0 {
			*m = m.with(nil)
		}
	}
	g.older = 0
	return g
}
