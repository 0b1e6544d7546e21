package troubleshoot

import (
	"strings"
	"testing"
)

// secrets are what must never be seen again, in the clothes they come in.
var secretTexts = map[string]string{
	"OpenAI key":        "Incorrect API key provided: sk-proj-AbCdEfGh1234567890ijkl. Find",
	"short key":         "key sk-test1234 is bad",
	"Anthropic key":     `{"x-api-key":"sk-ant-api03-AAAABBBBCCCC1111"}`,
	"Groq key":          "gsk_AbCdEf1234567890AbCd",
	"Gemini key in URL": "Post \"https://example.com/v1/models?key=AIzaSyA1234567890abcdefghijklmnopqrstuv&x=1\": EOF",
	"Zhipu key":         "0123456789abcdef0123456789abcdef.AbCdEfGh12345678",
	"JWT":               "token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
	"bearer":            "Authorization: Bearer abcdef123456",
	"bearer in JSON":    `{"Authorization": "Bearer abcdef123456"}`,
	"basic":             "proxy-authorization: Basic dXNlcjpwYXNzd29yZA==",
	"password":          "password=abcdef123456",
	"password in JSON":  `{"password":"abcdef 123456"}`,
	"proxy password":    "proxyconnect tcp: http://alice:abcdef123456@127.0.0.1:7890 refused",
	"cookies":           "Cookie: a=abcdef123456; wxuin=abcdef123456\nnext line",
	"set-cookie":        "set-cookie: session=abcdef123456; Path=/",
	"WeChat query":      "/webwxsync?sid=abcdef123456&skey=@crypt_abcdef_123456&pass_ticket=abcdef123456",
	"WeChat XML":        "<error><ret>0</ret><skey>@crypt_abcdef_123456</skey><wxsid>abcdef123456</wxsid><wxuin>1234567890</wxuin></error>",
	"WeChat JSON":       `{"BaseRequest":{"Uin":1234567890,"Sid":"abcdef123456","Skey":"@crypt_abcdef_123456"}}`,
	"organisation":      "in organization org-AbCdEf123456 on tokens",
	"Groq organisation": "in organization `org_abcdef123456` service",
	"project":           "Project `proj_AbCdEf123456` does not have access",
	"mail":              "write to alice.smith+x@example.com please",
	"public IPv4":       "Your IP address: 203.0.113.77 is blocked",
	"private IPv4":      "dial tcp 10.1.2.3:443: i/o timeout",
	"IPv6":              "Your IP address: 2001:db8::77 ",
	"IP in URL":         "Post https://203.0.113.77:8443/v1/x",
	"escaped key":       `{\"api_key\": \"abcdef123456\"}`,
	"URL-encoded":       "redirect?token%3Dabcdef123456",
	"key in path":       "https://example.com/bot/sk-AbCdEfGh1234567890/x",
	"access key":        "LTAI5tAbCdEf123456 and AKIAABCDEFGHIJ123456",
}

// needles are the parts of secretTexts that must be gone.
var needles = []string{"AbCdEfGh1234567890", "sk-test1234", "AAAABBBBCCCC1111", "AbCdEf1234567890AbCd", "AIzaSyA1234567890", "0123456789abcdef0123", "dozjgNryP4J3", "eyJhbGci", "abcdef123456", "abcdef 123456", "dXNlcjpwYXNz",
	"@crypt_abcdef", "1234567890abcdef", "org-AbCdEf", "org_abcdef", "proj_AbCdEf", "alice.smith", "203.0.113.77", "10.1.2.3", "2001:db8::77", "LTAI5tAbCdEf", "AKIAABCDEFGHIJ", "<wxuin>1234567890", "\"Uin\":1234567890"}

func TestRedactLeavesNoSecret(t *testing.T) {
	var r *Redactor
	for name, text := range secretTexts {
		got := r.Redact(text)
		for _, n := range needles {
			if strings.Contains(got, n) {
				t.Errorf("%s: %q still holds %q", name, got, n)
			}
		}
		if again := r.Redact(got); again != got {
			t.Errorf("%s: redacted twice %q, once %q", name, again, got)
		}
	}
}

func TestRedactKeepsWhatAdminsNeed(t *testing.T) {
	var r *Redactor
	for _, text := range []string{
		"You exceeded your current quota, please check your plan and billing details.",
		"This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens.",
		"dial tcp 127.0.0.1:7890: connect: connection refused",
		"Post \"https://api.example.com/v1/chat/completions\": EOF",
		"The model `gpt-4o-mini-2024-07-18` does not exist or you do not have access to it.",
		`{"error":{"message":"Invalid token: expired","type":"invalid_request_error","code":"token_expired"}}`,
		"request id: req_c7ac859a6e5e4c41a1450bcee424ad2f",
		"request id: 00000000-1111-2222-3333-444444444444",
		"max_tokens: 4096, prompt_tokens: 9000",
		"令牌已过期，请重新登录",
		"[GIN] 2026/02/12 - 17:04:03 | 500 | 708µs",
		"organization-level limits apply; see the org-level-limits page",
	} {
		if got := r.Redact(text); got != text {
			t.Errorf("%q\nbecame %q", text, got)
		}
	}
}

func TestRedactKnownSecrets(t *testing.T) {
	r := NewRedactor("hunter22", "hunter22andmore", "abc", "")
	if got := r.Redact("hunter22andmore, hunter22, abc"); got != "***, ***, abc" {
		t.Errorf("got %q", got)
	}
}

func TestFaultHoldsNoSecret(t *testing.T) {
	c := load(t)
	for name, text := range secretTexts {
		for _, o := range []Observation{{Status: 400, Body: []byte(text)}, {ErrText: text}, {Status: 401, Body: []byte(`{"error":{"message":` + quoteJSON(text) + `,"code":` + quoteJSON(text) + `}}`)}} {
			f := Normalize(o)
			d := c.Diagnose(f)
			seen := f.Message + f.Detail + f.Code + f.Type + f.Param + f.RequestID + f.Error() + f.signs.text
			for _, e := range d.Evidence {
				seen += e.Value
			}
			for _, n := range needles {
				if strings.Contains(seen, n) {
					t.Errorf("%s: %q is still in %q", name, n, seen)
				}
			}
		}
	}
}

func quoteJSON(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}
