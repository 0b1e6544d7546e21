package similink

import (
	"crypto/aes"
	"crypto/md5" // the protocol's checksum of files
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
)

// uploadRequest announces a file.
type uploadRequest struct {
	FileKey string `json:"filekey"`
	Kind    int    `json:"media_type"`
	To      string `json:"to_user_id"`
	RawSize int    `json:"rawsize"`
	RawMD5  string `json:"rawfilemd5"`
	Size    int    `json:"filesize"`
	NoThumb bool   `json:"no_need_thumb"`
	Key     string `json:"aeskey"`
}

// upload is a file announced and not there yet.
type upload struct {
	uploadRequest
	key []byte
}

// openLimit is how many uploads may be announced at once.
const openLimit = 256

// Kinds of files, which are not those of items.
const (
	fileImage = 1
	fileVideo = 2
	fileFile  = 3
	fileVoice = 4
)

// getUploadURL tells where to put a file.
func (s *Server) getUploadURL(_ *session, in uploadRequest) answer {
	if p := s.people[in.To]; p == nil || p.id != in.To {
		s.complain("getuploadurl: nobody has the id " + in.To)
		return retAnswer(retFailed, "")
	}
	key, err := hex.DecodeString(in.Key)
	sized := in.RawSize > 0 && in.Size == (in.RawSize/aes.BlockSize+1)*aes.BlockSize && in.Size <= mediaLimit
	if err != nil || len(key) != aes.BlockSize || !isHex(in.FileKey, 16) || !isHex(in.RawMD5, md5.Size) || !sized ||
		in.Kind < fileImage || in.Kind > fileVoice || !in.NoThumb {
		s.complain("getuploadurl: a field is missing or wrong")
		return s.refuse("")
	}
	if len(s.uploads) >= openLimit {
		clear(s.uploads)
	}
	param := base64.StdEncoding.EncodeToString([]byte(token(32)))
	s.uploads[param] = &upload{in, key}
	out := struct {
		Ret     int    `json:"ret"`
		Param   string `json:"upload_param"`
		FullURL string `json:"upload_full_url,omitempty"`
	}{Param: param}
	if s.opt.FullURLs {
		out.FullURL = "https://" + CDNHost + "/c2c/upload?encrypted_query_param=" + url.QueryEscape(param) + "&filekey=" + in.FileKey
	}
	return jsonAnswer(out)
}

func isHex(text string, bytes int) bool {
	b, err := hex.DecodeString(text)
	return err == nil && len(b) == bytes
}

// upload takes an encrypted file.
func (s *Server) upload(r *visit) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	param := r.URL.Query().Get("encrypted_query_param")
	u := s.uploads[param]
	switch {
	case u == nil || u.FileKey != r.URL.Query().Get("filekey"):
		return cdnError(http.StatusForbidden, "invalid encrypted_query_param")
	case r.Header.Get("Content-Type") != "application/octet-stream" || len(r.body) != u.Size:
		s.complain("upload: Content-Type or length is wrong")
		return cdnError(http.StatusBadRequest, "bad request")
	}
	plain, ok := Decrypt(r.body, u.key)
	if sum := md5.Sum(plain); !ok || len(plain) != u.RawSize || hex.EncodeToString(sum[:]) != u.RawMD5 {
		s.complain("upload: what came is not what was announced")
		return cdnError(http.StatusBadRequest, "checksum mismatch")
	}
	delete(s.uploads, param)
	down := s.shelf.put(file{r.body, u.Kind, u.To})
	return answer{header: map[string]string{"x-encrypted-param": down}}
}

// download sends a file as it is on the shelf.
func (s *Server) download(r *visit) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.shelf.files[r.URL.Query().Get("encrypted_query_param")]
	if !ok {
		return cdnError(http.StatusNotFound, "file not found")
	}
	return answer{mime: "application/octet-stream", body: f.cipher}
}

func cdnError(status int, text string) answer {
	a := plainAnswer(status)
	a.header = map[string]string{"x-error-message": text}
	return a
}

// attach gives a message the file its item refers to. It reports false for an
// item without content.
func (s *Server) attach(m *Sent, item wireItem) bool {
	var ref *wireMedia
	kind, size := 0, ""
	switch {
	case item.Type == KindImage && item.Image != nil:
		ref, kind, size = item.Image.Media, fileImage, strconv.Itoa(item.Image.MidSize)
	case item.Type == KindVideo && item.Video != nil:
		ref, kind, size = item.Video.Media, fileVideo, strconv.Itoa(item.Video.Size)
	case item.Type == KindFile && item.File != nil:
		ref, kind, size, m.FileName = item.File.Media, fileFile, item.File.Len, item.File.Name
	}
	if ref == nil {
		s.complain("sendmessage: the item is empty or of a kind people cannot see")
		return false
	}
	f, ok := s.shelf.files[ref.Param]
	if !ok || f.kind != kind || f.to != m.To {
		s.complain("sendmessage: encrypt_query_param is not that of an upload for this person")
		return false
	}
	digits, _ := base64.StdEncoding.DecodeString(ref.Key)
	key, _ := hex.DecodeString(string(digits)) // bots send the digits
	if m.Media, ok = Decrypt(f.cipher, key); !ok {
		s.complain("sendmessage: aes_key does not fit")
	}
	want := len(f.cipher)
	if kind == fileFile {
		want = len(m.Media)
	}
	if size != strconv.Itoa(want) || ref.Encrypt != 1 {
		s.complain("sendmessage: a size or encrypt_type is wrong")
	}
	return true
}
