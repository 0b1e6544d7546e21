package world_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/diagbot/diagbot/internal/simllm"
	"github.com/diagbot/diagbot/internal/simwechat"
	"github.com/diagbot/diagbot/internal/world"
	"github.com/diagbot/diagbot/llm"
)

// What a spare way is made of.
const (
	spareKey   = "sk-spare-0123456789abcdef"
	spareModel = "sim-spare"
)

// TestRescues has somebody meet each failure once and hear nothing of it.
func TestRescues(t *testing.T) {
	for _, tc := range []struct {
		failure string
		spare   string // what saves the answer: nothing but another try, or a spare key, model or service
	}{
		{"429-ms", ""}, {"500", ""}, {"502", ""}, {"503", ""}, {"504", ""}, {"524", ""}, {"529", ""},
		{"reset", ""}, {"eof", ""}, {"cut", ""}, {"stall", ""}, {"hang", ""}, {"error-in-stream", ""}, {"error-mid-stream", ""},
		{"error200", ""}, {"empty-choices", ""}, {"no-finish", ""},
		{"401", "key"}, {"401-deactivated", "key"}, {"429-quota", "key"}, {"429-long", "key"},
		{"404-model", "model"}, {"500-memory", "model"},
		{"402", "service"}, {"403-region", "service"}, {"cloudflare", "service"}, {"html200", "service"}, {"401-ip", "service"},
	} {
		t.Run(tc.failure, func(t *testing.T) {
			t.Parallel()
			w, second, alice := spareWorld(t, tc.spare)
			if err := w.AI.Next(tc.failure); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			parts, err := w.Talk(ctx, alice, "are you there?")
			if err != nil || len(parts) != 1 || !strings.Contains(parts[0], "are you there?") {
				t.Errorf("answered %q, %v", parts, err)
			}
			if asked := w.AI.Count() + second.Count(); asked != 2 || (tc.spare == "service") != (second.Count() == 1) {
				t.Errorf("%d requests, %d of them to the second service", asked, second.Count())
			}
		})
	}
}

func spareWorld(t *testing.T, spare string) (*world.World, *simllm.Server, world.Person) {
	t.Helper()
	second, err := simllm.Start(simllm.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = second.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	w, err := world.Start(ctx, world.Options{
		Timeouts: llm.Timeouts{Headers: 2 * time.Second, FirstToken: 2 * time.Second, Idle: time.Second, Total: 10 * time.Second},
		LLM: func(o *llm.Options) {
			p := &o.Providers[0]
			switch spare {
			case "key":
				p.Keys = append(p.Keys, llm.Key{Name: "spare", Secret: world.Key})
			case "model":
				p.Models = []string{spareModel, world.Model} // the service knows only the second
			case "service":
				o.Providers = append(o.Providers, llm.ProviderOptions{
					Name: "second", BaseURL: second.URL(), Models: []string{spareModel},
					Keys: []llm.Key{{Secret: spareKey}}, Transport: second.Transport(),
				})
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w, second, world.Person{ID: w.WeChat.AddFriend(simwechat.Person{Nick: "Alice"})}
}
