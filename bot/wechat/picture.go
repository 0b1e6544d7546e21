package wechat

import (
	"bytes"
	"context"
	"crypto/md5" // the protocol's checksum of files
	"encoding/hex"
	"encoding/json"
	"net/http/httptrace"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/eatmoreapple/openwechat"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/troubleshoot"
)

// maxPicture bounds a picture, in bytes; more would have to be announced first.
const maxPicture = 4 << 20

// SendPicture says a part with a picture above it; see [bot.Pictures]. A picture
// that cannot be brought to WeChat's server for files is refused, whatever the
// reason: texts may get through all the same.
func (c *Channel) SendPicture(ctx context.Context, p bot.Part, png []byte) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = malformed(troubleshoot.PhaseSend, "panic: %v", v)
		}
	}()
	s := c.sender.Load()
	if s == nil {
		return notLoggedIn()
	}
	if len(png) == 0 || len(png) > maxPicture {
		return unfit("a picture of " + strconv.Itoa(len(png)) + " bytes")
	}
	id := strconv.FormatInt(p.ID, 10)
	if p.Text == "" {
		return s.picture(ctx, p.To.ID, png, id)
	}
	if err := s.picture(ctx, p.To.ID, png, id+"1"); err != nil {
		return err
	}
	return c.Send(ctx, p)
}

// picture sends one picture.
func (s *sender) picture(ctx context.Context, to string, png []byte, id string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*callTime)
	defer cancel()
	media, err := s.upload(ctx, to, png)
	if err != nil {
		return notUploaded(err)
	}
	var wrote atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { wrote.Store(true) }})
	message := &openwechat.SendMessage{
		Type: openwechat.MsgTypeImage, MediaId: media, FromUserName: s.self, ToUserName: to, LocalID: id, ClientMsgId: id,
	}
	resp, err := s.caller.Client.WebWxSendMsgImg(ctx, &openwechat.ClientWebWxSendMsgOptions{
		LoginInfo: s.login, BaseRequest: s.request, Message: message,
	})
	if err != nil {
		return ambiguous(faultOf(troubleshoot.PhaseSend, err), wrote.Load())
	}
	defer func() { _ = resp.Body.Close() }()
	var a sendAnswer
	if json.NewDecoder(resp.Body).Decode(&a) == nil { // the tap has checked it
		s.echoes.sent(a.MsgID)
	}
	return nil
}

// sendAnswer is what is read of the answer to a message.
type sendAnswer struct{ MsgID string }

// upload brings a picture to the server for files, and returns its name there.
func (s *sender) upload(ctx context.Context, to string, png []byte) (media string, err error) {
	sum := md5.Sum(png)
	resp, err := s.caller.Client.WebWxUploadMediaByChunk(ctx, bytes.NewReader(png), &openwechat.ClientWebWxUploadMediaByChunkOptions{
		FromUserName: s.self, ToUserName: to, BaseRequest: s.request, LoginInfo: s.login,
		Filename: "trend.png", FileMD5: hex.EncodeToString(sum[:]), FileSize: int64(len(png)), LastModifiedDate: time.Now(),
	})
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	var a uploadAnswer
	err = json.NewDecoder(resp.Body).Decode(&a)
	return a.MediaID, err
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

// notUploaded is the fault of a picture that was not even brought to the server:
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
