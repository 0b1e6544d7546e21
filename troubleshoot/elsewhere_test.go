package troubleshoot

import "testing"

func TestMissedProxy(t *testing.T) {
	for text, want := range map[string]bool{
		"":           false,
		"ENOTFOUND ": false,
		"request to https://a.example/v1 failed, reason: getaddrinfo ENOTFOUND b.example":     true,
		"request to https://a.example/v1 failed, reason: getaddrinfo ENOTFOUND A.example.":    false,
		"request to https://a.example/v1 failed, reason: getaddrinfo ENOTFOUND a.example:443": false,
		"request to https://a.example/v1 failed, reason: connect ECONNREFUSED 0.0.0.0:443":    false,
		"request to http://a.example/v1 failed, reason: connect ECONNREFUSED 10.0.0.1:80":     false,
		"request to http://a.example:81/v1 failed, reason: connect ECONNREFUSED ::1:81":       false,
		"request to http://a.example:81/v1 failed, reason: connect ECONNREFUSED [::1]:82":     true,
		"request to http://%zz failed, reason: connect ECONNREFUSED 127.0.0.1:82":             false,
		"request to http://a.example failed, reason: connect ECONNREFUSED [::1":               false,
		"request to http://a.example failed, reason: connect ECONNREFUSED ":                   false,
		"see http://a.example/help; connect ECONNREFUSED 127.0.0.1:82":                        false,
		"see http://a.example/help; connect ECONNREFUSED 127.0.0.1:7890":                      true,
		"connect ECONNREFUSED 127.0.0.1:11434":                                                false,
		"connect ECONNREFUSED 10.0.0.1:7890":                                                  false,
		"dial tcp [::1]:10809: connect: connection refused":                                   true,
		`Get "https://a.example/v1": dial tcp: lookup b.example on 10.0.0.1:53: no such host`: true,
		`Get "https://a.example/v1": dial tcp: lookup a.example on 10.0.0.1:53: no such host`: false,
		`Get "https://a.example/v1": dial tcp: lookup a.example: i/o timeout`:                 false,
		`Get "https://a.example/v1": dial tcp 127.0.0.1:7000: connect: connection refused`:    true,
		`Get "https://a.example/v1": dial tcp 192.0.2.1:443: connect: connection refused`:     false,
		"getaddrinfo ENOTFOUND proxy-server":                                                  true,
		"getaddrinfo ENOTFOUND proxy.example":                                                 false,
		"getaddrinfo EAI_AGAIN gpt-proxy":                                                     false,
	} {
		if got := missedProxy(text); got != want {
			t.Errorf("missedProxy(%q) = %v, want %v", text, got, want)
		}
	}
}
