package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
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

// heartbeat is what serve leaves in the data directory for health to read.
type heartbeat struct {
	State string    `json:"state"` // a state_… key of the texts, without the prefix
	At    time.Time `json:"at"`
}

// pulse is the running serve's state, beaten into the data directory at each
// change and in between. A failed write is not reported: the trouble of the data
// directory shows where its content is needed, and health finds no fresh beat.
type pulse struct {
	path  string
	mu    sync.Mutex
	state string
}

func newPulse(dir string) *pulse {
	p := &pulse{path: filepath.Join(dir, heartbeatFile)}
	p.set("starting")
	return p
}

func (p *pulse) set(state string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state = state
	p.write()
}

func (p *pulse) write() {
	raw, _ := json.Marshal(heartbeat{State: p.state, At: time.Now()})
	_ = store.WriteFile(p.path, raw)
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
			return a.readPulse(dir)
		},
	}
}

func (a *app) readPulse(dir string) error {
	var h heartbeat
	raw, err := os.ReadFile(filepath.Join(dir, heartbeatFile))
	if err == nil {
		err = json.Unmarshal(raw, &h)
	}
	if err != nil || h.At.IsZero() {
		fmt.Fprintln(a.err, a.say("health_none", "path", dir))
		return statusFailed
	}
	if age := time.Since(h.At); age > heartbeatStale || age < -heartbeatStale {
		fmt.Fprintln(a.err, a.say("health_stale", "age", age.Round(time.Second).String()))
		return statusFailed
	}
	state, known := a.text["state_"+h.State]
	if !known {
		state = a.say("state_unknown")
	}
	fmt.Fprintln(a.out, a.say("health_ok", "state", state))
	return nil
}
