package wechat

import (
	"bytes"
	"context"
	"crypto/md5" // the protocol's checksum of files
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"net/http/httptrace"
	"path"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/eatmoreapple/openwechat"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/troubleshoot"
)

// Bounds of what is sent, in bytes. Larger files would have to be announced first,
// and larger pictures fail in practice.
const (
	maxPicture = 4 << 20
	maxFile    = 20 << 20
)

// attachment is a picture or a file to be sent.
type attachment struct {
	name string
	body []byte
	file bool
}

// SendPicture says a part with a picture above it; see [bot.Pictures]. A picture
// that cannot be brought to WeChat's server for files is refused, whatever the
// reason: texts may get through all the same.
func (c *Channel) SendPicture(ctx context.Context, p bot.Part, png []byte) error {
	if len(png) == 0 || len(png) > maxPicture {
		return unfit("a picture of " + strconv.Itoa(len(png)) + " bytes")
	}
	return c.sendWith(ctx, p, attachment{name: "trend.png", body: png})
}

// SendFile says a part with a file above it, of at most 20 MiB, as SendPicture does
// with a picture. See [bot.Files].
func (c *Channel) SendFile(ctx context.Context, p bot.Part, name string, body []byte) error {
	if len(body) == 0 || len(body) > maxFile {
		return unfit("a file of " + strconv.Itoa(len(body)) + " bytes")
	}
	return c.sendWith(ctx, p, attachment{name: sentName(name), body: body, file: true})
}

func (c *Channel) sendWith(ctx context.Context, p bot.Part, a attachment) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = malformed(troubleshoot.PhaseSend, "panic: %v", v)
		}
	}()
	s := c.sender.Load()
	if s == nil {
		return notLoggedIn()
	}
	id := strconv.FormatInt(p.ID, 10)
	if p.Text == "" {
		return s.attach(ctx, p.To.ID, a, id)
	}
	if err := s.attach(ctx, p.To.ID, a, id+"1"); err != nil {
		return err
	}
	return c.Send(ctx, p)
}

// attach sends one picture or file.
func (s *sender) attach(ctx context.Context, to string, a attachment, id string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*callTime)
	defer cancel()
	if to == fileHelper {
		defer s.echoes.attaching()()
	}
	media, err := s.upload(ctx, to, a)
	if err != nil {
		return notUploaded(err)
	}
	var wrote atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { wrote.Store(true) }})
	message := &openwechat.SendMessage{FromUserName: s.self, ToUserName: to, LocalID: id, ClientMsgId: id}
	resp, err := s.post(ctx, message, media, a)
	if err != nil {
		return ambiguous(faultOf(troubleshoot.PhaseSend, err), wrote.Load())
	}
	defer func() { _ = resp.Body.Close() }()
	var sent sendAnswer
	if json.NewDecoder(resp.Body).Decode(&sent) == nil { // the tap has checked it
		s.echoes.sent(sent.MsgID)
	}
	return nil
}

// post sends what was uploaded.
func (s *sender) post(ctx context.Context, m *openwechat.SendMessage, media string, a attachment) (*http.Response, error) {
	if a.file {
		m.Content = describe(a, media)
		return s.caller.Client.WebWxSendAppMsg(ctx, m, s.request)
	}
	m.MediaId = media
	return s.caller.Client.WebWxSendMsgImg(ctx, &openwechat.ClientWebWxSendMsgOptions{
		LoginInfo: s.login, BaseRequest: s.request, Message: m,
	})
}

// describe is what a message says of a file, as the web client does.
func describe(a attachment, media string) string {
	var x struct {
		XMLName xml.Name `xml:"appmsg"`
		App     string   `xml:"appid,attr"`
		Version string   `xml:"sdkver,attr"`
		Title   string   `xml:"title"`
		Text    string   `xml:"des"`
		Action  string   `xml:"action"`
		Kind    int      `xml:"type"`
		Content string   `xml:"content"`
		URL     string   `xml:"url"`
		LowURL  string   `xml:"lowurl"`
		Size    int      `xml:"appattach>totallen"`
		Media   string   `xml:"appattach>attachid"`
		Ending  string   `xml:"appattach>fileext"`
		Extra   string   `xml:"extinfo"`
	}
	x.App, x.Kind = "wxeb7ec651dd0aefa9", appFile // the web client itself
	x.Title, x.Size, x.Media = a.name, len(a.body), media
	x.Ending = strings.TrimPrefix(path.Ext(a.name), ".")
	b, _ := xml.Marshal(x) // plain texts and numbers
	return string(b)
}

// sendAnswer is what is read of the answer to a message.
type sendAnswer struct{ MsgID string }

// upload brings something to the server for files, and returns its name there.
func (s *sender) upload(ctx context.Context, to string, a attachment) (media string, err error) {
	sum := md5.Sum(a.body)
	resp, err := s.caller.Client.WebWxUploadMediaByChunk(ctx, bytes.NewReader(a.body), &openwechat.ClientWebWxUploadMediaByChunkOptions{
		FromUserName: s.self, ToUserName: to, BaseRequest: s.request, LoginInfo: s.login,
		Filename: a.name, FileMD5: hex.EncodeToString(sum[:]), FileSize: int64(len(a.body)), LastModifiedDate: time.Now(),
	})
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	var answer uploadAnswer
	if err = json.NewDecoder(resp.Body).Decode(&answer); err == nil && answer.MediaID == "" {
		err = malformed(troubleshoot.PhaseSend, "the server names no file")
	}
	return answer.MediaID, err
}

// uploadAnswer is webwxuploadmedia's.
type uploadAnswer struct {
	BaseResponse *baseResponse
	MediaID      string `json:"MediaId"`
}

// checkUpload checks the answer to a piece of a file. Only the last one names it.
func checkUpload(body []byte) error {
	var a uploadAnswer
	if err := decode(troubleshoot.PhaseSend, body, &a); err != nil {
		return err
	}
	return a.BaseResponse.check(troubleshoot.PhaseSend)
}

// notUploaded is the fault of what was not even brought to the server:
// nothing was said, and the session's own troubles apart, another try is not worth
// holding up texts.
func notUploaded(err error) *troubleshoot.Fault {
	f := *faultOf(troubleshoot.PhaseSend, err)
	f.Phase = troubleshoot.PhaseSend
	if !sessionOver(f.Ret) && f.Ret != retTooOften {
		f.Net, f.Ret, f.Status = troubleshoot.NetConfig, 0, 0
	}
	return &f
}
