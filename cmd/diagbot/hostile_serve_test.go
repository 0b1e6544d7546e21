package main

import (
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/diagbot/diagbot/internal/simllm"
	"github.com/diagbot/diagbot/internal/simwechat"
	"github.com/diagbot/diagbot/internal/store"
)

// withAccount opens the state of the only account while no serve runs.
func (n *internet) withAccount(t *testing.T, use func(*store.Account)) {
	t.Helper()
	ctx := context.Background()
	db, err := store.Open(ctx, store.Options{Dir: n.data})
	must(t, err)
	defer func() { must(t, db.Close()) }()
	a, err := db.Claim(ctx, "main", "test")
	must(t, err)
	use(a)
	must(t, a.Release(ctx))
}

// secretsOf returns the credentials in a stored session, as they stand there.
func secretsOf(t *testing.T, n *internet) []string {
	t.Helper()
	var raw []byte
	n.withAccount(t, func(a *store.Account) {
		var err error
		raw, err = a.Session().Load()
		must(t, err)
	})
	var found []string
	for _, field := range strings.FieldsFunc(string(raw), func(r rune) bool { return strings.ContainsRune(`"{}[],:`, r) }) {
		if len(field) >= 16 && strings.ContainsAny(field, "0123456789") && !strings.Contains(field, ".") && !strings.Contains(field, "T") {
			found = append(found, field)
		}
	}
	if len(found) < 4 {
		t.Fatalf("%d credentials in %s", len(found), raw)
	}
	return found
}

// TestHostileServe drives a real process through a bad day: codes that expire, a
// gateway that fails, a provider that fails, a kick, a session that is garbage at
// the next start. It answers, and prints no secret at the highest log level.
func TestHostileServe(t *testing.T) {
	t.Parallel()
	n := newInternet(t)
	n.env = append(n.env, "DIAGBOT_LOG_LEVEL=debug")
	alice := n.wechat.AddFriend(simwechat.Person{Nick: "Alice"})
	n.wechat.ExpireQR(2)
	p := n.start(t, "serve")
	p.waitFor(t, "expired")
	p.waitFor(t, "Answering.")
	if codes := n.wechat.Count("jslogin"); codes != 3 {
		t.Errorf("%d QR codes", codes)
	}
	n.wechat.Say(alice, "walrus one")
	n.answer(t, 1)
	n.wechat.Fail("synccheck", simwechat.HTML(http.StatusBadGateway), 1)
	n.wechat.Fail("webwxsync", simwechat.Failure{Body: `{"BaseResponse":{"Ret":0},"AddMsgList":[]}`}, 1)
	n.wechat.Fail("webwxsendmsg", simwechat.Failure{Ret: -1}, 1)
	n.wechat.Say(alice, "walrus two !openai-401-invalid-key")
	if got := n.answer(t, 2).Text; !strings.Contains(got, "(401 · ") {
		t.Errorf("explanation: %q", got)
	}
	n.wechat.Kick(1101)
	p.waitFor(t, "WeChat ended the session")
	must(t, n.wechat.WaitLogin(t.Context()))
	n.wechat.Say(alice, "walrus three")
	n.answer(t, 3)
	if status := p.stop(t); status != 0 {
		t.Errorf("status %d", status)
	}
	secrets, said := secretsOf(t, n), p.text()

	n.withAccount(t, func(a *store.Account) { must(t, a.Session().Save([]byte("{}"))) })
	p = n.start(t, "serve")
	p.waitFor(t, "cannot be used")
	p.waitFor(t, "Answering.")
	n.wechat.Say(alice, "walrus four")
	n.answer(t, 4)
	if status := p.stop(t); status != 0 {
		t.Errorf("status %d", status)
	}
	said += p.text()
	for _, secret := range append(secrets, "sk-only-this-key", "Alice", "walrus", simLeak) {
		if at := strings.Index(said, secret); at >= 0 {
			t.Errorf("printed %q: …%s…", secret, said[max(0, at-200):min(len(said), at+60)])
		}
	}
	if strings.Contains(said, "panic") || strings.Contains(said, "goroutine ") {
		t.Error("something panicked")
	}
}

// simLeak is the key that simulated services echo.
const simLeak = "sk-sim-"

// TestHostileStops ends a process where it can do nothing yet: while a code
// waits to be scanned, while WeChat cannot be reached, and twice.
func TestHostileStops(t *testing.T) {
	t.Parallel()
	for name, arrange := range map[string]func(*internet) string{
		"scan": func(n *internet) string { n.wechat.ExpireQR(1000); return "expired" },
		"gateway": func(n *internet) string {
			n.wechat.Fail("jslogin", simwechat.HTML(http.StatusBadGateway), -1)
			return "Next try in"
		},
		"reset": func(n *internet) string { n.wechat.Fail("*", simwechat.Failure{Reset: true}, -1); return "Next try in" },
		"no page": func(n *internet) string {
			n.wechat.Fail("webwxinit", simwechat.Failure{Body: "null"}, -1)
			return "https://"
		},
		"hang": func(n *internet) string { n.wechat.Fail("login", simwechat.Failure{Hang: true}, -1); return "https://" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newInternet(t)
			want := arrange(n)
			p := n.start(t, "serve")
			p.waitFor(t, want)
			if status := p.stop(t); status != 0 {
				t.Errorf("status %d", status)
			}
			if strings.Contains(p.text(), "<html") || strings.Contains(p.text(), "goroutine ") {
				t.Errorf("said %s", p.text())
			}
			if codes := n.wechat.Count("jslogin"); codes > 40 {
				t.Errorf("%d QR codes", codes)
			}
		})
	}
}

// TestHostileSecondSignal ends at once what does not end gently.
func TestHostileSecondSignal(t *testing.T) {
	t.Parallel()
	n := newInternet(t)
	alice := n.wechat.AddFriend(simwechat.Person{Nick: "Alice"})
	p := n.start(t, "serve")
	p.waitFor(t, "Answering.")
	n.wechat.Say(alice, "Take for ever: !hang")
	for deadline := time.Now().Add(20 * time.Second); n.openai.Count() == 0 && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond) // a poll: the simulator has no signal for a request under way
	}
	must(t, p.Process.Signal(syscall.SIGTERM))
	p.waitFor(t, "Stopping")
	must(t, p.Process.Signal(syscall.SIGTERM))
	if status := p.status(t); status == 0 {
		t.Errorf("status %d", status)
	}
}

// TestNobodyReads takes away whoever reads what a process prints, as Ctrl-C does
// with "diagbot serve | tee log". It goes on, and stops gently all the same.
func TestNobodyReads(t *testing.T) {
	t.Parallel()
	n := newInternet(t)
	alice := n.wechat.AddFriend(simwechat.Person{Nick: "Alice"})
	r, w, err := os.Pipe()
	must(t, err)
	p := exec.Command(os.Args[0], "serve")
	p.Env, p.Dir, p.Stdout, p.Stderr = n.env, t.TempDir(), w, w
	must(t, p.Start())
	must(t, w.Close())
	defer func() { _ = p.Process.Kill() }()
	must(t, n.wechat.WaitLogin(t.Context()))
	must(t, r.Close())
	for i := range 3 {
		n.wechat.Say(alice, "walrus")
		n.answer(t, i+1)
	}
	must(t, p.Process.Signal(syscall.SIGTERM))
	_ = p.Wait()
	if !p.ProcessState.Exited() {
		t.Errorf("it ended by %v", p.ProcessState)
	}
	n.withAccount(t, func(a *store.Account) {
		if open, err := a.Open(t.Context()); err != nil || len(open) > 0 {
			t.Errorf("open: %v, %v", open, err)
		}
	})
}

// TestTerminalStandsStill prints to a pipe that is full, as a terminal is after
// Ctrl-S. People are answered, and the process ends when it should.
func TestTerminalStandsStill(t *testing.T) {
	t.Parallel()
	n := newInternet(t)
	alice := n.wechat.AddFriend(simwechat.Person{Nick: "Alice"})
	r, w, err := os.Pipe()
	must(t, err)
	defer r.Close()
	for err = nil; err == nil; {
		must(t, w.SetWriteDeadline(time.Now().Add(50*time.Millisecond)))
		_, err = w.Write(make([]byte, 512))
	}
	p := exec.Command(os.Args[0], "serve")
	p.Env, p.Dir, p.Stdout = n.env, t.TempDir(), w
	must(t, p.Start())
	defer func() { _ = p.Process.Kill(); _ = p.Wait() }()
	must(t, n.wechat.WaitLogin(t.Context()))
	n.wechat.Say(alice, "walrus")
	n.answer(t, 1)
	must(t, p.Process.Signal(syscall.SIGTERM))
	time.AfterFunc(20*time.Second, func() { _ = p.Process.Kill() })
	if _ = p.Wait(); !p.ProcessState.Exited() {
		t.Errorf("it ended by %v", p.ProcessState)
	}
}

// TestTerminalGone closes the terminal under a process, which stops gently, and under
// one that was started with nohup, which goes on.
func TestTerminalGone(t *testing.T) {
	t.Parallel()
	n := newInternet(t, func(o *simllm.Options) { o.Latency = time.Second })
	alice := n.wechat.AddFriend(simwechat.Person{Nick: "Alice"})
	heard := make(chan os.Signal, 1)
	signal.Notify(heard, syscall.SIGHUP) // else a process would inherit nohup's deafness from us
	defer signal.Stop(heard)
	p := n.start(t, "serve")
	p.waitFor(t, "Answering.")
	n.wechat.Say(alice, "walrus")
	for deadline := time.Now().Add(20 * time.Second); n.openai.Count() == 0 && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond) // a poll: the simulator has no signal for a request under way
	}
	must(t, p.Process.Signal(syscall.SIGHUP))
	p.waitFor(t, "Stopping")
	must(t, p.Process.Signal(syscall.SIGHUP)) // the shell sends one, and the system another
	if status := p.status(t); status != 0 || !strings.Contains(p.text(), "Stopped.") || len(n.wechat.Sent()) != 1 {
		t.Errorf("status %d", status)
	}
	hardy := exec.Command("sh", "-c", `trap "" HUP; exec "$0" serve`, os.Args[0])
	hardy.Env, hardy.Dir = n.env, t.TempDir()
	must(t, hardy.Start())
	defer func() { _ = hardy.Process.Kill() }()
	n.waitHealth(t, "Alive: online.")
	must(t, hardy.Process.Signal(syscall.SIGHUP))
	n.wechat.Say(alice, "walrus")
	n.answer(t, 2)
	must(t, hardy.Process.Signal(syscall.SIGTERM))
	if err := hardy.Wait(); err != nil {
		t.Error(err)
	}
}

// TestStopsWhileOpening ends a process that waits for a database server which says
// nothing.
func TestStopsWhileOpening(t *testing.T) {
	t.Parallel()
	n := newInternet(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	n.env = append(n.env, "DIAGBOT_STORE_URL=postgres://u@"+l.Addr().String()+"/db?sslmode=disable&connect_timeout=30")
	p := n.start(t, "serve")
	silent, err := l.Accept()
	must(t, err)
	defer silent.Close()
	if status := p.stop(t); status != 0 || !strings.Contains(p.text(), "Stopped.") {
		t.Errorf("status %d", status)
	}
}
