package similink_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/diagbot/diagbot/internal/similink"
)

// official is Tencent's own client, in a Node process. It is not in this
// repository: .ci/run fetches it.
type official struct {
	t       *testing.T
	s       *similink.Server
	digits  io.Writer // where the client reads what its operator types
	calls   *json.Encoder
	results chan result
	printed *printed
	state   string
}

// result is the answer to a call.
type result struct {
	ID     int
	Result json.RawMessage
	Error  string
}

// printed is what the client prints.
type printed struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (p *printed) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(b)
}

func (p *printed) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

func newOfficial(t *testing.T, s *similink.Server) *official {
	t.Helper()
	home := os.Getenv("DIAGBOT_OPENCLAW")
	if home == "" {
		t.Skip("DIAGBOT_OPENCLAW does not name a directory with the npm package @tencent-weixin/openclaw-weixin; .ci/run fetches it")
	}
	driver, err := filepath.Abs("testdata/official/driver.mjs")
	if err != nil {
		t.Fatal(err)
	}
	o := &official{t: t, s: s, results: make(chan result, 16), printed: &printed{}, state: t.TempDir()}
	authority := filepath.Join(o.state, "authority.pem")
	if err := os.WriteFile(authority, s.Authority().PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", driver)
	cmd.Dir = o.state
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + o.state, "OPENCLAW_STATE_DIR=" + o.state,
		"NODE_EXTRA_CA_CERTS=" + authority, "NODE_NO_WARNINGS=1", "DIAGBOT_OPENCLAW=" + home,
		"SIMILINK_ADDR=" + s.Addr(), "SIMILINK_HOSTS=" + strings.Join(s.Hosts(), ","),
	}
	cmd.Stdout, cmd.Stderr = o.printed, o.printed
	o.run(cmd)
	return o
}

// run starts the process, and ends it with the test.
func (o *official) run(cmd *exec.Cmd) {
	o.t.Helper()
	digits, err := cmd.StdinPipe()
	if err != nil {
		o.t.Fatal(err)
	}
	hisCalls, ourCalls, err := os.Pipe()
	if err != nil {
		o.t.Fatal(err)
	}
	ourResults, hisResults, err := os.Pipe()
	if err != nil {
		o.t.Fatal(err)
	}
	cmd.ExtraFiles = []*os.File{hisCalls, hisResults}
	if err := cmd.Start(); err != nil {
		o.t.Fatal(err)
	}
	_, _ = hisCalls.Close(), hisResults.Close()
	o.digits, o.calls = digits, json.NewEncoder(ourCalls)
	var read sync.WaitGroup
	read.Go(func() { o.read(ourResults) })
	o.t.Cleanup(func() {
		_ = ourCalls.Close() // the process ends
		read.Wait()
		if err := cmd.Wait(); err != nil && o.t.Context().Err() == nil {
			o.t.Errorf("node: %v\n%s", err, o.printed)
		}
		_ = ourResults.Close()
	})
}

func (o *official) read(from io.Reader) {
	defer close(o.results)
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var r result
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			r.Error = err.Error()
		}
		o.results <- r
	}
}

// begin asks for a call of a function of a module.
func (o *official) begin(module, name string, args ...any) {
	o.t.Helper()
	if args == nil {
		args = []any{}
	}
	err := o.calls.Encode(map[string]any{"id": 1, "module": module, "name": name, "args": args})
	if err != nil {
		o.t.Fatalf("%v\n%s", err, o.printed)
	}
}

// end waits for the result of the call that was begun.
func (o *official) end(into any) string {
	o.t.Helper()
	select {
	case r, ok := <-o.results:
		if !ok {
			o.t.Fatalf("node ended:\n%s", o.printed)
		}
		if r.Error == "" && into != nil {
			if err := json.Unmarshal(r.Result, into); err != nil {
				o.t.Fatalf("%v: %s", err, r.Result)
			}
		}
		return r.Error
	case <-within(o.t).Done():
		o.t.Fatalf("no result came:\n%s", o.printed)
	}
	return ""
}

// call calls a function that must not fail.
func (o *official) call(into any, module, name string, args ...any) {
	o.t.Helper()
	o.begin(module, name, args...)
	if text := o.end(into); text != "" {
		o.t.Fatalf("%s: %s\n%s", name, text, o.printed)
	}
}

// refused calls a function that must fail, and returns the error's text.
func (o *official) refused(module, name string, args ...any) string {
	o.t.Helper()
	o.begin(module, name, args...)
	text := o.end(nil)
	if text == "" {
		o.t.Errorf("%s: no error", name)
	}
	return text
}

// Modules of the official client.
const (
	apiModule      = "api/api.js"
	loginModule    = "auth/login-qr.js"
	accountsModule = "auth/accounts.js"
	sendModule     = "messaging/send.js"
	inboundModule  = "messaging/inbound.js"
)

type object = map[string]any

// behaved fails the test if the server had to complain.
func (o *official) behaved() {
	o.t.Helper()
	for _, text := range o.s.Complaints() {
		o.t.Error("complaint:", text)
	}
}

func with(o object, more object) object {
	out := object{}
	for _, from := range []object{o, more} {
		for name, v := range from {
			out[name] = v
		}
	}
	return out
}
