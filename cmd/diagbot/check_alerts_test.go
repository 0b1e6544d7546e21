package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCheckAlerts sends a test where that is asked for, and says what came of it
// without the address of a webhook.
func TestCheckAlerts(t *testing.T) {
	var got []string
	desk := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		if got = append(got, string(raw)); r.URL.Path == "/planted-and-broken" {
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	defer desk.Close()
	dir := t.TempDir()
	file := filepath.Join(dir, "config.yaml")
	check := func(config string, args ...string) output {
		t.Helper()
		must(t, os.WriteFile(file, []byte(config), 0o600))
		return diagbot(t, "", []string{"OPENAI_API_KEY=sk-any-key-0123456789", "DIAGBOT_DATA_DIR=" + dir}, append([]string{"check", "--offline", "--config", file}, args...)...)
	}
	well := "alerts: [{name: desk, kind: generic, url: '" + desk.URL + "/planted-path'}]\n"
	for _, c := range []struct {
		config, flag string
		status       exitError
		want         string
	}{
		{well, "--alerts=false", statusOK, "Alerts: 1 configured, well formed"},
		{well, "--alerts", statusOK, "Alerts: desk (generic) took the test ("},
		{strings.ReplaceAll(well, "planted-path", "planted-and-broken"), "--alerts", statusFailed, `Alerts: alert target "desk" (generic, 127.0.0.1): status 403`},
		{"alerts: [{name: robot, kind: dingtalk, url: 'https://oapi.dingtalk.com/planted'}]\n", "--alerts=false", statusFailed, `alert target "robot": url: has no access_token`},
		{"alerts: []\n", "--alerts", statusFailed, "Alerts: none are configured."},
	} {
		o := check(c.config, c.flag)
		if o.status != int(c.status) || !strings.Contains(o.out, c.want) || strings.Contains(o.out+o.err, "planted") {
			t.Errorf("%s%s: status %d, no %q in\n%s%s", c.config, c.flag, o.status, c.want, o.out, o.err)
		}
	}
	if len(got) != 2 || !strings.Contains(got[0], "[diagbot] This is a test") && !strings.Contains(got[0], "This is a test") {
		t.Errorf("sent %q", got)
	}
}
