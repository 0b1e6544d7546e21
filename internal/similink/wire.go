package similink

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// Codes of the protocol.
const (
	retOver    = -14 // the session is over, or never was
	retRefused = -2  // quota, window, token, size or haste
	retFailed  = -1
)

// Kinds of items.
const (
	KindText  = 1
	KindImage = 2
	KindVoice = 3
	KindFile  = 4
	KindVideo = 5
)

// Types and states of messages.
const (
	fromUser      = 1
	fromBot       = 2
	stateFinished = 2
)

// number is a uint64 that may also come as a string.
type number uint64

// UnmarshalJSON implements [json.Unmarshaler].
func (n *number) UnmarshalJSON(b []byte) error {
	v, err := strconv.ParseUint(strings.Trim(string(b), `"`), 10, 64)
	*n = number(v)
	return err
}

type wireMessage struct {
	Seq       int64      `json:"seq,omitempty"`
	MessageID number     `json:"message_id,omitempty"`
	From      string     `json:"from_user_id"`
	To        string     `json:"to_user_id"`
	ClientID  string     `json:"client_id,omitempty"`
	Created   int64      `json:"create_time_ms,omitempty"`
	Updated   int64      `json:"update_time_ms,omitempty"`
	SessionID string     `json:"session_id,omitempty"`
	Type      int        `json:"message_type"`
	State     int        `json:"message_state"`
	Items     []wireItem `json:"item_list"`
	Token     string     `json:"context_token,omitempty"`
	RunID     string     `json:"run_id,omitempty"`
}

type wireItem struct {
	Type    int        `json:"type"`
	Created int64      `json:"create_time_ms,omitempty"`
	Updated int64      `json:"update_time_ms,omitempty"`
	Done    bool       `json:"is_completed,omitempty"`
	MsgID   number     `json:"msg_id,omitempty"`
	Ref     *wireRef   `json:"ref_msg,omitempty"`
	Text    *wireText  `json:"text_item,omitempty"`
	Image   *wireImage `json:"image_item,omitempty"`
	Voice   *wireVoice `json:"voice_item,omitempty"`
	File    *wireFile  `json:"file_item,omitempty"`
	Video   *wireVideo `json:"video_item,omitempty"`
}

type wireText struct {
	Text string `json:"text"`
}

type wireRef struct {
	Title   string       `json:"title,omitempty"`
	Item    *wireItem    `json:"message_item,omitempty"`
	ID      number       `json:"svr_id,omitempty"`
	Partial *wirePartial `json:"partial_text,omitempty"`
}

type wirePartial struct {
	Start      string `json:"start"`
	End        string `json:"end"`
	StartIndex int    `json:"startindex"`
	EndIndex   int    `json:"endindex"`
	MD5        string `json:"quotemd5"`
}

type wireMedia struct {
	Param   string `json:"encrypt_query_param,omitempty"`
	Key     string `json:"aes_key,omitempty"`
	Encrypt int    `json:"encrypt_type,omitempty"`
	FullURL string `json:"full_url,omitempty"`
}

type wireImage struct {
	Media   *wireMedia `json:"media,omitempty"`
	Key     string     `json:"aeskey,omitempty"`
	MidSize int        `json:"mid_size,omitempty"`
	HDSize  int        `json:"hd_size,omitempty"`
}

type wireVoice struct {
	Media      *wireMedia `json:"media,omitempty"`
	Encoding   int        `json:"encode_type,omitempty"`
	Bits       int        `json:"bits_per_sample,omitempty"`
	SampleRate int        `json:"sample_rate,omitempty"`
	PlayTime   int64      `json:"playtime,omitempty"`
	Text       string     `json:"text,omitempty"`
}

type wireFile struct {
	Media *wireMedia `json:"media,omitempty"`
	Name  string     `json:"file_name,omitempty"`
	MD5   string     `json:"md5,omitempty"`
	Len   string     `json:"len,omitempty"`
}

type wireVideo struct {
	Media      *wireMedia `json:"media,omitempty"`
	Size       int        `json:"video_size,omitempty"`
	PlayLength int64      `json:"play_length,omitempty"`
	MD5        string     `json:"video_md5,omitempty"`
}

// baseInfo comes with every POST of a bot.
type baseInfo struct {
	Version string `json:"channel_version"`
	Agent   string `json:"bot_agent"`
}

// verdict is an answer that says only how it went.
type verdict struct {
	Ret     *int   `json:"ret,omitempty"`
	Errcode int    `json:"errcode,omitempty"`
	ErrMsg  string `json:"errmsg,omitempty"`
}

func retAnswer(ret int, text string) answer { return jsonAnswer(verdict{Ret: &ret, ErrMsg: text}) }

// over says that there is no session.
func (s *Server) over() answer {
	const text = "session timeout"
	if s.opt.Assume.RetForm {
		return retAnswer(retOver, text)
	}
	return jsonAnswer(verdict{Errcode: retOver, ErrMsg: text})
}

func jsonAnswer(v any) answer {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil { // a raw message of a test that JSON cannot carry
		return answer{status: http.StatusInternalServerError, body: []byte(err.Error())}
	}
	return answer{mime: "application/json", body: b.Bytes()}
}
