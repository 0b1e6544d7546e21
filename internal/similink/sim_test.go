package similink_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/diagbot/diagbot/internal/similink"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience ends a test that would hang; nothing is measured with it.
const patience = time.Minute

func start(t testing.TB, o similink.Options) *similink.Server {
	t.Helper()
	s, err := similink.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// client says what a test tells it to, with the headers of a good client.
type client struct {
	t      *testing.T
	s      *similink.Server
	http   *http.Client
	host   string
	token  string
	cursor string
	sent   int
	strip  string // a header left out
}

func newClient(t *testing.T, s *similink.Server) *client {
	t.Helper()
	transport := s.Transport()
	t.Cleanup(transport.CloseIdleConnections)
	return &client{t: t, s: s, http: &http.Client{Transport: transport}, host: similink.APIHost}
}

// said is the answer of the API, with all that can be in it.
type said struct {
	Ret          *int           `json:"ret"`
	Errcode      int            `json:"errcode"`
	ErrMsg       string         `json:"errmsg"`
	Status       string         `json:"status"`
	QRCode       string         `json:"qrcode"`
	Image        string         `json:"qrcode_img_content"`
	Token        string         `json:"bot_token"`
	Bot          string         `json:"ilink_bot_id"`
	BaseURL      string         `json:"baseurl"`
	User         string         `json:"ilink_user_id"`
	RedirectHost string         `json:"redirect_host"`
	Messages     []message      `json:"msgs"`
	Cursor       *string        `json:"get_updates_buf"`
	Timeout      int            `json:"longpolling_timeout_ms"`
	MessageID    json.Number    `json:"message_id"`
	Ticket       string         `json:"typing_ticket"`
	UploadParam  string         `json:"upload_param"`
	UploadURL    string         `json:"upload_full_url"`
	Raw          map[string]any `json:"-"`
}

type message struct {
	ID    json.Number `json:"message_id"`
	From  string      `json:"from_user_id"`
	To    string      `json:"to_user_id"`
	Token string      `json:"context_token"`
	Type  int         `json:"message_type"`
	Items []struct {
		Type  int                   `json:"type"`
		Text  struct{ Text string } `json:"text_item"`
		Ref   *ref                  `json:"ref_msg"`
		Image struct {
			Media  media
			AESKey string
		} `json:"image_item"`
		Voice struct {
			Media media
			Text  string
		} `json:"voice_item"`
		File struct {
			Media media
			Name  string `json:"file_name"`
			Len   string
		} `json:"file_item"`
	} `json:"item_list"`
}

type ref struct {
	ID    json.Number `json:"svr_id"`
	Title string
	Item  *struct {
		Text struct{ Text string } `json:"text_item"`
	} `json:"message_item"`
	Partial map[string]any `json:"partial_text"`
}

type media struct {
	Param string `json:"encrypt_query_param"`
	Key   string `json:"aes_key"`
	URL   string `json:"full_url"`
}

// over tells the answer to a request without a session.
func (r said) over() bool { return r.Ret == nil && r.Errcode == -14 || r.Ret != nil && *r.Ret == -14 }

// code is ret or errcode, whichever is not zero.
func (r said) code() int {
	if r.Ret != nil && *r.Ret != 0 {
		return *r.Ret
	}
	return r.Errcode
}

// do sends a request and reads a JSON answer.
func (c *client) do(ctx context.Context, method, path string, body any) (said, error) {
	var out said
	raw, err := c.raw(ctx, method, "https://"+c.host+"/ilink/bot/"+path, body)
	if err != nil {
		return out, err
	}
	return out, json.Unmarshal(raw, &out)
}

func (c *client) raw(ctx context.Context, method, url string, body any) ([]byte, error) {
	var in io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		in = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, url, in)
	if err != nil {
		return nil, err
	}
	c.dress(req)
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d", resp.StatusCode)
	}
	return b, err
}

// dress puts on the headers.
func (c *client) dress(req *http.Request) {
	h := req.Header
	h.Set("iLink-App-Id", "bot")
	h.Set("iLink-App-ClientVersion", "132105")
	if req.Method == http.MethodPost {
		h.Set("Content-Type", "application/json")
		h.Set("AuthorizationType", "ilink_bot_token")
		h.Set("X-WECHAT-UIN", base64.StdEncoding.EncodeToString(fmt.Append(nil, rand.Uint32())))
	}
	if c.token != "" {
		h.Set("Authorization", "Bearer "+c.token)
	}
	h.Del(c.strip)
}

// call is a request that must be answered in JSON. A map gets its base_info.
func (c *client) call(endpoint string, body map[string]any) said {
	c.t.Helper()
	out, err := c.try(c.t.Context(), endpoint, body)
	if err != nil {
		c.t.Fatalf("%s: %v", endpoint, err)
	}
	return out
}

func (c *client) try(ctx context.Context, endpoint string, body map[string]any) (said, error) {
	if body == nil {
		body = map[string]any{}
	}
	if _, given := body["base_info"]; !given {
		body["base_info"] = map[string]string{"channel_version": "2.4.9", "bot_agent": "Test/1.0"}
	}
	return c.do(ctx, http.MethodPost, endpoint, body)
}

// qr gets a QR code.
func (c *client) qr(held ...string) string {
	c.t.Helper()
	if held == nil {
		held = []string{}
	}
	out, err := c.do(c.t.Context(), http.MethodPost, "get_bot_qrcode?bot_type=3", map[string]any{"local_token_list": held})
	if err != nil || out.QRCode == "" {
		c.t.Fatalf("get_bot_qrcode: %+v, %v", out, err)
	}
	return out.QRCode
}

// ask polls a QR code once.
func (c *client) ask(code, digits string) said {
	c.t.Helper()
	path := "get_qrcode_status?qrcode=" + code
	if digits != "" {
		path += "&verify_code=" + digits
	}
	out, err := c.do(within(c.t), http.MethodGet, path, nil)
	if err != nil {
		c.t.Fatal("get_qrcode_status:", err)
	}
	return out
}

// login logs in by QR code.
func login(t *testing.T, s *similink.Server) *client {
	t.Helper()
	c := newClient(t, s)
	code := c.qr()
	for range 3 {
		if out := c.ask(code, ""); out.Status == "confirmed" {
			c.token = out.Token
			c.host = out.BaseURL[len("https://"):]
			return c
		}
	}
	t.Fatal("the login was not confirmed")
	return nil
}

// poll gets updates once.
func (c *client) poll() said {
	c.t.Helper()
	out := c.call("getupdates", map[string]any{"get_updates_buf": c.cursor})
	if out.Cursor != nil && *out.Cursor != "" {
		c.cursor = *out.Cursor
	}
	return out
}

// hear lets somebody say something and returns it as the client gets it.
func (c *client) hear(user, text string) message {
	c.t.Helper()
	c.s.Say(user, text)
	out := c.poll()
	if len(out.Messages) != 1 {
		c.t.Fatalf("%d messages came", len(out.Messages))
	}
	return out.Messages[0]
}

// text makes the body of a sendmessage.
func (c *client) text(to, token, text string) map[string]any {
	return c.item(to, token, map[string]any{"type": 1, "text_item": map[string]any{"text": text}})
}

func (c *client) item(to, token string, item map[string]any) map[string]any {
	c.sent++
	msg := map[string]any{
		"from_user_id": "", "to_user_id": to, "client_id": fmt.Sprint("test:", c.sent),
		"message_type": 2, "message_state": 2, "item_list": []any{item},
	}
	if token != "" {
		msg["context_token"] = token
	}
	return map[string]any{"msg": msg}
}

// answer replies to a message.
func (c *client) answer(m message, text string) said {
	c.t.Helper()
	return c.call("sendmessage", c.text(m.From, m.Token, text))
}

// behaved fails the test if the server had to complain.
func (c *client) behaved() {
	c.t.Helper()
	for _, text := range c.s.Complaints() {
		c.t.Error("complaint:", text)
	}
}
