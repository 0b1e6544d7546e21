// Package bot is the relay: it hears messages from a [Channel], decides which
// ones are for it, asks a [Completer], and says the answer or a short
// explanation of what went wrong. Every accepted message ends in a reply.
//
// The package knows neither WeChat's protocols nor any vendor's API: the one
// lives in the channel packages below it, the other in package llm.
package bot

import (
	"context"
	"time"

	"github.com/diagbot/diagbot/llm"
)

// Channel is a way to reach WeChat as one account.
type Channel interface {
	// Traits says what the channel can do. It is constant.
	Traits() Traits

	// Run logs in and tells ear what happens, until ctx ends (nil) or the account
	// can no longer be used (a *troubleshoot.Fault). It may be called again after
	// it has returned.
	Run(ctx context.Context, ear Ear) error

	// Send says one part of a reply. It is safe for concurrent use and fails with
	// a *troubleshoot.Fault; it never panics, also before login and after logout.
	// When the context of Run has ended, replies to what was heard can still be
	// sent for a while. A fault with the code MaybeSent leaves open whether the
	// part arrived, and it is sent once more; any other says that it did not.
	Send(ctx context.Context, p Part) error
}

// Ear is what a channel tells its relay. Its methods are called one at a time.
type Ear interface {
	// LoggedIn comes at the beginning of each login, before its first message.
	// login names it: the same when a login is resumed, also by another process,
	// and never again once the ids of chats and people have changed. It is of no
	// use to anyone else, and empty where Traits.StableIDs. An error says that the
	// relay cannot take messages at present; the channel tries again.
	LoggedIn(ctx context.Context, login string) error

	// Hear takes messages in the order of their arrival: all of them or, when it
	// returns an error, none. Then the channel must offer them again rather than
	// acknowledge them. It takes as long as it takes to store them.
	Hear(ctx context.Context, batch []Message) error
}

// Part is a part of a reply: at most Traits.PartRunes runes and Traits.PartBytes
// bytes of plain text.
type Part struct {
	To   Chat
	Text string
	// ID is the same when the same part is sent once more, also after a restart,
	// and another for every other part of the account: milliseconds since 1970
	// with four further digits.
	ID int64
}

// Named is a channel that knows the name people mention us by. It is empty
// before login, and safe to ask for at any time.
type Named interface{ Name() string }

// Pictures is a channel that can say a part with a picture above it. The text may
// be empty. Its faults are those of Send; after one, all may be said once more.
type Pictures interface {
	SendPicture(ctx context.Context, p Part, png []byte) error
}

// Fetcher is a channel that can fetch what came with a message.
type Fetcher interface {
	// Fetch returns a medium of at most most bytes. It fails with a
	// *troubleshoot.Fault; the code MediumGone says that WeChat no longer has it,
	// MediumTooLarge that it has more bytes.
	Fetch(ctx context.Context, ref string, most int) ([]byte, error)
}

// Files is a channel that can say a part with a file above it, as [Pictures] does
// with a picture.
type Files interface {
	SendFile(ctx context.Context, p Part, name string, body []byte) error
}

// Owned is a channel that knows the chat of the person the account belongs to, and
// whether they can be written to at present.
type Owned interface{ OwnerChat() (Chat, bool) }

// MaybeSent is the code of a fault whose message may have arrived all the same.
const MaybeSent = "maybe_sent"

// The codes of the faults of a [Fetcher].
const (
	MediumGone     = "medium_gone"      // WeChat no longer has it
	MediumTooLarge = "medium_too_large" // it has more bytes than may be fetched
)

// Traits tells how channels differ. The relay obeys them.
type Traits struct {
	Groups            bool          // the channel carries group chats
	StableIDs         bool          // chat and sender ids survive a new login
	PartRunes         int           // longest part, in runes
	PartBytes         int           // longest part, in bytes of UTF-8
	RepliesPerMessage int           // parts allowed per incoming message; 0 is unlimited
	ReplyWindow       time.Duration // how long after a message a reply is possible; 0 is for ever
	Markdown          bool          // the client renders Markdown
	Typing            bool          // a typing indicator exists
}

// Kind says what arrived.
type Kind string

// The kinds of messages a channel passes on. Only text is answered by a model.
const (
	KindText  Kind = "text"
	KindImage Kind = "image"
	KindVoice Kind = "voice"
	KindVideo Kind = "video"
	KindFile  Kind = "file"
	KindLink  Kind = "link"
	KindOther Kind = "other"
)

// Chat is one friend or one group.
type Chat struct {
	ID    string // unique within the account; stable only if Traits.StableIDs
	Key   string // the same in every login, where the channel can tell, as by a remark its owner set; may be empty
	Group bool
	Name  string // for display and the group white list; chosen by people, never an identity
}

// Sender is who spoke.
type Sender struct {
	ID    string // unique within the account
	Key   string // as Chat.Key
	Name  string // as shown in this chat; chosen by its bearer, never an identity
	Owner bool   // the holder of the bot's own account, proven by the channel
}

// Message is what arrived, in plain values.
type Message struct {
	ID        string // unique within the account
	Chat      Chat
	Sender    Sender
	Kind      Kind
	Text      string    // the sender's own words, decoded, without quote and without the mention of us
	Quote     string    // the text the message replies to, if any
	Mentioned bool      // in a group: the message names us with @
	At        time.Time // when WeChat says it was sent
	Login     string    // it was heard under; the relay fills it in
	Medium    *Medium   // the picture or file to fetch; nil: none, or it cannot be fetched
}

// Medium is a picture or a file that came with a message. A quoted one may be the
// medium of a message whose kind is text; then a file has a name.
type Medium struct {
	Ref  string // by which the channel fetches it, also after a restart; one line of at most 8 KiB; secret as the chat itself
	Name string // of a file, chosen by its sender; may be empty
	Size int64  // bytes, as WeChat says; 0: unknown
}

// Completer answers prompts. Its errors are *troubleshoot.Fault.
type Completer interface {
	Complete(ctx context.Context, p llm.Prompt) (llm.Completion, error)
}
