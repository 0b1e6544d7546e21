package llm

import (
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"testing"
)

func TestBalances(t *testing.T) {
	for name, c := range map[string]struct {
		base, host, path, body string
		want                   Balance
	}{
		"deepseek": {
			"https://api.deepseek.com/v1", "api.deepseek.com", "/user/balance",
			`{"is_available":true,"balance_infos":[{"currency":"CNY","total_balance":"110.50"},{"currency":"USD","total_balance":"-0.25"}]}`,
			Balance{Left: []Amount{{110.5, "CNY"}, {-0.25, "USD"}}},
		},
		"moonshot": {
			"https://api.moonshot.cn/v1", "api.moonshot.cn", "/v1/users/me/balance",
			`{"code":0,"data":{"available_balance":49.58894,"cash_balance":3},"status":true}`,
			Balance{Left: []Amount{{49.58894, "CNY"}}},
		},
		"openrouter": {
			"https://openrouter.ai/api/v1", "openrouter.ai", "/api/v1/key",
			`{"data":{"label":"sk-or","limit":5,"usage":0.1,"limit_remaining":4.9}}`,
			Balance{Left: []Amount{{4.9, "USD"}}, Spent: []Amount{{0.1, "USD"}}},
		},
		"openrouter without a limit": {
			"https://openrouter.ai/api/v1", "openrouter.ai", "/api/v1/key",
			`{"data":{"limit":null,"usage":12,"limit_remaining":null}}`,
			Balance{Spent: []Amount{{12, "USD"}}, NoLimit: true},
		},
		"siliconflow": {
			"https://api.siliconflow.com/v1", "api.siliconflow.com", "/v1/user/info",
			`{"code":20000,"data":{"name":"x","balance":"0","totalBalance":"88.88"}}`,
			Balance{Left: []Amount{{88.88, "USD"}}},
		},
		"odd sums":      {"https://api.deepseek.com", "api.deepseek.com", "/user/balance", `{"balance_infos":[{"currency":"<b>","total_balance":"1e300"}]}`, Balance{}},
		"odd currency":  {"https://api.deepseek.com", "api.deepseek.com", "/user/balance", `{"balance_infos":[{"currency":"a\nb","total_balance":1}]}`, Balance{Left: []Amount{{1, ""}}}},
		"no sum":        {"https://api.moonshot.ai/v1", "api.moonshot.ai", "/v1/users/me/balance", `{"data":{}}`, Balance{}},
		"no JSON":       {"https://api.moonshot.ai/v1", "api.moonshot.ai", "/v1/users/me/balance", `<html>`, Balance{}},
		"too large":     {"https://api.moonshot.ai/v1", "api.moonshot.ai", "/v1/users/me/balance", strings.Repeat(" ", balanceBytes+1) + `{"data":{"available_balance":1}}`, Balance{}},
		"nobody tells":  {"https://api.openai.com/v1", "api.openai.com", "/v1/none", `{}`, Balance{}},
		"not a gateway": {"https://llm.example/v1", "llm.example", "/v1/dashboard/billing/subscription", `{"hard_limit_usd":5}`, Balance{}},
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			transport := internet(t, map[string]http.HandlerFunc{c.host: func(w http.ResponseWriter, r *http.Request) {
				asked++
				if r.URL.Path != c.path || r.URL.RawQuery != "" || r.Header.Get("Authorization") != "Bearer "+secret || r.Header.Get("X-Extra") != "1" {
					t.Errorf("asked for %s with %v", r.URL, r.Header)
				}
				_, _ = w.Write([]byte(c.body))
			}})
			got := balanceOf(t, c.base, transport)
			c.want.Key = "main"
			if !reflect.DeepEqual(got, c.want) || asked > 1 {
				t.Errorf("got %+v after %d requests", got, asked)
			}
		})
	}
}

func balanceOf(t *testing.T, base string, transport http.RoundTripper) Balance {
	t.Helper()
	o := options(base)
	o.Transport, o.Headers = transport, map[string]string{"X-Extra": "1"}
	p := newClient(t, o).providers()[0]
	return p.balance(t.Context(), p.keys[0].Key)
}

func TestBalanceOfAGateway(t *testing.T) {
	for name, c := range map[string]struct {
		limit, usage string
		want         Balance
	}{
		"limited":    {"20.5", "1050", Balance{Key: "main", Left: []Amount{{10, ""}}, Spent: []Amount{{10.5, ""}}}},
		"no limit":   {"100000000", "0", Balance{Key: "main", Spent: []Amount{{0, ""}}, NoLimit: true}},
		"no usage":   {"20", "null", Balance{Key: "main"}},
		"bad number": {`"a lot"`, "0", Balance{Key: "main"}},
	} {
		transport := internet(t, map[string]http.HandlerFunc{"gateway.example": func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/v1/dashboard/billing/subscription":
				fmt.Fprintf(w, `{"object":"billing_subscription","hard_limit_usd":%s}`, c.limit)
			case "/v1/dashboard/billing/usage":
				fmt.Fprintf(w, `{"object":"list","total_usage":%s}`, c.usage)
			default:
				t.Errorf("asked for %s", r.URL)
			}
		}})
		if got := balanceOf(t, "https://gateway.example/v1/", transport); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestBalanceFollowsNoRedirect(t *testing.T) {
	elsewhere := 0
	transport := internet(t, map[string]http.HandlerFunc{
		"api.deepseek.com": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://evil.example/user/balance", http.StatusTemporaryRedirect)
		},
		"evil.example": func(http.ResponseWriter, *http.Request) { elsewhere++ },
	})
	if got := balanceOf(t, "https://api.deepseek.com/v1", transport); got.Known() || elsewhere > 0 {
		t.Errorf("got %+v, %d requests elsewhere", got, elsewhere)
	}
}

func TestBalanceIsNotLogged(t *testing.T) {
	var out strings.Builder
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "balance", Balance{Left: []Amount{{123.45, "CNY"}}})
	if strings.Contains(out.String(), "123") {
		t.Error(out.String())
	}
}

func FuzzBalance(f *testing.F) {
	f.Add([]byte(`{"balance_infos":[{"currency":"CNY","total_balance":"1"}],"data":{"usage":1,"limit_remaining":2,"available_balance":3,"totalBalance":"4"}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, teller := range tellers {
			var b Balance
			teller.read(raw, &b)
			for _, a := range append(b.Left, b.Spent...) {
				if !(a.Value >= -1e15 && a.Value <= 1e15) || len(a.Currency) > 3 {
					t.Errorf("%+v", a)
				}
			}
			if len(b.Left) > maxCurrencies {
				t.Errorf("%d sums", len(b.Left))
			}
		}
	})
}
