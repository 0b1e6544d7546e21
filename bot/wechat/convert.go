package wechat

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/diagbot/diagbot/bot"
)

// fileHelper is File Transfer, the chat people have with their own devices.
const fileHelper = "filehelper"

// The types of messages we pass on, by the numbers of the web protocol.
const (
	typeText       = 1
	typeImage      = 3
	typeVoice      = 34
	typeVideo      = 43
	typeSticker    = 47
	typeLocation   = 48
	typeApp        = 49
	typeShortVideo = 62
)

// The kinds of app messages told apart.
const (
	appFile         = 6
	appLiveLocation = 17
	appQuoted       = 57
	appUploading    = 74 // a file that will come again as appFile
	appTransfer     = 2000
	appRedPacket    = 2001
)

// rawMessage is a message as webwxsync describes it, as far as we read it.
type rawMessage struct {
	MsgId                    looseString
	NewMsgId                 int64
	MsgType, AppMsgType      int
	FromUserName, ToUserName string
	Content, FileName, Url   string
	MediaId, EncryFileName   string
	FileSize                 looseString
	CreateTime               int64
}

// looseString is a string that some servers write as a number.
type looseString string

// UnmarshalJSON takes a string or a number.
func (s *looseString) UnmarshalJSON(b []byte) error {
	var text string
	if len(b) > 0 && b[0] != '"' {
		var n json.Number
		if err := json.Unmarshal(b, &n); err != nil {
			return err
		}
		*s = looseString(n)
		return nil
	}
	err := json.Unmarshal(b, &text)
	*s = looseString(text)
	return err
}

// id names a message. Without a number of its own it is named by what it says.
func (m *rawMessage) id() string {
	switch {
	case m.MsgId != "" && m.MsgId != "0":
		return cutBytes(string(m.MsgId), 64)
	case m.NewMsgId != 0:
		return strconv.FormatInt(m.NewMsgId, 10)
	}
	h := fnv.New64a()
	fmt.Fprintf(h, "%d\x00%s\x00%s\x00%s", m.CreateTime, m.FromUserName, m.ToUserName, m.Content)
	return fmt.Sprintf("h%x", h.Sum64())
}

// convert turns a message into plain values. ok is false for those nobody
// wants answered: what we wrote ourselves, official accounts, system notes,
// friend requests, cards, calls, money.
func (d *directory) convert(ctx context.Context, m *rawMessage) (msg bot.Message, ok bool) {
	kind := m.kind()
	if kind == "" {
		return msg, false
	}
	msg = bot.Message{ID: m.id(), Kind: kind, At: time.Unix(m.CreateTime, 0)}
	from, to := m.FromUserName, m.ToUserName
	switch {
	case from == d.self && to == fileHelper:
		msg.Chat = bot.Chat{ID: fileHelper, Name: d.nick}
		msg.Sender = bot.Sender{ID: d.self, Name: d.nick, Owner: true}
		say(&msg, m, m.Content)
	case from == d.self:
		return msg, false
	case isGroup(from):
		return d.fromGroup(ctx, m, msg)
	case isPerson(from):
		p := d.person(ctx, from)
		if p.official {
			return msg, false
		}
		if !d.waited { // once: a list that does not come must not hold up every message
			d.awaitList(ctx)
			d.waited = true
		}
		key := d.key(from)
		msg.Chat = bot.Chat{ID: from, Key: key, Name: p.name}
		msg.Sender = bot.Sender{ID: from, Key: key, Name: p.name}
		say(&msg, m, m.Content)
	default:
		return msg, false
	}
	return msg, true
}

// fromGroup converts a message of a group. Its content begins with the user
// name of the member, written by the server; only the first ":<br/>" ends it,
// later ones are the member's own.
func (d *directory) fromGroup(ctx context.Context, m *rawMessage, msg bot.Message) (bot.Message, bool) {
	sender, content, found := cutSender(m.Content)
	if !found || sender == d.self {
		return msg, false
	}
	g := d.group(ctx, m.FromUserName)
	msg.Chat = bot.Chat{ID: m.FromUserName, Group: true, Name: g.name}
	msg.Sender = bot.Sender{ID: sender, Key: d.key(sender), Name: d.member(ctx, m.FromUserName, sender)}
	say(&msg, m, content)
	if msg.Kind == bot.KindText {
		msg.Text, msg.Mentioned = mention(msg.Text, g.mine, g.taken)
	}
	return msg, true
}

func cutSender(content string) (sender, rest string, found bool) {
	sender, rest, found = strings.Cut(content, ":<br/>")
	if !found {
		sender, rest, found = strings.Cut(content, ":\n")
	}
	return sender, rest, found && isPerson(sender) && !strings.ContainsAny(sender, " <\n")
}

// taken tells whether after begins with a longer name than ours, of another
// member.
func (g *group) taken(after string) bool {
	for _, name := range g.members {
		for _, mine := range g.mine {
			if len(name) > len(mine) && strings.HasPrefix(name, mine) && strings.HasPrefix(after, name) {
				return true
			}
		}
	}
	return false
}

// say fills in the words of a text message, without what it quotes.
func say(msg *bot.Message, m *rawMessage, content string) {
	switch {
	case msg.Kind != bot.KindText:
	case m.MsgType == typeText:
		msg.Quote, msg.Text = splitQuote(plain(content))
	default:
		var ok bool
		if msg.Quote, msg.Text, ok = appQuote(content); !ok {
			msg.Text = plain(m.FileName) // the title, which is the reply
		}
	}
	// The blank behind a mention tells that it is one, also at the end.
	msg.Text = strings.TrimFunc(msg.Text, func(r rune) bool { return unicode.IsSpace(r) && r != fourPerEm })
}

// kind sorts messages; it is empty for those to ignore.
func (m *rawMessage) kind() bot.Kind {
	switch m.MsgType {
	case typeText:
		if m.Url != "" { // a place on the map comes as a text with a link
			return bot.KindOther
		}
		return bot.KindText
	case typeImage:
		return bot.KindImage
	case typeVoice:
		return bot.KindVoice
	case typeVideo, typeShortVideo:
		return bot.KindVideo
	case typeSticker, typeLocation:
		return bot.KindOther
	case typeApp:
		return m.appKind()
	}
	return ""
}

func (m *rawMessage) appKind() bot.Kind {
	switch m.AppMsgType {
	case appFile:
		return bot.KindFile
	case appQuoted:
		return bot.KindText
	case appLiveLocation:
		return bot.KindOther
	case appUploading, appTransfer, appRedPacket:
		return ""
	}
	return bot.KindLink
}
