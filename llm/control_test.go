package llm

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/diagbot/diagbot/internal/simllm"
)

func names(c *Client) string { return strings.Join(c.Names(), " ") }

func TestUseProvider(t *testing.T) {
	c := clientOf(t, at("one", service(t, nil)), at("two", service(t, nil)), at("three", service(t, nil)))
	for _, x := range []struct{ use, order string }{
		{"two", "two one three"}, {"three", "three one two"}, {"", "one two three"}, {"one", "one two three"},
	} {
		if err := c.UseProvider(x.use); err != nil || names(c) != x.order {
			t.Errorf("use %q: %v, order %s", x.use, err, names(c))
		}
		if done := mustAnswer(t, c); done.Provider != c.Names()[0] {
			t.Errorf("use %q: answered by %s", x.use, done.Provider)
		}
	}
	if err := c.UseProvider("four"); !errors.Is(err, ErrNoProvider) {
		t.Error(err)
	}
}

func TestCool(t *testing.T) {
	first, second := service(t, nil), service(t, nil)
	c := clientOf(t, at("one", first), at("two", second))
	if err := c.Cool("one"); err != nil {
		t.Fatal(err)
	}
	if done := mustAnswer(t, c); done.Provider != "two" || len(done.Attempts) != 1 || first.Count() != 0 {
		t.Errorf("answered by %+v", done.Attempts)
	}
	if s := c.Status(); !s[0].Held || s[0].Trouble != "" || s[1].Held {
		t.Errorf("status %+v", s)
	}
	if err := c.Cool("two"); !errors.Is(err, ErrLastProvider) {
		t.Errorf("the last one: %v", err)
	}
	if err := c.Cool("three"); !errors.Is(err, ErrNoProvider) {
		t.Errorf("nobody: %v", err)
	}
	// Not even as a last resort.
	if err := second.Always("500"); err != nil {
		t.Fatal(err)
	}
	mustFail(t, c, "gpt-500")
	if first.Count() != 0 {
		t.Error("asked although it is left alone")
	}
	if err := c.Resume("one"); err != nil {
		t.Fatal(err)
	}
	if done := mustAnswer(t, c); done.Provider != "one" {
		t.Errorf("answered by %s", done.Provider)
	}
}

// TestResume ends what keeps a provider out, and says so if there is none.
func TestResume(t *testing.T) {
	s := service(t, nil)
	c := clientOf(t, at("one", s))
	if err := s.Always("401"); err != nil {
		t.Fatal(err)
	}
	mustFail(t, c, "chatgpt-401-invalid-api-key")
	s.Heal()
	if c.Status()[0].Trouble == "" {
		t.Fatal("it is not kept out")
	}
	if err := c.Resume("one"); err != nil || c.Status()[0].Trouble != "" || c.Status()[0].Keys[0].Entry != "" {
		t.Errorf("%v, %+v", err, c.Status()[0])
	}
	mustAnswer(t, c)
	if err := c.Resume("two"); !errors.Is(err, ErrNoProvider) {
		t.Error(err)
	}
}

func TestSetModel(t *testing.T) {
	s := service(t, nil)
	o := at("one", s)
	o.Models = []string{modelA, modelB}
	c := clientOf(t, o)
	if err := c.SetModel("one", modelB); err != nil {
		t.Fatal(err)
	}
	if done := mustAnswer(t, c); done.Model != modelB {
		t.Errorf("answered by %s", done.Model)
	}
	if m := c.Status()[0].Models; len(m) != 2 || m[0].Name != modelB || m[1].Name != modelA {
		t.Errorf("models %+v", m)
	}
	if err := c.SetModel("one", "third-model"); err != nil || len(c.Status()[0].Models) != 3 {
		t.Errorf("%v, models %+v", err, c.Status()[0].Models)
	}
	if done := mustAnswer(t, c); done.Model != modelB {
		t.Errorf("answered by %s", done.Model)
	}
	for name, model := range map[string]string{"two": modelA, "one": ""} {
		if err := c.SetModel(name, model); err == nil {
			t.Errorf("%s takes %q", name, model)
		}
	}
}

func TestKeys(t *testing.T) {
	s := service(t, func(o *simllm.Options) { o.Keys = []string{keyB} })
	c := clientOf(t, at("one", s))
	mustFail(t, c, "chatgpt-401-invalid-api-key")
	for _, x := range []struct {
		do   func() error
		want error
	}{
		{func() error { return c.RemoveKey("one", "a") }, ErrLastKey},
		{func() error { return c.RemoveKey("one", "b") }, ErrNoKey},
		{func() error { return c.RemoveKey("two", "a") }, ErrNoProvider},
		{func() error { return c.AddKey("two", Key{"b", keyB, ""}) }, ErrNoProvider},
		{func() error { return c.AddKey("one", Key{"A", keyB, ""}) }, ErrKeyExists},
		{func() error { return c.AddKey("one", Key{"b", keyB, ""}) }, nil},
		{func() error { return c.AddKey("one", Key{"b", keyB, ""}) }, ErrKeyExists},
	} {
		if err := x.do(); !errors.Is(err, x.want) || x.want == nil && err != nil {
			t.Errorf("got %v, want %v", err, x.want)
		}
	}
	if done := mustAnswer(t, c); path(done) != "one/first-model/b" {
		t.Errorf("path %s: what was learnt of the old key is forgotten", path(done))
	}
	if err := c.RemoveKey("one", "a"); err != nil {
		t.Fatal(err)
	}
	if k := c.Status()[0].Keys; len(k) != 1 || k[0].Name != "b" {
		t.Errorf("keys %+v", k)
	}
	mustAnswer(t, c)
}

// TestKeyOfAProviderWithoutKeys takes the place of none.
func TestKeyOfAProviderWithoutKeys(t *testing.T) {
	o := at("one", service(t, nil))
	o.Keys = nil
	c := clientOf(t, o)
	if err := c.AddKey("one", Key{Name: "a", Secret: keyA}); err != nil || len(c.Status()[0].Keys) != 1 {
		t.Fatalf("%v, %+v", err, c.Status()[0].Keys)
	}
	mustAnswer(t, c)
}

func TestTestKey(t *testing.T) {
	c := clientOf(t, at("one", service(t, nil)))
	for name, x := range map[string]struct {
		provider string
		key      Key
		status   int
		err      error
	}{
		"one it has":      {"one", Key{Name: "a"}, 200, nil},
		"one it has not":  {"one", Key{Name: "b"}, 0, ErrNoKey},
		"a new one":       {"one", Key{"b", keyB, ""}, 200, nil},
		"a wrong one":     {"one", Key{"c", "sk-wrong-0123456789abcdefghij", ""}, 401, nil},
		"nobody's":        {"two", Key{Name: "a"}, 0, ErrNoProvider},
		"nobody's secret": {"two", Key{"x", "sk-nobody-0123456789abcdefghij", ""}, 0, ErrNoProvider},
	} {
		check, err := c.TestKey(t.Context(), x.provider, x.key)
		if check.Status != x.status || !errors.Is(err, x.err) || x.err == nil && err != nil {
			t.Errorf("%s: status %d, %v", name, check.Status, err)
		}
	}
	if k := c.Status()[0].Keys; len(k) != 1 {
		t.Errorf("testing added %+v", k)
	}
	secret := "sk-nobody-0123456789abcdefghij"
	if c.redactor.Load().Redact("it is "+secret) == "it is "+secret {
		t.Error("a tested key may be shown")
	}
}

func TestReload(t *testing.T) {
	first, second := service(t, nil), service(t, nil)
	one, two := at("one", first), at("two", second)
	c := clientOf(t, one, two)
	if err := first.Always("401"); err != nil {
		t.Fatal(err)
	}
	mustAnswer(t, c)
	kept := c.providers()[0]
	more := at("three", second)
	two.Models = []string{modelB}
	got, err := c.Reload([]ProviderOptions{more, one, two})
	if err != nil || strings.Join(got.Added, " ") != "three" || strings.Join(got.Changed, " ") != "two" || len(got.Removed) > 0 {
		t.Errorf("changed %+v, %v", got, err)
	}
	if names(c) != "three one two" || c.providers()[1] != kept || c.Status()[1].Trouble == "" {
		t.Errorf("order %s, status %+v", names(c), c.Status()[1])
	}
	if got, err = c.Reload([]ProviderOptions{more, one, two}); err != nil || len(got.Added)+len(got.Changed)+len(got.Removed) > 0 {
		t.Errorf("the same again: %+v, %v", got, err)
	}
	bad := one
	bad.BaseURL = "nonsense"
	for name, all := range map[string][]ProviderOptions{"none": nil, "a bad one": {more, bad}, "twice": {one, one}} {
		if got, err := c.Reload(all); err == nil || names(c) != "three one two" {
			t.Errorf("%s: %+v, %v; order %s", name, got, err, names(c))
		}
	}
	if err := c.Cool("two"); err != nil {
		t.Fatal(err)
	}
	if got, err = c.Reload([]ProviderOptions{two}); err != nil || strings.Join(got.Removed, " ") != "three one" || c.Status()[0].Held {
		t.Errorf("nobody left: %+v, %v, %+v", got, err, c.Status())
	}
	mustAnswer(t, c)
}

// TestReloadKeepsWhatIsKnown of keys and models that stay.
func TestReloadKeepsWhatIsKnown(t *testing.T) {
	s := service(t, func(o *simllm.Options) { o.Keys = []string{keyB} })
	o := at("one", s)
	o.Keys = append(o.Keys, Key{Name: "b", Secret: keyB})
	c := clientOf(t, o)
	mustAnswer(t, c) // finds a out
	o.MaxTokens = 1000
	if _, err := c.Reload([]ProviderOptions{o}); err != nil {
		t.Fatal(err)
	}
	if k := c.Status()[0].Keys; k[0].Entry == "" || k[1].Entry != "" {
		t.Errorf("keys %+v", k)
	}
	o.Keys = slices.Clone(o.Keys)
	o.Keys[0].Secret = keyB
	if _, err := c.Reload([]ProviderOptions{o}); err != nil || c.Status()[0].Keys[0].Entry != "" {
		t.Errorf("another secret is not another key: %v", err)
	}
	if shown := c.redactor.Load().Redact(keyA); strings.Contains(shown, keyA) {
		t.Error("what was a secret once may be shown")
	}
}

// TestChangesWhileAsked changes everything while prompts are under way.
func TestChangesWhileAsked(t *testing.T) {
	s := service(t, nil)
	one, two := at("one", s), at("two", s)
	c := clientOf(t, one, two)
	known, _ := catalogue()
	ctx, cancel := context.WithCancel(t.Context())
	var asking sync.WaitGroup
	for range 4 {
		asking.Go(func() {
			for ctx.Err() == nil {
				if done, err := c.Complete(context.WithoutCancel(ctx), question()); err != nil {
					t.Errorf("%v: %+v", err, done.Attempts)
				}
				c.Status()
				c.Names()
			}
		})
	}
	steps := []func() error{
		func() error { return c.UseProvider("two") },
		func() error { return c.Cool("one") },
		func() error { return c.AddKey("two", Key{Name: "b", Secret: keyB}) },
		func() error { return c.SetModel("two", modelB) },
		func() error { _, err := c.Probe(t.Context(), "two"); return err },
		func() error { return c.Resume("one") },
		func() error { return c.RemoveKey("two", "a") },
		func() error { c.SetCatalogue(known); return nil },
		func() error { _, err := c.Reload([]ProviderOptions{two, one}); return err },
	}
	for range 20 {
		for i, step := range steps {
			if err := step(); err != nil {
				t.Errorf("step %d: %v", i, err)
			}
		}
	}
	cancel()
	asking.Wait()
}

func TestRedactorKnowsAddedKeys(t *testing.T) {
	const odd = "planted%odd%key"
	c := clientOf(t, at("one", service(t, nil)))
	if err := c.AddKey("one", Key{Name: "b", Secret: odd}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(c.redactor.Load().Redact("x "+odd+" y"), odd) {
		t.Error("an added key may be shown")
	}
}
