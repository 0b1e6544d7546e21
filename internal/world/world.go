// Package world is a simulated WeChat and a simulated AI service with the real
// bot between them: openwechat, or our client of iLink, and go-openai speak their
// protocols over loopback sockets, and nothing is stubbed. The demo, the end-to-end
// tests and the benchmarks live in it.
package world

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/bot/wechat"
	"github.com/diagbot/diagbot/internal/similink"
	"github.com/diagbot/diagbot/internal/simllm"
	"github.com/diagbot/diagbot/internal/simwechat"
	"github.com/diagbot/diagbot/llm"
	"github.com/diagbot/diagbot/troubleshoot"
)

// Key is the API key the simulated AI service accepts.
const Key = "sk-simulated-0123456789abcdef"

// Model is the model the simulated AI service has.
const Model = "sim-chat"

// Options shape a world. The zero value is a quick one for tests.
type Options struct {
	Catalogue *troubleshoot.Catalogue // nil: the embedded one
	Channel   Channel                 // empty: OpenWeChat
	WeChat    simwechat.Options       // of OpenWeChat; Nick is set from below
	Nick      string                  // the bot account's nickname
	Latency   time.Duration           // of the AI service's first token
	Timeouts  llm.Timeouts            // zero: short ones
	Session   wechat.Session          // of OpenWeChat; nil: every login needs a scan
	Bot       func(*bot.Options)      // last changes to the relay's options
	LLM       func(*llm.Options)      // last changes to the clients' options
	Logger    *slog.Logger            // nil: none
}

// World is a running world. Close ends it.
type World struct {
	WeChat    *simwechat.Server // nil unless the channel is OpenWeChat
	ILink     *similink.Server  // nil unless it is ILink
	AI        *simllm.Server
	Catalogue *troubleshoot.Catalogue

	clients map[troubleshoot.Source]*llm.Client
	front   front
	side    side
	cancel  context.CancelFunc
	done    chan struct{} // closed when the relay has ended
	ended   error         // what it ended with
}

// pauses are short, and nothing is left out because it failed before: here
// failures are made on purpose, one after the other.
var pauses = llm.Pauses{Backoff: 50 * time.Millisecond, Breaker: -1, MostCooldown: -1}

// front lets the world choose which AI source the bot asks, as an operator does
// by ordering the providers in the configuration.
type front struct{ client atomic.Pointer[llm.Client] }

func (f *front) Complete(ctx context.Context, p llm.Prompt) (llm.Completion, error) {
	return f.client.Load().Complete(ctx, p)
}

// Status, Names and Probe are the client's; they tell the owner how it does.
func (f *front) Status() []llm.ProviderStatus { return f.client.Load().Status() }

func (f *front) Names() []string { return f.client.Load().Names() }

func (f *front) Probe(ctx context.Context, provider string) (llm.Probe, error) {
	return f.client.Load().Probe(ctx, provider)
}

// Use, Cool, Resume, SetModel, AddKey, RemoveKey and TestKey change the client, which
// is not configured from anywhere; see [bot.Control].
func (f *front) Use(_ context.Context, provider string) error {
	return f.client.Load().UseProvider(provider)
}

func (f *front) Cool(_ context.Context, provider string) error { return f.client.Load().Cool(provider) }

func (f *front) Resume(_ context.Context, provider string) error {
	return f.client.Load().Resume(provider)
}

func (f *front) SetModel(_ context.Context, provider, model string) error {
	if model == "" {
		model = Model
	}
	return f.client.Load().SetModel(provider, model)
}

func (f *front) AddKey(ctx context.Context, provider string, k llm.Key) (llm.Check, bool, error) {
	check, err := f.client.Load().TestKey(ctx, provider, k)
	if err != nil || check.Status == 401 {
		return check, false, err
	}
	err = f.client.Load().AddKey(provider, k)
	return check, err == nil, err
}

func (f *front) RemoveKey(_ context.Context, provider, key string) error {
	return f.client.Load().RemoveKey(provider, key)
}

func (f *front) TestKey(ctx context.Context, provider, key string) (llm.Check, error) {
	return f.client.Load().TestKey(ctx, provider, llm.Key{Name: key})
}

// Reload has nothing to read.
func (f *front) Reload(context.Context) (bot.Reloaded, error) {
	return bot.Reloaded{}, bot.ErrNothingToRead
}

// Start builds a world and waits until the bot is logged in. The world ends
// with ctx or Close.
func Start(ctx context.Context, o Options) (*World, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	w := &World{Catalogue: o.Catalogue, clients: map[troubleshoot.Source]*llm.Client{}}
	if err := w.build(o); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	relay, err := bot.New(w.relayOptions(o))
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	w.run(ctx, relay)
	if err := w.side.wait(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("wait for the login: %w", err), w.Close())
	}
	return w, nil
}

// build starts the simulators and the clients of both AI sources.
func (w *World) build(o Options) (err error) {
	if w.Catalogue == nil {
		if w.Catalogue, err = troubleshoot.Load(); err != nil {
			return err
		}
	}
	if err = w.startSide(o); err != nil {
		return err
	}
	w.AI, err = simllm.Start(simllm.Options{
		TLS: true, Keys: []string{Key}, Models: []string{Model}, Markers: true, Latency: o.Latency,
	})
	if err != nil {
		return fmt.Errorf("start simulated AI service: %w", err)
	}
	for source, name := range map[troubleshoot.Source]string{
		troubleshoot.SourceAPI: "openai", troubleshoot.SourceWeb: "chatgpt-web",
	} {
		options := llm.Options{Logger: o.Logger, Catalogue: w.Catalogue, RetriesPerMinute: 1000, Pauses: pauses, Providers: []llm.ProviderOptions{{
			Name: name, Source: source, BaseURL: w.AI.URL(), Models: []string{Model}, Timeouts: o.Timeouts,
			Keys: []llm.Key{{Name: "main", Secret: Key}}, Transport: w.AI.Transport(),
		}}}
		if o.LLM != nil {
			o.LLM(&options)
		}
		if w.clients[source], err = llm.New(options); err != nil {
			return err
		}
	}
	w.Ask(troubleshoot.SourceAPI)
	return nil
}

func (w *World) relayOptions(o Options) bot.Options {
	options := bot.Options{
		Channel:   w.side.channel(o),
		Completer: &w.front, Sources: &w.front, Prober: &w.front, Catalogue: w.Catalogue, Logger: o.Logger, Name: o.Nick,
		Groups: []string{"ALL_GROUP"}, Deadline: 20 * time.Second, Grace: 5 * time.Second,
	}
	if o.Bot != nil {
		o.Bot(&options)
	}
	return options
}

func (w *World) run(ctx context.Context, relay *bot.Relay) {
	ctx, w.cancel = context.WithCancel(ctx)
	w.done = make(chan struct{})
	go func() {
		defer close(w.done)
		w.ended = relay.Run(ctx)
	}()
}

// Ask chooses the AI source the bot asks from now on.
func (w *World) Ask(source troubleshoot.Source) { w.front.client.Store(w.clients[source]) }

// Stop stops the bot as a signal would and returns what it ended with.
func (w *World) Stop() error {
	if w.done == nil {
		return nil
	}
	w.cancel()
	<-w.done
	return w.ended
}

// Close stops the bot and everything around it.
func (w *World) Close() error {
	err := w.Stop()
	for _, c := range w.clients {
		c.Close()
	}
	if w.AI != nil {
		err = errors.Join(err, w.AI.Close())
	}
	if w.side != nil {
		err = errors.Join(err, w.side.Close())
	}
	return err
}
