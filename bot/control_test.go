package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/diagbot/diagbot/llm"
	"github.com/diagbot/diagbot/troubleshoot"
)

// fakeControl changes the AI sources of a stage. Keys that hold "bad" are refused,
// and those that hold "slow" cannot be tested.
type fakeControl struct {
	*stage
	secrets []string // that it was given
	reload  func() (Reloaded, error)
}

func (c *fakeControl) at(name string) (int, error) {
	i := slices.IndexFunc(c.sources, func(s llm.ProviderStatus) bool { return s.Provider == name })
	if i < 0 {
		return 0, llm.ErrNoProvider
	}
	return i, nil
}

func (c *fakeControl) Use(_ context.Context, name string) error {
	if name == "" {
		slices.SortFunc(c.sources, func(a, b llm.ProviderStatus) int { return strings.Compare(b.Provider, a.Provider) })
		return nil
	}
	i, err := c.at(name)
	if err == nil {
		first := c.sources[i]
		c.sources = slices.Insert(slices.Delete(c.sources, i, i+1), 0, first)
	}
	return err
}

func (c *fakeControl) Cool(_ context.Context, name string) error {
	i, err := c.at(name)
	switch {
	case err != nil:
		return err
	case len(c.sources) == 1:
		return llm.ErrLastProvider
	}
	c.sources[i].Held = true
	return nil
}

func (c *fakeControl) Resume(_ context.Context, name string) error {
	i, err := c.at(name)
	if err == nil {
		c.sources[i].Held, c.sources[i].Trouble = false, ""
	}
	return err
}

func (c *fakeControl) SetModel(_ context.Context, name, model string) error {
	i, err := c.at(name)
	if err == nil && model != "" {
		c.sources[i].Models = append([]llm.PartStatus{{Name: model}}, c.sources[i].Models...)
	}
	return err
}

func (c *fakeControl) AddKey(_ context.Context, name string, k llm.Key) (llm.Check, bool, error) {
	c.secrets = append(c.secrets, k.Secret)
	i, err := c.at(name)
	if err != nil {
		return llm.Check{}, false, err
	}
	if slices.ContainsFunc(c.sources[i].Keys, func(p llm.PartStatus) bool { return p.Name == k.Name }) {
		return llm.Check{}, false, errors.Join(llm.ErrKeyExists, errors.New("given "+k.Secret))
	}
	check := llm.Check{Provider: name, Key: k.Name, Status: 200, Steps: []llm.Step{{Name: llm.StepAPI}}}
	switch {
	case strings.Contains(k.Secret, "bad"):
		check.Steps[0].Fault = &troubleshoot.Fault{Source: troubleshoot.SourceAPI, Status: 401, Code: "invalid_api_key", Message: "Incorrect API key " + k.Secret}
		return check, false, nil
	case strings.Contains(k.Secret, "slow"):
		check.Steps[0].Fault = &troubleshoot.Fault{Source: troubleshoot.SourceAPI, Net: troubleshoot.NetTimeout}
	case strings.Contains(k.Secret, "broken"):
		return check, false, errors.New("could not do anything with " + k.Secret)
	}
	c.sources[i].Keys = append(c.sources[i].Keys, llm.PartStatus{Name: k.Name})
	return check, true, nil
}

func (c *fakeControl) RemoveKey(_ context.Context, name, key string) error {
	i, err := c.at(name)
	if err != nil {
		return err
	}
	if len(c.sources[i].Keys) == 1 {
		return llm.ErrLastKey
	}
	c.sources[i].Keys = slices.DeleteFunc(c.sources[i].Keys, func(p llm.PartStatus) bool { return p.Name == key })
	return nil
}

func (c *fakeControl) TestKey(_ context.Context, name, key string) (llm.Check, error) {
	return llm.Check{Provider: name, Key: key, Status: 200, Steps: []llm.Step{{Name: llm.StepAPI, Took: 300 * time.Millisecond}}}, nil
}

func (c *fakeControl) Reload(context.Context) (Reloaded, error) {
	if c.reload != nil {
		return c.reload()
	}
	return Reloaded{Added: []string{"azure"}, Changed: []string{"openai-main"}, Catalogue: true, Restart: []string{"memory_turns"}}, nil
}

// badConfig is an error with words in two languages.
type badConfig struct{}

func (badConfig) Error() string { return "config.yaml:3: providers: is missing" }
func (badConfig) In(tag string) string {
	if strings.HasPrefix(tag, "zh") {
		return "config.yaml:3: providers: 缺少"
	}
	return badConfig{}.Error()
}

// TestReloadSaysWhatIsWrong in the admin's language, without secrets.
func TestReloadSaysWhatIsWrong(t *testing.T) {
	c := &fakeControl{}
	inBubble(t, func(o *Options) { o.Control = c }, func(w *world) {
		c.reload = func() (Reloaded, error) { return Reloaded{}, badConfig{} }
		w.hear(byOwner("/reload"))
		w.expect(w.ui("control_failed", "why", badConfig{}.Error()))
		w.hear(byOwner("#重载配置"))
		w.expect(w.relay.catalogue().Say("zh-Hans", "control_failed", "why", "config.yaml:3: providers: 缺少"))
		c.reload = func() (Reloaded, error) { return Reloaded{}, errors.New("bad key sk-0123456789abcdefghij0123") }
		w.hear(byOwner("/lang en"))
		w.texts()
		w.hear(byOwner("/reload"))
		if got := w.texts()[0]; strings.Contains(got, "0123456789") {
			t.Errorf("said %q", got)
		}
		c.reload = func() (Reloaded, error) { return Reloaded{}, nil }
		w.hear(byOwner("/reload"))
		w.expect(w.ui("reload_same"))
		c.reload = func() (Reloaded, error) { return Reloaded{Others: 2}, nil }
		w.hear(byOwner("/reload"))
		w.expect(w.ui("reload_same") + "\n" + w.ui("reload_others"))
		c.reload = func() (Reloaded, error) { return Reloaded{Added: []string{"x"}, Others: 1, Unasked: true}, nil }
		w.hear(byOwner("/reload"))
		w.expect(w.ui("reload_done") + "\n" + w.ui("reload_added", "list", "x") + "\n" + w.ui("reload_unasked"))
		c.reload = func() (Reloaded, error) { panic("boom") }
		w.hear(byOwner("/reload"))
		if got := w.texts(); len(got) != 1 || !strings.HasPrefix(got[0], w.ui("control_failed", "why", "")) {
			t.Errorf("said %q", got)
		}
		if d := w.deeds(); len(d) != 7 || d[0].Result != "refused" || d[1].Result != "done" || d[0].Command != "/reload" || d[0].Where != whereOwner {
			t.Errorf("audited %+v", d)
		}
	})
}

func TestNothingToControl(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		for _, text := range []string{"/provider use x", "/model x", "/key add a b c", "/reload", "/provider"} {
			w.hear(byOwner(text))
			w.expect(w.ui("control_none"))
		}
	})
}

func TestLengthOf(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"30m": 30 * time.Minute, "2h": 2 * time.Hour, "90s": 90 * time.Second, "1h30m": 90 * time.Minute, "45": 45 * time.Minute, "1d": 24 * time.Hour,
		"３０ｍ": 30 * time.Minute, "30分钟": 30 * time.Minute, "30 分鐘": 30 * time.Minute, "2小时": 2 * time.Hour, "1 天": 24 * time.Hour, "30분": 30 * time.Minute,
		"1 hour": time.Hour, "2 hours": 2 * time.Hour, "30 minutes": 30 * time.Minute, "30mins": 30 * time.Minute, "1 week": 7 * 24 * time.Hour, "1周": 7 * 24 * time.Hour,
		"1小时30分钟": 90 * time.Minute, "1 h 30 min": 90 * time.Minute, "半小时": 30 * time.Minute, "一小时": time.Hour, "兩個小時": 2 * time.Hour, "十分钟": 10 * time.Minute,
		"<30m>": 30 * time.Minute, "30m。": 30 * time.Minute, "off\u200b": 0, "99999 weeks": 7 * 24 * time.Hour,
		"2 時間": 2 * time.Hour, "off": 0, "关": 0, "0": 0,
		"": -1, "-5m": -1, "soon": -1, "99999999h": -1, "1 year": -1, "m": -1, "30 30": -1, "1h 30": -1, "30m soon": -1, "forever": -1, "十五分钟": -1, "个": -1,
	} {
		got, ok := lengthOf(in)
		if !ok {
			got = -1
		}
		if got != want {
			t.Errorf("lengthOf(%q) = %v, want %v", in, got, want)
		}
	}
}

// sourcesOf are AI sources that do well.
func sourcesOf(names ...string) (all []llm.ProviderStatus) {
	for _, name := range names {
		all = append(all, llm.ProviderStatus{Provider: name, Keys: []llm.PartStatus{{Name: "main"}}, Models: []llm.PartStatus{{Name: "gpt-4o-mini"}}})
	}
	return all
}

// TestReasonsAreSaidInTheReadersLanguage: what was not done, in the reply and in the
// audit.
func TestReasonsAreSaidInTheReadersLanguage(t *testing.T) {
	c := &fakeControl{}
	inBubble(t, func(o *Options) { o.Control = c }, func(w *world) {
		w.hear(byOwner("/lang zh-Hans"))
		w.texts()
		for _, err := range []error{llm.ErrLastProvider, fmt.Errorf("one: %w", llm.ErrNoProvider), context.DeadlineExceeded, ErrNothingToRead} {
			c.reload = func() (Reloaded, error) { return Reloaded{}, err }
			w.hear(byOwner("/reload"))
			if got := w.texts(); len(got) != 1 || strings.Contains(got[0], err.Error()) {
				t.Errorf("%v: said %q", err, got)
			}
		}
		for _, tag := range []string{"en", "zh-Hans", "zh-Hant", "ja", "ko"} {
			for name, err := range reasons() {
				said := w.relay.deedIn(tag, Deed{Result: resultOf(fmt.Errorf("this: %w", err))})[3]
				if strings.Contains(said, err.Error()) || strings.Contains(said, name+"}") || strings.Contains(said, "audit_") {
					t.Errorf("%s: %q", tag, said)
				}
			}
			for _, reason := range []string{"unfit", "provider", "group", "try 3"} {
				said := w.relay.deedIn(tag, Deed{Result: refusedFor(reason)})[3]
				if strings.Contains(said, "audit_") || tag != "en" && strings.Contains(said, reason) || strings.HasPrefix(reason, "try") != strings.Contains(said, "3") {
					t.Errorf("%s: %q", tag, said)
				}
			}
		}
		if said := w.relay.deedIn("en", Deed{Result: resultOf(errors.New("in which no word is ours"))})[3]; said != "refused: in which no word is ours" {
			t.Errorf("said %q", said)
		}
	})
}
