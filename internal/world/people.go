package world

import (
	"context"
	"fmt"
	"strings"
)

// FileHelper is the chat in which the owner of an account that is reached over the
// web protocol talks to the bot. On iLink the bot has a chat with its owner.
const FileHelper = "filehelper"

// Person is somebody at a keyboard: in a private chat, in a group, or the owner
// of the bot's own account.
type Person struct {
	Name  string
	ID    string // a friend's UserName; empty for the owner
	Group string // the group spoken in; empty for a private chat
}

// chat is where the person reads the replies.
func (w *World) chat(p Person) string {
	switch {
	case p.Group != "":
		return p.Group
	case p.ID == "":
		return w.side.owner()
	}
	return p.ID
}

// Reads reports whether the person reads what the bot said where they are.
func (w *World) Reads(p Person, said Said) bool { return said.To == w.chat(p) }

// Say sends a message as the person and does not wait.
func (w *World) Say(p Person, text string) { w.side.say(p, text) }

// Show sends a picture or a file as the person and does not wait. It returns the
// message's id, empty where the channel does not carry it.
func (w *World) Show(p Person, m Medium) string { return w.side.show(p, m) }

// Quote sends a message as the person that quotes another, where the channel tells
// which; elsewhere the words alone.
func (w *World) Quote(p Person, id, text string) { w.side.quote(p, id, text) }

// ForgetMedia has WeChat forget all pictures and files that were sent so far.
func (w *World) ForgetMedia() { w.side.forget() }

// Talk sends a message as the person and returns the whole reply, part by part.
// It fails when ctx ends before the reply is complete.
func (w *World) Talk(ctx context.Context, p Person, text string) ([]string, error) {
	said, err := w.Hear(ctx, p, func() { w.Say(p, text) })
	var parts []string
	for _, s := range said {
		parts = append(parts, s.Text)
	}
	return parts, err
}

// Hear returns the whole reply to what the person does, part by part. It fails
// when ctx ends before the reply is complete.
func (w *World) Hear(ctx context.Context, p Person, do func()) ([]Said, error) {
	sent, stop := w.Subscribe()
	defer stop()
	do()
	var parts []Said
	for {
		select {
		case s, ok := <-sent:
			if !ok {
				return parts, fmt.Errorf("the simulated WeChat is closed")
			}
			if s.To != w.chat(p) {
				continue
			}
			parts = append(parts, s)
			if len(parts) >= total(s) {
				return parts, nil
			}
		case <-ctx.Done():
			return parts, ctx.Err()
		}
	}
}

// total reads how many parts a reply has from the "(1/3)" in one of them; 1 if
// it has none.
func total(s Said) int {
	text := strings.TrimSpace(s.Text)
	var part, of int
	for _, place := range []int{strings.Index(text, "("), strings.LastIndex(text, "(")} {
		if place < 0 {
			continue
		}
		if n, _ := fmt.Sscanf(text[place:], "(%d/%d)", &part, &of); n == 2 && 1 <= part && part <= of && of <= 20 {
			return of
		}
	}
	return 1
}
