package main

import (
	"context"
	"encoding/json"
	"maps"
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
	defer c.part(context.WithoutCancel(ctx))
	for {
		c.look(ctx, every)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// look does so once, within a time.
func (c *control) look(ctx context.Context, patience time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	all, err := c.read(ctx)
	c.mu.Lock()
	c.followed(c.take(all, err))
	asked := c.changes.Reload
	due := asked.After(c.asked.Asked)
	if due {
		c.asked.Asked, c.asked.Failed = asked, ""
	}
	if !c.looked && asked.Before(c.began) {
		due = false // our files were read later than that
	}
	c.looked = c.looked || err == nil
	c.mu.Unlock()
	if due {
		c.obey(ctx)
	}
	if c.peers != nil {
		c.meet(ctx)
	}
}

// obey reads our files because another process was asked to. It is not tried again
// when it fails: the files are then as wrong as they were.
func (c *control) obey(ctx context.Context) {
	done, err := c.reread(ctx)
	if err != nil {
		why := c.redactor.Redact(err.Error())
		c.logger.Error("the configuration was not read again", "error", why)
		c.mu.Lock()
		c.asked.Failed = why
		c.mu.Unlock()
		return
	}
	c.logger.Info("the configuration was read again", "added", done.Added, "removed", done.Removed, "changed", done.Changed,
		"catalogue", done.Catalogue, "restart_for", done.Restart)
}

// meet signs for the other processes, and tells our admins of those that could not
// read their files.
func (c *control) meet(ctx context.Context) {
	c.mu.Lock()
	own := c.asked
	relays := slices.Collect(maps.Values(c.relays))
	c.mu.Unlock()
	own.At = time.Now()
	failed, err := c.peers.meet(ctx, own)
	if err != nil {
		c.logger.Debug("other processes were not met", "error", err) // the lease tells of a store that fails
	}
	for node, why := range failed {
		c.logger.Warn("another process did not read its configuration again", "node", node)
		for _, relay := range relays {
			relay.Tell(func(tag string, _ bool) string {
				return c.shelf.Load().Say(tag, "reload_failed_there", "name", short(node), "why", short(c.redactor.Redact(why)))
			})
		}
	}
}

// part says that we are gone.
func (c *control) part(ctx context.Context) {
	if c.peers == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if err := c.peers.part(ctx); err != nil {
		c.logger.Debug("other processes were not told of the end", "error", err)
	}
}

// short is as much as an admin reads of a text from elsewhere.
func short(s string) string {
	const most = 500
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
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
