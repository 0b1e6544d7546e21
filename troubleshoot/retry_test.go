package troubleshoot

import (
	"net/http"
	"testing"
	"time"
)

func TestRetryAfter(t *testing.T) {
	in20s := zooTime.Add(20 * time.Second)
	tests := []struct {
		name   string
		header map[string]string
		body   string
		want   time.Duration
	}{
		{name: "seconds", header: map[string]string{"Retry-After": "20"}, want: 20 * time.Second},
		{name: "fraction", header: map[string]string{"Retry-After": "1.5"}, want: 1500 * time.Millisecond},
		{name: "date", header: map[string]string{"Retry-After": in20s.Format(http.TimeFormat)}, want: 20 * time.Second},
		{name: "RFC 3339", header: map[string]string{"Retry-After": in20s.Format(time.RFC3339)}, want: 20 * time.Second},
		{name: "duration", header: map[string]string{"Retry-After": "2m59.5s"}, want: 179500 * time.Millisecond},
		{name: "epoch seconds", header: map[string]string{"Retry-After": "1795334420"}, want: 1795334420*time.Second - time.Duration(zooTime.Unix())*time.Second},
		{name: "epoch milliseconds", header: map[string]string{"X-Ratelimit-Remaining": "0", "X-Ratelimit-Reset": "1795334405000"}, want: 1795334405*time.Second - time.Duration(zooTime.Unix())*time.Second},
		{name: "milliseconds first", header: map[string]string{"Retry-After-Ms": "250", "Retry-After": "9"}, want: 250 * time.Millisecond},
		{name: "Azure's milliseconds", header: map[string]string{"X-Ms-Retry-After-Ms": "1500"}, want: 1500 * time.Millisecond},
		{name: "header before body", header: map[string]string{"Retry-After": "3"}, body: "try again in 9s", want: 3 * time.Second},
		{name: "Gemini's detail", body: `{"details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay": "37s"}]}`, want: 37 * time.Second},
		{name: "long duration", body: "Please try again in 6m0s.", want: 6 * time.Minute},
		{name: "milliseconds in words", body: "Please try again in 20ms. Visit the page", want: 20 * time.Millisecond},
		{name: "fraction in words", body: "Please retry in 33.5s.", want: 33500 * time.Millisecond},
		{name: "words", body: "Please retry after 6 seconds", want: 6 * time.Second},
		{name: "minutes in words", body: "Wait 1 minute 30 seconds", want: 90 * time.Second},
		{name: "Chinese", body: "请求过于频繁，请 20 秒后重试", want: 20 * time.Second},
		{name: "Chinese minutes", body: "请在2分钟后重试", want: 2 * time.Minute},
		{name: "Chinese date", body: "您的限额将在 2026-11-22 16:00:20 重置", want: 20 * time.Second},
		{name: "bucket that ran empty", header: map[string]string{"X-Ratelimit-Remaining-Requests": "0", "X-Ratelimit-Reset-Requests": "1s", "X-Ratelimit-Remaining-Tokens": "90", "X-Ratelimit-Reset-Tokens": "6m0s"}, want: time.Second},
		{name: "lower-case header", header: map[string]string{"retry-after": "4"}, want: 4 * time.Second},
		{name: "cut to a month", header: map[string]string{"Retry-After": "99999999"}, want: maxRetryAfter},
		{name: "negative", header: map[string]string{"Retry-After": "-1"}},
		{name: "zero", header: map[string]string{"Retry-After": "0"}},
		{name: "NaN", header: map[string]string{"Retry-After": "NaN"}},
		{name: "infinite", header: map[string]string{"Retry-After": "+Inf"}},
		{name: "absurd", header: map[string]string{"Retry-After": "9e300"}},
		{name: "past", header: map[string]string{"Retry-After": zooTime.Add(-time.Hour).Format(http.TimeFormat)}},
		{name: "words without a number", body: "Please try again in a few minutes"},
		{name: "number without a unit", body: "try again in 5"},
		{name: "other numbers", body: "Limit 3, Used 3, Requested 1 in 20 requests"},
		{name: "bucket not empty", header: map[string]string{"X-Ratelimit-Remaining-Requests": "5", "X-Ratelimit-Reset-Requests": "1s"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := http.Header{}
			for k, v := range tt.header {
				h[k] = []string{v}
			}
			d, ok := RetryAfter(h, []byte(tt.body), zooTime)
			if d != tt.want || ok != (tt.want > 0) {
				t.Errorf("RetryAfter = %v, %v; want %v", d, ok, tt.want)
			}
		})
	}
}

func TestContextLimit(t *testing.T) {
	for text, want := range map[string]int{
		"This model's maximum context length is 4,097 tokens, your messages make 5,000": 4097,
		"maximum context length is 128k tokens":                                         128000,
		"prompt is too long: 209303 tokens > 200000 maximum":                            200000,
		"Range of input length should be [1, 30720]":                                    30720,
		"exceeds the maximum number of tokens allowed (1048576)":                        1048576,
		"Your request exceeded model token limit: 8192 (requested: 9000)":               8192,
		"Input tokens exceed the configured limit":                                      0,
		"Rate limit reached: Limit 3, Used 3":                                           0,
		"maximum context length is 99999999999999999999 tokens":                         0,
	} {
		if got := contextLimit(fold(text)); got != want {
			t.Errorf("contextLimit(%q) = %d, want %d", text, got, want)
		}
	}
}
