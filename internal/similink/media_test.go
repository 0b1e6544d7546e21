package similink_test

import (
	"bytes"
	"crypto/aes"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/diagbot/diagbot/internal/similink"
)

// seal encrypts as a client does: AES-128-ECB, PKCS#7.
func seal(t *testing.T, plain, key []byte) []byte {
	t.Helper()
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	n := 16 - len(plain)%16
	out := append(bytes.Clone(plain), bytes.Repeat([]byte{byte(n)}, n)...)
	for i := 0; i < len(out); i += 16 {
		block.Encrypt(out[i:], out[i:])
	}
	return out
}

var aKey = []byte("0123456789abcdef")

const fileKey = "00112233445566778899aabbccddeeff"

// announce makes the body of a getuploadurl.
func announce(to string, kind int, plain []byte) map[string]any {
	sum := md5.Sum(plain)
	return map[string]any{
		"filekey": fileKey, "media_type": kind, "to_user_id": to,
		"rawsize": len(plain), "rawfilemd5": hex.EncodeToString(sum[:]),
		"filesize": (len(plain)/16 + 1) * 16, "no_need_thumb": true, "aeskey": hex.EncodeToString(aKey),
	}
}

// put uploads a body and returns the answer's status, download parameter and
// error text.
func (c *client) put(target string, body []byte) (status int, param, text string) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/octet-stream")
	resp, err := c.http.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode, resp.Header.Get("x-encrypted-param"), resp.Header.Get("x-error-message")
}

func uploadURL(param, key string) string {
	return cdnBase + "/upload?encrypted_query_param=" + url.QueryEscape(param) + "&filekey=" + key
}

// uploaded uploads a file and returns its download parameter.
func (c *client) uploaded(to string, kind int, plain []byte) string {
	c.t.Helper()
	out := c.call("getuploadurl", announce(to, kind, plain))
	target := out.UploadURL
	if target == "" {
		target = uploadURL(out.UploadParam, fileKey)
	}
	status, param, text := c.put(target, seal(c.t, plain, aKey))
	if status != 200 || param == "" {
		c.t.Fatalf("upload: %d, %s", status, text)
	}
	return param
}

func fileItem(param, name string, plain []byte) map[string]any {
	key := base64.StdEncoding.EncodeToString([]byte(hex.EncodeToString(aKey)))
	return map[string]any{"type": 4, "file_item": map[string]any{
		"media":     map[string]any{"encrypt_query_param": param, "aes_key": key, "encrypt_type": 1},
		"file_name": name, "len": strconv.Itoa(len(plain)),
	}}
}

func TestUpload(t *testing.T) {
	for _, full := range []bool{false, true} {
		s, c, m := ready(t, similink.Options{FullURLs: full})
		for _, plain := range [][]byte{[]byte("x"), noise(15), noise(16), noise(17), noise(100000)} {
			param := c.uploaded(m.From, 3, plain)
			before := len(s.Sent())
			if out := c.call("sendmessage", c.item(m.From, m.Token, fileItem(param, "a.txt", plain))); out.code() != 0 {
				t.Fatalf("%+v", out)
			}
			if sent := s.Sent()[before]; sent.Kind != similink.KindFile || sent.FileName != "a.txt" || !bytes.Equal(sent.Media, plain) {
				t.Errorf("%d bytes came as %d", len(plain), len(sent.Media))
			}
		}
		c.behaved()
	}
}

func TestUploadsRefused(t *testing.T) {
	s, c, m := ready(t, similink.Options{})
	plain := noise(100)
	for field, wrong := range map[string]any{
		"filekey": "short", "media_type": 5, "rawsize": 0, "rawfilemd5": "x", "filesize": 100, "no_need_thumb": false, "aeskey": "00",
	} {
		body := announce(m.From, 1, plain)
		body[field] = wrong
		if out := c.call("getuploadurl", body); out.code() != -2 {
			t.Errorf("%s: %+v", field, out)
		}
	}
	if out := c.call("getuploadurl", announce("nobody", 1, plain)); out.code() != -1 {
		t.Errorf("%+v", out)
	}
	param := c.call("getuploadurl", announce(m.From, 1, plain)).UploadParam
	for name, try := range map[string]struct {
		url    string
		body   []byte
		status int
	}{
		"unknown":       {uploadURL("x", fileKey), seal(t, plain, aKey), 403},
		"other filekey": {uploadURL(param, "00"), seal(t, plain, aKey), 403},
		"length":        {uploadURL(param, fileKey), plain, 400},
		"key":           {uploadURL(param, fileKey), seal(t, plain, []byte("another key here")), 400},
		"content":       {uploadURL(param, fileKey), seal(t, noise(100), aKey), 400},
	} {
		if status, down, text := c.put(try.url, try.body); status != try.status || down != "" || text == "" {
			t.Errorf("%s: %d %q %q", name, status, down, text)
		}
	}
	if status, _, _ := c.put(uploadURL(param, fileKey), seal(t, plain, aKey)); status != 200 {
		t.Errorf("at last: %d", status)
	}
	if len(s.Complaints()) == 0 {
		t.Error("nobody complained")
	}
}

func TestFilesMustFitTheirMessage(t *testing.T) {
	s, c, m := ready(t, similink.Options{})
	plain := noise(50)
	param, picture := c.uploaded(m.From, 3, plain), c.uploaded(m.From, 1, plain)
	elsewhere := c.uploaded(s.Owner(), 3, plain)
	for name, item := range map[string]map[string]any{
		"unknown": fileItem("x", "a", plain), "a picture": fileItem(picture, "a", plain),
		"for somebody else": fileItem(elsewhere, "a", plain), "nothing": {"type": 4},
	} {
		if out := c.call("sendmessage", c.item(m.From, m.Token, item)); out.code() != -2 {
			t.Errorf("%s: %+v", name, out)
		}
	}
	before := len(s.Complaints())
	wrong := fileItem(param, "a", plain)
	wrong["file_item"].(map[string]any)["media"].(map[string]any)["aes_key"] = "AAAA"
	if out := c.call("sendmessage", c.item(m.From, m.Token, wrong)); out.code() != 0 || len(s.Complaints()) == before {
		t.Errorf("%+v", out) // as the real server, which cannot know
	}
	if sent := s.Sent(); len(sent) != 1 || sent[0].Media != nil {
		t.Errorf("%+v", sent)
	}
}

func TestFreeMediaAssumption(t *testing.T) {
	_, c, m := ready(t, similink.Options{Quota: 1, Assume: similink.Assume{FreeMedia: true}})
	param := c.uploaded(m.From, 3, []byte("x"))
	for range 3 {
		if out := c.call("sendmessage", c.item(m.From, m.Token, fileItem(param, "a", []byte("x")))); out.code() != 0 {
			t.Errorf("%+v", out)
		}
	}
	if n := c.manage(m, 2); n != 1 {
		t.Errorf("%d texts", n)
	}
}

func TestDownload(t *testing.T) {
	for form, key := range map[similink.KeyForm]func(ref media, own string) []byte{
		similink.KeyDecoy: func(_ media, own string) []byte { b, _ := hex.DecodeString(own); return b },
		similink.KeyHex: func(ref media, _ string) []byte {
			digits, _ := base64.StdEncoding.DecodeString(ref.Key)
			b, _ := hex.DecodeString(string(digits))
			return b
		},
		similink.KeyRaw:   func(ref media, _ string) []byte { b, _ := base64.StdEncoding.DecodeString(ref.Key); return b },
		similink.KeyPlain: nil,
	} {
		s := start(t, similink.Options{FullURLs: true})
		c := login(t, s)
		png := noise(333)
		s.SayMedia(s.Owner(), similink.Media{Kind: similink.KindImage, Body: png, Key: form})
		image := c.poll().Messages[0].Items[0].Image
		if (image.AESKey != "") != (form == similink.KeyDecoy) || (image.Media.Key == "") != (form == similink.KeyPlain) {
			t.Errorf("form %d: %+v", form, image)
		}
		body, err := c.raw(t.Context(), http.MethodGet, image.Media.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		if key != nil {
			body, _ = similink.Decrypt(body, key(image.Media, image.AESKey))
		}
		if !bytes.Equal(body, png) {
			t.Errorf("form %d: %d bytes", form, len(body))
		}
		c.behaved()
	}
}

func TestDownloadsRefused(t *testing.T) {
	s := start(t, similink.Options{})
	c := login(t, s)
	if s.SayMedia("nobody", similink.Media{Kind: similink.KindImage}) != "" || s.SayMedia(s.Owner(), similink.Media{Kind: 9}) != "" {
		t.Error("nobody or nothing was sent")
	}
	s.SayImage(s.Owner(), noise(10))
	s.SayFile(s.Owner(), "a.pdf", noise(10))
	s.SayVoice(s.Owner(), "说的话")
	got := c.poll().Messages
	if len(got) != 3 || got[1].Items[0].File.Name != "a.pdf" || got[1].Items[0].File.Len != "10" || got[2].Items[0].Voice.Text != "说的话" {
		t.Fatalf("%+v", got)
	}
	target := cdnBase + "/download?encrypted_query_param=" + url.QueryEscape(got[0].Items[0].Image.Media.Param)
	if got[0].Items[0].Image.Media.URL != "" {
		t.Error("a whole URL was given")
	}
	if _, err := c.raw(t.Context(), http.MethodGet, target, nil); err != nil {
		t.Error(err)
	}
	s.Fail("download", similink.Failure{Status: 503}, 1)
	for _, want := range []string{"503", "404"} {
		if _, err := c.raw(t.Context(), http.MethodGet, target, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
		target = cdnBase + "/download?encrypted_query_param=x"
	}
}

func TestDecryptRefuses(t *testing.T) {
	for name, c := range map[string]struct{ cipher, key []byte }{
		"nothing":   {nil, aKey},
		"odd":       {make([]byte, 17), aKey},
		"short key": {make([]byte, 16), aKey[:3]},
		"long key":  {make([]byte, 16), append(bytes.Clone(aKey), aKey...)},
		"wrong key": {seal(t, []byte("hello"), aKey), []byte("another key here")},
	} {
		if _, ok := similink.Decrypt(c.cipher, c.key); ok {
			t.Errorf("%s: decrypted", name)
		}
	}
}
