package bot

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/diagbot/diagbot/llm"
	"github.com/diagbot/diagbot/troubleshoot"
)

// code is an answer that plain text would spoil.
const code = "# Title\n\n```go\nfunc main() {\n\tprintln(\"**hi**\")\n}\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |"

func saying(text string) func(context.Context, llm.Prompt) (string, error) {
	return func(context.Context, llm.Prompt) (string, error) { return text, nil }
}

// file expects that one file was sent, and returns its name and body.
func (w *world) file() (name, body string) {
	w.Helper()
	said := w.texts()
	if len(said) != 1 || !strings.HasPrefix(said[0], "file ") {
		w.Fatalf("said %q", said)
	}
	name, body, _ = strings.Cut(strings.TrimPrefix(said[0], "file "), "\n")
	return name, body
}

func inUTC(o *Options) { o.Location = time.UTC }

func TestFileHasTheModelsOwnWords(t *testing.T) {
	inLibrary(t, inUTC, func(w *world, _ *library) {
		w.hear(private("alice", "/file"))
		w.expect(w.ui("file_nothing"))
		w.completer.will(saying(code))
		w.hear(private("alice", "a program"))
		if said := w.texts(); len(said) != 1 || strings.Contains(said[0], "```") {
			t.Errorf("said %q", said)
		}
		w.hear(private("alice", "/file"))
		name, body := w.file()
		if name != "answer-20000101-0000.md" || body != code+"\n" {
			t.Errorf("%s: %s", name, body)
		}
		w.completer.will(saying("yes\u202e\x01trend 24h en"))
		w.hear(private("alice", "sure?"))
		w.texts()
		for _, all := range []string{"/file all", "＃ｆｉｌｅ ａｌｌ", "/export ALL"} {
			w.hear(private("alice", all))
			name, body = w.file()
			want := "**Question**\n\na program\n\n**Answer**\n\n" + code + "\n\n---\n\n**Question**\n\nsure?\n\n**Answer**\n\nyestrend 24h en\n"
			if name != "conversation-20000101-0000.md" || body != want {
				t.Errorf("%s: %s", name, body)
			}
		}
		w.hear(private("alice", "/reset"))
		w.texts()
		w.hear(private("alice", "/file"))
		w.expect(w.ui("file_nothing"))
	})
}

// TestFilesStayInTheirChat: nobody is sent what was said elsewhere.
func TestFilesStayInTheirChat(t *testing.T) {
	inLibrary(t, inUTC, func(w *world, _ *library) {
		w.completer.will(func(_ context.Context, p llm.Prompt) (string, error) { return "secret of " + last(p), nil })
		w.hear(inGroup("home", "alice", "the group"))
		w.hear(private("bob", "bob"))
		w.texts()
		w.hear(private("alice", "/file all"))
		w.expect(w.ui("file_nothing"))
		w.hear(private("alice", "alice"))
		w.texts()
		for _, m := range []Message{inGroup("home", "alice", "/file"), inGroup("home", "bob", "/file all")} {
			w.hear(m)
			w.expect("@" + m.Sender.Name + "\u2005" + w.ui("file_private"))
		}
		w.hear(private("alice", "/file all"))
		if _, body := w.file(); strings.Contains(body, "group") || strings.Contains(body, "bob") {
			t.Error(body)
		}
		// Not even a recipe that strays into a group is served.
		err := w.relay.say(t.Context(), Part{To: Chat{ID: "@@home", Group: true, Name: "home"}, Text: fileRecipe{fileAll, "en", "20260101-1200"}.String()})
		if err != nil {
			t.Fatal(err)
		}
		w.expect(w.ui("file_nothing"))
	})
}

func TestFilesGiveWayToWords(t *testing.T) {
	for name, x := range map[string]struct {
		fail  error
		words bool
		tries int
	}{
		"well":          {nil, false, 1},
		"refused":       {wechatFault(troubleshoot.Fault{Net: troubleshoot.NetConfig}), true, 1},
		"their trouble": {wechatFault(troubleshoot.Fault{Ret: -1}), true, 1},
		"perhaps":       {wechatFault(troubleshoot.Fault{Code: MaybeSent}), false, 2},
	} {
		t.Run(name, func(t *testing.T) {
			inLibrary(t, inUTC, func(w *world, l *library) {
				w.hear(private("alice", "hi"))
				w.texts()
				l.change(func() { l.unsent = x.fail })
				w.hear(private("alice", "/file"))
				time.Sleep(time.Minute)
				synctest.Wait()
				said := w.texts()
				if words := len(said) == 1 && said[0] == w.ui("file_not_sent"); words != x.words || l.tries != x.tries {
					t.Errorf("said %q after %d tries", said, l.tries)
				}
			})
		})
	}
	inBubble(t, nil, func(w *world) {
		w.hear(private("alice", "/file"))
		w.expect(w.ui("file_unavailable"))
		w.hear(private("alice", "/help"))
		if said := w.texts(); strings.Contains(said[0], "/file") {
			t.Errorf("help says %q", said)
		}
	})
}

// TestFilesSurviveARestart: the store has the recipe, and the file is written when
// it can be sent.
func TestFilesSurviveARestart(t *testing.T) {
	if _, err := catalogue(); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		s := newMemory(0)
		start := func(unsent error) (*world, *library) {
			l := &library{unsent: unsent}
			return newWorld(t, func(o *Options) {
				l.fakeChannel = o.Channel.(*fakeChannel)
				o.Channel, o.Store, o.Location = l, s, time.UTC
			}), l
		}
		w, _ := start(wechatFault(troubleshoot.Fault{Ret: 1205}))
		w.completer.will(saying(code))
		w.hear(private("alice", "a program"))
		w.texts()
		w.hear(private("alice", "/file"))
		open, err := s.Open(t.Context())
		if err != nil || len(open) != 1 || open[0].Reply == nil || !isRecipe(open[0].Reply.Parts[0]) || strings.Contains(open[0].Reply.Parts[0], "Title") {
			t.Fatalf("stored %+v, %v", open, err)
		}
		w.disown()
		w.stop()
		<-w.ended
		w, _ = start(nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		if name, body := w.file(); name != "answer-20000101-0000.md" || body != code+"\n" {
			t.Errorf("%s: %s", name, body)
		}
	})
}

func TestFileRecipes(t *testing.T) {
	for text, want := range map[string]bool{
		fileRecipe{fileAll, "zh-Hans", "20260101-1200"}.String(): true, fileRecipe{fileAnswer, "en", "20260101-1200"}.String(): true,
		"file answer en 20260101-1200": false, recipeMark + "file answer en": false, recipeMark + "file x en 20260101-1200": false,
		recipeMark + "file answer en ../../etc/passwd": false, recipeMark + "file answer en 20260101-1200 x": false, recipeMark + "file  en 20260101-1200": false,
	} {
		if got := isRecipe(text); got != want {
			t.Errorf("isRecipe(%q) = %v", text, got)
		}
	}
}

// TestNoticeOfMore speaks of /file where it works.
func TestNoticeOfMore(t *testing.T) {
	text := strings.TrimSpace(strings.Repeat("Word after word. ", 3700))
	inLibrary(t, nil, func(w *world, _ *library) {
		w.completer.will(saying(text))
		for _, x := range []struct {
			m    Message
			file bool
		}{
			{private("alice", "all"), true}, {private("alice", "go on"), true}, {private("alice", "/diag 429"), false}, {inGroup("home", "alice", "all"), false},
		} {
			w.hear(x.m)
			said := w.texts()
			if got := strings.Contains(said[len(said)-1], "/file"); got != x.file {
				t.Errorf("%s: %q", x.m.Text, said[len(said)-1])
			}
		}
		w.hear(private("alice", "/file"))
		if _, body := w.file(); body != text+"\n" {
			t.Errorf("%d bytes", len(body))
		}
	})
	none := func(o *Options) { o.MemoryTurns = 0 }
	inLibrary(t, none, func(w *world, _ *library) {
		w.completer.will(saying(text))
		w.hear(private("alice", "all"))
		if said := w.texts(); strings.Contains(said[len(said)-1], "/file") {
			t.Errorf("said %q", said[len(said)-1])
		}
	})
}
