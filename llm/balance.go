package llm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Balance is what a vendor says is left to spend with a key. It is for admins
// alone; logs show that there is one and no more.
type Balance struct {
	Key     string   // its name
	Left    []Amount // one per currency; empty if the vendor tells only what was spent
	Spent   []Amount // likewise
	NoLimit bool     // the key itself has no limit; its account may have
}

// Amount is a sum of money, or of whatever a gateway counts.
type Amount struct {
	Value    float64 // finite
	Currency string  // ISO 4217; empty for a gateway's own unit
}

// LogValue withholds the sums.
func (Balance) LogValue() slog.Value { return slog.StringValue("[balance]") }

// Known reports whether the vendor told anything.
func (b Balance) Known() bool { return b.NoLimit || len(b.Left) > 0 || len(b.Spent) > 0 }

// teller knows where a vendor tells the balance of a key, and in which form.
type teller struct {
	api  string                       // the end of the API's host name
	path string                       // on that host
	read func(raw []byte, b *Balance) // reads what it can
}

// The vendors that tell. The key goes to no other host than the one it is
// configured for.
var tellers = []teller{
	{"api.deepseek.com", "/user/balance", readDeepSeek},
	{"api.moonshot.cn", "/v1/users/me/balance", readMoonshot("CNY")},
	{"api.moonshot.ai", "/v1/users/me/balance", readMoonshot("USD")},
	{"openrouter.ai", "/api/v1/key", readOpenRouter},
	{"api.siliconflow.cn", "/v1/user/info", readSiliconFlow("CNY")},
	{"api.siliconflow.com", "/v1/user/info", readSiliconFlow("USD")},
}

// mute are vendors that tell no balance to a key. Any other host may be a
// gateway of the one-api family, which does.
var mute = []string{
	"openai.com", "anthropic.com", "azure.com", "azure.cn", "googleapis.com", "groq.com", "mistral.ai", "x.ai",
	"cohere.com", "cohere.ai", "minimax.io", "minimaxi.com", "bigmodel.cn", "z.ai", "aliyuncs.com", "volces.com",
	"baidubce.com", "tencentcloudapi.com", "hunyuan.cloud.tencent.com", "xf-yun.com", "fireworks.ai", "together.xyz",
	"perplexity.ai", "nvidia.com", "huggingface.co", "cloudflare.com", "stepfun.com", "baichuan-ai.com", "lingyiwanwu.com",
}

const (
	balanceTime  = 5 * time.Second
	balanceBytes = 64 << 10
)

// balance asks what is left with k. There is no error: a vendor that does not
// tell, or tells nonsense, is as good as one that cannot.
func (p *provider) balance(ctx context.Context, k Key) Balance {
	b := Balance{Key: k.Name}
	if k.Secret == "" {
		return b
	}
	ctx, cancel := context.WithTimeout(ctx, balanceTime)
	defer cancel()
	for _, t := range tellers {
		if isHost(p.options.BaseURL, t.api) {
			if raw, err := p.tell(ctx, k, t.path); err == nil {
				t.read(raw, &b)
			}
			return b
		}
	}
	for _, host := range mute {
		if isHost(p.options.BaseURL, host) {
			return b
		}
	}
	p.gateway(ctx, k, &b)
	return b
}

// tell asks the provider's host for a path.
func (p *provider) tell(ctx context.Context, k Key, path string) ([]byte, error) {
	u, err := url.Parse(p.options.BaseURL)
	if err != nil {
		return nil, err
	}
	u.Path, u.RawPath, u.RawQuery = path, "", ""
	header := p.header.Clone()
	header.Set("Authorization", "Bearer "+k.Secret)
	var raw json.RawMessage
	err = getJSON(ctx, p.http, u.String(), header, balanceBytes, &raw)
	return raw, err
}

// gateway asks a gateway of the one-api family, which answers as OpenAI's
// dashboard did: a limit in the unit the site is set to, and what was used in
// hundredths of it.
func (p *provider) gateway(ctx context.Context, k Key, b *Balance) {
	u, err := url.Parse(p.options.BaseURL)
	if err != nil {
		return
	}
	base := strings.TrimRight(u.Path, "/") + "/dashboard/billing/"
	raw, err := p.tell(ctx, k, base+"subscription")
	var limit struct {
		Object string   `json:"object"`
		Hard   *decimal `json:"hard_limit_usd"`
	}
	if err != nil || json.Unmarshal(raw, &limit) != nil || limit.Hard == nil || limit.Object != "billing_subscription" {
		return
	}
	raw, err = p.tell(ctx, k, base+"usage")
	var usage struct {
		Total *decimal `json:"total_usage"`
	}
	if err != nil || json.Unmarshal(raw, &usage) != nil || usage.Total == nil {
		return
	}
	spent := float64(*usage.Total) / 100
	b.Spent = []Amount{{Value: spent}}
	if b.NoLimit = float64(*limit.Hard) >= gatewayNoLimit; !b.NoLimit {
		b.Left = []Amount{{Value: float64(*limit.Hard) - spent}}
	}
}

// gatewayNoLimit is what one-api gives as the limit of a key without one.
const gatewayNoLimit = 1e8

func readDeepSeek(raw []byte, b *Balance) {
	var told struct {
		Infos []struct {
			Currency string   `json:"currency"`
			Total    *decimal `json:"total_balance"`
		} `json:"balance_infos"`
	}
	if json.Unmarshal(raw, &told) != nil {
		return
	}
	for _, i := range told.Infos[:min(len(told.Infos), maxCurrencies)] {
		b.Left = append(b.Left, i.Total.in(currency(i.Currency))...)
	}
}

// maxCurrencies bounds how many sums are taken from an answer.
const maxCurrencies = 4

func readMoonshot(unit string) func([]byte, *Balance) {
	return func(raw []byte, b *Balance) {
		var told struct {
			Data struct {
				Available *decimal `json:"available_balance"`
			} `json:"data"`
		}
		if json.Unmarshal(raw, &told) == nil {
			b.Left = told.Data.Available.in(unit)
		}
	}
}

func readOpenRouter(raw []byte, b *Balance) {
	var told struct {
		Data struct {
			Usage     *decimal `json:"usage"`
			Limit     *decimal `json:"limit"`
			Remaining *decimal `json:"limit_remaining"`
		} `json:"data"`
	}
	if json.Unmarshal(raw, &told) == nil {
		d := told.Data
		b.Left, b.Spent = d.Remaining.in("USD"), d.Usage.in("USD")
		b.NoLimit = d.Usage != nil && d.Limit == nil
	}
}

func readSiliconFlow(unit string) func([]byte, *Balance) {
	return func(raw []byte, b *Balance) {
		var told struct {
			Data struct {
				Total *decimal `json:"totalBalance"`
			} `json:"data"`
		}
		if json.Unmarshal(raw, &told) == nil {
			b.Left = told.Data.Total.in(unit)
		}
	}
}

var errNoSum = errors.New("not a sum of money")

// decimal is a sum, written as a number or as text, within reason.
type decimal float64

// UnmarshalJSON accepts 1.5 and "1.5".
func (n *decimal) UnmarshalJSON(raw []byte) error {
	v, err := strconv.ParseFloat(strings.Trim(string(raw), `"`), 64)
	if err != nil || math.IsNaN(v) || math.Abs(v) > 1e15 {
		return errNoSum
	}
	*n = decimal(v)
	return nil
}

// in returns the sum in a currency; none if there is no sum.
func (n *decimal) in(unit string) []Amount {
	if n == nil {
		return nil
	}
	return []Amount{{float64(*n), unit}}
}

// currency accepts the code of a currency and nothing else.
func currency(code string) string {
	if len(code) != 3 || strings.ContainsFunc(code, func(r rune) bool { return r < 'A' || r > 'Z' }) {
		return ""
	}
	return code
}

// getJSON gets a document that is JSON, came with status 200 and is no longer
// than most bytes. Its errors quote nothing of it.
func getJSON(ctx context.Context, client *http.Client, address string, header http.Header, most int64, into any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	if header != nil {
		r.Header = header
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "diagbot") // status pages turn away clients without a name
	response, err := client.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", response.StatusCode)
	}
	raw, err := io.ReadAll(io.LimitReader(response.Body, most+1))
	if err != nil {
		return err
	}
	if int64(len(raw)) > most {
		return errTooLarge
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return errForm
	}
	return nil
}
