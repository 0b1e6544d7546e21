package ilink

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/diagbot/diagbot/bot"
)

// arrival is a message as it came, in plain values.
type arrival struct {
	bot.Message
	token   string
	own     *medium // what was sent, not quoted
	mark    string  // tells media apart that have no words
	content string  // what is equal in copies of the message
	cited   string  // tells what they quote; copies may lack it

	client, item string // what the client, and WeChat, call it; perhaps equal in copies
}

// arrive reads a message, and puts it where hear finds it unless it is a copy or
// nothing anybody wrote.
func (k *link) arrive(raw json.RawMessage) {
	a, ok := readMessage(raw, k.quotes)
	if !ok || a.Sender.ID == k.Bot {
		k.log.Debug("not a message to us", "bytes", len(raw))
		return
	}
	user := a.Sender.ID
	if k.copied(a) {
		k.book.renewed(user, k.Bot, a.token)
		return
	}
	k.book.heard(user, k.Bot, a.token, time.Now())
	k.quotes.add(a.ID, a.Text, a.own)
	a.Sender.Owner = user == k.User
	k.batch = append(k.batch, a.Message)
}

// copied reports whether a message came before, and remembers it.
func (k *link) copied(a arrival) bool {
	if k.seen.repeated(a.ID) {
		k.log.Info("a message came twice")
		return true
	}
	first, twin := k.seen.twin(a)
	if twin {
		again := k.seen.traceOf(a)
		k.log.Info("a message came twice under two ids", "apart", again.at.Sub(first.at),
			"same_client_id", a.client != "" && again.client == first.client, "same_msg_id", a.item != "" && again.item == first.item)
	}
	return twin
}

// readMessage reads a message. It reports false for one that no person wrote to us.
// A field of an unexpected type is as good as none; a message whose content cannot
// be read is passed on as such, for its sender waits for an answer.
func readMessage(raw json.RawMessage, quotes *quotes) (a arrival, ok bool) {
	var in incoming
	_ = json.Unmarshal(raw, &in) // fills in what it can
	user := string(in.From)
	if !isUser(user) || in.Group != "" || in.Type == fromBot || in.Deleted != 0 {
		return a, false
	}
	a.Chat, a.Sender = bot.Chat{ID: user}, bot.Sender{ID: user}
	a.At, a.token = timeOf(int64(in.Created), time.Now()), string(in.Token)
	if a.client = string(in.ClientID); len(in.Items) > 0 {
		a.item = string(in.Items[0].MsgID)
	}
	a.read(in.Items, quotes)
	sum := sha256.Sum256([]byte(string(a.Kind) + "\x00" + a.Text + "\x00" + a.mark))
	a.content = hex.EncodeToString(sum[:])
	if a.ID = string(in.ID); a.ID == "" {
		sum := sha256.Sum256([]byte(user + "\x00" + strconv.FormatInt(int64(in.Created), 10) + "\x00" + a.content))
		a.ID = "x" + hex.EncodeToString(sum[:16])
	}
	return a, true
}

// timeOf reads a time in milliseconds; one that makes no sense is now.
func timeOf(ms int64, now time.Time) time.Time {
	at := time.UnixMilli(ms)
	if ms <= 0 || at.After(now.Add(24*time.Hour)) || at.Before(now.Add(-365*24*time.Hour)) {
		return now
	}
	return at
}

// read takes what people said from the items of a message: their words, written or
// spoken, wherever they are, otherwise the first thing that they sent.
func (a *arrival) read(items []item, quotes *quotes) {
	var said []string
	var quoted *medium
	for i := range items {
		it := &items[i]
		if text := strings.TrimSpace(it.words()); text != "" {
			said = append(said, text)
		}
		if kind := it.kind(); a.Kind == "" || a.Kind == bot.KindText {
			a.Kind = kind
		}
		if a.mark == "" {
			a.mark = it.mark()
		}
		if a.own == nil {
			a.own = it.medium()
		}
		if it.Ref != nil && a.Quote == "" {
			a.Quote = cutBytes(clean(it.Ref.quoted(quotes)), maxText)
		}
		if it.Ref != nil && quoted == nil {
			quoted = it.Ref.medium(quotes)
		}
	}
	switch a.Text = cutBytes(clean(strings.Join(said, "\n")), maxText); {
	case a.Text != "":
		a.Kind = bot.KindText
	case a.Kind == "":
		a.Kind = bot.KindOther
	}
	if a.cited = a.Quote; a.cited == "" && quoted != nil {
		a.cited = quoted.Ref
	}
	a.Medium = a.fetchable(quoted)
}

// fetchable is the medium that goes with a message: what was sent or, beside words,
// their own or the one they quote.
func (a *arrival) fetchable(quoted *medium) *bot.Medium {
	switch {
	case a.own != nil && (a.own.kind == a.Kind || a.Kind == bot.KindText):
		return &a.own.Medium
	case a.Kind == bot.KindText && quoted != nil:
		return &quoted.Medium
	}
	return nil
}

// words are a text, or the transcript of a voice.
func (i *item) words() string {
	switch {
	case i.Text != nil && (i.Type == itemText || i.Type == 0):
		return string(i.Text.Text)
	case i.Voice != nil && i.Type == itemVoice:
		return string(i.Voice.Text)
	}
	return ""
}

func (i *item) kind() bot.Kind {
	switch i.Type {
	case itemText:
		return bot.KindText
	case itemImage:
		return bot.KindImage
	case itemVoice:
		return bot.KindVoice
	case itemFile:
		return bot.KindFile
	case itemVideo:
		return bot.KindVideo
	}
	return bot.KindOther
}
