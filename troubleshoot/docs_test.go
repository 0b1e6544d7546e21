package troubleshoot

import (
	"bytes"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

func TestDocsHoldEveryEntry(t *testing.T) {
	c := load(t)
	for _, l := range c.Locales() {
		md, page := c.Markdown(l.Tag), c.HTML(l.Tag)
		if !bytes.Equal(md, c.Markdown(l.Tag)) || !bytes.Equal(page, c.HTML(l.Tag)) {
			t.Errorf("%s: the same catalogue gives other bytes", l.Tag)
		}
		for _, e := range c.Entries() {
			if !bytes.Contains(md, []byte(`<a id="`+e.ID+`">`)) || !bytes.Contains(page, []byte(`<section id="`+e.ID+`">`)) {
				t.Errorf("%s: %s is missing", l.Tag, e.ID)
			}
		}
		if _, err := html.Parse(bytes.NewReader(page)); err != nil {
			t.Errorf("%s: %v", l.Tag, err)
		}
	}
}

func TestDocsEscape(t *testing.T) {
	if got := linked(`a <b> & https://x.example/?a="b" c`); got != `a &lt;b&gt; &amp; <a href="https://x.example/?a=">https://x.example/?a=</a>&#34;b&#34; c` {
		t.Errorf("linked: %s", got)
	}
	if got := markdownText("a_b*c`d|e"); strings.ContainsAny(strings.NewReplacer(`\_`, "", `\*`, "", "\\`", "", `\|`, "").Replace(got), "_*`|") {
		t.Errorf("markdownText: %s", got)
	}
}
