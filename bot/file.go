package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// fileRecipe says what a file is made of. It is stored in the place of the file,
// which is written from the conversation of its chat when it is sent.
type fileRecipe struct {
	kind  string // fileAnswer or fileAll
	tag   string // the language of what is ours in it
	stamp string // of its name
}

const (
	fileAnswer = "answer"       // the last answer
	fileAll    = "conversation" // all that is remembered
	fileStamp  = "20060102-1504"
)

func (f fileRecipe) String() string {
	return strings.Join([]string{recipeMark + "file", f.kind, f.tag, f.stamp}, " ")
}

func (f fileRecipe) name() string { return f.kind + "-" + f.stamp + ".md" }

// readFileRecipe reads what [fileRecipe.String] wrote, and nothing else.
func readFileRecipe(text string) (f fileRecipe, ok bool) {
	if !strings.HasPrefix(text, recipeMark) {
		return f, false
	}
	words := strings.Split(text, " ")
	if len(words) != 4 || words[0] != recipeMark+"file" || words[1] != fileAnswer && words[1] != fileAll {
		return f, false
	}
	if _, err := time.Parse(fileStamp, words[3]); err != nil {
		return f, false
	}
	return fileRecipe{words[1], words[2], words[3]}, true
}

// sendsFiles reports whether files can be sent to a chat. A group is not sent what
// it said.
func (r *Relay) sendsFiles(to Chat) bool {
	_, ok := r.o.Channel.(Files)
	return ok && !to.Group
}

// file sends the last answer as a file, or all that is remembered: /file [all].
func (r *Relay) file(in call) string {
	say := r.catalogue().Say
	switch {
	case in.Chat.Group:
		return say(in.tag, "file_private")
	case !r.sendsFiles(in.Chat):
		return say(in.tag, "file_unavailable")
	case r.recall(in.work, in.chat, in.task) != nil:
		return ""
	case in.chat.memory.forgotten(time.Now()):
		return say(in.tag, "file_nothing")
	}
	f := fileRecipe{fileAnswer, in.tag, time.Now().In(r.o.Location).Format(fileStamp)}
	if word, _ := cutWord(in.args); slices.Contains([]string{"all", "全部", "全文", "すべて", "全て", "전체", "모두"}, word) {
		f.kind = fileAll
	}
	return f.String()
}

var errNothing = errors.New("nothing is remembered any more")

// sayFile sends a part that is a file, or words where that does not work.
func (r *Relay) sayFile(ctx context.Context, p Part, f fileRecipe) error {
	body, err := r.write(ctx, p.To, f)
	files, ok := r.o.Channel.(Files)
	p.Text = ""
	if ok && err == nil {
		err = files.SendFile(ctx, p, f.name(), body)
		if v := judge(err); v != refused && v != again {
			return err
		}
	}
	r.o.Logger.Warn("no file", "chat", r.hash(p.To.ID), "why", r.redact(fmt.Sprint(err)))
	p.Text = r.catalogue().Say(f.tag, "file_not_sent")
	if errors.Is(err, errNothing) {
		p.Text = r.catalogue().Say(f.tag, "file_nothing")
	}
	return r.o.Channel.Send(ctx, p)
}

// write makes the body of a file, from the conversation of the very chat that it
// goes to: what the model said, as it said it.
func (r *Relay) write(ctx context.Context, to Chat, f fileRecipe) ([]byte, error) {
	if to.Group {
		return nil, errNothing
	}
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	c := r.conversation(Message{Chat: to, Login: *r.login.Load()})
	m, err := r.store.Recall(ctx, c, r.rememberedSince(time.Now()))
	switch {
	case err != nil:
		return nil, err
	case len(m.Turns) == 0:
		return nil, errNothing
	case f.kind == fileAnswer:
		return []byte(written(m.Turns[len(m.Turns)-1].Answered)), nil
	}
	var b strings.Builder
	say := r.catalogue().Say
	for i, t := range m.Turns {
		if i > 0 {
			b.WriteString("\n---\n\n")
		}
		b.WriteString("**" + say(f.tag, "file_asked") + "**\n\n" + written(t.Asked) + "\n")
		b.WriteString("**" + say(f.tag, "file_answered") + "**\n\n" + written(t.Answered))
	}
	return []byte(b.String()), nil
}

// written is a text as it stands in a file: whole, with one end of line at its end.
func written(text string) string { return strings.TrimRight(clean(text), "\n") + "\n" }
