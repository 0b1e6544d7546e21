package troubleshoot

import (
	"strings"
	"testing"
	"time"
)

// TestSigns: whatever a diagnosis is made by has words in every language.
func TestSigns(t *testing.T) {
	c, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	var d Diagnosis
	for _, rule := range []string{"entry", "code", "text", "net", "phase", "finish", "ret", "status", "class"} {
		d.Evidence = append(d.Evidence, Evidence{rule, "VALUE"})
	}
	d.Evidence = append(d.Evidence, Evidence{"retry_after", (20 * time.Second).String()})
	for _, l := range c.Locales() {
		tag := l.Tag
		for i, said := range c.Signs(d, tag) {
			want := "VALUE"
			if d.Evidence[i].Rule == "retry_after" {
				want = c.Duration(tag, 20*time.Second)
			}
			if !strings.Contains(said, want) || strings.Contains(said, "sign_") {
				t.Errorf("%s: %v is %q", tag, d.Evidence[i], said)
			}
		}
	}
	if said := c.Signs(c.Diagnose(Normalize(Observation{Source: SourceAPI, ErrText: "余额不足"})), "zh-Hans"); len(said) != 1 || said[0] != "文字“余额不足”" {
		t.Errorf("said %q", said)
	}
}
