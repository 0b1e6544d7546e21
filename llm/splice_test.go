package llm

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	openai "github.com/sashabaranov/go-openai"

	"github.com/diagbot/diagbot/troubleshoot"
)

func noise(n int) []byte {
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(rand.Uint32())
	}
	return data
}

// The base64 is right whatever is read at a time, and as long as was said.
func TestEncodedReads(t *testing.T) {
	_, x := newExchange(t.Context(), Timeouts{}.withDefaults(), listChoices, false)
	defer x.end()
	for _, size := range []int{0, 1, 2, 3, 4, 5, 100, 3*1024 + 1} {
		data := noise(size)
		want := base64.StdEncoding.EncodeToString(data)
		if err := iotest.TestReader(&encoded{data: data, x: x}, []byte(want)); err != nil {
			t.Errorf("%d bytes: %v", size, err)
		}
		for _, each := range []int{1, 2, 3, 4, 5, 6, 7, 4096} {
			var got bytes.Buffer
			if _, err := io.CopyBuffer(struct{ io.Writer }{&got}, &encoded{data: data, x: x}, make([]byte, each)); err != nil || got.String() != want {
				t.Errorf("%d bytes, %d at a time: %q, %v", size, each, got.String(), err)
			}
		}
	}
}

// said is a request as the guard sends it.
func said(t *testing.T, p *provider, messages []Message) *http.Request {
	t.Helper()
	_, x := newExchange(t.Context(), Timeouts{}.withDefaults(), listChoices, false)
	t.Cleanup(x.end)
	text, err := json.Marshal(p.request(`m","messages":[]`, shape{}))
	if err != nil {
		t.Fatal(err)
	}
	req, _ := http.NewRequest(http.MethodPost, "http://h", bytes.NewBuffer(text))
	if err := (&freight{messages}).load(req, x); err != nil {
		t.Fatal(err)
	}
	return req
}

// What goes out is byte for byte what go-openai would send, of the length that
// was said, and the same when the transport has to send it again.
func TestRequestIsAsGoOpenAIWritesIt(t *testing.T) {
	warm := float32(0.5)
	p := &provider{options: ProviderOptions{Name: "p", MaxTokens: 7, Temperature: &warm}}
	odd := "\"<&>\" \\ \n\x00\u2028 \xff 你好 \U0001F600 " + noMessages
	png, jpeg := Picture{"image/png", noise(1000)}, Picture{"image/jpeg", noise(2000)}
	url := func(p Picture) openai.ChatMessagePart {
		url := "data:" + p.Type + ";base64," + base64.StdEncoding.EncodeToString(p.Data)
		return openai.ChatMessagePart{Type: "image_url", ImageURL: &openai.ChatMessageImageURL{URL: url}}
	}
	words := func(s string) openai.ChatMessagePart { return openai.ChatMessagePart{Type: "text", Text: s} }
	for name, tc := range map[string]struct {
		messages []Message
		want     []openai.ChatCompletionMessage
	}{
		"words": {
			[]Message{{Role: RoleSystem, Content: "be brief"}, {Role: RoleUser, Content: odd}, {Role: RoleAssistant}, {Role: RoleUser, Content: "x"}},
			[]openai.ChatCompletionMessage{{Role: "system", Content: "be brief"}, {Role: "user", Content: odd}, {Role: "user", Content: "x"}},
		},
		"much to escape": {
			[]Message{{Role: RoleUser, Content: strings.Repeat("<", 10_000)}},
			[]openai.ChatCompletionMessage{{Role: "user", Content: strings.Repeat("<", 10_000)}},
		},
		"pictures": {
			[]Message{{Role: RoleUser, Content: odd, Pictures: []Picture{png, jpeg}}, {Role: RoleAssistant, Content: "a cat"}, {Role: RoleUser, Pictures: []Picture{jpeg}}},
			[]openai.ChatCompletionMessage{
				{Role: "user", MultiContent: []openai.ChatMessagePart{words(odd), url(png), url(jpeg)}},
				{Role: "assistant", Content: "a cat"},
				{Role: "user", MultiContent: []openai.ChatMessagePart{words(pictureMark), url(jpeg)}},
			},
		},
	} {
		req := said(t, p, tc.messages)
		r := p.request(`m","messages":[]`, shape{})
		r.Messages = tc.want
		want, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		again, _ := req.GetBody()
		for _, body := range []io.Reader{req.Body, again} {
			sent, err := io.ReadAll(body)
			if err != nil || int64(len(sent)) != req.ContentLength || !bytes.Equal(sent, want) {
				t.Errorf("%s: %v, %d bytes of %d:\n%.500q\nwant\n%.500q", name, err, len(sent), req.ContentLength, sent, want)
			}
		}
	}
}

// A request that has no place for what was said does not go out, nor one without
// anything said.
func TestRequestMustHoldItsMessages(t *testing.T) {
	_, x := newExchange(t.Context(), Timeouts{}.withDefaults(), listChoices, false)
	defer x.end()
	for body, messages := range map[string][]Message{"{}": question().Messages, `{"messages":[]}`: {{Role: RoleUser}}} {
		req, _ := http.NewRequest(http.MethodPost, "http://h", strings.NewReader(body))
		if err := (&freight{messages}).load(req, x); err == nil {
			t.Errorf("%s with %v went out", body, messages)
		}
	}
}

// slowLine takes a request in pieces, with pauses between, and answers.
type slowLine struct{ pause time.Duration }

func (s slowLine) RoundTrip(req *http.Request) (*http.Response, error) {
	piece := make([]byte, 64<<10)
	for {
		_, err := io.ReadFull(req.Body, piece)
		if err != nil {
			break
		}
		timer := time.NewTimer(s.pause)
		select {
		case <-timer.C:
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
	}
	return stub{200, streamed(8), false}.RoundTrip(req)
}

// The time for an answer begins when the question has been sent.
func TestSlowLineIsNoSlowProvider(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := options("https://h/v1")
		o.Timeouts = Timeouts{Headers: 5 * time.Second, FirstToken: 5 * time.Second, Dial: time.Second, TLS: time.Second}
		o.Transport = traced{slowLine{2 * time.Second}}
		c := newClient(t, o)
		ask := showing(Picture{"image/jpeg", noise(1 << 20)}) // 22 pieces
		if done, err := c.Complete(t.Context(), ask); err != nil || done.Text == "" {
			t.Errorf("got %+v, %v", done, err)
		}
		o.Transport = traced{slowLine{10 * time.Second}}
		c = newClient(t, o)
		done, err := c.Complete(t.Context(), ask)
		if f := faultOf(t, done, err); f.Net != troubleshoot.NetTimeout {
			t.Errorf("a line that stands still: %+v", f)
		}
	})
}

// traced tells of a connection, as a transport does.
type traced struct{ http.RoundTripper }

func (s traced) RoundTrip(req *http.Request) (*http.Response, error) {
	if x, ok := exchangeOf(req.Context()); ok {
		x.connected(false)
	}
	return s.RoundTripper.RoundTrip(req)
}

// A service that answers before it has heard all of a large request, and hangs
// up, is understood all the same.
func TestAnswerBeforeTheEndOfThePicture(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	work.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			work.Go(func() {
				defer conn.Close()
				if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil {
					return
				}
				body := `{"error":{"message":"Request body too large","type":"invalid_request_error"}}`
				fmt.Fprintf(conn, "HTTP/1.1 413 Content Too Large\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
				_ = conn.(*net.TCPConn).CloseWrite()
				_, _ = io.Copy(io.Discard, conn) // lingers, as nginx does, until the client has heard it
			})
		}
	})
	t.Cleanup(func() { listener.Close(); work.Wait() })
	o := options("http://" + listener.Addr().String() + "/v1")
	c := newClient(t, o)
	done, err := c.Complete(t.Context(), showing(Picture{"image/jpeg", noise(mostPictureBytes)}))
	known, _ := catalogue()
	if f := faultOf(t, done, err); known.Diagnose(f).Entry.ID != entryTooLarge {
		t.Errorf("fault %+v", f)
	}
}

// Whatever a service repeats of a request, nothing of a picture is kept or logged.
func TestNothingOfAPictureIsKept(t *testing.T) {
	cat := Picture{"image/jpeg", append([]byte{0xFF, 0xD8, 0xFF}, noise(3000)...)}
	encodedCat := base64.StdEncoding.EncodeToString(cat.Data)
	var lines strings.Builder
	for i := 0; i < len(encodedCat); i += 76 {
		lines.WriteString(encodedCat[i:min(i+76, len(encodedCat))] + "\n")
	}
	quoted := func(s string) string { b, _ := json.Marshal(s); return string(b) }
	for name, body := range map[string]string{
		"whole":     `{"error":{"message":` + quoted("bad message: {'url': 'data:image/jpeg;base64,"+encodedCat+"'}") + `}}`,
		"beginning": `{"error":{"message":` + quoted("invalid base64 in data:image/jpeg;base64,"+encodedCat[:20]+"...") + `}}`,
		"middle":    `{"error":{"message":` + quoted("near …"+encodedCat[1000:1200]+"…") + `}}`,
		"slashes":   `{"error":{"message":"bad: ` + strings.ReplaceAll(encodedCat, "/", `\/`) + `"}}`,
		"plus":      `{"error":{"message":"bad: ` + strings.ReplaceAll(encodedCat, "+", `\u002b`) + `"}}`,
		"lines":     `{"error":{"message":` + quoted(lines.String()) + `}}`,
		"percent":   `{"error":{"message":"` + strings.NewReplacer("/", "%2F", "+", "%2B").Replace(encodedCat) + `"}}`,
		"raw":       "cannot identify image: " + string(cat.Data),
		"repr":      "cannot identify b'" + strings.Trim(fmt.Sprintf("%+q", cat.Data), `"`) + "'",
		"json":      `{"detail":` + quoted(string(cat.Data)) + `}`,
		"nested":    `{"error":{"message":` + quoted(fmt.Sprintf("bytes: %+q", cat.Data)) + `}}`,
		"field":     `{"detail":[{"loc":["body"],"msg":"Input should be a valid string","input":[{"type":"image_url","image_url":{"url":"data:image/jpeg;base64,` + encodedCat + `"}}]}]}`,
	} {
		for _, status := range []int{400, 500, 200} {
			var log bytes.Buffer
			o := options(reply(t, status, body))
			c := newClientOf(t, Options{
				Providers: []ProviderOptions{o}, MaxAttempts: 1, Pauses: Pauses{Breaker: -1, MostCooldown: -1},
				Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
			})
			done, err := c.Complete(t.Context(), showing(cat))
			f := faultOf(t, done, err)
			shown := fmt.Sprintf("%+v %v %s %s %s", *f, f.Cause, log.String(), fmt.Sprint(done), err)
			for at := 0; at+24 <= len(encodedCat); at++ {
				if strings.Contains(shown, encodedCat[at:at+24]) {
					t.Errorf("%s, %d: shows %q", name, status, encodedCat[at:at+24])
					break
				}
			}
			for at := 0; at+6 <= len(cat.Data); at++ {
				if strings.Contains(shown, string(cat.Data[at:at+6])) {
					t.Errorf("%s, %d: shows %q", name, status, cat.Data[at:at+6])
					break
				}
			}
		}
	}
	if s := fmt.Sprintf("%v %+v %#v", showing(cat), showing(cat), showing(cat)); strings.Contains(s, string(cat.Data[:6])) || len(s) > 2000 {
		t.Errorf("printed %q", s[:200])
	}
}

func TestBlotKeepsWords(t *testing.T) {
	for _, body := range []string{
		"", `{"error":{"message":"No endpoints found that support image input","code":404}}`,
		"Failed to deserialize the JSON body into the target type: messages[1]: unknown variant `image_url`, expected `text`",
		"当前模型不支持图片输入 (request id: 20260916231629b20bd515ccea4697)", "line\nline\r\n\t%5B \\u4e0d \\x \\u003c",
	} {
		if got := string(blot([]byte(body))); got != body {
			t.Errorf("%q became %q", body, got)
		}
	}
}

// What a picture costs: BytesPerOp is all that is allocated for a request with
// the largest pictures, besides the pictures themselves.
func BenchmarkPictures(b *testing.B) {
	var four []Picture
	for range mostPictures {
		four = append(four, Picture{"image/jpeg", noise(mostPictureBytes)})
	}
	for _, tc := range []struct {
		name string
		ask  Prompt
	}{{"none", question()}, {"1MiB", showing(Picture{"image/jpeg", noise(1 << 20)})}, {"4x5MiB", showing(four...)}} {
		b.Run(tc.name, func(b *testing.B) {
			o := options("https://h/v1")
			o.Transport = drain{stub{200, streamed(8), false}}
			c, err := New(Options{Providers: []ProviderOptions{o}})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Complete(b.Context(), tc.ask); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// drain reads a request as a transport does.
type drain struct{ http.RoundTripper }

func (d drain) RoundTrip(req *http.Request) (*http.Response, error) {
	if _, err := io.Copy(io.Discard, struct{ io.Reader }{req.Body}); err != nil {
		return nil, err
	}
	return d.RoundTripper.RoundTrip(req)
}

// A picture is held once, however many ask about it at a time.
func TestPicturesAreNotCopied(t *testing.T) {
	o := options("https://h/v1")
	o.Transport = drain{stub{200, streamed(8), false}}
	c := newClient(t, o)
	ask := showing(Picture{"image/jpeg", noise(mostPictureBytes)})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const times = 4
	for range times {
		if _, err := c.Complete(t.Context(), ask); err != nil {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / times; each > 1<<20 {
		t.Errorf("%d bytes allocated for a request with a picture of %d", each, mostPictureBytes)
	}
}

// HTTP/2 carries pictures as well, and answers before their end.
func TestPicturesOverHTTP2(t *testing.T) {
	sizes := make(chan int64, 1)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 {
			t.Errorf("spoken to in %s", r.Proto)
		}
		if r.Header.Get("X-Blind") != "" {
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"error":{"message":"No endpoints found that support image input","code":404}}`)
			return
		}
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil || n != r.ContentLength {
			t.Errorf("%d bytes of %d, %v", n, r.ContentLength, err)
		}
		sizes <- n
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = w.Write(streamed(8))
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	o := options(s.URL + "/v1")
	o.Transport = s.Client().Transport
	ask := showing(Picture{"image/jpeg", noise(mostPictureBytes)})
	if done, err := newClient(t, o).Complete(t.Context(), ask); err != nil || done.Text == "" {
		t.Errorf("got %+v, %v", done, err)
	}
	if n := <-sizes; n < mostPictureBytes*4/3 {
		t.Errorf("%d bytes arrived", n)
	}
	o.Headers = map[string]string{"X-Blind": "yes"}
	done, err := newClient(t, o).Complete(t.Context(), ask)
	if f := faultOf(t, done, err); f.Entry != entryUnseen {
		t.Errorf("fault %+v", f)
	}
}
