package bot

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// recipeMark begins a part that is a picture yet to be drawn, or a file yet to be
// written: the store keeps text alone. No text that is said has it, as control
// characters are taken out.
const recipeMark = "\x01"

// recipe is the part that becomes a picture when it is sent.
func recipe(span, tag string) string { return recipeMark + "trend " + span + " " + tag }

// isRecipe reports whether a text is a recipe of ours, and no more than that.
func isRecipe(text string) bool {
	_, _, ok := readRecipe(text)
	_, file := readFileRecipe(text)
	return ok || file
}

func readRecipe(text string) (s period, tag string, ok bool) {
	words := strings.Fields(strings.TrimPrefix(text, recipeMark))
	if !strings.HasPrefix(text, recipeMark) || len(words) != 3 || words[0] != "trend" {
		return period{}, "", false
	}
	for _, known := range periods() {
		if known.name == words[1] {
			return known, words[2], true
		}
	}
	return period{}, "", false
}

// say sends a part: as a picture or a file if it is the recipe of one, in words
// where that does not work.
func (r *Relay) say(ctx context.Context, p Part) error {
	if f, ok := readFileRecipe(p.Text); ok {
		return r.sayFile(ctx, p, f)
	}
	s, tag, ok := readRecipe(p.Text)
	if !ok {
		return r.o.Channel.Send(ctx, p)
	}
	return r.sayPicture(ctx, p, s, tag)
}

func (r *Relay) sayPicture(ctx context.Context, p Part, s period, tag string) error {
	p.Text = ""
	png, err := r.draw(ctx, s, tag)
	if pictures, ok := r.o.Channel.(Pictures); ok && err == nil {
		err = pictures.SendPicture(ctx, p, png)
		if v := judge(err); v != refused && v != again {
			return err
		}
	}
	r.o.Logger.Warn("no picture", "chat", r.hash(p.To.ID), "why", r.redact(fmt.Sprint(err)))
	p.Text = r.trendText(ctx, s, tag)
	return r.o.Channel.Send(ctx, p)
}

var errNoDrawing = errors.New("pictures are not drawn here")

func (r *Relay) draw(ctx context.Context, s period, tag string) ([]byte, error) {
	if r.o.Draw == nil {
		return nil, errNoDrawing
	}
	t, err := r.readTrend(ctx, s, tag)
	if err != nil {
		return nil, err
	}
	return r.o.Draw(t)
}
