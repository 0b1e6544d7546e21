package simwechat

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"rsc.io/qr"
)

// Media is a message with something to download.
type Media struct {
	Type     int // TypeImage, TypeVoice, TypeVideo, TypeEmoji, or TypeApp for a file
	Body     []byte
	FileName string        // of a file
	Length   time.Duration // of a voice or video
}

// shelfLimit bounds the bytes kept for downloads and uploads.
const shelfLimit = 64 << 20

// shelf keeps files by MsgId or MediaId and forgets the oldest.
type shelf struct {
	files map[string]file
	order []string
	size  int
}

type file struct {
	name string
	body []byte
}

func (s *shelf) put(id string, f file) {
	if s.files == nil {
		s.files = map[string]file{}
	}
	s.files[id] = f
	s.order = append(s.order, id)
	for s.size += len(f.body); s.size > shelfLimit && len(s.order) > 1; s.order = s.order[1:] {
		s.size -= len(s.files[s.order[0]].body)
		delete(s.files, s.order[0])
	}
}

// SayMedia lets a friend, or a member of a group, send an image, a voice, a
// video, a sticker or a file. For a friend member is empty. It returns the MsgId,
// or nothing for an unknown sender.
func (s *Server) SayMedia(from, member string, m Media) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	msg := message{from: s.people.find(from), to: s.people.self}
	if member != "" {
		var ok bool
		if msg, ok = s.inGroup(from, member); !ok {
			return ""
		}
	}
	if msg.from == nil {
		return ""
	}
	return s.sayMedia(msg, m)
}

// SayMediaFromPhone lets the account's owner send a medium from the phone to a
// friend, a group or "filehelper".
func (s *Server) SayMediaFromPhone(to string, m Media) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.people.find(to)
	if c == nil {
		return ""
	}
	return s.sayMedia(message{from: s.people.self, to: c}, m)
}

func (s *Server) sayMedia(msg message, m Media) string {
	f := file{m.FileName, m.Body}
	msg.kind = m.Type
	s.describe(&msg, m, f)
	id := s.arrive(msg)
	s.media.put(id, f)
	return id
}

// ForgetMedia makes everything that was said or uploaded gone: downloads are
// empty.
func (s *Server) ForgetMedia() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.media = shelf{}
}

// describe gives a message the fields of its medium.
func (s *Server) describe(msg *message, m Media, f file) {
	size := strconv.Itoa(len(f.body))
	msg.raw = map[string]any{}
	switch m.Type {
	case TypeVoice:
		msg.raw["VoiceLength"] = m.Length.Milliseconds()
		msg.content = xmlText(`<msg><voicemsg length="` + size + `" voicelength="` + strconv.FormatInt(m.Length.Milliseconds(), 10) + `" /></msg>`)
	case TypeVideo:
		msg.raw["PlayLength"] = int(m.Length.Seconds())
		msg.content = xmlText(`<msg><videomsg length="` + size + `" playlength="` + strconv.Itoa(int(m.Length.Seconds())) + `" /></msg>`)
	case TypeApp:
		id := mediaID()
		s.media.put(id, f)
		msg.raw["AppMsgType"], msg.raw["FileName"], msg.raw["FileSize"] = 6, s.name(f.name), size
		msg.raw["MediaId"], msg.raw["EncryFileName"] = id, url.QueryEscape(f.name)
		msg.content = xmlText(`<msg><appmsg appid="" sdkver="0"><title>` + escape(f.name, false) + `</title><type>6</type><appattach><totallen>` + size + `</totallen></appattach></appmsg></msg>`)
	default:
		msg.raw["ImgHeight"], msg.raw["ImgWidth"] = 120, 90
		msg.content = xmlText(`<msg><img length="` + size + `" hdlength="0" /></msg>`)
	}
}

// xmlText is XML as the content of a message.
func xmlText(x string) string { return escape("<?xml version=\"1.0\"?>\n"+x, false) }

func mediaID() string { return "@crypt_" + token(4) + "_" + token(64) }

// getImage, getVoice and getVideo send what came with a message. All downloads
// that are refused are empty, as the real ones are.
func (s *Server) getImage(r *visit) answer {
	return s.download(r, "webwxgetmsgimg", r.URL.Query().Get("MsgID"), "image/jpeg")
}

func (s *Server) getVoice(r *visit) answer {
	return s.download(r, "webwxgetvoice", r.URL.Query().Get("msgid"), "audio/mp3")
}

func (s *Server) getVideo(r *visit) answer {
	if r.Header.Get("Range") == "" {
		return answer{mime: "video/mp4"}
	}
	return s.download(r, "webwxgetvideo", r.URL.Query().Get("msgid"), "video/mp4")
}

func (s *Server) download(r *visit, endpoint, id, mime string) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.judgeSkey(r, endpoint, r.URL.Query().Get("skey")) != 0 {
		return answer{mime: mime}
	}
	return answer{mime: mime, body: s.media.files[id].body, ranged: true}
}

// getMedia sends a file. It is asked for with tickets instead of the Skey.
func (s *Server) getMedia(r *visit) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := r.URL.Query()
	refused := answer{mime: "application/octet-stream"}
	if s.session == nil || s.judgeSkey(r, "webwxgetmedia", s.session.skey) != 0 {
		return refused
	}
	if s.judgeTicket("webwxgetmedia", q.Get("pass_ticket"), true) != 0 || !s.judgeData("webwxgetmedia", q.Get("webwx_data_ticket")) {
		return refused
	}
	if s.people.byUser[q.Get("sender")] == nil || q.Get("fromuser") != strconv.FormatInt(s.people.uin, 10) {
		s.complain("webwxgetmedia: sender or fromuser is wrong")
		return refused
	}
	refused.body, refused.ranged = s.media.files[q.Get("mediaid")].body, true
	return refused
}

func (s *Server) judgeData(endpoint, ticket string) bool {
	if ticket == s.session.dataTicket {
		return true
	}
	s.complain(endpoint + ": webwx_data_ticket is not this login's")
	return false
}

// picture sends an avatar: everybody has the same one.
func (s *Server) picture(*visit) answer { return drawing("diagbot") }

// qrImage sends the picture of a QR code.
func (s *Server) qrImage(r *visit) answer {
	return drawing("https://login.weixin.qq.com/l/" + r.URL.Path[len("/qrcode/"):])
}

func drawing(text string) answer {
	c, err := qr.Encode(text, qr.L)
	if err != nil { // too long for a QR code
		return answer{status: http.StatusBadRequest}
	}
	return answer{mime: "image/png", body: c.PNG(), ranged: true}
}
