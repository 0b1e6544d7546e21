package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/configs"
	"github.com/diagbot/diagbot/internal/store"
	"github.com/diagbot/diagbot/llm"
	"github.com/diagbot/diagbot/troubleshoot"
)

// control is how admins change from a chat what is asked. All accounts share the
// AI services, so what one account's admin changes is kept with each of them that is
// ours, the keys among the credentials; of what all accounts have, the latest wins.
type control struct {
	*app
	client   *llm.Client
	read     func(context.Context) (map[string][]byte, error) // what is kept with all accounts
	logger   *slog.Logger
	shelf    *atomic.Pointer[troubleshoot.Catalogue]
	redactor *troubleshoot.Redactor
	cfg      *configs.Config // that serve began with
	peers    *peers          // nil: nobody shares the store
	began    time.Time

	mu        sync.Mutex
	providers []llm.ProviderOptions // as configured, without what admins changed
	overrides string                // of the catalogue, as last read; see printOf
	changes   changes
	blind     bool // the changes of others could not be read lately
	asked     signature
	looked    bool // we know what was asked before we came
	owned     map[string]*store.Account
	relays    map[string]*bot.Relay
}

// controlName is what the changes are kept under.
const controlName = "control"

func (o *office) newControl(shelf *atomic.Pointer[troubleshoot.Catalogue]) *control {
	read := func(ctx context.Context) (map[string][]byte, error) { return o.db.GetEverywhere(ctx, controlName) }
	c := &control{app: o.app, read: read, client: o.client, logger: o.logger, shelf: shelf, redactor: o.redactor, cfg: o.cfg,
		providers: providers(o.cfg), overrides: printOf(o.cfg.Catalogue.Dir), began: time.Now(),
		owned: make(map[string]*store.Account), relays: make(map[string]*bot.Relay)}
	if !o.cfg.Store.URL.Empty() {
		c.peers = newPeers(o.db, o.node)
	}
	return c
}

// join takes part in the changes with an account, for as long as leave is not
// called. The error is of reading what was changed earlier, which is not done then.
func (c *control) join(ctx context.Context, account string, owned *store.Account) error {
	all, err := c.read(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.owned[account] = owned
	return c.take(all, err)
}

// others returns the relays of all other accounts.
func (c *control) others(account string) (relays []teller) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, r := range c.relays {
		if name != account {
			relays = append(relays, r)
		}
	}
	return relays
}

func (c *control) leave(account string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.owned, account)
	delete(c.relays, account)
}

// serves notes the relay of an account, to which it tells a new catalogue.
func (c *control) serves(account string, relay *bot.Relay) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.relays[account] = relay
	relay.Adopt(c.shelf.Load())
}

// keep makes a change on top of what others changed, and keeps it with every account
// that is ours.
func (c *control) keep(ctx context.Context, change func() error, note func(*changes)) error {
	all, err := c.read(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.followed(c.take(all, err))
	if err := change(); err != nil {
		return err
	}
	next := c.changes.clone()
	note(&next)
	next.At = c.changes.after(time.Now())
	c.changes = next
	raw, err := json.Marshal(next)
	if err != nil {
		return err
	}
	var errs []error
	for _, owned := range c.owned {
		errs = append(errs, owned.Put(ctx, controlName, raw))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("it holds until the next restart only: %w", err)
	}
	return nil
}

// Use implements bot.Control.
func (c *control) Use(ctx context.Context, provider string) error {
	return c.keep(ctx, func() error { return c.client.UseProvider(provider) }, func(x *changes) { x.First = provider })
}

// Cool implements bot.Control.
func (c *control) Cool(ctx context.Context, provider string) error {
	return c.keep(ctx, func() error { return c.client.Cool(provider) }, func(x *changes) {
		x.Cooled = append(without(x.Cooled, provider), provider)
	})
}

// Resume implements bot.Control.
func (c *control) Resume(ctx context.Context, provider string) error {
	return c.keep(ctx, func() error { return c.client.Resume(provider) }, func(x *changes) { x.Cooled = without(x.Cooled, provider) })
}

// SetModel implements bot.Control.
func (c *control) SetModel(ctx context.Context, provider, model string) error {
	note := func(x *changes) {
		if delete(x.Models, provider); model != "" {
			x.Models[provider] = model
		}
	}
	change := func() error {
		if model != "" {
			if err := c.client.SetModel(provider, model); err != nil {
				return err
			}
		}
		next := c.changes.clone() // without the model that was chosen before
		note(&next)
		_, err := c.client.Reload(next.apply(c.providers))
		return err
	}
	return c.keep(ctx, change, note)
}

// AddKey implements bot.Control.
func (c *control) AddKey(ctx context.Context, provider string, k llm.Key) (check llm.Check, added bool, err error) {
	if !isWord(k.Secret) {
		c.redactor.Learn(k.Secret)
	}
	if check, err = c.client.TestKey(ctx, provider, k); err != nil || check.Status == 401 {
		return check, false, err
	}
	err = c.keep(ctx, func() error { return c.client.AddKey(provider, k) }, func(x *changes) {
		x.Keys = append(x.Keys, keptKey{provider, k.Name, k.Secret})
	})
	return check, err == nil, err
}

// RemoveKey implements bot.Control.
func (c *control) RemoveKey(ctx context.Context, provider, key string) error {
	return c.keep(ctx, func() error { return c.client.RemoveKey(provider, key) }, func(x *changes) { x.remove(provider, key) })
}

// TestKey implements bot.Control.
func (c *control) TestKey(ctx context.Context, provider, key string) (llm.Check, error) {
	return c.client.TestKey(ctx, provider, llm.Key{Name: key})
}

// Reload implements bot.Control. Once we have read our files, the other processes are
// asked to read theirs.
func (c *control) Reload(ctx context.Context) (done bot.Reloaded, err error) {
	if done, err = c.reread(ctx); err != nil || c.peers == nil {
		return done, err
	}
	err = c.keep(ctx, func() error { return nil }, func(x *changes) {
		x.Reload = laterThan(x.Reload, time.Now())
		c.asked.Asked, c.asked.Failed = x.Reload, ""
	})
	if err != nil {
		c.logger.Warn("other processes were not asked to read their files", "error", err)
	}
	done.Others, done.Unasked = c.peers.count(), err != nil
	return done, nil
}

// reread reads our files anew: all of it, or nothing.
func (c *control) reread(ctx context.Context) (done bot.Reloaded, err error) {
	cfg, err := configs.Load(configs.Options{Path: c.configPath, Environ: c.environ})
	if err != nil {
		return done, err
	}
	c.redactor.Learn(secrets(cfg)...)
	overrides := printOf(cfg.Catalogue.Dir)
	catalogue, err := catalogueWith(cfg.Catalogue.Dir)
	if err != nil {
		return done, err
	}
	all, unread := c.read(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.followed(c.take(all, unread))
	configured := providers(cfg)
	changed, err := c.client.Reload(c.changes.apply(configured))
	if err != nil {
		return done, err
	}
	c.providers = configured
	done = bot.Reloaded{Added: changed.Added, Removed: changed.Removed, Changed: changed.Changed,
		Catalogue: overrides != c.overrides, Restart: settingsThatDiffer(c.cfg, cfg)}
	c.overrides = overrides
	c.shelf.Store(catalogue)
	c.client.SetCatalogue(catalogue)
	for _, relay := range c.relays {
		relay.Adopt(catalogue)
	}
	return done, nil
}

// printOf tells one state of a directory of overrides from another; of none, it is
// empty. What cannot be read was not loaded either.
func printOf(dir string) string {
	if dir == "" {
		return ""
	}
	sum := sha256.New()
	files := os.DirFS(dir)
	_ = fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil
		}
		b, _ := fs.ReadFile(files, name)
		fmt.Fprintf(sum, "%q %d\n", name, len(b))
		sum.Write(b)
		return nil
	})
	return hex.EncodeToString(sum.Sum(nil))
}

// settingsThatDiffer names the settings that a reload does not take over.
func settingsThatDiffer(a, b *configs.Config) (names []string) {
	x, y := reflect.ValueOf(*a), reflect.ValueOf(*b)
	for i := range x.NumField() {
		name := x.Type().Field(i).Tag.Get("mapstructure")
		switch name {
		case "-", "", "providers", "catalogue":
			continue
		}
		if !reflect.DeepEqual(x.Field(i).Interface(), y.Field(i).Interface()) {
			names = append(names, name)
		}
	}
	return names
}
