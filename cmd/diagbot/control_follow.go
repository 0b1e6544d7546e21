package main

import (
	"context"
	"encoding/json"
	"slices"
	"time"
)

// followEvery is how often a process looks whether admins of another one, which
// shares its store, have changed anything.
const followEvery = 15 * time.Second

// follow takes over what admins of other processes change, until ctx ends.
func (c *control) follow(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		reading, cancel := context.WithTimeout(ctx, every)
		all, err := c.read(reading)
		cancel()
		c.mu.Lock()
		c.followed(c.take(all, err))
		c.mu.Unlock()
	}
}

// followed logs that the changes of others cannot be read, once until they can.
func (c *control) followed(err error) {
	if err != nil && !c.blind {
		c.logger.Warn("what admins changed was not read", "error", err)
	}
	c.blind = err != nil
}

// take takes over, of what was read of all accounts, the latest changes that one has
// which is configured here, if they are later than ours. It returns the error of the
// reading, or its own. The lock must be held; it is not while the store is read.
func (c *control) take(all map[string][]byte, err error) error {
	latest := c.changes
	for _, account := range c.cfg.Accounts {
		var kept changes
		raw, ok := all[account.Name]
		if ok && json.Unmarshal(raw, &kept) == nil && kept.At.After(latest.At) { // broken: as configured
			latest = kept
		}
	}
	if latest.At.Equal(c.changes.At) {
		return err
	}
	before := c.changes
	c.changes = latest
	if failed := c.restore(before); failed != nil {
		return failed
	}
	return err
}

// restore has the client do as admins changed, before another state of that. What
// does not fit the configuration any more is left out.
func (c *control) restore(before changes) error {
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
	for _, name := range before.Cooled {
		if !slices.Contains(c.changes.Cooled, name) {
			_ = c.client.Resume(name) // or it is gone
		}
	}
	for _, name := range c.changes.Cooled {
		_ = c.client.Cool(name) // or it is gone, or the last one
	}
	return nil
}
