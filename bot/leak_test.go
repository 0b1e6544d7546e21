package bot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/diagbot/diagbot/internal/logs"
	"github.com/diagbot/diagbot/llm"
	"github.com/diagbot/diagbot/troubleshoot"
)

// plant is a secret that looks like nothing: only who was told of it can know it.
const plant = "Velvet7Ocean!Lantern%Harbour"

// gossip is a completer, a prober and a control that repeat what they should not
// know, wherever they can.
type gossip struct {
	*fakeControl
	said string // added in the chat meanwhile
}

func (g *gossip) words() string {
	return fmt.Sprintf("<html><body>no %s (%s) at https://u:%s@ai.example/v1?key=%s %q %s</body></html>",
		plant, url.QueryEscape(plant), url.PathEscape(plant), url.QueryEscape(plant), plant, g.said)
}

func (g *gossip) fault() *troubleshoot.Fault {
	return &troubleshoot.Fault{Source: troubleshoot.SourceAPI, Provider: "openai-main", Status: 401, Code: "invalid " + plant,
		Type: g.words(), Message: g.words(), Detail: g.words(), RequestID: "req-" + plant, Cause: errors.New(g.words())}
}

func (g *gossip) Probe(_ context.Context, name string) (llm.Probe, error) {
	return llm.Probe{Provider: name, Begun: time.Now(),
		Page: llm.StatusPage{Host: "status.example", State: llm.StatusMajor, Incident: g.words()},
		Checks: []llm.Check{{Provider: name, Key: "main", TryURL: "https://ai.example/" + plant,
			Steps: []llm.Step{{Name: llm.StepAPI, Fault: g.fault()}}}}}, nil
}

// TestKnownSecretsLeakNowhere plants a secret that is configured, and one that an
// admin adds, in all that comes from AI services and from people, and looks for
// them in what is said, kept, logged, audited and drawn.
func TestKnownSecretsLeakNowhere(t *testing.T) {
	if _, err := catalogue(); err != nil {
		t.Fatal(err)
	}
	const added = "Quiet4Meadow#Violin&Copper"
	seen := map[string]string{}
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		redactor := troubleshoot.NewRedactor(plant, "acme")
		logger, written := logs.New(&log, logs.Options{JSON: true, Level: slog.LevelDebug, Redactor: redactor})
		keeper := &spy{Store: newMemory(0)}
		g := &gossip{fakeControl: &fakeControl{stage: &stage{}}, said: added}
		g.sources = sourcesOf("openai-main", "azure")
		g.reload = func() (Reloaded, error) { return Reloaded{}, errors.New(g.words()) }
		drawn := ""
		w := newWorld(t, func(o *Options) {
			atDesk(keeper)(o)
			o.Redactor, o.Logger, o.Sources, o.Control, o.Prober = redactor, logger, g, g, g
			o.Draw = func(t Trend) ([]byte, error) { drawn += fmt.Sprint(t); return nil, errors.New(g.words()) }
		})
		redactor.Learn(added)
		for _, say := range []func(context.Context, llm.Prompt) (llm.Completion, error){
			func(context.Context, llm.Prompt) (llm.Completion, error) { return llm.Completion{}, g.fault() },
			func(context.Context, llm.Prompt) (llm.Completion, error) {
				f := g.fault()
				return llm.Completion{Attempts: []llm.Attempt{{Provider: "openai-main", Entry: "gpt-401", RequestID: "req-" + plant, Fault: f}}}, f
			},
			func(context.Context, llm.Prompt) (llm.Completion, error) { panic(g.words()) },
			func(context.Context, llm.Prompt) (llm.Completion, error) {
				return llm.Completion{Text: "Your key is " + plant + " or " + added + ", says acme.", Provider: "openai-main",
					Attempts: []llm.Attempt{{Provider: "azure", Entry: "gpt-401", Fault: g.fault()}, {Provider: "openai-main"}}}, nil
			},
		} {
			w.completer.willWholly(say)
			w.hear(private("@eve", "hello"))
			w.hear(inGroup("home", "@eve", "is my key "+plant+" right?"))
			quoted := private("@bob", "and "+added+"?")
			quoted.Quote = "it was " + plant
			w.hear(quoted)
			time.Sleep(2 * time.Minute)
		}
		for _, text := range []string{
			"/diag", "/diag last 20 full", "/diag 401", "/diag probe", "/diag probe " + plant, "/diag explain " + g.words(), "/diag trend", "/diag trend 7d",
			"/provider", "/provider use " + plant, "/provider cool openai-main", "/model openai-main " + plant, "/model " + plant, "/key test openai-main 1",
			"/key add openai-main spare " + added, "/reload", "/lang " + plant, "/block " + plant, "/quiet " + plant, "/admin revoke " + plant, "/audit 50",
		} {
			w.hear(byOwner(text))
		}
		time.Sleep(time.Hour)
		seen["replies"] = strings.Join(w.texts(), "\n")
		w.stop()
		<-w.ended
		_ = written.Close()
		seen["log"], seen["store"], seen["picture"] = log.String(), keeper.all(), drawn
	})
	for name, text := range seen {
		if text == "" && name != "picture" {
			t.Errorf("no %s", name)
		}
		for _, secret := range []string{plant, added, url.QueryEscape(plant), url.PathEscape(added)} {
			if i := strings.Index(text, secret); i >= 0 {
				t.Errorf("%s hold %q: …%s…", name, secret, text[max(0, i-300):min(len(text), i+100)])
			}
		}
	}
	if !strings.Contains(seen["replies"], "says acme.") {
		t.Error("a short secret garbles what a model says")
	}
}
