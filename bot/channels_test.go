package bot

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// official is what the channel of WeChat's official API declares. Its parts are a
// little longer; here they are as everywhere, so that texts can be compared.
var official = Traits{
	StableIDs: true, PartRunes: 1800, PartBytes: 6000, RepliesPerMessage: 10, ReplyWindow: 24 * time.Hour, Typing: true,
}

// TestChannelsAlike plays what the transcripts say in private chats over a channel
// like the usual one and over one like the official API: people hear the same. But
// who waits for long is told so on the one and sees it on the other, and who is
// blocked on the one is so until the next login.
func TestChannelsAlike(t *testing.T) {
	if _, err := catalogue(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			script := privateOnly(string(raw))
			var said [2]string
			for i, traits := range []*Traits{nil, &official} {
				synctest.Test(t, func(t *testing.T) { said[i] = alike(t, (&stage{traits: traits}).play(t, script)) })
			}
			if said[0] != said[1] {
				t.Errorf("the official API differs:\n%s", difference(said[0], said[1]))
			}
		})
	}
}

// privateOnly leaves out of a transcript what is said in groups.
func privateOnly(script string) string {
	var kept strings.Builder
	for line := range strings.Lines(script) {
		if part := heard.FindStringSubmatch(strings.TrimRight(line, "\n")); part == nil || part[5] == "" || strings.HasPrefix(line, "bot") {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// alike takes out of what was said what differs by the channel's traits.
func alike(t *testing.T, played string) string {
	c, err := catalogue()
	if err != nil {
		t.Fatal(err)
	}
	var pairs []string
	for _, l := range c.Locales() {
		pairs = append(pairs, "bot< "+c.Say(l.Tag, "thinking")+"\n", "", "    • "+c.Say(l.Tag, "usage_lang")+"  "+c.Say(l.Tag, "cmd_lang_group")+"\n", "")
		for _, name := range []string{"alice", "bob"} {
			pairs = append(pairs, c.Say(l.Tag, "block_done_login", "name", name), c.Say(l.Tag, "block_done", "name", name))
		}
	}
	return strings.NewReplacer(pairs...).Replace(played)
}
