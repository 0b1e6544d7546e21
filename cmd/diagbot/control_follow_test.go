package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/diagbot/diagbot/configs"
	"github.com/diagbot/diagbot/internal/pgtest"
	"github.com/diagbot/diagbot/internal/simllm"
	"github.com/diagbot/diagbot/internal/store"
	"github.com/diagbot/diagbot/llm"
	"github.com/diagbot/diagbot/troubleshoot"
)

// member is a process of a cluster, as far as it changes what is asked.
type member struct {
	*control
	account *store.Account
	file    string // its configuration
	log     strings.Builder
}

// newMember joins with an account, one of two that all know.
func newMember(t *testing.T, database, ai, account string) *member {
	t.Helper()
	m := &member{file: writeTemp(t, configOf(ai, "first", "second"))}
	cfg, err := configs.Load(configs.Options{Path: m.file, Environ: []string{}})
	must(t, err)
	cfg.Accounts = []configs.Account{{Name: "one"}, {Name: "two"}}
	catalogue, err := troubleshoot.Load()
	must(t, err)
	client, err := llm.New(llm.Options{Providers: providers(cfg), Catalogue: catalogue})
	must(t, err)
	t.Cleanup(client.Close)
	db, err := store.Open(t.Context(), store.Options{URL: database, Key: []byte("a key of all processes")})
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	var shelf atomic.Pointer[troubleshoot.Catalogue]
	shelf.Store(catalogue)
	o := &office{app: &app{configPath: m.file, terminal: terminal{environ: []string{}}}, cfg: cfg, client: client, db: db, node: "node-" + account,
		logger: slog.New(slog.NewTextHandler(&m.log, nil)), redactor: troubleshoot.NewRedactor()}
	m.control = o.newControl(&shelf)
	m.peers = newPeers(db, o.node)
	m.account, err = db.Claim(t.Context(), account, "node-"+account)
	must(t, err)
	must(t, m.join(t.Context(), account, m.account))
	return m
}

// configOf configures AI services at one address.
func configOf(ai string, names ...string) []byte {
	file := []byte("providers:\n")
	for _, name := range names {
		file = append(file, "  - {name: "+name+", base_url: '"+ai+"', keys: [{name: main, secret: sk-main-key-0123456789}], models: [small]}\n"...)
	}
	return file
}

// look takes over what others changed, as follow does now and then.
func (m *member) look(t *testing.T) {
	t.Helper()
	m.control.look(t.Context(), followEvery)
	if m.blind {
		t.Fatalf("nothing was read: %s", m.log.String())
	}
}

// state tells how the providers are asked.
func (m *member) state() string {
	var parts []string
	for _, s := range m.client.Status() {
		part := s.Provider
		if s.Held {
			part += " held"
		}
		for _, k := range s.Keys {
			part += " " + k.Name
		}
		parts = append(parts, part+" "+s.Models[0].Name)
	}
	return strings.Join(parts, ", ")
}

// TestChangesReachOtherProcesses that share a store: keys, order and models, without
// a restart, and without one admin's change undoing another's.
func TestChangesReachOtherProcesses(t *testing.T) {
	t.Parallel()
	pg := new(pgtest.Server)
	t.Cleanup(pg.Close)
	database := pg.Database(t)
	ai, err := simllm.Start(simllm.Options{Keys: []string{"sk-main-key-0123456789", secondKey}, Models: []string{"small", "large"}})
	must(t, err)
	t.Cleanup(func() { _ = ai.Close() })
	ctx := t.Context()
	a, b := newMember(t, database, ai.URL(), "one"), newMember(t, database, ai.URL(), "two")

	_, added, err := a.AddKey(ctx, "first", llm.Key{Name: "spare", Secret: secondKey})
	must(t, err)
	if !added {
		t.Fatal("the key is not added")
	}
	b.look(t)
	expect := func(m *member, want string) {
		t.Helper()
		if got := m.state(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	expect(b, "first main spare small, second main small")
	if got := b.redactor.Redact("it is " + secondKey); got != "it is ***" {
		t.Errorf("the other process says %q", got)
	}

	// Each changes something before it has looked: both changes hold.
	must(t, a.Cool(ctx, "second"))
	must(t, b.SetModel(ctx, "first", "large"))
	expect(b, "first main spare large, second held main small")
	a.look(t)
	expect(a, "first main spare large, second held main small")
	must(t, b.Resume(ctx, "second"))
	must(t, b.RemoveKey(ctx, "first", "spare"))
	must(t, b.Use(ctx, "second"))
	a.look(t)
	expect(a, "second main small, first main large")

	// A process whose clock is behind has the last word all the same.
	b.changes.At = time.Now().Add(time.Hour)
	must(t, b.Use(ctx, ""))
	must(t, a.Use(ctx, "second"))
	b.look(t)
	expect(b, "second main small, first main large")

	// Who takes an account over knows all of it, and so does who starts anew.
	must(t, a.account.Release(ctx))
	c := newMember(t, database, ai.URL(), "one")
	expect(c, "second main small, first main large")
}

// TestFollow looks again and again, and says once that it cannot.
func TestFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		looked := 0
		c := &control{logger: slog.New(slog.NewTextHandler(&log, nil)), read: func(context.Context) (map[string][]byte, error) {
			looked++
			return nil, context.DeadlineExceeded
		}, cfg: &configs.Config{}}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			c.follow(ctx, followEvery)
		}()
		time.Sleep(10*followEvery + time.Second)
		cancel()
		<-done
		if looked != 11 || strings.Count(log.String(), "not read") != 1 {
			t.Errorf("looked %d times, logged %s", looked, log.String())
		}
	})
}

func writeTemp(t *testing.T, text []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.yaml")
	must(t, os.WriteFile(file, text, 0o600))
	return file
}
