package llm

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/diagbot/diagbot/internal/simllm"
	"github.com/diagbot/diagbot/troubleshoot"
)

// paint makes a picture of its own.
func paint(t testing.TB, kind string, width int) Picture {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, width, 16))
	for i := range img.Pix {
		img.Pix[i] = byte(rand.Uint32())
	}
	img.Set(0, 0, color.White)
	var b bytes.Buffer
	var err error
	if kind == "image/jpeg" {
		err = jpeg.Encode(&b, img, nil)
	} else {
		err = png.Encode(&b, img)
	}
	if err != nil {
		t.Fatal(err)
	}
	return Picture{Type: kind, Data: b.Bytes()}
}

// sum is how the simulated service shows which picture it saw.
func sum(p Picture) string { return fmt.Sprintf("%08x", crc32.ChecksumIEEE(p.Data)) }

// showing asks about pictures.
func showing(pictures ...Picture) Prompt {
	return Prompt{Messages: []Message{
		{Role: RoleSystem, Content: "be brief"}, {Role: RoleUser, Content: "What is it?", Pictures: pictures},
	}}
}

// recalling asks in words after a turn with pictures.
func recalling(pictures ...Picture) Prompt {
	p := showing(pictures...)
	p.Messages = append(p.Messages, Message{Role: RoleAssistant, Content: "A cat."}, Message{Role: RoleUser, Content: "And its colour?"})
	return p
}

func sums(r simllm.Request) (all []string) {
	for _, p := range r.Pictures() {
		all = append(all, fmt.Sprintf("%08x", p.Sum))
	}
	return all
}

func TestPicturesArrive(t *testing.T) {
	s := service(t, nil)
	for _, noStream := range []bool{false, true} {
		o := at("one", s)
		o.NoStream = noStream
		c := clientOf(t, o)
		old, one, two := paint(t, "image/png", 40), paint(t, "image/jpeg", 41), paint(t, "image/png", 42)
		ask := showing(old)
		ask.Messages = append(ask.Messages, Message{Role: RoleAssistant, Content: "A cat."},
			Message{Role: RoleUser, Content: "你看", Pictures: []Picture{one, two}})
		done, err := c.Complete(t.Context(), ask)
		if err != nil || !strings.Contains(done.Text, sum(one)) || !strings.Contains(done.Text, "image/jpeg, 41×16") || !strings.Contains(done.Text, sum(two)) {
			t.Fatalf("got %+v, %v", done, err)
		}
		all := s.Requests()
		if got := sums(all[len(all)-1]); !slices.Equal(got, []string{sum(old), sum(one), sum(two)}) {
			t.Errorf("saw %v", got)
		}
		if m := all[len(all)-1].Messages; m[1].Content != "What is it?" || m[3].Content != "你看" || len(m) != 4 {
			t.Errorf("heard %+v", m)
		}
	}
}

// blindness are the simulated services' refusals of pictures.
func blindness(t *testing.T) (names []string) {
	for _, f := range simllm.Failures() {
		if strings.Contains(f.Name, "blind") || slices.Contains(f.Aliases, "blind") {
			names = append(names, f.Name)
		}
	}
	if len(names) < 20 {
		t.Fatalf("only %v", names)
	}
	return names
}

// Whatever a service says when its model takes no pictures, the next one is
// asked, and the first is asked nothing with pictures for a while, but goes on
// being asked for everything else.
func TestEveryRefusalIsUnderstood(t *testing.T) {
	for _, name := range blindness(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first, second := service(t, nil), service(t, nil)
			c := clientOf(t, at("one", first), at("two", second))
			if err := first.Blind(name); err != nil {
				t.Fatal(err)
			}
			cat := paint(t, "image/png", 20)
			for i, want := range []int{1, 1} {
				done, err := c.Complete(t.Context(), showing(cat))
				if err != nil || done.Provider != "two" || !strings.Contains(done.Text, sum(cat)) || first.Count() != want {
					t.Fatalf("%d: %d requests, %+v, %v", i, first.Count(), done, err)
				}
				if a := done.Attempts[0]; i == 0 && (a.Entry != entryUnseen || a.Alert) {
					t.Errorf("attempt %+v", a)
				}
			}
			if done := mustAnswer(t, c); done.Provider != "one" {
				t.Errorf("a text went to %s", done.Provider)
			}
		})
	}
}

func TestNobodySees(t *testing.T) {
	for _, name := range blindness(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := service(t, nil)
			c := clientOf(t, at("one", s))
			if err := s.Blind(name); err != nil {
				t.Fatal(err)
			}
			known, _ := catalogue()
			for range 2 {
				done, err := c.Complete(t.Context(), showing(paint(t, "image/png", 20)))
				f := faultOf(t, done, err)
				if got := known.Diagnose(f).Entry.ID; got != entryUnseen || f.Provider != "one" || f.RetryAfter != 0 {
					t.Fatalf("failed with %s: %+v", got, f)
				}
			}
			if s.Count() != 1 {
				t.Errorf("%d requests", s.Count())
			}
		})
	}
}

// Pictures of older turns are no reason to leave a question without an answer.
func TestOlderPicturesAreLeftOut(t *testing.T) {
	s := service(t, nil)
	c := clientOf(t, at("one", s))
	if err := s.Blind("deepseek-blind-sequence"); err != nil {
		t.Fatal(err)
	}
	ask := recalling(paint(t, "image/png", 20))
	for i, requests := range []int{2, 3} {
		done, err := c.Complete(t.Context(), ask)
		if err != nil || done.Unseen != 1 || s.Count() != requests {
			t.Fatalf("%d: %d requests, %+v, %v", i, s.Count(), done, err)
		}
		if last := s.Requests()[requests-1]; len(last.Pictures()) != 0 || last.Messages[1].Content != "What is it?\n"+pictureMark {
			t.Errorf("sent %+v", last.Messages)
		}
	}
	if len(ask.Messages[1].Pictures) != 1 {
		t.Error("the prompt was changed")
	}
}

// Who sees is asked about pictures of older turns; if that one is away, those who
// do not see are asked without.
func TestOlderPicturesGoToWhoSees(t *testing.T) {
	first, second := service(t, nil), service(t, nil)
	c := clientOf(t, at("one", first), at("two", second))
	if err := first.Blind("openrouter-blind"); err != nil {
		t.Fatal(err)
	}
	ask := recalling(paint(t, "image/png", 20))
	done, err := c.Complete(t.Context(), ask)
	if err != nil || done.Provider != "two" || done.Unseen != 0 || first.Count() != 1 {
		t.Fatalf("got %+v, %v", done, err)
	}
	if err := second.Always("401"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		done, err = c.Complete(t.Context(), ask)
		if err != nil || done.Provider != "one" || done.Unseen != 1 {
			t.Fatalf("got %+v, %v", done, err)
		}
	}
	if second.Count() != 2 || first.Count() != 3 {
		t.Errorf("%d and %d requests", first.Count(), second.Count())
	}
	// The newest message's picture is never left out: what keeps away who could see
	// it is told.
	done, err = c.Complete(t.Context(), showing(paint(t, "image/png", 20)))
	known, _ := catalogue()
	if e := known.Diagnose(faultOf(t, done, err)).Entry; e.Cause != "invalid_api_key" {
		t.Errorf("failed with %s", e.ID)
	}
}

func TestAnotherModelOfTheProviderSees(t *testing.T) {
	s := service(t, nil)
	o := at("one", s)
	o.Models = []string{modelA, modelB}
	c := clientOf(t, o)
	if err := s.Blind("volc-blind", modelA); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if done, err := c.Complete(t.Context(), showing(paint(t, "image/jpeg", 20))); err != nil || done.Model != modelB {
			t.Fatalf("got %+v, %v", done, err)
		}
	}
	if s.Count() != 3 {
		t.Errorf("%d requests", s.Count())
	}
}

// More providers than a message has attempts are asked until one sees.
func TestRefusalsOfPicturesAreNoAttempts(t *testing.T) {
	blind, sees := service(t, nil), service(t, nil)
	if err := blind.Blind("lmstudio-blind"); err != nil {
		t.Fatal(err)
	}
	var all []ProviderOptions
	for i := range 6 {
		all = append(all, at(fmt.Sprint("blind", i), blind))
	}
	c := clientOf(t, append(all, at("sees", sees))...)
	if done, err := c.Complete(t.Context(), showing(paint(t, "image/png", 20))); err != nil || done.Provider != "sees" {
		t.Fatalf("got %+v, %v", done, err)
	}
}

// A server that takes one picture a prompt gets the newest.
func TestOlderPicturesGiveWay(t *testing.T) {
	s := service(t, nil)
	c := clientOf(t, at("one", s))
	if err := s.Next("vllm-one-picture"); err != nil {
		t.Fatal(err)
	}
	cat := paint(t, "image/png", 20)
	ask := recalling(paint(t, "image/png", 21))
	ask.Messages[3].Pictures = []Picture{cat}
	done, err := c.Complete(t.Context(), ask)
	if err != nil || done.Unseen != 1 || !strings.Contains(done.Text, sum(cat)) {
		t.Fatalf("got %+v, %v", done, err)
	}
	if got := sums(s.Requests()[1]); !slices.Equal(got, []string{sum(cat)}) {
		t.Errorf("saw %v", got)
	}
}

func TestUnreadablePictures(t *testing.T) {
	s := service(t, nil)
	c := clientOf(t, at("one", s))
	known, _ := catalogue()
	broken := Picture{Type: "image/png", Data: []byte("GIF89a is no PNG")}
	done, err := c.Complete(t.Context(), showing(broken))
	if e := known.Diagnose(faultOf(t, done, err)).Entry.ID; e != entryUnreadable || s.Count() != 1 {
		t.Errorf("failed with %s after %d requests", e, s.Count())
	}
	if done, err = c.Complete(t.Context(), recalling(broken)); err != nil || done.Unseen != 1 {
		t.Errorf("got %+v, %v", done, err)
	}
	if done, err = c.Complete(t.Context(), showing(paint(t, "image/png", 20))); err != nil {
		t.Errorf("thought to be blind: %+v, %v", done, err)
	}
	sent := s.Count()
	for _, p := range []Picture{{Type: "image/heic", Data: []byte("x")}, {Type: "image/png"}, {Type: "image/png", Data: make([]byte, mostPictureBytes+1)}} {
		done, err := c.Complete(t.Context(), showing(p))
		if e := known.Diagnose(faultOf(t, done, err)).Entry.ID; e != entryUnreadable {
			t.Errorf("%v failed with %s", p, e)
		}
		if done, err := c.Complete(t.Context(), recalling(p)); err != nil || done.Text == "" {
			t.Errorf("%v: got %+v, %v", p, done, err)
		}
	}
	if n := s.Count() - sent; n != 3 {
		t.Errorf("%d requests, want the three without pictures", n)
	}
}

func TestPicturesAreBounded(t *testing.T) {
	s := service(t, nil)
	c := clientOf(t, at("one", s))
	var all []Picture
	for i := range 6 {
		all = append(all, paint(t, "image/png", 10+i))
	}
	ask := recalling(all[0], all[1], all[2])
	ask.Messages[3].Pictures = all[3:]
	ask.Messages[2].Pictures = all[:1] // the assistant shows nothing
	if _, err := c.Complete(t.Context(), ask); err != nil {
		t.Fatal(err)
	}
	r := s.Requests()[0]
	if got := sums(r); !slices.Equal(got, []string{sum(all[2]), sum(all[3]), sum(all[4]), sum(all[5])}) {
		t.Errorf("saw %v", got)
	}
	if got := r.Messages[1].Content; strings.Count(got, pictureMark) != 2 {
		t.Errorf("said %q", got)
	}
}

func TestVisionOption(t *testing.T) {
	s := service(t, nil)
	known, _ := catalogue()
	o := at("one", s)
	o.Vision = VisionNo
	c := clientOf(t, o)
	done, err := c.Complete(t.Context(), showing(paint(t, "image/png", 20)))
	if e := known.Diagnose(faultOf(t, done, err)).Entry.ID; e != entryUnseen || s.Count() != 0 {
		t.Errorf("failed with %s after %d requests", e, s.Count())
	}
	if done, err := c.Complete(t.Context(), recalling(paint(t, "image/png", 20))); err != nil || done.Unseen != 1 {
		t.Errorf("got %+v, %v", done, err)
	}
	o.Vision = VisionYes
	if _, err := c.Reload([]ProviderOptions{o}); err != nil {
		t.Fatal(err)
	}
	if err := s.Blind("blind"); err != nil {
		t.Fatal(err)
	}
	if done, err = c.Complete(t.Context(), showing(paint(t, "image/png", 20))); err == nil {
		t.Fatalf("got %+v", done)
	}
	if until := c.providers()[0].models[0].sight.until; time.Until(until) > doubtTime {
		t.Errorf("believed until %v", until)
	}
}

// What was learnt is forgotten after an hour, and when an admin asks for it.
func TestBlindnessIsForgotten(t *testing.T) {
	s := service(t, nil)
	c := clientOf(t, at("one", s))
	ask := func() bool {
		done, err := c.Complete(t.Context(), showing(paint(t, "image/png", 20)))
		return err == nil && done.Text != ""
	}
	if err := s.Blind("blind"); err != nil {
		t.Fatal(err)
	}
	if ask() {
		t.Fatal("answered")
	}
	p := c.providers()[0]
	if rest := time.Until(p.models[0].sight.until); rest > blindTime || rest < blindTime-time.Minute {
		t.Errorf("believed for %v", rest)
	}
	s.Heal()
	if ask() {
		t.Error("asked before the hour was over")
	}
	p.mu.Lock()
	p.models[0].sight.until = time.Now()
	p.mu.Unlock()
	if !ask() {
		t.Error("not asked after it")
	}
	if err := s.Blind("blind"); err != nil {
		t.Fatal(err)
	}
	if ask() {
		t.Fatal("answered")
	}
	if rest := time.Until(p.models[0].sight.until); rest > doubtTime {
		t.Errorf("who has answered is kept out for %v", rest)
	}
	s.Heal()
	p.forgive()
	if !ask() {
		t.Error("not asked after it was forgiven")
	}
}

// A service that hangs up on pictures, again and again, is asked without the older
// ones.
func TestOlderPicturesAreLeftOutWhenTheLineBreaks(t *testing.T) {
	s := service(t, nil)
	c := clientOf(t, at("one", s))
	if err := s.Blind("reset"); err != nil {
		t.Fatal(err)
	}
	if done, err := c.Complete(t.Context(), recalling(paint(t, "image/png", 20))); err != nil || done.Unseen != 1 {
		t.Errorf("got %+v, %v", done, err)
	}
	s.Heal()
	if done, err := c.Complete(t.Context(), showing(paint(t, "image/png", 20))); err != nil {
		t.Errorf("thought to be blind: %+v, %v", done, err)
	}
}

// A filter that minds a picture is the filter, and teaches nothing.
func TestAPictureThatIsRefused(t *testing.T) {
	s := service(t, nil)
	c := clientOf(t, at("one", s))
	if err := s.Next("400-policy"); err != nil {
		t.Fatal(err)
	}
	known, _ := catalogue()
	done, err := c.Complete(t.Context(), showing(paint(t, "image/png", 20)))
	if e := known.Diagnose(faultOf(t, done, err)).Entry; e.Cause != "content_policy" || len(done.Attempts) != 1 {
		t.Errorf("failed with %s: %s", e.ID, path(done))
	}
	if done, err := c.Complete(t.Context(), showing(paint(t, "image/png", 20))); err != nil {
		t.Errorf("thought to be blind: %+v, %v", done, err)
	}
}

// Refusals that no list holds, and complaints about this picture alone.
func TestReadsRefusals(t *testing.T) {
	known, _ := catalogue()
	for said, want := range map[string]string{
		"message type 'image_url' is not supported for model 'm'":            "sure",
		"unsupported modality: image":                                        "sure",
		"Content type 'image_url' is not supported by model m":               "perhaps",
		"no image processor available; model is text-only":                   "perhaps",
		"請使用支援圖片的模型":                                                         "perhaps",
		"messages 参数非法。请检查文档。":                                               "perhaps",
		"The image length and width do not meet the restrictions":            "",
		"image_url must be a valid URL":                                      "",
		"unsupported image format: heic":                                     "",
		"Image does not match the provided media type image/png":             "",
		"Invalid value for 'temperature'":                                    "",
		"This model's maximum context length is 4096 tokens":                 "",
		"Your request was rejected by the safety system: image not allowed.": "",
	} {
		f := troubleshoot.Normalize(troubleshoot.Observation{Source: troubleshoot.SourceAPI, Status: 400, Body: []byte(`{"error":{"message":` + strconv.Quote(said) + `}}`)})
		refused, sure := readRefusal(f, known.Diagnose(f).Entry)
		got := ""
		switch {
		case refused && sure:
			got = "sure"
		case refused:
			got = "perhaps"
		}
		if got != want {
			t.Errorf("%s: %q, want %q", said, got, want)
		}
	}
}

// A picture of too many bytes says nothing of how long a conversation may be.
func TestTooManyBytesAreNoTokens(t *testing.T) {
	s := service(t, nil)
	c := clientOf(t, at("one", s))
	model := target{provider: "one", model: modelA}
	limit := c.meter.limit(model)
	if err := s.Blind("413"); err != nil {
		t.Fatal(err)
	}
	known, _ := catalogue()
	done, err := c.Complete(t.Context(), showing(paint(t, "image/png", 20)))
	if e := known.Diagnose(faultOf(t, done, err)).Entry.ID; e != entryTooLarge || s.Count() != 1 {
		t.Errorf("failed with %s: %s", e, path(done))
	}
	if done, err := c.Complete(t.Context(), recalling(paint(t, "image/png", 20))); err != nil || done.Unseen != 1 {
		t.Errorf("got %+v, %v", done, err)
	}
	if got := c.meter.limit(model); got != limit {
		t.Errorf("%d tokens are left of %d", got, limit)
	}
}
