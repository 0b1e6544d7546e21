package configs

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"
)

func load(t *testing.T, file string, environ ...string) (*Config, error) {
	t.Helper()
	dir := t.TempDir()
	if file != "" {
		write(t, filepath.Join(dir, "config.yaml"), file, 0o600)
	}
	return Load(Options{Environ: append([]string{"HOME=/"}, environ...), Dir: dir})
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func TestStartsWithNothingButAKey(t *testing.T) {
	c, err := load(t, "", "OPENAI_API_KEY=sk-one,sk-two")
	if err != nil {
		t.Fatal(err)
	}
	if c.Locale != "auto" || c.SendInterval != 2500*time.Millisecond || c.MemoryExpiry != time.Hour || c.File != "" {
		t.Errorf("defaults: %+v", c)
	}
	p := c.Providers[0]
	if p.Name != "openai" || p.BaseURL != openAIURL || p.Source != "api" || p.Timeouts.Dial != 5*time.Second {
		t.Errorf("provider: %+v", p)
	}
	want := []Key{{"1", NewSecret("sk-one")}, {"2", NewSecret("sk-two")}}
	if !reflect.DeepEqual(p.Keys, want) {
		t.Errorf("keys: %d", len(p.Keys))
	}
	if len(c.Warnings) > 0 {
		t.Errorf("warnings: %v", c.Warnings)
	}
}

func TestExampleEqualsTheDefaults(t *testing.T) {
	example, err := load(t, ExampleYAML, "OPENAI_API_KEY=k")
	if err != nil {
		t.Fatal(err)
	}
	plain, err := load(t, "", "OPENAI_API_KEY=k")
	if err != nil {
		t.Fatal(err)
	}
	example.File = ""
	if !reflect.DeepEqual(example, plain) {
		t.Errorf("example:\n%+v\ndefaults:\n%+v", example, plain)
	}
}
