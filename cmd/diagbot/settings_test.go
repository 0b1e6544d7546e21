package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/diagbot/diagbot/configs"
)

// TestProvidersAsConfigured: what a file says of a source is what llm is told, and
// what it leaves out is left to the service.
func TestProvidersAsConfigured(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "config.yaml")
	must(t, os.WriteFile(file, []byte(`providers:
- {name: one, base_url: 'https://one.example/v1', keys: [TEST-key-of-the-tests], models: [m], temperature: 0, top_p: 0.5,
   reasoning_effort: low, stream: false, stream_usage: false, max_tokens: 7}
- {name: two, base_url: 'https://two.example/v1', keys: [TEST-key-of-the-tests], models: [m]}
`), 0o600))
	cfg, err := configs.Load(configs.Options{Path: file, Environ: []string{}})
	must(t, err)
	all := providers(cfg)
	one, two := all[0], all[1]
	if one.Temperature == nil || *one.Temperature != 0 || one.TopP == nil || *one.TopP != 0.5 || one.MaxTokens != 7 {
		t.Errorf("numbers: %v, %v, %d", one.Temperature, one.TopP, one.MaxTokens)
	}
	if one.ReasoningEffort != "low" || !one.NoStream || !one.NoStreamOptions {
		t.Errorf("effort %q, in one piece %v, without stream_options %v", one.ReasoningEffort, one.NoStream, one.NoStreamOptions)
	}
	if two.Temperature != nil || two.TopP != nil || two.ReasoningEffort != "" || two.MaxTokens != 0 || two.NoStream || two.NoStreamOptions {
		t.Errorf("left out, and yet %+v", two)
	}
}
