package ilink

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/diagbot/diagbot/bot"
)

// Vault keeps what must outlive the process, durably and in secret: credentials,
// the place in the stream of messages, the tokens that replies need, and replies
// that WeChat would not take yet. Its methods are safe for concurrent use; what
// writes replaces, whole or not at all. An error that is bot.ErrUnreadable lasts, and
// is not waited for.
type Vault interface {
	// Get returns what is kept under a name, nil if there is nothing.
	Get(ctx context.Context, name string) ([]byte, error)
	Put(ctx context.Context, name string, b []byte) error
	// Remove is no error if there is nothing.
	Remove(ctx context.Context, name string) error
}

// NameLogin is what the credentials are kept under in the vault.
const NameLogin = "ilink.login"

// The names in the vault.
const (
	nameLogin   = NameLogin
	nameCursor  = "ilink.cursor"
	nameUnheard = "ilink.unheard"
	nameChats   = "ilink.chats."
)

const vaultTime = 10 * time.Second // what is not kept by then has failed

// login is the credentials of a bot. They belong to the person who scanned.
type login struct {
	Token   string    `json:"token"`
	Bot     string    `json:"bot"`
	User    string    `json:"user"`
	BaseURL string    `json:"base_url"`
	Since   time.Time `json:"since"`
}

func (l *login) secret() string {
	if l == nil {
		return ""
	}
	return l.Token
}

// check says what is missing. Errors hold no credentials.
func (l *login) check() error {
	base, ok := knownBase(l.BaseURL)
	switch {
	case !isToken(l.Token):
		return errors.New("it has no token")
	case l.Bot == "" || len(l.Bot) > 256:
		return errors.New("it has no bot")
	case !ok:
		return errors.New("its address is not one of WeChat's")
	}
	l.BaseURL = base
	return nil
}

// maxToken bounds the tokens WeChat gives, in bytes.
const maxToken = 4096

// isToken tells whether s can be in a header.
func isToken(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return s != "" && len(s) <= maxToken
}

// cursor is how far a bot has been given its messages.
type cursor struct {
	Bot  string `json:"bot"`
	Text string `json:"cursor"`
}

// nothing is a vault that keeps nothing.
type nothing struct{}

func (nothing) Get(context.Context, string) ([]byte, error) { return nil, nil }
func (nothing) Put(context.Context, string, []byte) error   { return nil }
func (nothing) Remove(context.Context, string) error        { return nil }

// errBroken says that what is kept is not what was written.
var errBroken = errors.New("it is damaged: no valid JSON, or with other fields")

// load reads what is kept under a name into v, and reports whether there was
// something.
func (c *Channel) load(ctx context.Context, name string, v any) (found bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, vaultTime)
	defer cancel()
	b, err := c.opt.Vault.Get(ctx, name)
	if err != nil || len(b) == 0 {
		return false, err
	}
	if json.Unmarshal(b, v) != nil { // its words would repeat a secret's
		return false, errBroken
	}
	return true, nil
}

// store keeps v under a name, also while everything ends.
func (c *Channel) store(ctx context.Context, name string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), vaultTime)
	defer cancel()
	return c.opt.Vault.Put(ctx, name, b)
}

func (c *Channel) remove(ctx context.Context, name string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), vaultTime)
	defer cancel()
	if err := c.opt.Vault.Remove(ctx, name); err != nil {
		c.log.Warn("not removed from the vault", "name", name, "error", err)
	}
}

// loadTries is how often what cannot be read is tried again before it is given up.
const loadTries = 5

// recall is load with patience, until that has run out once: what is not there
// because the vault could not be asked would be written over.
func (c *Channel) recall(ctx context.Context, name string, v any) (found bool, err error) {
	retry := c.newBackoff()
	for try := 1; ; try++ {
		found, err = c.load(ctx, name, v)
		if err == nil || errors.Is(err, errBroken) || errors.Is(err, bot.ErrUnreadable) || ctx.Err() != nil {
			return found, err
		}
		if try >= loadTries || c.hopeless {
			c.hopeless = true
			return found, err
		}
		pause(ctx, retry.NextBackOff())
	}
}

// whyUnread names the setting that is most often behind it.
const whyUnread = "cannot be read; if store.key has changed, stop and set the old one"

// stored returns the credentials that are kept, or nil after saying what is wrong
// with them.
func (c *Channel) stored(ctx context.Context) *login {
	var l login
	found, err := c.recall(ctx, nameLogin, &l)
	why := whyUnread // the error may name the place; that is for the log
	if err == nil && found {
		if err = l.check(); err == nil {
			return &l
		}
		why = err.Error()
	}
	if err != nil && ctx.Err() == nil {
		c.log.Warn("the saved sign-in is unusable", "error", err)
		c.show(Login{State: LoginUnusable, Reason: why})
	}
	return nil
}

// restore reads what an earlier process left: the messages it fetched and could
// not have heard, and what replies need.
func (c *Channel) restore(ctx context.Context) {
	if len(c.batch) == 0 { // this process's own are newer
		if _, err := c.recall(ctx, nameUnheard, &c.batch); err != nil {
			c.log.Warn("messages fetched earlier cannot be read", "error", err)
		}
		c.kept = len(c.batch) > 0
	}
	for n := range pages {
		var talks []talk
		if _, err := c.recall(ctx, pageName(n), &talks); err != nil {
			c.log.Warn("what replies need cannot be read; some may be refused", "error", err)
			if !errors.Is(err, errBroken) {
				return
			}
		}
		c.book.fill(talks)
	}
}
