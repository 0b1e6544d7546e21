package ilink

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/md5" // the protocol's checksum of files
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/troubleshoot"
)

const (
	maxMedium = 20 << 20 // bytes of a picture or file, both ways
	maxShelf  = 256      // media of messages that can still be fetched
	mediaTime = 90 * time.Second
	putTries  = 3
)

// Medium is a picture, voice, video or file that came with a message.
type Medium struct {
	Kind bot.Kind
	Name string // of a file, chosen by its sender
	Body []byte
}

// Causes of faults.
var (
	errNoMedium = errors.New("no medium is known for the message")
	errNoKey    = errors.New("the key of the medium does not fit")
	errNoPlace  = errors.New("WeChat names no place for the medium")
	errNoTicket = errors.New("no ticket to show typing")
	errWaits    = errors.New("earlier replies wait for the person's next message")
)

// medium is where a medium is, and its key.
type medium struct {
	kind  bot.Kind
	name  string
	param string
	url   string
	key   []byte // nil: it is not encrypted
}

// medium returns what an item refers to, nil if nothing.
func (i *item) medium() *medium {
	switch {
	case i.Type == itemImage && i.Image != nil:
		m := i.Image.Media.at(bot.KindImage)
		if key, err := hex.DecodeString(string(i.Image.Key)); err == nil && len(key) == aes.BlockSize {
			m.key = key
		}
		return m
	case i.Type == itemVoice && i.Voice != nil:
		return i.Voice.Media.at(bot.KindVoice)
	case i.Type == itemFile && i.File != nil:
		m := i.File.Media.at(bot.KindFile)
		m.name = cutBytes(clean(string(i.File.Name)), 255)
		return m
	case i.Type == itemVideo && i.Video != nil:
		return i.Video.Media.at(bot.KindVideo)
	}
	return nil
}

func (r mediaRef) at(kind bot.Kind) *medium {
	m := &medium{kind: kind}
	if len(r.Param) <= maxToken && len(r.FullURL) <= maxToken {
		m.param, m.url = string(r.Param), string(r.FullURL)
	}
	m.key = readKey(string(r.Key))
	return m
}

// readKey reads base64 of 16 bytes, or of their 32 hexadecimal digits.
func readKey(text string) []byte {
	b, err := base64.StdEncoding.DecodeString(text)
	if err == nil && len(b) == 2*aes.BlockSize {
		b, err = hex.DecodeString(string(b))
	}
	if err != nil || len(b) != aes.BlockSize {
		return nil
	}
	return b
}

// address is where to fetch a medium.
func (m *medium) address() string {
	if m.url != "" || m.param == "" {
		return m.url
	}
	return cdnBase + "/download?encrypted_query_param=" + url.QueryEscape(m.param)
}

// shelf knows the media of the newest messages. Its methods are safe for concurrent
// use.
type shelf struct {
	mu    sync.Mutex
	media map[string]medium
	order []string
}

func newShelf() *shelf { return &shelf{media: make(map[string]medium)} }

func (s *shelf) put(id string, m medium) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.media[id]; !known {
		s.order = append(s.order, id)
	}
	s.media[id] = m
	if len(s.order) > maxShelf {
		delete(s.media, s.order[0])
		s.order = s.order[1:]
	}
}

func (s *shelf) get(id string) (medium, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, ok := s.media[id]
	return m, ok
}

// Fetch downloads what came with a message heard lately, by the message's id. It
// takes at most 20 MiB. Its errors are *troubleshoot.Fault.
func (c *Channel) Fetch(ctx context.Context, message string) (Medium, error) {
	m, ok := c.shelf.get(message)
	if !ok || m.address() == "" {
		return Medium{}, malformed(troubleshoot.PhaseSync, errNoMedium)
	}
	ctx, cancel := context.WithTimeout(ctx, mediaTime)
	defer cancel()
	body, f := c.client.get(ctx, troubleshoot.PhaseSync, m.address(), http.Header{}, maxMedium+aes.BlockSize)
	if f != nil {
		return Medium{}, f
	}
	if m.key != nil {
		if body, ok = decrypt(body, m.key); !ok {
			return Medium{}, malformed(troubleshoot.PhaseSync, errNoKey)
		}
	} else if m.kind != bot.KindImage {
		return Medium{}, malformed(troubleshoot.PhaseSync, errNoKey)
	}
	return Medium{Kind: m.kind, Name: m.name, Body: body}, nil
}

// decrypt undoes AES-128-ECB with PKCS#7 padding, in place. It reports false for a
// wrong key.
func decrypt(b, key []byte) ([]byte, bool) {
	block, err := aes.NewCipher(key)
	if err != nil || len(b) == 0 || len(b)%aes.BlockSize != 0 {
		return nil, false
	}
	for i := 0; i < len(b); i += aes.BlockSize {
		block.Decrypt(b[i:], b[i:])
	}
	n := int(b[len(b)-1])
	if n == 0 || n > aes.BlockSize || !bytes.Equal(b[len(b)-n:], bytes.Repeat([]byte{byte(n)}, n)) {
		return nil, false
	}
	return b[:len(b)-n], true
}

// encrypt does AES-128-ECB with PKCS#7 padding.
func encrypt(plain, key []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	n := aes.BlockSize - len(plain)%aes.BlockSize
	b := append(bytes.Clone(plain), bytes.Repeat([]byte{byte(n)}, n)...)
	for i := 0; i < len(b); i += aes.BlockSize {
		block.Encrypt(b[i:], b[i:])
	}
	return b, nil
}

// uploaded is a picture where people's phones can fetch it.
type uploaded struct {
	param string
	key   []byte
	size  int // encrypted
}

type uploadRequest struct {
	FileKey string   `json:"filekey"`
	Kind    int      `json:"media_type"`
	To      string   `json:"to_user_id"`
	RawSize int      `json:"rawsize"`
	RawMD5  string   `json:"rawfilemd5"`
	Size    int      `json:"filesize"`
	NoThumb bool     `json:"no_need_thumb"`
	Key     string   `json:"aeskey"`
	Base    baseInfo `json:"base_info"`
}

// uploadImage is the kind of pictures, in that request.
const uploadImage = 1

// upload puts a picture for somebody on WeChat's servers.
func (k *link) upload(ctx context.Context, user string, body []byte) (u uploaded, _ *troubleshoot.Fault) {
	u.key = make([]byte, aes.BlockSize)
	name := make([]byte, 16)
	_, _ = rand.Read(u.key) // does not fail since Go 1.24
	_, _ = rand.Read(name)
	cipher, err := encrypt(body, u.key)
	if err != nil {
		return u, malformed(troubleshoot.PhaseSend, err)
	}
	u.size = len(cipher)
	sum := md5.Sum(body)
	in := uploadRequest{
		FileKey: hex.EncodeToString(name), Kind: uploadImage, To: user, RawSize: len(body), RawMD5: hex.EncodeToString(sum[:]),
		Size: u.size, NoThumb: true, Key: hex.EncodeToString(u.key), Base: k.client.base(),
	}
	var out uploadAnswer
	if _, f := k.client.post(ctx, k.login, troubleshoot.PhaseSend, "getuploadurl", in, &out); f != nil {
		return u, f
	}
	place := string(out.FullURL)
	if place == "" && out.Param != "" {
		place = cdnBase + "/upload?encrypted_query_param=" + url.QueryEscape(string(out.Param)) + "&filekey=" + in.FileKey
	}
	var f *troubleshoot.Fault
	u.param, f = k.put(ctx, place, cipher)
	return u, f
}

// put uploads, and tries again unless it was refused. It returns the name under
// which the thing can be fetched.
func (k *link) put(ctx context.Context, place string, cipher []byte) (param string, f *troubleshoot.Fault) {
	if place == "" {
		return "", malformed(troubleshoot.PhaseSend, errNoPlace)
	}
	retry := k.newBackoff()
	for try := 1; ; try++ {
		r := &call{
			phase: troubleshoot.PhaseSend, method: http.MethodPost, url: place, body: cipher, limit: smallAnswer,
			header: http.Header{"Content-Type": {"application/octet-stream"}},
		}
		if _, f = k.client.do(ctx, r); f == nil {
			if param = r.answer.Get("x-encrypted-param"); param != "" && len(param) <= maxToken {
				return param, nil
			}
			f = malformed(troubleshoot.PhaseSend, errNoPlace)
		}
		if f.Status/100 == 4 || try == putTries || ctx.Err() != nil {
			return "", f
		}
		pause(ctx, retry.NextBackOff())
	}
}
