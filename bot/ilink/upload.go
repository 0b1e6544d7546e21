package ilink

import (
	"context"
	"crypto/aes"
	"crypto/md5" // the protocol's checksum of files
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/troubleshoot"
)

// Causes of faults.
var (
	errNoPlace = errors.New("WeChat names no place for the medium")
	errWaits   = errors.New("earlier replies wait for the person's next message")
)

// attachment is a picture or a file to be sent.
type attachment struct {
	kind  int    // of the upload, which is not that of the item
	label string // what tells its client_id from that of its text
	name  string // of a file
	body  []byte
}

// Kinds of uploads.
const (
	uploadImage = 1
	uploadFile  = 3
)

// SendPicture says a part with a picture above it; the text may be empty. Each is a
// reply of its own. A picture is not kept: where WeChat takes none, the fault has
// the entry "ilink-window-closed", and nothing was said. See [bot.Pictures].
func (c *Channel) SendPicture(ctx context.Context, p bot.Part, png []byte) error {
	return c.sendWith(ctx, p, attachment{kind: uploadImage, label: "-picture", body: png})
}

// SendFile says a part with a file above it, of at most 20 MiB, as SendPicture does
// with a picture. See [bot.Files].
func (c *Channel) SendFile(ctx context.Context, p bot.Part, name string, body []byte) error {
	return c.sendWith(ctx, p, attachment{kind: uploadFile, label: "-file", name: fileName(name), body: body})
}

func (c *Channel) sendWith(ctx context.Context, p bot.Part, a attachment) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = malformed(troubleshoot.PhaseSend, fmt.Errorf("panic: %v", v))
		}
	}()
	if len(a.body) == 0 || len(a.body) > maxMedium {
		return unfit("a medium of " + strconv.Itoa(len(a.body)) + " bytes")
	}
	if f := c.attach(ctx, p, a); f != nil {
		return f
	}
	if p.Text == "" {
		return nil
	}
	return c.Send(ctx, p)
}

// attach sends a picture or a file.
func (c *Channel) attach(ctx context.Context, p bot.Part, a attachment) *troubleshoot.Fault {
	_, k, done, f := c.ready(ctx, bot.Part{To: p.To, Text: "-"})
	if f != nil {
		return f
	}
	defer done()
	if f := k.catchUp(ctx, p.To.ID, true); f != nil {
		return f
	}
	if c.book.waits(p.To.ID) {
		return closed(errWaits)
	}
	ctx, cancel := context.WithTimeout(ctx, mediaTime)
	defer cancel()
	u, f := k.upload(ctx, p.To.ID, a)
	if f != nil {
		return f
	}
	_, f = k.submit(ctx, p.To.ID, clientID(p.ID)+a.label, u.item(a), c.book.pass(p.To.ID, k.Bot), true)
	return f
}

// uploaded is a picture or file where people's phones can fetch it.
type uploaded struct {
	param string
	key   []byte
	size  int // encrypted
}

// item is what a message holds of it.
func (u *uploaded) item(a attachment) any {
	media := map[string]any{
		"encrypt_query_param": u.param, "encrypt_type": 1,
		"aes_key": base64.StdEncoding.EncodeToString([]byte(hex.EncodeToString(u.key))),
	}
	if a.kind == uploadImage {
		return map[string]any{"type": itemImage, "image_item": map[string]any{"media": media, "mid_size": u.size}}
	}
	return map[string]any{"type": itemFile, "file_item": map[string]any{
		"media": media, "file_name": a.name, "len": strconv.Itoa(len(a.body)),
	}}
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

// upload puts something for somebody on WeChat's servers.
func (k *link) upload(ctx context.Context, user string, a attachment) (u uploaded, _ *troubleshoot.Fault) {
	u.key = make([]byte, aes.BlockSize)
	name := make([]byte, 16)
	_, _ = rand.Read(u.key) // does not fail since Go 1.24
	_, _ = rand.Read(name)
	cipher, err := encrypt(a.body, u.key)
	if err != nil {
		return u, malformed(troubleshoot.PhaseSend, err)
	}
	u.size = len(cipher)
	sum := md5.Sum(a.body)
	in := uploadRequest{
		FileKey: hex.EncodeToString(name), Kind: a.kind, To: user, RawSize: len(a.body), RawMD5: hex.EncodeToString(sum[:]),
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
		if f.Status/100 == 4 || try == mediaTries || ctx.Err() != nil {
			return "", f
		}
		pause(ctx, retry.NextBackOff())
	}
}

// heardName is a file's name as its sender chose it, empty for none.
func heardName(name string) string {
	if name == "" {
		return ""
	}
	return fileName(name)
}

// fileName makes a file's name fit for every phone and shell: one line without a
// path, of at most 200 bytes, its ending kept.
func fileName(name string) string {
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune("\n\t\\:*?\"<>|", r) {
			return '_'
		}
		return r
	}, clean(name))
	name = strings.TrimLeft(path.Base(path.Clean(name)), ". ")
	if name == "" || name == "/" {
		return "file"
	}
	const most = 200
	ending := path.Ext(name)
	if len(name) > most && len(ending) < 20 {
		return cutBytes(strings.TrimSuffix(name, ending), most-len(ending)) + ending
	}
	return cutBytes(name, most)
}
