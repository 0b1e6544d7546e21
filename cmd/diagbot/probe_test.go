package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/diagbot/diagbot/internal/simllm"
	"github.com/diagbot/diagbot/llm"
	"github.com/diagbot/diagbot/troubleshoot"
)

// probeEnv configures one provider at a simulator.
func probeEnv(t *testing.T, s *simllm.Server, key string) []string {
	t.Helper()
	return []string{"OPENAI_API_KEY=" + key, "OPENAI_BASE_URL=" + s.URL(), "OPENAI_MODEL=gpt-4o-mini", "DIAGBOT_DATA_DIR=" + t.TempDir()}
}

func startSim(t *testing.T) *simllm.Server {
	t.Helper()
	s, err := simllm.Start(simllm.Options{Keys: []string{"sk-good-0123456789abcdef"}, Models: []string{"gpt-4o-mini"}})
	must(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestProbe(t *testing.T) {
	s := startSim(t)
	got := diagbot(t, "", probeEnv(t, s, "sk-good-0123456789abcdef"), "probe")
	if got.status != 0 || !strings.HasPrefix(got.out, "Connection check: openai\nTCP OK ") || !strings.Contains(got.out, "\nModel gpt-4o-mini OK\n") {
		t.Errorf("%d %s%s", got.status, got.out, got.err)
	}
	if strings.Contains(got.out, "Stopped") {
		t.Error(got.out)
	}
}

func TestProbeNamesTheEntry(t *testing.T) {
	s := startSim(t)
	env := probeEnv(t, s, "sk-wrong-0123456789abcdef")
	got := diagbot(t, "", env, "probe", "openai")
	for _, want := range []string{"\nAPI failing 401 invalid_api_key\n", "\nStopped at: API\nEntry: ", " (diagbot explain "} {
		if !strings.Contains(got.out, want) {
			t.Errorf("no %q in\n%s", want, got.out)
		}
	}
	if got.status != int(statusFailed) || strings.Contains(got.out+got.err, "sk-wrong") {
		t.Errorf("%d %s%s", got.status, got.out, got.err)
	}
	zh := diagbot(t, "", env, "probe", "--lang", "zh-Hans")
	for _, want := range []string{"连接检测 openai\n", "API 异常 401 invalid_api_key\n停在这一步：API\n对应条目：", "（diagbot explain "} {
		if !strings.Contains(zh.out, want) {
			t.Errorf("no %q in\n%s", want, zh.out)
		}
	}
}

func TestProbeOfNobody(t *testing.T) {
	got := diagbot(t, "", probeEnv(t, startSim(t), "sk-good-0123456789abcdef"), "probe", "nobody")
	if got.status != int(statusUsage) || !strings.Contains(got.err, "nobody") || !strings.Contains(got.err, "openai") {
		t.Errorf("%d %s%s", got.status, got.out, got.err)
	}
}

// A real process reaches the simulated service by its real name, through a
// proxy of the environment.
func TestProbeThroughProxy(t *testing.T) {
	t.Parallel()
	n := newInternet(t)
	p := n.start(t, "probe")
	if status := p.status(t); status != 0 {
		t.Errorf("status %d", status)
	}
	host := strings.TrimPrefix(n.proxy.URL(), "http://")
	for _, want := range []string{"\nTLS OK, certificate expires within a day\nProxy OK " + host + "\nAPI OK ",
		"\nstatus.openai.com says: not known (official page, "} {
		if !strings.Contains(p.text(), want) {
			t.Errorf("no %q in\n%s", want, p.text())
		}
	}
}

func TestProbeSheet(t *testing.T) {
	catalogue, err := troubleshoot.Load()
	must(t, err)
	now := time.Now()
	refused := &troubleshoot.Fault{Source: troubleshoot.SourceAPI, Net: troubleshoot.NetTLS, Phase: troubleshoot.PhaseTLS}
	probe := llm.Probe{
		Provider: "main", Begun: now,
		Checks: []llm.Check{
			{Provider: "main", Key: "a", CertExpires: now.Add(-50 * time.Hour), Steps: []llm.Step{
				{Name: llm.StepDNS, Took: 12 * time.Millisecond}, {Name: llm.StepTCP, Took: time.Microsecond}, {Name: llm.StepTLS, Fault: refused},
			}},
			{Provider: "main", Key: "b", Proxy: "127.0.0.1:7890", TryURL: "https://h/v1", CertExpires: now.Add(61*24*time.Hour + time.Minute), Steps: []llm.Step{
				{Name: llm.StepTCP}, {Name: llm.StepTLS, Took: time.Second}, {Name: llm.StepAPI, Took: 230 * time.Millisecond, Unknown: true}, {Name: llm.StepModel, Model: "m", Unknown: true},
			}},
		},
		Page: llm.StatusPage{
			Host: "status.h", Component: "Chat", State: llm.StatusPartial, Incident: "Slow", Read: now.Add(-42 * time.Second),
			Since: time.Date(2026, 11, 22, 9, 58, 0, 0, time.Local),
		},
		Balances: []llm.Balance{
			{Key: "a", Left: []llm.Amount{{Value: 110.5, Currency: "CNY"}}},
			{Key: "b", Spent: []llm.Amount{{Value: 3}}, NoLimit: true},
		},
	}
	for tag, want := range map[string]string{
		"en": `Connection check: main
DNS OK 12 ms
TCP OK 1 ms
TLS failing tls
  The certificate expired 3 days ago.
API (b) not known
Model m (b) not known
An API answers at https://h/v1 instead
Stopped at: TLS
Entry: TITLE (diagbot explain tls-failure)
status.h says: Chat partly down (official page, 42 seconds ago)
  since 2026-11-22 09:58: Slow
Credit left: 110.50 CNY (a)
Spent so far: 3.00 (the site's own unit) (b)
Credit left: no limit for this key (b)
`,
		"zh-Hans": `连接检测 main
DNS 正常 12 毫秒
TCP 正常 1 毫秒
TLS 异常 tls
  证书已经过期 3 天。
API (b) 无法判断
模型 m (b) 无法判断
这个地址才有 API：https://h/v1
停在这一步：TLS
对应条目：TITLE（diagbot explain tls-failure）
status.h 的说法：Chat 部分中断（官方状态页，42 秒前）
  2026-11-22 09:58 起：Slow
余额：110.50 CNY (a)
已用：3.00 （该站自己的单位） (b)
余额：这个密钥不设上限 (b)
`,
	} {
		w, err := wordsFor(tag, func(string) string { return "" })
		must(t, err)
		var out bytes.Buffer
		a := &app{terminal: terminal{out: &out}, words: w}
		probeSheet{app: a, catalogue: catalogue, locale: tag, now: now}.print(probe)
		want = strings.Replace(want, "TITLE", catalogue.Title("tls-failure", tag), 1)
		if out.String() != want {
			t.Errorf("%s:\n%s\nwant\n%s", tag, out.String(), want)
		}
	}
}
