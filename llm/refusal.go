package llm

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/diagbot/diagbot/troubleshoot"
)

// What services say that know a message's content only as a string, or only
// parts of the type "text". They do not speak of pictures, so that only who has
// sent one can tell what is meant. All is in lower case.
var textOnly = []string{
	"unexpected item type in content",  // DashScope
	"content must be a string",         // Groq and others, after a message's number
	"value must be a string",           // Groq, of 'messages.0.content'
	"content should be a string",       // relays
	"expected a string",                // DeepSeek: "invalid type: sequence, expected a string"
	"chatcompletionrequestcontent",     // DeepSeek, earlier
	"expected `text`",                  // DeepSeek: "unknown variant `image_url`, expected `text`"
	"input should be 'text'",           // FastAPI, of a part's type
	"input should be a valid string",   // FastAPI, of the content
	"str type expected",                // FastAPI, earlier
	"cannot unmarshal array into go",   // relays, of the content
	"invalid message content type",     // Ollama
	"invalid message format",           // Ollama
	"取值范围 [\"text\"]", "取值范围 ['text']", // Zhipu: "messages.content.type 参数非法"
	"content.type 参数非法", "content type 参数非法",
	"only text content", "text content only", "content must be text", "unsupported content type", "unsupported content part",
	"unknown content type", "invalid content type", "unrecognized content", "unknown part type", "invalid part type",
	"image_url is only supported by certain models", // OpenAI
}

// vague are the causes of what is said by who does not know pictures.
var vague = []string{"bad_request_param", "unsupported_capability", "invalid_response", "server_error", "unknown_error"}

// perhapsText are refusals that say nothing, by services that say no more to a
// picture that their model does not take; it is believed for a moment only.
var perhapsText = []string{
	"api 调用参数有误", "messages 参数非法", // Zhipu, codes 1210 and 1214
}

// Words that together say that pictures are not taken, in one of the many ways
// that no list holds; with one of otherFlaws this picture alone may be meant.
var (
	pictureWords = []string{"image", "vision", "multimodal", "multi-modal", "modality", "modalities", "图片", "图像", "视觉", "多模态", "圖片", "圖像"}
	denials      = []string{
		"not support", "unsupported", "not accept", "not allow", "not enabled", "disabled", "no vision", "no image", "not a vision",
		"text-only", "text only", "only text", "only supports text", "only accepts text", "不支持", "不支援", "仅支持", "只支持", "支援圖片", "支持图片的",
	}
	otherFlaws = []string{
		"format", "size", "dimension", "width", "height", "pixel", "large", "small", "url must", "media type", "mime", "base64",
		"at most", "only one", "too many", "generat", "格式", "大小", "尺寸", "解析", "生成",
	}
)

// readRefusal tells, of a request with pictures, whether it was refused because
// of them though no symptom says so. sure is false if that is only likely.
func readRefusal(f *troubleshoot.Fault, e *troubleshoot.Entry) (refused, sure bool) {
	switch {
	case e.ID == entryUnseen:
		return true, true
	case e.ID == entryUnreadable || f.Status < http.StatusBadRequest && f.Status != http.StatusOK || !slices.Contains(vague, e.Cause):
		return false, false
	}
	said := strings.ToLower(f.Message)
	says := func(phrases []string) bool {
		return slices.ContainsFunc(phrases, func(phrase string) bool { return strings.Contains(said, phrase) })
	}
	switch {
	case says(textOnly), says(pictureWords) && e.Cause == "unsupported_capability":
		return true, true
	}
	return says(perhapsText) || says(pictureWords) && says(denials) && !says(otherFlaws), false
}

// reread gives the fault of an attempt with pictures the entry that only who sent
// them can know. Faults are not changed, so it is another one then.
func (q *quest) reread(ctx context.Context, out outcome, e *troubleshoot.Entry, now time.Time) (*troubleshoot.Fault, *troubleshoot.Entry) {
	if !pictured(out.sent.messages) {
		return out.fault, e
	}
	refused, sure := readRefusal(out.fault, e)
	if !refused {
		return out.fault, e
	}
	f := *out.fault
	f.Entry = entryUnseen
	until := q.route.p.refusedPictures(q.route, sure, &f, now)
	q.c.logger.LogAttrs(ctx, slog.LevelInfo, "takes no pictures", slog.String("provider", f.Provider),
		slog.String("model", f.Model), slog.Duration("for", until.Sub(now)))
	return &f, q.c.catalogue.Load().Diagnose(&f).Entry
}
