package simwechat

import (
	"crypto/md5" // the protocol's checksum of files
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"io"
	"strconv"
)

// Limits of uploads.
const (
	fileLimit  = 50 << 20
	checkLimit = 25 << 20 // bigger files are announced first
	openLimit  = 16       // files being uploaded at once
)

// upload is a file on its way.
type upload struct {
	file
	next int // the chunk that must come now
}

// chunkRequest is the form of webwxuploadmedia.
type chunkRequest struct {
	BaseRequest   credentials
	ClientMediaId int64
	TotalLen      int64
	FromUserName  string
	ToUserName    string
	FileMd5       string
	Signature     string

	name, passTicket, dataTicket string
	chunk, chunks                int
	body                         []byte
}

// readChunk reads a request; it reports false for anything but a whole form.
func readChunk(r *visit) (c chunkRequest, ok bool) {
	if r.ParseMultipartForm(bodyLimit) != nil {
		return c, false
	}
	defer r.MultipartForm.RemoveAll()
	if json.Unmarshal([]byte(r.FormValue("uploadmediarequest")), &c) != nil {
		return c, false
	}
	c.name, c.passTicket, c.dataTicket = r.FormValue("name"), r.FormValue("pass_ticket"), r.FormValue("webwx_data_ticket")
	c.chunk, _ = strconv.Atoi(r.FormValue("chunk"))
	c.chunks, _ = strconv.Atoi(r.FormValue("chunks"))
	c.chunks = max(c.chunks, 1)
	part, _, err := r.FormFile("filename")
	if err != nil {
		return c, false
	}
	defer part.Close()
	c.body, err = io.ReadAll(part)
	return c, err == nil
}

type uploadResult struct {
	BaseResponse baseResponse
	MediaId      string
	StartPos     int64
}

// uploadMedia takes a chunk of a file and answers the last one with a MediaId.
func (s *Server) uploadMedia(r *visit) answer {
	c, ok := readChunk(r)
	if !ok {
		return retAnswer(retParam)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if ret := s.judgeChunk(r, c); ret != 0 {
		return jsonAnswer(uploadResult{BaseResponse: baseResponse{Ret: ret}})
	}
	u := s.grow(c)
	switch {
	case u == nil:
		return jsonAnswer(uploadResult{BaseResponse: baseResponse{Ret: retParam}})
	case c.chunk+1 < c.chunks:
		return jsonAnswer(uploadResult{StartPos: int64(len(u.body))})
	}
	delete(s.uploads, c.key())
	sum := md5.Sum(u.body)
	if int64(len(u.body)) != c.TotalLen || hex.EncodeToString(sum[:]) != c.FileMd5 {
		s.complain("webwxuploadmedia: length or MD5 is wrong")
		return jsonAnswer(uploadResult{BaseResponse: baseResponse{Ret: retParam}})
	}
	id := mediaID()
	s.media.put(id, u.file)
	return jsonAnswer(uploadResult{MediaId: id, StartPos: c.TotalLen})
}

func (c chunkRequest) key() string { return c.FileMd5 + strconv.FormatInt(c.ClientMediaId, 10) }

func (s *Server) judgeChunk(r *visit, c chunkRequest) int {
	const endpoint = "webwxuploadmedia"
	if ret := s.judge(r, endpoint, c.BaseRequest); ret != 0 {
		return ret
	}
	if ret := s.judgeTicket(endpoint, c.passTicket, true); ret != 0 {
		return ret
	}
	if !s.judgeData(endpoint, c.dataTicket) {
		return retTicket
	}
	tooBig := c.TotalLen <= 0 || c.TotalLen > fileLimit || c.TotalLen > checkLimit && c.Signature == ""
	if tooBig || c.FromUserName != s.people.self.user || s.people.byUser[c.ToUserName] == nil {
		s.complain(endpoint + ": size, FromUserName or ToUserName is wrong")
		return retParam
	}
	return 0
}

// grow appends a chunk to its file, or returns nil if it is not the next one.
func (s *Server) grow(c chunkRequest) *upload {
	u := s.uploads[c.key()]
	if u == nil || c.chunk == 0 {
		if len(s.uploads) >= openLimit {
			clear(s.uploads)
		}
		u = &upload{file: file{name: c.name}}
		s.uploads[c.key()] = u
	}
	if c.chunk+1 == u.next { // sent again because the answer was lost
		return u
	}
	if c.chunk != u.next || int64(len(u.body)+len(c.body)) > c.TotalLen {
		return nil
	}
	u.body = append(u.body, c.body...)
	u.next++
	return u
}

// checkUpload lets a big file be uploaded.
func (s *Server) checkUpload(r *visit) answer {
	var in struct {
		BaseRequest credentials
		FileSize    int64
	}
	if !decode(r, &in) {
		return retAnswer(retParam)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ret := s.judge(r, "webwxcheckupload", in.BaseRequest)
	if ret == 0 && in.FileSize > fileLimit {
		ret = retParam
	}
	if ret != 0 {
		return retAnswer(ret)
	}
	return jsonAnswer(struct {
		BaseResponse                              baseResponse
		MediaId, AESKey, Signature, EncryFileName string
	}{AESKey: token(16), Signature: token(32)})
}

// sendImage, sendVideo, sendApp and sendEmoji send what was uploaded.
func (s *Server) sendImage(r *visit) answer {
	return s.sendFile(r, sending{"webwxsendmsgimg", TypeImage, ticketWanted}, outgoing.media)
}

func (s *Server) sendVideo(r *visit) answer {
	return s.sendFile(r, sending{"webwxsendvideomsg", TypeVideo, ticketIgnored}, outgoing.media)
}

func (s *Server) sendApp(r *visit) answer {
	return s.sendFile(r, sending{"webwxsendappmsg", TypeApp, ticketOptional}, outgoing.attachment)
}

func (s *Server) sendEmoji(r *visit) answer {
	return s.sendFile(r, sending{"webwxsendemoticon", TypeEmoji, ticketOptional}, outgoing.media)
}

func (m outgoing) media() string { return m.MediaId }

// attachment is the MediaId in an app message's XML.
func (m outgoing) attachment() string {
	var x struct {
		ID string `xml:"appattach>attachid"`
	}
	if xml.Unmarshal([]byte(m.Content), &x) != nil {
		return ""
	}
	return x.ID
}

func (s *Server) sendFile(r *visit, how sending, media func(outgoing) string) answer {
	var in sendRequest
	if !decode(r, &in) {
		return retAnswer(retParam)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	to, ret := s.judgeSend(r, how, in)
	if ret != 0 {
		return retAnswer(ret)
	}
	f, ok := s.media.files[media(in.Msg)]
	if sticker := how.kind == TypeEmoji && in.Msg.EMoticonMd5 != ""; !ok && !sticker {
		s.complain(how.endpoint + ": MediaId is unknown")
		return retAnswer(retParam)
	}
	return s.accept(in.Msg, to, Sent{Text: in.Msg.Content, Type: how.kind, Media: f.body, FileName: f.name})
}

// revoke takes a sent message back.
func (s *Server) revoke(r *visit) answer {
	var in struct {
		BaseRequest credentials
		SvrMsgId    string
	}
	if !decode(r, &in) {
		return retAnswer(retParam)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if ret := s.judge(r, "webwxrevokemsg", in.BaseRequest); ret != 0 {
		return retAnswer(ret)
	}
	for i := len(s.sent.Items()) - 1; i >= 0; i-- {
		if s.sent.Items()[i].MsgID == in.SvrMsgId {
			s.sent.Items()[i].Revoked = true
			return retAnswer(0)
		}
	}
	return retAnswer(retParam)
}

// accepted answers what changes nothing any more: remarks, pinned chats, groups.
func (s *Server) accepted(r *visit) answer {
	var in struct{ BaseRequest credentials }
	if !decode(r, &in) {
		return retAnswer(retParam)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return retAnswer(s.judge(r, "a change", in.BaseRequest))
}
