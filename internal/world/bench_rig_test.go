//go:build linux

package world_test

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/diagbot/diagbot/internal/simllm"
	"github.com/diagbot/diagbot/internal/simtls"
	"github.com/diagbot/diagbot/internal/simwechat"
)

var binary = flag.String("diagbot", "", "the program to measure; built from the tree if empty")

// The programs that can be measured.
const (
	diagbot = "../../cmd/diagbot"
	barebot = "./testdata/barebot" // openwechat and go-openai, and nothing else
)

// What the programs print at the steps of a start.
const (
	qrShown   = "https://login.weixin.qq.com/l/"
	answering = "Answering."
)

// rig is what a benchmark runs in: a WeChat and an AI service in this process,
// and the bot as a process of its own. It reaches WeChat by the real names
// through a CONNECT proxy, which is in this process too, and the AI service by
// its address. So the bot's CPU time and memory are its own and nobody else's,
// and its clients are those it ships.
type rig struct {
	wechat *simwechat.Server
	ai     *simllm.Server
	path   string // the program
	env    []string
	dir    string

	thought atomic.Int64 // nanoseconds the AI service took from having read the last request to its answer's first byte
}

// bench says what a rig is like.
type bench struct {
	program  string        // its path
	latency  time.Duration // of the AI service
	contacts int           // besides those the benchmark adds
	env      []string      // more settings of the bot
}

// reply is what the AI service answers: the question, found again in the reply.
// It comes in six events.
func (r *rig) reply(q simllm.Request) string {
	r.thought.Store(int64(time.Since(q.At)))
	return q.Newest() + " **Yes.**"
}

func newRig(b *testing.B, o bench) *rig {
	b.Helper()
	collect := debug.SetGCPercent(400) // of the simulators, which should cost little
	b.Cleanup(func() { debug.SetGCPercent(collect) })
	r := &rig{path: o.program, dir: b.TempDir()}
	authority, err := simtls.New()
	check(b, err)
	r.wechat, err = simwechat.Start(simwechat.Options{Authority: authority, Nick: "小诊"})
	check(b, err)
	b.Cleanup(func() { check(b, r.wechat.Close()) })
	r.wechat.AddFillers(o.contacts)
	r.ai, err = simllm.Start(simllm.Options{
		TLS: true, Authority: authority, Keys: []string{benchKey}, Latency: o.latency, Reply: r.reply, Keep: -1,
	})
	check(b, err)
	b.Cleanup(func() { check(b, r.ai.Close()) })
	proxy := newWire(b, r.wechat)
	certificates := filepath.Join(r.dir, "ca.pem")
	check(b, os.WriteFile(certificates, authority.PEM(), 0o600))
	r.env = append([]string{
		"HTTPS_PROXY=" + proxy.url(), "SSL_CERT_FILE=" + certificates, "SSL_CERT_DIR=" + b.TempDir(),
		"OPENAI_API_KEY=" + benchKey, "OPENAI_BASE_URL=" + r.ai.URL(), "OPENAI_MODEL=gpt-4o-mini",
		"DIAGBOT_SEND_INTERVAL=0s", "HOME=" + r.dir,
	}, o.env...)
	return r
}

const benchKey = "sk-benchmark-0123456789abcdef"

func check(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// build compiles a program as it is shipped. The benchmark removes it.
func build(b *testing.B, source string) string {
	b.Helper()
	if source == diagbot && *binary != "" {
		path, err := filepath.Abs(*binary)
		check(b, err)
		return path
	}
	path := filepath.Join(b.TempDir(), filepath.Base(source))
	c := exec.Command("go", "build", "-trimpath", "-o", path, source)
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		b.Fatalf("build %s: %v\n%s", source, err, out)
	}
	return path
}

// process is a running bot.
type process struct {
	cmd     *exec.Cmd
	started time.Time
	out     *output
}

// start starts the bot without waiting for anything.
func (r *rig) start(b *testing.B) *process {
	b.Helper()
	data, err := os.MkdirTemp(r.dir, "data")
	check(b, err)
	p := &process{cmd: exec.Command(r.path, "serve"), out: &output{seen: map[string]time.Time{}, news: make(chan struct{}, 1)}}
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = data, p.out, p.out
	p.cmd.Env = append([]string{"DIAGBOT_DATA_DIR=" + data}, r.env...)
	p.started = time.Now()
	check(b, p.cmd.Start())
	b.Cleanup(func() { p.stop(b) })
	return p
}

// serve starts the bot and waits until it answers.
func (r *rig) serve(b *testing.B) *process {
	b.Helper()
	p := r.start(b)
	p.waitFor(b, answering)
	return p
}

// stop ends the bot as an operator does and waits for it. It may be called
// again.
func (p *process) stop(b *testing.B) {
	if p.cmd.ProcessState != nil {
		return
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	late := time.AfterFunc(40*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer late.Stop()
	_ = p.cmd.Wait()
	if b.Failed() {
		b.Logf("the bot said:\n%s", p.out)
	}
}

// waitFor waits until the bot has printed something and returns when it did.
func (p *process) waitFor(b *testing.B, words string) time.Time {
	b.Helper()
	deadline := time.After(30 * time.Second)
	for {
		if at, ok := p.out.when(words); ok {
			return at
		}
		select {
		case <-p.out.news:
		case <-deadline:
			b.Fatalf("the bot did not say %q but:\n%s", words, p.out)
		}
	}
}

// output is what a process has printed, and when it first had each of the words
// asked for.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
	seen map[string]time.Time
	news chan struct{}
}

// Write keeps what is printed.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.text.Len() < 1<<20 {
		o.text.Write(p)
	}
	for _, words := range []string{qrShown, answering} {
		if _, ok := o.seen[words]; !ok && bytes.Contains(o.text.Bytes(), []byte(words)) {
			o.seen[words] = time.Now()
		}
	}
	select {
	case o.news <- struct{}{}:
	default:
	}
	return len(p), nil
}

func (o *output) when(words string) (time.Time, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	at, ok := o.seen[words]
	return at, ok
}

// String returns what was printed.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
