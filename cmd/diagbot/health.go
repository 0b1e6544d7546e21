package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/diagbot/diagbot/configs"
	"github.com/diagbot/diagbot/internal/store"
)

// The heartbeat is written every heartbeatEvery and stale after heartbeatStale.
const (
	heartbeatFile  = "heartbeat.json"
	heartbeatEvery = 10 * time.Second
	heartbeatStale = 45 * time.Second
)

// heartbeat is what serve leaves in the data directory for health to read: a
// state_… key of the texts, without the prefix, for each account.
type heartbeat struct {
	States map[string]string `json:"states"`
	At     time.Time         `json:"at"`
}

// pulse is the running serve's state, beaten into the data directory at each
// change and in between. A failed write is not reported: the trouble of the data
// directory shows where its content is needed, and health finds no fresh beat.
type pulse struct {
	path   string
	mu     sync.Mutex
	states map[string]string
}

func newPulse(dir string) *pulse {
	return &pulse{path: filepath.Join(dir, heartbeatFile), states: make(map[string]string)}
}

func (p *pulse) set(account, state string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.states[account] = state
	p.write()
}

func (p *pulse) write() {
	raw, _ := json.Marshal(heartbeat{States: p.states, At: time.Now()})
	if store.WriteFile(p.path, raw) != nil {
		overwrite(p.path, raw)
	}
}

// overwrite writes over what a file holds: a full disk has room for that. The file
// is not whole for a moment, so this is the second choice.
func overwrite(path string, raw []byte) {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return
	}
	if n, err := f.WriteAt(raw, 0); err == nil {
		_ = f.Truncate(int64(n))
	}
	_ = f.Close()
}

// beat goes on until ctx ends, then removes the heartbeat.
func (p *pulse) beat(ctx context.Context) {
	ticker := time.NewTicker(heartbeatEvery)
	defer ticker.Stop()
	defer os.Remove(p.path)
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			p.mu.Lock()
			p.write()
			p.mu.Unlock()
		}
	}
}

func (a *app) health() *cobra.Command {
	return &cobra.Command{
		Use:   "health",
		Short: a.say("health_short"),
		Long:  a.say("health_long"),
		Args:  a.noArgs,
		RunE: func(*cobra.Command, []string) error {
			dir, err := configs.DataDir(configs.Options{Path: a.configPath, Environ: a.environ})
			if err != nil {
				return err
			}
			raw, err := os.ReadFile(filepath.Join(dir, heartbeatFile))
			return a.readPulse(dir, raw, err)
		},
	}
}

// readPulse tells what the heartbeat in dir says, or why there is none.
func (a *app) readPulse(dir string, raw []byte, err error) error {
	var h heartbeat
	if err == nil {
		err = json.Unmarshal(raw, &h)
	}
	if errors.Is(err, fs.ErrPermission) {
		fmt.Fprintln(a.err, a.say("health_denied", "path", dir))
		return statusFailed
	}
	if err != nil || h.At.IsZero() {
		fmt.Fprintln(a.err, a.say("health_none", "path", dir))
		return statusFailed
	}
	if age := time.Since(h.At); age > heartbeatStale || age < -heartbeatStale {
		fmt.Fprintln(a.err, a.say("health_stale", "age", a.span(age.Round(time.Second))))
		return statusFailed
	}
	fmt.Fprintln(a.out, a.say("health_ok", "state", a.states(h.States)))
	return nil
}

// states tells the state of each account; of a single one without its name.
func (a *app) states(all map[string]string) string {
	var told []string
	for _, account := range slices.Sorted(maps.Keys(all)) {
		state, known := a.text["state_"+all[account]]
		if !known {
			state = a.say("state_unknown")
		}
		if len(all) > 1 {
			state = account + ": " + state
		}
		told = append(told, state)
	}
	if len(told) == 0 {
		return a.say("state_starting")
	}
	return strings.Join(told, "; ")
}
