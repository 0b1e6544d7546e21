package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/diagbot/diagbot/configs"
)

// full is a device that takes nothing.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// TestLostOutput: no command ends well whose output was not written.
func TestLostOutput(t *testing.T) {
	config := filepath.Join(t.TempDir(), "config.yaml")
	must(t, os.WriteFile(config, []byte("providers: [{name: one, base_url: \"http://127.0.0.1:1/v1\", keys: [sk-0123456789abcdefghij], models: [m]}]\n"), 0o600))
	for _, args := range [][]string{
		{"explain", "401"}, {"explain", "-"}, {"classify"}, {"catalogue", "list"}, {"catalogue", "lint"}, {"--help"}, {"help", "serve"}, {"--version"}, {},
		{"demo"}, {"check"}, {"probe"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			var said bytes.Buffer
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			defer cancel()
			env := []string{"DIAGBOT_DATA_DIR=" + t.TempDir()}
			status := run(ctx, slices.Concat(args, []string{"--config", config}), terminal{
				in: strings.NewReader("{\"status\":401}\n"), out: full{}, err: &said, environ: env,
			})
			if status != int(statusFailed) || !strings.Contains(said.String(), "no space left on device") {
				t.Errorf("status %d: %s", status, said.String())
			}
		})
	}
}

// TestLangs: a language that there is not is refused with those there are; what falls
// back to one is not.
func TestLangs(t *testing.T) {
	for _, tag := range []string{"en", "zh-CN", "en-GB", "zh_CN.UTF-8", "zh-TW", "zh-HK", "ja-JP", "ko", "中文", "en_US", ""} {
		if got := diagbot(t, "", nil, "explain", "401", "--lang", tag); got.status != 0 {
			t.Errorf("%s: %+v", tag, got)
		}
	}
	for _, args := range [][]string{{"explain", "401", "--lang", "klingon"}, {"--lang=klingon", "serve"}, {"catalogue", "list", "--lang", "de"}, {"--lang", "klingon"}} {
		got := diagbot(t, "", nil, args...)
		if got.status != int(statusUsage) || got.out != "" || !strings.Contains(got.err, "en, zh-Hans, zh-Hant, ja, ko") {
			t.Errorf("%v: %+v", args, got)
		}
	}
}

// TestNoInvitationWhileStopping: nothing to type in follows "Stopping".
func TestNoInvitationWhileStopping(t *testing.T) {
	var out bytes.Buffer
	w, err := wordsFor("en", func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	o := &office{app: &app{terminal: terminal{out: &out}, words: w}, cfg: &configs.Config{Accounts: make([]configs.Account, 1)}}
	o.invite("main", "AAAAA-BBBBB")
	if !strings.Contains(out.String(), "AAAAA-BBBBB") {
		t.Errorf("said %q", out.String())
	}
	o.halt()
	o.invite("main", "CCCCC-DDDDD")
	if strings.Contains(out.String(), "CCCCC") {
		t.Errorf("said %q", out.String())
	}
}
