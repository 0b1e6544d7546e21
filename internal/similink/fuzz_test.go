package similink_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/diagbot/diagbot/internal/similink"
)

// FuzzRequests sends any body anywhere, as a logged-in bot: the answer is JSON
// or an HTTP error, and nothing breaks.
func FuzzRequests(f *testing.F) {
	s, err := similink.Start(similink.Options{Hold: time.Nanosecond})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = s.Close() })
	dress := func(r *http.Request, token string) *http.Request {
		r.Host = similink.APIHost
		if strings.HasPrefix(r.URL.Path, "/c2c/") {
			r.Host = similink.CDNHost
		}
		(&client{token: token}).dress(r)
		return r
	}
	ask := func(r *http.Request) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w
	}
	w := ask(dress(httptest.NewRequest("POST", "/ilink/bot/get_bot_qrcode?bot_type=3", strings.NewReader("{}")), ""))
	var code struct{ QRCode string }
	_ = json.Unmarshal(w.Body.Bytes(), &code)
	for range 2 {
		ask(dress(httptest.NewRequest("GET", "/ilink/bot/get_qrcode_status?qrcode="+code.QRCode, nil), ""))
	}
	_, token := s.Bot()
	if token == "" {
		f.Fatal("not logged in")
	}
	paths := []string{
		"/ilink/bot/sendmessage", "/ilink/bot/getupdates", "/ilink/bot/getconfig", "/ilink/bot/sendtyping", "/ilink/bot/getuploadurl",
		"/ilink/bot/get_bot_qrcode?bot_type=3", "/ilink/bot/msg/notifystart", "/c2c/upload", "/elsewhere",
	}
	f.Add(uint8(0), []byte(`{"msg":{"to_user_id":"`+s.Owner()+`","client_id":"1","message_type":2,"item_list":[{"type":4,"file_item":{"media":{}}}]}}`))
	f.Add(uint8(0), []byte(`{"msg":{"item_list":[null]},"base_info":null}`))
	f.Add(uint8(1), []byte(`{"get_updates_buf":"c2ltaWxpbms6OTk="}`))
	f.Add(uint8(4), []byte(`{"rawsize":-16,"filesize":0,"to_user_id":"`+s.Owner()+`"}`))
	f.Fuzz(func(t *testing.T, path uint8, body []byte) {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		r := httptest.NewRequestWithContext(ctx, "POST", paths[int(path)%len(paths)], bytes.NewReader(body))
		w := ask(dress(r, token))
		if w.Code == http.StatusOK && w.Body.Len() > 0 && !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s: %s", r.URL, w.Body)
		}
	})
}
