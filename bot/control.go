package bot

import (
	"context"
	"errors"

	"github.com/diagbot/diagbot/llm"
)

// Control changes on behalf of admins how AI services are asked. What it changes
// holds at once, for all accounts of the process, and after a restart. It is safe
// for concurrent use. Its errors are llm's ErrNoProvider, ErrNoKey, ErrKeyExists,
// ErrLastKey and ErrLastProvider, ErrNothingToRead, and others, whose text an admin may
// read.
type Control interface {
	// Use asks a provider first; "" restores the order of the configuration.
	Use(ctx context.Context, provider string) error
	// Cool keeps a provider from being asked until Resume, which also ends
	// whatever else keeps it out.
	Cool(ctx context.Context, provider string) error
	Resume(ctx context.Context, provider string) error
	// SetModel asks a model of a provider first; "" is as configured.
	SetModel(ctx context.Context, provider, model string) error

	// AddKey gives a provider another key, unless the provider refuses it, which
	// the check then shows.
	AddKey(ctx context.Context, provider string, k llm.Key) (c llm.Check, added bool, err error)
	// RemoveKey takes a key away, also one of the configuration.
	RemoveKey(ctx context.Context, provider, key string) error
	// TestKey looks how far one key gets.
	TestKey(ctx context.Context, provider, key string) (llm.Check, error)

	// Reload reads the configuration and the catalogue's overrides anew, and has the
	// other processes do so, if there are any.
	Reload(ctx context.Context) (Reloaded, error)
}

// Reloaded is what a reload has changed.
type Reloaded struct {
	Added, Removed, Changed []string // names of providers
	Catalogue               bool     // entries or texts are others
	Restart                 []string // settings that take effect at the next start

	Others  int  // other processes, which read their own files within 15 seconds
	Unasked bool // they could not be asked to
}

// ErrNothingToRead is the error of a reload where nothing is configured.
var ErrNothingToRead = errors.New("there is no configuration here")

// Worded is an error that knows what it says in a language.
type Worded interface{ In(locale string) string }
