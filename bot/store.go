package bot

import (
	"context"
	"errors"
	"time"

	"github.com/diagbot/diagbot/llm"
)

// Store keeps what must outlive the process, for one account. Its methods are
// safe for concurrent use. What writes returns when it will survive a crash and
// the loss of power; an error other than ErrNotOwner says that nothing was
// written, and that the same may be tried again later.
type Store interface {
	// Receive keeps messages before the channel acknowledges them: all, or none.
	// It returns a number for each, which grows, and 0 for those it knew already
	// by their id; a message without an id is always new.
	Receive(ctx context.Context, batch []Message) ([]int64, error)

	// Open returns the messages that are not done, oldest first.
	Open(ctx context.Context) ([]Open, error)

	// Conclude keeps the reply to a message with all that follows from it, in one
	// step. A message that is concluded stays as it is.
	Conclude(ctx context.Context, c Conclusion) error

	// Said notes how many parts of the reply to a message are out. With done
	// nothing more will be said, and what the message and the reply said is
	// forgotten; the id is kept for long enough to know the message again.
	Said(ctx context.Context, seq int64, parts int, done bool) error

	// Recall returns what is remembered of a conversation that was quiet no longer
	// than since.
	Recall(ctx context.Context, c Conversation, since time.Time) (Memory, error)

	// Record keeps an incident that no conclusion carries.
	Record(ctx context.Context, i Incident) error
	// Incidents returns what f asks for, the latest first.
	Incidents(ctx context.Context, f IncidentFilter) ([]Incident, error)
	// Trend counts incidents from a time on, by entry and by spans of step that
	// begin at since; one span if step is 0.
	Trend(ctx context.Context, since time.Time, step time.Duration) ([]EntryCount, error)
	// Tally counts messages concluded from a time on.
	Tally(ctx context.Context, since time.Time) (Tally, error)

	// Settings returns what is set in a scope, by name.
	Settings(ctx context.Context, scope string) (map[string]string, error)
	// Set sets one; an empty value removes it.
	Set(ctx context.Context, scope, name, value string) error

	// Spent returns how often conclusions have spent each name on a day, which is
	// any text.
	Spent(ctx context.Context, day string, names ...string) ([]int, error)

	// Audit keeps what an admin did.
	Audit(ctx context.Context, d Deed) error
	// Audits returns at most n of these, the latest first.
	Audits(ctx context.Context, n int) ([]Deed, error)

	// Owns reports whether the account is this process's at this moment. While it
	// is not, nothing may be said, and writes fail with ErrNotOwner.
	Owns() bool
}

// ErrNotOwner is the error of a write after another process has taken the account
// over, and the cause of a context that ends for that reason.
var ErrNotOwner = errors.New("another process has taken the account over")

// ErrUnreadable is an error of what is kept, and cannot be read however often it is
// tried: it is damaged, or encrypted with another key.
var ErrUnreadable = errors.New("what is kept cannot be read")

// Open is a message that is not done.
type Open struct {
	Seq     int64
	Message Message
	Heard   time.Time
	Reply   *StoredReply // nil: not concluded
}

// StoredReply is a reply of which something is left to say.
type StoredReply struct {
	ID    int64 // of its first part; see Part
	Parts []string
	Said  int // parts that are out
}

// Outcome says what became of a message.
type Outcome string

// The outcomes that are counted. Commands and notices have none.
const (
	OutcomeAnswered Outcome = "answered"
	OutcomeRescued  Outcome = "rescued" // answered after a failure that the bot got over by itself
	OutcomeFailed   Outcome = "failed"
)

// Conclusion is how a message ends.
type Conclusion struct {
	Seq     int64
	Also    []int64     // further messages that end with this one, which answers them as well
	Reply   StoredReply // no parts: nothing is said, and the message is done
	Outcome Outcome
	Took    time.Duration // to ask the AI services

	Conversation Conversation
	Turn         *Turn // to remember
	Keep         int   // turns that are remembered then; older ones are forgotten
	Forget       bool  // all turns before this one

	Incident *Incident
	Day      string   // of Spent
	Spent    []string // each is spent once
}

// Conversation names what belongs to one chat.
type Conversation struct {
	Key   string // of the chat: lasting, or with Login in it
	Login string // the key is good for this login only; empty: for all
	Name  string // of the chat, as people see it
}

// Turn is a message and its answer, as the model saw them.
type Turn struct {
	Asked, Answered string
	Picture         string // the references of pictures that came with the message, one a line; see [Medium]
}

// Memory is what is remembered of a conversation.
type Memory struct {
	Turns []Turn // oldest first
	// Lost tells that nothing is remembered under this key, but that a chat of
	// this name was under an earlier login.
	Lost bool
}

// Incident is one fault, in one chat, at one time, with the attempts to answer all
// the same. It holds nothing of what people said, and is redacted.
type Incident struct {
	Ref      string // unique; an older one of the same name is forgotten
	Entry    string
	Provider string
	Status   int
	At       time.Time
	Took     time.Duration
	Rescued  bool   // a later attempt succeeded, and the person heard nothing of it
	Chat     string // a hash, of use for counting only
	Group    bool
	Attempts []Attempt
}

// Attempt is one request to a provider, as an incident keeps it: with the
// provider's words, which are for admins in private, and without anybody else's.
type Attempt struct {
	Provider, Model, Key string // as configured
	Status               int
	Entry                string // empty: it succeeded
	Code                 string // the provider's own
	Words                string // the provider's message, redacted
	RequestID            string
	Next                 llm.Action
	Wait, Took           time.Duration
}

// IncidentFilter chooses incidents; a zero field chooses all.
type IncidentFilter struct {
	Ref   string
	Entry string
	Since time.Time
	Most  int // 0: 100
}

// EntryCount counts the incidents of an entry in a span of time.
type EntryCount struct {
	Entry          string
	From           time.Time // of the span
	Count, Rescued int       // the rescued ones are among Count
	Chats          int       // in how many
	Last           time.Time
}

// Tally counts messages by outcome; the rescued ones are among the answered ones
// and the failed ones.
type Tally struct {
	Answered, Failed, Rescued int
	Median                    time.Duration // of what answers took; 0: there are none
}

// Deed is what an admin did.
type Deed struct {
	At      time.Time
	Who     string // as people see them
	Where   string // "private", "group", "file transfer", "console"
	Command string // without secrets
	Result  string
}
