package llm

import (
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/diagbot/diagbot/internal/simllm"
	"github.com/diagbot/diagbot/troubleshoot"
)

func steps(c Check) string {
	var names []string
	for _, s := range c.Steps {
		name := s.Name
		if s.Unknown {
			name += "?"
		}
		if s.Fault != nil {
			name += "!"
		}
		names = append(names, name)
	}
	return strings.Join(names, " ")
}

func checkOne(t *testing.T, o ProviderOptions) Check {
	t.Helper()
	all := newClient(t, o).Check(t.Context())
	if len(all) != 1 {
		t.Fatalf("%d checks", len(all))
	}
	return all[0]
}

func TestCheckOverTLS(t *testing.T) {
	s, err := simllm.Start(simllm.Options{TLS: true, Keys: []string{secret}, Models: []string{"gpt-4o-mini"}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	o := options("https://api.openai.com/v1")
	o.Transport = s.Transport()
	o.Models = []string{"gpt-4o-mini", "gpt-99"}
	c := checkOne(t, o)
	if steps(c) != "tcp tls api model model!" || c.Status != 200 || c.Address != s.Addr() || c.Models != 1 {
		t.Errorf("steps %q of %+v", steps(c), c)
	}
	if days, ok := c.CertDays(time.Now()); !ok || days < 0 || days > 1 {
		t.Errorf("certificate: %d days, %v", days, ok)
	}
	if f := c.Fault(); f == nil || f.Entry != entryNoModel || f.Model != "gpt-99" {
		t.Errorf("fault %+v", f)
	}
	if n := len(s.Requests()); n != 1 {
		t.Errorf("%d requests", n)
	}
}

func TestCheckTellsWhichKeyIsRefused(t *testing.T) {
	s := startSim(t)
	if err := s.ForKey("sk-bad-0123456789", "gpt-401"); err != nil {
		t.Fatal(err)
	}
	o := options(s.URL())
	o.Models = []string{"gpt-4o"}
	o.Keys = []Key{{Secret: "sk-good-0123456789"}, {Secret: "sk-bad-0123456789"}}
	all := newClient(t, o).Check(t.Context())
	if len(all) != 2 || all[0].Fault() != nil || all[0].Key != "1" {
		t.Fatalf("got %+v", all)
	}
	if f := all[1].Fault(); f == nil || f.Status != 401 || f.KeyName != "2" || steps(all[1]) != "tcp api!" {
		t.Errorf("steps %q, fault %+v", steps(all[1]), f)
	}
}

func TestCheckNamesTheStepThatFailed(t *testing.T) {
	s, err := simllm.Start(simllm.Options{TLS: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	for base, want := range map[string]struct {
		steps string
		net   troubleshoot.NetKind
	}{
		"http://" + closed.Addr().String() + "/v1": {"tcp!", troubleshoot.NetRefused},
		s.URL(): {"tcp tls!", troubleshoot.NetTLS},
	} {
		c := checkOne(t, options(base))
		if f := c.Fault(); steps(c) != want.steps || f == nil || f.Net != want.net {
			t.Errorf("%s: steps %q, fault %+v", base, steps(c), f)
		}
	}
}

func TestCheckFindsTheRightPath(t *testing.T) {
	s := startSim(t)
	root := strings.TrimSuffix(s.URL(), "/v1")
	for base, want := range map[string]string{
		root:                             s.URL(),
		root + "/":                       s.URL(),
		s.URL() + "/chat/completions":    s.URL(),
		s.URL() + "/v1":                  s.URL(),
		root + "/v1/v1/chat/completions": s.URL(),
		root + "/other":                  "",
	} {
		c := checkOne(t, options(base))
		if c.TryURL != want || c.Fault() == nil || c.Fault().Status != 404 {
			t.Errorf("%s: try %q, want %q; %+v", base, c.TryURL, want, c.Fault())
		}
	}
}

func TestCheckAcceptsServersWithoutAList(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		want   string
	}{
		"none":   {404, `{"error":{"message":"not found"}}`, "tcp api?"},
		"empty":  {200, `{"object":"list","data":[]}`, "tcp api model?"},
		"google": {200, `{"data":[{"id":"models/gpt-4o-mini"}]}`, "tcp api model"},
		"page":   {200, "<html>hello</html>", "tcp api!"},
		"failed": {500, "", "tcp api!"},
	} {
		if c := checkOne(t, options(reply(t, tc.status, tc.body))); steps(c) != tc.want {
			t.Errorf("%s: steps %q", name, steps(c))
		}
	}
}

func TestLikelyKeepsGoodAddresses(t *testing.T) {
	if got := likely("https://h/v1/"); !slices.Equal(got, nil) && len(got) > 0 {
		t.Errorf("got %q", got)
	}
}

// A proxy that refuses is told from a provider that does.
func TestCheckThroughProxy(t *testing.T) {
	proxy := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusProxyAuthRequired)
	})
	host := strings.TrimSuffix(strings.TrimPrefix(proxy, "http://"), "/v1")
	o := options("https://api.openai.com/v1")
	o.Proxy = "http://user:hunter2secret@" + host
	c := checkOne(t, o)
	if f := c.Fault(); c.Proxy != host || f == nil || f.Net != troubleshoot.NetProxy || strings.Contains(f.Detail, "hunter2") {
		t.Errorf("proxy %q, fault %+v", c.Proxy, f)
	}
}
