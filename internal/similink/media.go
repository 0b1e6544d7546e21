package similink

import (
	"bytes"
	"crypto/aes"
	"crypto/md5" // the protocol's checksum of files
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strconv"
	"time"
)

// KeyForm is how the key of an incoming medium is told.
type KeyForm int

// The forms. Only images have KeyPlain and a field of their own for the key.
const (
	KeyDecoy KeyForm = iota // an image's own field is right, media.aes_key is another key; else like KeyHex
	KeyHex                  // media.aes_key is base64 of 32 hexadecimal digits
	KeyRaw                  // media.aes_key is base64 of the 16 bytes
	KeyPlain                // no key: the image is not encrypted
	KeyWrong                // every key told is another one
)

// Media is a message with something to download.
type Media struct {
	Kind       int // KindImage, KindVoice, KindFile or KindVideo
	Body       []byte
	Name       string        // of a file
	Transcript string        // of a voice; may be empty
	Length     time.Duration // of a voice or video
	Key        KeyForm
}

// mediaLimit is the longest file the official client takes, encrypted.
const mediaLimit = 100<<20 + aes.BlockSize

// shelfLimit bounds the bytes kept for downloads.
const shelfLimit = 256 << 20

// shelf keeps files as the content network does, by their download parameter,
// and forgets the oldest.
type shelf struct {
	files map[string]file
	order []string
	size  int
}

// file is an encrypted file, with what was announced of it.
type file struct {
	cipher []byte
	kind   int // media_type
	to     string
}

func (s *shelf) put(f file) (param string) {
	if s.files == nil {
		s.files = map[string]file{}
	}
	param = base64.StdEncoding.EncodeToString([]byte(token(48)))
	s.files[param] = f
	s.order = append(s.order, param)
	for s.size += len(f.cipher); s.size > shelfLimit && len(s.order) > 1; s.order = s.order[1:] {
		s.size -= len(s.files[s.order[0]].cipher)
		delete(s.files, s.order[0])
	}
	return param
}

// ForgetMedia makes everything that was said or uploaded gone: downloads are not
// found.
func (s *Server) ForgetMedia() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shelf = shelf{}
}

// SayImage lets somebody send a picture.
func (s *Server) SayImage(user string, png []byte) string {
	return s.SayMedia(user, Media{Kind: KindImage, Body: png})
}

// SayFile lets somebody send a file.
func (s *Server) SayFile(user, name string, body []byte) string {
	return s.SayMedia(user, Media{Kind: KindFile, Name: name, Body: body})
}

// SayVoice lets somebody speak. An empty transcript is one WeChat did not make.
func (s *Server) SayVoice(user, transcript string) string {
	return s.SayMedia(user, Media{
		Kind: KindVoice, Transcript: transcript, Body: []byte("\x02#!SILK_V3\x0c\x00similink"), Length: 3 * time.Second,
	})
}

// SayMedia lets somebody, named by id or name, send a medium. It returns the
// message_id: empty if the server does not know them or the kind.
func (s *Server) SayMedia(user string, m Media) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.people[user]
	if p == nil {
		return ""
	}
	item, ok := s.describe(m)
	if !ok {
		return ""
	}
	return s.arrive(message{from: p, item: item})
}

// describe puts a medium on the shelf and makes the item that leads there.
func (s *Server) describe(m Media) (wireItem, bool) {
	key := []byte(token(aes.BlockSize / 2)) // 16 characters serve as well as 16 bytes
	body := m.Body
	if m.Key != KeyPlain || m.Kind != KindImage {
		body = encrypt(m.Body, key)
	}
	param := s.shelf.put(file{cipher: body})
	if m.Key == KeyWrong {
		key = []byte(token(aes.BlockSize / 2))
	}
	ref := s.refer(param, key, m)
	sum := md5.Sum(m.Body)
	item := wireItem{Type: m.Kind}
	switch m.Kind {
	case KindImage:
		item.Image = &wireImage{Media: ref, MidSize: len(body), HDSize: len(body)}
		if m.Key == KeyDecoy || m.Key == KeyWrong {
			item.Image.Key = hex.EncodeToString(key)
		}
	case KindVoice:
		item.Voice = &wireVoice{
			Media: ref, Encoding: 6, Bits: 16, SampleRate: 24000,
			PlayTime: m.Length.Milliseconds(), Text: m.Transcript,
		}
	case KindFile:
		item.File = &wireFile{Media: ref, Name: m.Name, MD5: hex.EncodeToString(sum[:]), Len: strconv.Itoa(len(m.Body))}
	case KindVideo:
		item.Video = &wireVideo{Media: ref, Size: len(body), PlayLength: m.Length.Milliseconds(), MD5: hex.EncodeToString(sum[:])}
	default:
		return item, false
	}
	return item, true
}

// refer makes the reference to a file, with its key in the form wanted.
func (s *Server) refer(param string, key []byte, m Media) *wireMedia {
	ref := &wireMedia{Param: param, Encrypt: 1}
	if s.opt.FullURLs {
		ref.FullURL = "https://" + CDNHost + "/c2c/download?encrypted_query_param=" + url.QueryEscape(param)
	}
	switch {
	case m.Kind == KindImage && m.Key == KeyPlain:
	case m.Kind == KindImage && m.Key == KeyDecoy:
		ref.Key = base64.StdEncoding.EncodeToString([]byte(token(aes.BlockSize / 2)))
	case m.Key == KeyRaw:
		ref.Key = base64.StdEncoding.EncodeToString(key)
	default:
		ref.Key = base64.StdEncoding.EncodeToString([]byte(hex.EncodeToString(key)))
	}
	return ref
}

// Decrypt undoes AES-128-ECB with PKCS#7 padding. It reports false for a wrong
// key or a body that was not encrypted so.
func Decrypt(cipher, key []byte) ([]byte, bool) {
	block, err := aes.NewCipher(key)
	if err != nil || len(key) != aes.BlockSize || len(cipher) == 0 || len(cipher)%aes.BlockSize != 0 {
		return nil, false
	}
	plain := make([]byte, len(cipher))
	for i := 0; i < len(cipher); i += aes.BlockSize {
		block.Decrypt(plain[i:], cipher[i:])
	}
	n := int(plain[len(plain)-1])
	if n == 0 || n > aes.BlockSize || !bytes.Equal(plain[len(plain)-n:], bytes.Repeat([]byte{byte(n)}, n)) {
		return nil, false
	}
	return plain[:len(plain)-n], true
}

// encrypt does AES-128-ECB with PKCS#7 padding. The key has 16 bytes.
func encrypt(plain, key []byte) []byte {
	block, err := aes.NewCipher(key)
	if err != nil { // not with a key made here
		return nil
	}
	n := aes.BlockSize - len(plain)%aes.BlockSize
	out := append(bytes.Clone(plain), bytes.Repeat([]byte{byte(n)}, n)...)
	for i := 0; i < len(out); i += aes.BlockSize {
		block.Encrypt(out[i:], out[i:])
	}
	return out
}
