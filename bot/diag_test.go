package bot

import (
	"strings"
	"testing"

	"github.com/diagbot/diagbot/troubleshoot"
)

func TestDiagReference(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.completer.answer = failing(&troubleshoot.Fault{Source: troubleshoot.SourceAPI, Status: 429})
		w.hear(private("alice", "hi"))
		w.texts()
		ref := w.incidents(1)[0].Ref
		w.hear(private("ming", "#诊断 "+ref))
		w.expect("详情只有管理员能看。把这个编号告诉管理员就能查到：" + ref)
		for _, query := range []string{ref, strings.ToLower(ref), "（429 · " + ref + "）", "(429 · " + ref + ")"} {
			w.hear(private("bob", "/diag "+query))
			w.expect(w.ui("admin_only", "ref", ref))
			owner := private("me", "/diag "+query)
			owner.Sender.Owner = true
			w.hear(owner)
			got := w.texts()
			if len(got) != 1 || !strings.HasPrefix(got[0], "429 ") || !strings.HasSuffix(got[0], w.ui("seen", "count", "1", "ago", w.relay.o.Catalogue.Age("en", 0))) {
				t.Errorf("/diag %s: %q", query, got)
			}
		}
	})
}

func TestPublicDiagDoesNotTellWhatHappenedHere(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.hear(private("bob", "/diag 401"))
		before := w.texts()
		w.completer.answer = failing(&troubleshoot.Fault{Source: troubleshoot.SourceAPI, Status: 401, Code: "invalid_api_key"})
		w.hear(private("alice", "hi"))
		w.texts()
		w.hear(private("bob", "/diag 401"))
		if after := w.texts(); before[0] != after[0] {
			t.Errorf("said %q before and %q after", before, after)
		}
	})
}

// TestDiagHoweverItIsWritten: behind a colon or in quotes a code is the same code.
func TestDiagHoweverItIsWritten(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.hear(private("bob", "/diag 401"))
		want := w.texts()[0]
		for _, text := range []string{"/diag:401", "/diag：401", "／diag： 401", "/diag「401」", "/diag 「401」", "/diag“401”", "/diag（401）"} {
			w.hear(private("bob", text))
			if got := w.texts(); len(got) != 1 || got[0] != want {
				t.Errorf("%s: said %q", text, got)
			}
		}
		w.hear(private("bob", "\u200b\u2060"))
		blank := w.texts()
		w.hear(private("bob", "  "))
		if spaces := w.texts(); len(blank) != 1 || blank[0] != spaces[0] || len(w.completer.asked()) > 0 {
			t.Errorf("said %q and %q", blank, spaces)
		}
	})
}
