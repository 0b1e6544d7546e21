package ilink

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// The protocol, as Tencent's own client of version 2.4.9 speaks it. What comes in
// is read leniently: a field of an unexpected type is as good as none, for what
// was handed out once never comes again.

// Codes of the protocol. They come in ret or in errcode.
const (
	retOver    = -14 // the session is over
	retRefused = -2  // the reply is not taken: quota, window, token, size or haste
)

// Kinds of items.
const (
	itemText  = 1
	itemImage = 2
	itemVoice = 3
	itemFile  = 4
	itemVideo = 5
)

// Kinds and states of messages.
const (
	fromBot       = 2
	stateFinished = 2
)

// ident is a number of up to 64 bits without sign, as its digits: it comes as a
// number or a string, and is beyond what a float64 or an int64 holds.
type ident string

// UnmarshalJSON implements [json.Unmarshaler]. It does not fail.
func (i *ident) UnmarshalJSON(b []byte) error {
	*i = ""
	if n, err := strconv.ParseUint(strings.Trim(string(b), `"`), 10, 64); err == nil && n != 0 {
		*i = ident(strconv.FormatUint(n, 10))
	}
	return nil
}

// MarshalJSON implements [json.Marshaler].
func (i ident) MarshalJSON() ([]byte, error) {
	if i == "" {
		return []byte("0"), nil
	}
	return []byte(i), nil
}

// whole is a number that may come as a string.
type whole int64

// UnmarshalJSON implements [json.Unmarshaler]. It does not fail.
func (w *whole) UnmarshalJSON(b []byte) error {
	n, _ := strconv.ParseInt(strings.Trim(string(b), `"`), 10, 64)
	*w = whole(n)
	return nil
}

// words is a text.
type words string

// UnmarshalJSON implements [json.Unmarshaler]. It does not fail.
func (w *words) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) != nil {
		s = ""
	}
	*w = words(s)
	return nil
}

// outcome says how a call went. Both codes count.
type outcome struct {
	Ret     whole `json:"ret"`
	Errcode whole `json:"errcode"`
	ErrMsg  words `json:"errmsg"`
}

func (o outcome) code() int {
	if o.Ret != 0 {
		return int(o.Ret)
	}
	return int(o.Errcode)
}

func (o outcome) text() string { return string(o.ErrMsg) }

// answer is what every answer of the API is.
type answer interface {
	code() int
	text() string
}

// baseInfo goes with every POST of a bot.
type baseInfo struct {
	Version string `json:"channel_version"`
	Agent   string `json:"bot_agent"`
}

type codeAnswer struct {
	outcome
	Code words `json:"qrcode"`
	URL  words `json:"qrcode_img_content"`
}

type statusAnswer struct {
	outcome
	Status   words `json:"status"`
	Token    words `json:"bot_token"`
	Bot      words `json:"ilink_bot_id"`
	BaseURL  words `json:"baseurl"`
	User     words `json:"ilink_user_id"`
	Redirect words `json:"redirect_host"`
}

// updates is the answer of getupdates but for its messages, which are read one by
// one.
type updates struct {
	outcome
	Cursor  words
	Timeout whole
}

type incoming struct {
	ID       ident  `json:"message_id"`
	ClientID words  `json:"client_id"`
	From     words  `json:"from_user_id"`
	Group    words  `json:"group_id"`
	Created  whole  `json:"create_time_ms"`
	Deleted  whole  `json:"delete_time_ms"`
	Type     whole  `json:"message_type"`
	Items    []item `json:"item_list"`
	Token    words  `json:"context_token"`
}

type item struct {
	Type  whole      `json:"type"`
	MsgID ident      `json:"msg_id"`
	Ref   *reference `json:"ref_msg"`
	Text  *struct {
		Text words `json:"text"`
	} `json:"text_item"`
	Image *struct {
		Media mediaRef `json:"media"`
		Key   words    `json:"aeskey"`
		Size  whole    `json:"mid_size"` // encrypted
	} `json:"image_item"`
	Voice *struct {
		Media mediaRef `json:"media"`
		Text  words    `json:"text"`
	} `json:"voice_item"`
	File *struct {
		Media mediaRef `json:"media"`
		Name  words    `json:"file_name"`
		Size  whole    `json:"len"`
	} `json:"file_item"`
	Video *struct {
		Media mediaRef `json:"media"`
	} `json:"video_item"`
}

type reference struct {
	Item    *item `json:"message_item"`
	ID      ident `json:"svr_id"`
	Partial *struct {
		Start      words `json:"start"`
		End        words `json:"end"`
		StartIndex whole `json:"startindex"`
		EndIndex   whole `json:"endindex"`
		MD5        words `json:"quotemd5"`
	} `json:"partial_text"`
}

type mediaRef struct {
	Param   words `json:"encrypt_query_param"`
	Key     words `json:"aes_key"`
	FullURL words `json:"full_url"`
}

// outgoing is a message of ours.
type outgoing struct {
	From     string `json:"from_user_id"`
	To       string `json:"to_user_id"`
	ClientID string `json:"client_id"`
	Type     int    `json:"message_type"`
	State    int    `json:"message_state"`
	Items    [1]any `json:"item_list"`
	Token    string `json:"context_token,omitempty"`
}

type sendRequest struct {
	Msg  outgoing `json:"msg"`
	Base baseInfo `json:"base_info"`
}

type sendAnswer struct {
	outcome
	ID ident `json:"message_id"`
}

type configAnswer struct {
	outcome
	Ticket words `json:"typing_ticket"`
}

type uploadAnswer struct {
	outcome
	FullURL words `json:"upload_full_url"`
	Param   words `json:"upload_param"`
}

// readUpdates reads an answer of getupdates. Where it breaks off or makes no
// sense, what came before that is returned with the error: it never comes again.
func readUpdates(body []byte) (u updates, messages []json.RawMessage, err error) {
	d := json.NewDecoder(bytes.NewReader(body))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return u, nil, errNotPromised
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return u, messages, errNotPromised
		}
		if name == "msgs" {
			messages, err = readMessages(d, messages)
		} else {
			err = u.read(d, name)
		}
		if err != nil {
			return u, messages, errNotPromised
		}
	}
	if _, err := d.Token(); err != nil {
		return u, messages, errNotPromised
	}
	return u, messages, nil
}

func (u *updates) read(d *json.Decoder, name json.Token) error {
	var v json.RawMessage
	if err := d.Decode(&v); err != nil {
		return err
	}
	switch name {
	case "ret":
		return u.Ret.UnmarshalJSON(v)
	case "errcode":
		return u.Errcode.UnmarshalJSON(v)
	case "errmsg":
		return u.ErrMsg.UnmarshalJSON(v)
	case "get_updates_buf":
		return u.Cursor.UnmarshalJSON(v)
	case "longpolling_timeout_ms":
		return u.Timeout.UnmarshalJSON(v)
	}
	return nil
}

// maxBatch bounds the messages of one answer that are looked at.
const maxBatch = 1000

func readMessages(d *json.Decoder, messages []json.RawMessage) ([]json.RawMessage, error) {
	t, err := d.Token()
	if err != nil || t == nil {
		return messages, err
	}
	if t != json.Delim('[') {
		return messages, errNotPromised
	}
	for d.More() {
		var m json.RawMessage
		if err := d.Decode(&m); err != nil {
			return messages, err
		}
		if len(messages) < maxBatch {
			messages = append(messages, m)
		}
	}
	_, err = d.Token()
	return messages, err
}
