package bot

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/diagbot/diagbot/troubleshoot"
)

// camera is a desk whose pictures can fail.
type camera struct {
	*desk
	fail error
}

func (c *camera) SendPicture(ctx context.Context, p Part, png []byte) error {
	if c.fail != nil {
		return c.fail
	}
	return c.desk.SendPicture(ctx, p, png)
}

func wechatFault(f troubleshoot.Fault) error {
	f.Source, f.Phase = troubleshoot.SourceWeChat, troubleshoot.PhaseSend
	return &f
}

// TestPicturesGiveWayToWords where they cannot be drawn or sent.
func TestPicturesGiveWayToWords(t *testing.T) {
	draw := func(x Trend) ([]byte, error) { return []byte(x.Title), nil }
	for name, x := range map[string]struct {
		fail    error
		draw    func(Trend) ([]byte, error)
		plain   bool // a channel without pictures
		picture bool
	}{
		"well":             {draw: draw, picture: true},
		"not drawn":        {draw: func(Trend) ([]byte, error) { return nil, errors.New("no font") }},
		"nobody draws":     {},
		"no pictures here": {draw: draw, plain: true},
		"refused":          {draw: draw, fail: wechatFault(troubleshoot.Fault{Net: troubleshoot.NetConfig})},
		"not a friend":     {draw: draw, fail: wechatFault(troubleshoot.Fault{Ret: 1204})},
		"their trouble":    {draw: draw, fail: wechatFault(troubleshoot.Fault{Ret: -1})},
	} {
		t.Run(name, func(t *testing.T) {
			options := func(o *Options) {
				plain := o.Channel
				atDesk(newMemory(0))(o)
				o.Draw = x.draw
				if o.Channel = (&camera{o.Channel.(*desk), x.fail}); x.plain {
					o.Channel = plain
				}
			}
			inBubble(t, options, func(w *world) {
				w.completer.answer = failing(&troubleshoot.Fault{Source: troubleshoot.SourceAPI, Status: 500})
				w.hear(private("alice", "hi"))
				w.texts()
				w.hear(byOwner("/diag trend"))
				title := w.ui("trend_title", "span", "24 hours")
				want := strings.Join([]string{title, w.ui("trend_summary", "failed", "1", "rescued", "0"),
					w.ui("trend_line", "title", "500 "+w.relay.catalogue().Title("gpt-500", "en"), "failed", "1", "rescued", "0")}, "\n")
				if x.picture {
					want = "picture: " + title
				}
				w.expect(want)
			})
		})
	}
}

// TestPicturesSurviveARestart: the store has the recipe, and the picture is drawn
// when it can be sent.
func TestPicturesSurviveARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, drawn := newMemory(0), 0
		options := func(o *Options) {
			atDesk(s)(o)
			o.Draw = func(x Trend) ([]byte, error) { drawn++; return []byte(x.Title), nil }
		}
		w := newWorld(t, options)
		w.channel.fail = func(int, Chat, string) error { return wechatFault(troubleshoot.Fault{Ret: 1205}) }
		w.hear(byOwner("/diag trend 7d"))
		open, err := s.Open(t.Context())
		if err != nil || len(open) != 1 || open[0].Reply == nil || len(open[0].Reply.Parts) != 1 || !isRecipe(open[0].Reply.Parts[0]) {
			t.Fatalf("stored %+v, %v", open, err)
		}
		w.disown()
		w.stop()
		<-w.ended
		before := drawn
		w = newWorld(t, options)
		time.Sleep(time.Minute)
		synctest.Wait()
		w.expect("picture: " + w.ui("trend_title", "span", "7 days"))
		if drawn == before {
			t.Error("nothing was drawn anew")
		}
	})
}

func TestRecipes(t *testing.T) {
	for text, want := range map[string]bool{
		recipe("24h", "en"): true, recipe("7d", "zh-Hans"): true, "trend 24h en": false, "": false, recipeMark: false,
		recipeMark + "trend 1y en": false, recipeMark + "trend 24h": false, recipeMark + "pause": false, "x" + recipe("24h", "en"): false,
	} {
		if got := isRecipe(text); got != want {
			t.Errorf("isRecipe(%q) = %v", text, got)
		}
	}
}

// TestTrendCounts fills the parts of a time.
func TestTrendCounts(t *testing.T) {
	inBubble(t, func(o *Options) { o.Location = time.UTC }, func(w *world) {
		at := func(ago time.Duration, entry string, rescued bool) {
			i := Incident{Ref: newRef(), Entry: entry, At: time.Now().Add(-ago), Rescued: rescued, Chat: "x"}
			if err := w.relay.store.Record(w.Context(), i); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(30 * 24 * time.Hour)
		time.Sleep(30 * time.Minute)
		at(time.Minute, "gpt-429", false)
		at(2*time.Minute, "gpt-429", true)
		at(31*time.Minute, "gpt-500", false)
		at(23*time.Hour, "gpt-500", false)
		at(25*time.Hour, "gpt-500", false)
		got, err := w.relay.readTrend(w.Context(), periods()[0], "en")
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Starts) != 24 || got.Starts[0].Minute() != 0 || !got.Starts[23].Before(time.Now()) || time.Since(got.Starts[23]) > time.Hour {
			t.Errorf("starts %v", got.Starts)
		}
		if len(got.Causes) != 2 || got.Causes[0].Failed+got.Causes[0].Rescued != 2 || got.Rescued[23] != 1 {
			t.Errorf("causes %+v, rescued %v", got.Causes, got.Rescued)
		}
		for _, c := range got.Causes {
			if strings.HasPrefix(c.Name, "500") && (c.Counts[22] != 1 || c.Counts[0] != 1) {
				t.Errorf("500: %v", c.Counts)
			}
			if strings.HasPrefix(c.Name, "429") && (c.Counts[23] != 1 || c.Rescued != 1) {
				t.Errorf("429: %v", c.Counts)
			}
		}
		if got.Summary != w.ui("trend_summary", "failed", "3", "rescued", "1") {
			t.Error(got.Summary)
		}
		week, err := w.relay.readTrend(w.Context(), periods()[1], "en")
		if err != nil || len(week.Starts) != 28 {
			t.Errorf("a week: %d parts, %v", len(week.Starts), err)
		}
	})
}
