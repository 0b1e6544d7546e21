package bot

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/diagbot/diagbot/llm"
)

const (
	maxOlder    = 2 // earlier turns whose pictures go along with a question
	maxPictures = 4 // with their pieces, and those of its own; no more are shown to a service
)

// question is what a model is asked, and what is remembered of it once it is
// answered.
type question struct {
	prompt llm.Prompt
	turn   Turn   // without the answer
	older  []seen // pictures of earlier turns, oldest first
	cut    bool   // a text that came with it was too long
	sent   int    // pictures that came with it
	shown  int    // of them that the model sees
}

// weight is how many bytes of pictures go along.
func (q *question) weight() (n int64) {
	for _, m := range q.prompt.Messages {
		n += int64(weight(m.Pictures))
	}
	return n
}

// seen is the pictures of an earlier turn.
type seen struct {
	at   int // of its message in the prompt
	refs []string
}

// refMark parts the references of a turn's pictures.
const refMark = "\n"

// groupNote tells the model how a group's messages look. It is never shown.
const groupNote = "You are in a group chat. Every message begins with the name of the person who wrote it and a colon. " +
	"Answer the last one, without a name in front."

// question makes one of t, without what came with it.
func (r *Relay) question(c *chat, t task, now time.Time) question {
	system := r.o.System
	if t.Chat.Group {
		system = strings.TrimSpace(system + "\n\n" + groupNote)
	}
	all := make([]llm.Message, 0, 2*len(c.memory.turns)+2)
	if system != "" {
		all = append(all, llm.Message{Role: llm.RoleSystem, Content: system})
	}
	first, q := len(all), question{turn: Turn{Asked: r.content(t)}}
	all = c.memory.appendTo(all, now)
	for i, turn := range c.memory.turns {
		if turn.Picture != "" {
			q.older = append(q.older, seen{first + 2*i, strings.Split(turn.Picture, refMark)})
		}
	}
	q.prompt.Messages = append(all, llm.Message{Role: llm.RoleUser, Content: q.turn.Asked})
	return q
}

// content is what the model hears of a message: who says it in a group, and what
// it replies to.
func (r *Relay) content(t task) string {
	text := t.text
	if t.Chat.Group {
		text = oneLine(t.Sender.Name, maxName) + ": " + text
	}
	if quote := strings.TrimSpace(clean(t.Quote)); quote != "" {
		text = r.catalogue().Say(t.tag, "quoted", "text", quote) + "\n\n" + text
	}
	return text
}

// bring fetches what goes along with a question.
func (r *Relay) bring(ctx context.Context, t task, q question) (question, error) {
	q.prompt.Messages = slices.Clone(q.prompt.Messages) // whoever asks has given up waiting, perhaps
	if r.carries(t.Message) {
		if err := r.attach(ctx, t, &q); err != nil {
			return q, err
		}
	}
	r.recollect(ctx, t.tag, &q)
	return q, nil
}

// attach puts what came with t into its question. What a text only quotes may be
// missing: the words may make sense without.
func (r *Relay) attach(ctx context.Context, t task, q *question) error {
	if len(t.more) > 0 {
		return r.attachAll(ctx, t, q)
	}
	x, err := r.exhibit(ctx, t.Message)
	last := &q.prompt.Messages[len(q.prompt.Messages)-1]
	say := r.catalogue().Say
	switch {
	case err != nil && (t.Kind != KindText || t.text == "" || ctx.Err() != nil):
		return err
	case err != nil && t.Medium.Name != "":
		t.text = say(t.tag, "file_gone", "name", t.Medium.Name) + "\n\n" + t.text
	case err != nil:
		t.text = say(t.tag, "picture_gone") + "\n\n" + t.text
	case len(x.pieces) > 0:
		last.Pictures, q.turn.Picture = x.pieces, t.Medium.Ref
		if t.text == "" {
			t.text = say(t.tag, r.alone(t))
		}
		if n := len(x.pieces); n > 1 {
			t.text += "\n\n" + say(t.tag, "picture_pieces", "n", strconv.Itoa(n))
		}
	default:
		q.cut = x.cut
		t.text = strings.TrimSpace(say(t.tag, "file_text", "name", orElse(t.Medium.Name, "…"), "text", x.text) + "\n\n" + t.text)
	}
	q.turn.Asked = r.content(t)
	last.Content = q.turn.Asked
	return nil
}

// attachAll puts pictures that were sent together into their question: as many of
// the first as are shown to a service.
func (r *Relay) attachAll(ctx context.Context, t task, q *question) error {
	sent := t.pictures()
	shown, err := r.look(ctx, sent, maxPictures)
	if err != nil {
		return err
	}
	last := &q.prompt.Messages[len(q.prompt.Messages)-1]
	say := r.catalogue().Say
	if t.text == "" {
		t.text = say(t.tag, r.alone(t), "n", strconv.Itoa(len(shown)))
	}
	var refs []string
	for i, v := range shown {
		last.Pictures, refs = append(last.Pictures, v.pieces...), append(refs, v.ref)
		if n := len(v.pieces); n > 1 {
			t.text += "\n\n" + say(t.tag, "pictures_pieces", "k", strconv.Itoa(i+1), "n", strconv.Itoa(n))
		}
	}
	q.sent, q.shown = len(sent), len(shown)
	q.turn.Picture, q.turn.Asked = strings.Join(refs, refMark), r.content(t)
	last.Content = q.turn.Asked
	return nil
}

// alone names the text for the model in the place of words with pictures. Where
// nothing is known of the person's language, the picture may tell it.
func (r *Relay) alone(t task) string {
	key := "picture_alone"
	if len(t.more) > 0 {
		key = "pictures_alone"
	}
	if t.how == "default" && r.o.Locale == "" {
		key += "_any"
	}
	return key
}

// recollect puts the pictures of the latest earlier turns into a question, and words
// in the place of the others.
func (r *Relay) recollect(ctx context.Context, tag string, q *question) {
	ctx, cancel := context.WithTimeout(ctx, olderTime)
	defer cancel()
	shown := make(map[string]bool) // one that is quoted, say, goes along once
	for ref := range strings.SplitSeq(q.turn.Picture, refMark) {
		shown[ref] = true
	}
	n, room := 0, maxPictures-len(q.prompt.Messages[len(q.prompt.Messages)-1].Pictures)
	for _, x := range slices.Backward(q.older) {
		m := &q.prompt.Messages[x.at]
		left := 0
		for _, ref := range x.refs {
			if shown[ref] {
				continue
			}
			left++
			if n == maxOlder {
				continue
			}
			if p, err := r.glimpse(ctx, ref); err == nil && len(p) <= room {
				m.Pictures = append(m.Pictures, p...)
				left, room, shown[ref] = left-1, room-len(p), true
			}
		}
		if len(m.Pictures) > 0 {
			n++
		}
		if left > 0 {
			m.Content = r.catalogue().Say(tag, "picture_gone") + "\n\n" + m.Content
		}
	}
}
