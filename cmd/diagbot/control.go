package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"reflect"
	"slices"
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
// AI services, so what one account's admin changes is kept with each of them, the
// keys among the credentials; after a restart, the latest wins.
type control struct {
	*app
	client   *llm.Client
	shelf    *atomic.Pointer[troubleshoot.Catalogue]
	redactor *troubleshoot.Redactor
	cfg      *configs.Config // that serve began with

	mu        sync.Mutex
	providers []llm.ProviderOptions // as configured, without what admins changed
	overrides string                // of the catalogue, as last read; see printOf
	changes   changes
	owned     map[string]*store.Account
	relays    map[string]*bot.Relay
}

// controlName is what the changes are kept under.
const controlName = "control"

func (a *app) newControl(cfg *configs.Config, client *llm.Client, shelf *atomic.Pointer[troubleshoot.Catalogue], r *troubleshoot.Redactor) *control {
	return &control{app: a, client: client, shelf: shelf, redactor: r, cfg: cfg, providers: providers(cfg), overrides: printOf(cfg.Catalogue.Dir),
		owned: make(map[string]*store.Account), relays: make(map[string]*bot.Relay)}
}

// join takes part in the changes with an account, for as long as leave is not
// called. The error is of reading what was changed earlier, which is not done then.
func (c *control) join(ctx context.Context, account string, owned *store.Account) error {
	raw, err := owned.Get(ctx, controlName)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.owned[account] = owned
	if err != nil {
		return err
	}
	var kept changes
	if raw != nil && json.Unmarshal(raw, &kept) != nil {
		kept = changes{} // broken: as configured
	}
	if kept.At.After(c.changes.At) {
		c.changes = kept
		return c.restore()
	}
	return nil
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

// restore has the client do as was changed earlier. What does not fit the
// configuration any more is left out.
func (c *control) restore() error {
	for _, k := range c.changes.Keys {
		if !isWord(k.Secret) {
			c.redactor.Learn(k.Secret)
		}
	}
	if _, err := c.client.Reload(c.changes.apply(c.providers)); err != nil {
		return err
	}
	if c.client.UseProvider(c.changes.First) != nil {
		c.changes.First = ""
		_ = c.client.UseProvider("")
	}
	for _, name := range c.changes.Cooled {
		_ = c.client.Cool(name) // gone, or the last one
	}
	return nil
}

// keep makes a change, and keeps it with every account that is ours.
func (c *control) keep(ctx context.Context, change func() error, note func(*changes)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := change(); err != nil {
		return err
	}
	next := c.changes.clone()
	note(&next)
	next.At = time.Now()
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
	change := func() error { return c.client.SetModel(provider, model) }
	if model == "" {
		change = func() error {
			next := c.changes.clone()
			delete(next.Models, provider)
			_, err := c.client.Reload(next.apply(c.providers))
			return err
		}
	}
	return c.keep(ctx, change, func(x *changes) {
		if delete(x.Models, provider); model != "" {
			x.Models[provider] = model
		}
	})
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

// Reload implements bot.Control: all of it, or nothing.
func (c *control) Reload(context.Context) (done bot.Reloaded, err error) {
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
	c.mu.Lock()
	defer c.mu.Unlock()
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

// changes are what admins changed, as it is kept: it holds secrets.
type changes struct {
	At      time.Time
	First   string            // the provider that is asked first
	Cooled  []string          // providers that are left alone
	Models  map[string]string // of a provider: the model that is asked first
	Keys    []keptKey         // that were added
	Removed [][2]string       // provider and name of configured keys that were taken away
}

// keptKey is a key that an admin added.
type keptKey struct{ Provider, Name, Secret string }

func (x changes) clone() changes {
	x.Cooled, x.Keys, x.Removed, x.Models = slices.Clone(x.Cooled), slices.Clone(x.Keys), slices.Clone(x.Removed), maps.Clone(x.Models)
	if x.Models == nil {
		x.Models = make(map[string]string)
	}
	return x
}

// remove takes a key away: one that was added, or else one of the configuration.
func (x *changes) remove(provider, name string) {
	n := len(x.Keys)
	x.Keys = slices.DeleteFunc(x.Keys, func(k keptKey) bool { return k.Provider == provider && k.Name == name })
	if len(x.Keys) == n {
		x.Removed = append(x.Removed, [2]string{provider, name})
	}
}

// apply returns configured providers as admins changed them. A provider keeps its
// configured keys rather than be left with none.
func (x changes) apply(configured []llm.ProviderOptions) []llm.ProviderOptions {
	all := slices.Clone(configured)
	for i := range all {
		o := &all[i]
		keys := slices.DeleteFunc(slices.Clone(o.Keys), func(k llm.Key) bool {
			return slices.Contains(x.Removed, [2]string{o.Name, k.Name})
		})
		for _, k := range x.Keys {
			named := slices.ContainsFunc(keys, func(other llm.Key) bool { return other.Name == k.Name })
			if k.Provider == o.Name && !named {
				keys = append(keys, llm.Key{Name: k.Name, Secret: k.Secret})
			}
		}
		if len(keys) > 0 {
			o.Keys = keys
		}
		if model := x.Models[o.Name]; model != "" {
			o.Models = append([]string{model}, without(o.Models, model)...)
		}
	}
	return all
}

func without(all []string, one string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == one })
}
