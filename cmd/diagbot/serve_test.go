package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/diagbot/diagbot/internal/similink"
	"github.com/diagbot/diagbot/internal/simllm"
	"github.com/diagbot/diagbot/internal/simproxy"
	"github.com/diagbot/diagbot/internal/simtls"
	"github.com/diagbot/diagbot/internal/simwechat"
)

// internet is what a serve process sees of the world: servers that carry the
// names and certificates of the real ones, reached through a proxy of the
// environment.
type internet struct {
	wechat *simwechat.Server
	ilink  *similink.Server
	openai *simllm.Server
	proxy  *simproxy.Proxy
	env    []string
	args   []string // of every process, after its own
	data   string
	stdin  *os.File // of the next process; nil: there is none
}

func newInternet(t *testing.T, others ...func(*simllm.Options)) *internet {
	t.Helper()
	return newInternetWith(t, sims{}, others...)
}

// sims is how the simulated WeChats behave.
type sims struct {
	wechat simwechat.Options
	ilink  similink.Options
}

func newInternetWith(t *testing.T, o sims, others ...func(*simllm.Options)) *internet {
	t.Helper()
	authority, err := simtls.New()
	must(t, err)
	n := &internet{data: t.TempDir()}
	o.wechat.Authority, o.wechat.Nick, o.ilink.Authority = authority, "小诊", authority
	n.wechat, err = simwechat.Start(o.wechat)
	must(t, err)
	t.Cleanup(func() { _ = n.wechat.Close() })
	n.ilink, err = similink.Start(o.ilink)
	must(t, err)
	t.Cleanup(func() { _ = n.ilink.Close() })
	route := map[string]string{}
	for _, host := range n.wechat.Hosts() {
		route[host+":443"] = n.wechat.Addr()
	}
	for _, host := range n.ilink.Hosts() {
		route[host+":443"] = n.ilink.Addr()
	}
	n.connect(t, authority, route, others...)
	return n
}

// connect starts an AI service and a proxy that leads to it and to WeChat.
func (n *internet) connect(t *testing.T, authority *simtls.Authority, route map[string]string, others ...func(*simllm.Options)) {
	t.Helper()
	ai := simllm.Options{
		TLS: true, Authority: authority, Names: []string{"api.openai.com"}, Keys: []string{"sk-only-this-key"}, Markers: true,
	}
	for _, other := range others {
		other(&ai)
	}
	var err error
	n.openai, err = simllm.Start(ai)
	must(t, err)
	t.Cleanup(func() { _ = n.openai.Close() })
	route["api.openai.com:443"] = n.openai.Addr()
	n.proxy, err = simproxy.Start(route)
	must(t, err)
	t.Cleanup(func() { _ = n.proxy.Close() })
	certificates := filepath.Join(t.TempDir(), "ca.pem")
	must(t, os.WriteFile(certificates, authority.PEM(), 0o600))
	n.env = []string{
		asMain + "=1", "HTTPS_PROXY=" + n.proxy.URL(), "SSL_CERT_FILE=" + certificates, "SSL_CERT_DIR=" + t.TempDir(),
		"OPENAI_API_KEY=sk-only-this-key", "DIAGBOT_DATA_DIR=" + n.data, "DIAGBOT_SEND_INTERVAL=0s",
		"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH"),
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// process is a running diagbot.
type process struct {
	*exec.Cmd
	mu   sync.Mutex
	said bytes.Buffer
	news chan struct{}
}

func (n *internet) start(t *testing.T, args ...string) *process {
	t.Helper()
	p := n.launch(t, nil, args...)
	t.Cleanup(func() {
		_ = p.Process.Kill()
		_ = p.Cmd.Wait()
		if t.Failed() {
			t.Logf("%v said:\n%s", args, p.text())
		}
	})
	return p
}

// launch starts a process that its caller ends. The variables of env come on top
// of those of all processes.
func (n *internet) launch(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command(os.Args[0], slices.Concat(args, n.args)...), news: make(chan struct{}, 1)}
	p.Env, p.Dir = slices.Concat(n.env, env), t.TempDir()
	p.Stdout, p.Stderr = p, p
	if n.stdin != nil {
		p.Stdin = n.stdin
	}
	must(t, p.Start())
	return p
}

// Write keeps what the process prints.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case p.news <- struct{}{}:
	default:
	}
	return p.said.Write(b)
}

// forget drops what the process has printed so far.
func (p *process) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.said.Reset()
}

func (p *process) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.String()
}

// waitFor waits until the process has printed something.
func (p *process) waitFor(t *testing.T, want string) {
	t.Helper()
	for deadline := time.After(30 * time.Second); !strings.Contains(p.text(), want); {
		select {
		case <-p.news:
		case <-deadline:
			t.Fatalf("the process did not say %q", want)
		}
	}
}

// stop sends SIGTERM and returns the exit status.
func (p *process) stop(t *testing.T) int {
	t.Helper()
	must(t, p.Process.Signal(syscall.SIGTERM))
	return p.status(t)
}

// status waits for the end of the process.
func (p *process) status(t *testing.T) int {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- p.Cmd.Wait() }()
	select {
	case <-done:
		return p.ProcessState.ExitCode()
	case <-time.After(40 * time.Second):
		t.Fatal("the process does not end")
		return -1
	}
}

// answer waits for the nth message the bot sent in all and returns it.
func (n *internet) answer(t *testing.T, nth int) simwechat.Sent {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	sent, err := n.wechat.WaitSent(ctx, nth)
	if err != nil {
		t.Fatalf("answer %d: %v", nth, err)
	}
	return sent[nth-1]
}

func TestServe(t *testing.T) {
	t.Parallel()
	n := newInternet(t)
	alice := n.wechat.AddFriend(simwechat.Person{Nick: "Alice"})
	group := n.wechat.AddGroup(simwechat.Group{Name: "team", Members: []simwechat.Member{{UserName: alice}}})

	p := n.start(t, "serve")
	p.waitFor(t, "https://login.weixin.qq.com/l/")
	p.waitFor(t, "Answering.")
	n.wechat.Say(alice, "Hello there!")
	if got := n.answer(t, 1); got.To != alice || got.Text == "" {
		t.Errorf("private answer: %+v", got)
	}
	n.wechat.SayIn(group, alice, "@小诊\u2005are you there?")
	if got := n.answer(t, 2); got.To != group || !strings.HasPrefix(got.Text, "@Alice\u2005") {
		t.Errorf("group answer: %+v", got)
	}
	n.wechat.Say(alice, "Now fail: !401")
	if got := n.answer(t, 3).Text; !strings.Contains(got, "(401 · ") {
		t.Errorf("explanation: %q", got)
	}
	if h := n.start(t, "health"); h.status(t) != 0 || !strings.Contains(h.text(), "online") {
		t.Errorf("health: %s", h.text())
	}
	if other := n.start(t, "serve"); other.status(t) != int(statusUsage) || !strings.Contains(other.text(), "already running") {
		t.Errorf("a second serve: %s", other.text())
	}
	if status := p.stop(t); status != 0 {
		t.Errorf("serve ended with %d", status)
	}
	if strings.Contains(p.text(), "sk-only-this-key") {
		t.Error("the key was printed")
	}

	codes := n.wechat.Count("jslogin")
	p = n.start(t, "serve", "--lang", "zh-Hans")
	p.waitFor(t, "已用保存的会话登录：小诊")
	n.wechat.Say(alice, "Still there?")
	if got := n.answer(t, 4); got.To != alice {
		t.Errorf("answer after the restart: %+v", got)
	}
	if status := p.stop(t); status != 0 || n.wechat.Count("jslogin") != codes {
		t.Errorf("status %d, %d more QR codes", status, n.wechat.Count("jslogin")-codes)
	}
	if complaints := n.wechat.Complaints(); len(complaints) > 0 {
		t.Errorf("WeChat complained: %q", complaints)
	}
	if h := n.start(t, "health"); h.status(t) != int(statusFailed) {
		t.Errorf("health without serve: %s", h.text())
	}
}

// TestServeRefused holds that a refused login ends with an explanation and
// without a second try.
func TestServeRefused(t *testing.T) {
	t.Parallel()
	for name, ret := range map[string]int{"1203": 1203, "1102": 1102} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newInternet(t)
			n.wechat.RefuseLogin(ret, "为了你的帐号安全，暂不支持使用网页版微信。")
			p := n.start(t, "serve")
			if status := p.status(t); status != int(statusLost) {
				t.Errorf("status %d", status)
			}
			if said := p.text(); !strings.Contains(said, "WeChat refused the login.") || !strings.Contains(said, "1203") {
				t.Errorf("said %s", said)
			}
			if codes := n.wechat.Count("jslogin"); codes != 1 {
				t.Errorf("%d QR codes", codes)
			}
		})
	}
}

// TestServeFinishes holds that a question in work is answered after SIGTERM.
func TestServeFinishes(t *testing.T) {
	t.Parallel()
	n := newInternet(t)
	alice := n.wechat.AddFriend(simwechat.Person{Nick: "Alice"})
	p := n.start(t, "serve")
	p.waitFor(t, "Answering.")
	n.wechat.Say(alice, "Take your time: !slow")
	for deadline := time.Now().Add(20 * time.Second); n.openai.Count() == 0 && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond) // a poll: the simulator has no signal for a request under way
	}
	if status := p.stop(t); status != 0 {
		t.Errorf("status %d", status)
	}
	sent := n.wechat.Sent()
	if len(sent) != 1 || sent[0].To != alice || strings.Contains(sent[0].Text, "·") {
		t.Errorf("sent %+v", sent)
	}
}

// TestServeWrongKey: an operator who mistypes store.key is told, and loses nothing:
// with the right one the login is there again.
func TestServeWrongKey(t *testing.T) {
	t.Parallel()
	for _, channel := range []string{"openwechat", "ilink"} {
		t.Run(channel, func(t *testing.T) {
			t.Parallel()
			n := newInternetWith(t, sims{wechat: simwechat.Options{ScanDelay: -1}, ilink: similink.Options{ScanDelay: -1}})
			usual := n.env
			serve := func(key string, scan bool, want string) string {
				n.env = append(slices.Clone(usual), "DIAGBOT_STORE_KEY="+key)
				p := n.start(t, "serve", "--channel", channel)
				if scan {
					p.waitFor(t, "https://")
					n.wechat.Scan()
					n.ilink.Scan()
				}
				p.waitFor(t, want)
				if status := p.stop(t); status != 0 {
					t.Errorf("status %d: %s", status, p.text())
				}
				return p.text()
			}
			serve("the right one, long enough", true, "Answering.")
			if said := serve("another one, as long as that", false, "Log in: scan"); !strings.Contains(said, "store.key") {
				t.Errorf("said %s", said)
			}
			serve("the right one, long enough", false, "with the stored session")
		})
	}
}
