package alert

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// The least pause after a robot said that it was told too much: the vendors
// count by the minute.
const minute = time.Minute

func sign(key, text string) string {
	m := hmac.New(sha256.New, []byte(key))
	m.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(m.Sum(nil))
}

// feishu is a custom bot of a Feishu or Lark group: a "post" message, at most
// 20 KB, signed with the timestamp in seconds.
// https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot
func feishu() dialect { return dialect{feishuRequest, feishuAnswer} }

const maxFeishu = 20_000 // bytes of a request

type feishuPart struct {
	Tag  string `json:"tag"`
	Text string `json:"text"`
	Href string `json:"href,omitempty"`
}

func feishuRequest(t *Target, al Alert, now time.Time) request {
	render := func(al Alert) []byte {
		var lines [][]feishuPart
		for _, p := range al.paragraphs(true) {
			part := feishuPart{Tag: "text", Text: p}
			if p == al.Link {
				part.Tag, part.Href = "a", p
			}
			lines = append(lines, []feishuPart{part})
		}
		message := map[string]any{"msg_type": "post", "content": map[string]any{"post": map[string]any{
			"zh_cn": map[string]any{"title": al.title(), "content": lines}, // shown in every language if alone
		}}}
		if t.Secret != "" {
			at := strconv.FormatInt(now.Unix(), 10)
			message["timestamp"], message["sign"] = at, sign(at+"\n"+t.Secret, "")
		}
		return encode(message)
	}
	return request{url: t.URL, body: fit(al, maxFeishu, render)}
}

func feishuAnswer(_ int, body []byte) answer {
	var v struct {
		Code    *int   `json:"code"`
		Msg     string `json:"msg"`
		Status  *int   `json:"StatusCode"` // of the elder hooks
		Message string `json:"StatusMessage"`
	}
	if json.Unmarshal(body, &v) != nil {
		return answer{}
	}
	if v.Code == nil {
		v.Code, v.Msg = v.Status, v.Message
	}
	a := answer{ok: v.Code != nil && *v.Code == 0, code: number(v.Code), text: v.Msg}
	if v.Code != nil && *v.Code == 9499 && strings.Contains(strings.ToLower(v.Msg), "too many") {
		a.known, a.fate = true, fate{true, minute} // otherwise it is a bad request
		return a
	}
	return a.by(map[int]fate{
		11232:    {true, minute}, // too frequent
		99991400: {true, minute},
		9499:     {}, // bad request
		19001:    {}, // no such hook
		19002:    {}, // bad parameters
		19021:    {}, // wrong signature, or the clock is off by an hour
		19022:    {}, // address not allowed
		19024:    {}, // keyword missing
	}, v.Code)
}

// dingtalk is a custom robot of a DingTalk group: a text message, signed in the
// address with the timestamp in milliseconds.
// https://open.dingtalk.com/document/robots/custom-robot-access
func dingtalk() dialect { return dialect{dingtalkRequest, dingtalkAnswer} }

const maxDingTalk = 18_000 // bytes of a request; 20,000 are refused

func dingtalkRequest(t *Target, al Alert, now time.Time) request {
	address := t.URL
	if t.Secret != "" {
		at := strconv.FormatInt(now.UnixMilli(), 10)
		address += "&timestamp=" + at + "&sign=" + url.QueryEscape(sign(t.Secret, at+"\n"+t.Secret))
	}
	return request{url: address, body: fit(al, maxDingTalk, func(al Alert) []byte {
		return encode(map[string]any{
			"msgtype": "text",
			"text":    map[string]string{"content": al.title() + "\n\n" + al.plain()},
			"at":      map[string]bool{"isAtAll": false},
		})
	})}
}

func dingtalkAnswer(_ int, body []byte) answer {
	return errcode(body, map[int]fate{
		-1:     {true, 0},      // busy
		130101: {true, minute}, // more than 20 a minute
		410100: {true, minute},
		310000: {},                         // keyword, signature, clock or address; the text says which
		300001: {}, 300005: {}, 400101: {}, // no such token
		400013: {}, 400102: {}, 400106: {}, // group or robot gone
		40035: {}, 43004: {}, 400105: {}, 460101: {}, // malformed, or too long
		430101: {}, 430102: {}, 430103: {}, 430104: {}, // content refused
	})
}

// wecom is a robot of a WeCom group: a text message, which members who read the
// group in WeChat see too, or Markdown if that is too short.
// https://developer.work.weixin.qq.com/document/path/91770
func wecom() dialect { return dialect{wecomRequest, wecomAnswer} }

const (
	maxWeComText     = 2048 // bytes of the content
	maxWeComMarkdown = 4096
)

func wecomRequest(t *Target, al Alert, _ time.Time) request {
	message := func(kind, text string) request {
		return request{url: t.URL, body: encode(map[string]any{"msgtype": kind, kind: map[string]string{"content": text}})}
	}
	text := func(al Alert) []byte {
		return []byte(unmentioned.Replace(al.title() + "\n\n" + al.plain()))
	}
	if whole := text(al); len(whole) <= maxWeComText {
		return message("text", string(whole))
	}
	return message("markdown", string(fit(al, maxWeComMarkdown, text)))
}

// unmentioned breaks what would call people or colour text.
var unmentioned = strings.NewReplacer("<", "＜")

func wecomAnswer(_ int, body []byte) answer {
	return errcode(body, map[int]fate{
		-1:    {true, 0},                // busy
		45009: {true, minute},           // more than 20 a minute
		45033: {true, minute},           // too many at once
		93000: {}, 40014: {}, 41001: {}, // no such key
		93004: {}, 93008: {}, // robot gone
		93017: {},                       // address not allowed
		40008: {}, 40058: {}, 44004: {}, // malformed, or too long
	})
}

// errcode reads the answers of DingTalk and WeCom.
func errcode(body []byte, fates map[int]fate) answer {
	var v struct {
		Code *int   `json:"errcode"`
		Text string `json:"errmsg"`
	}
	if json.Unmarshal(body, &v) != nil {
		return answer{}
	}
	return answer{ok: v.Code != nil && *v.Code == 0, code: number(v.Code), text: v.Text}.by(fates, v.Code)
}
