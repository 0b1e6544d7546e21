package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/diagbot/diagbot/internal/similink"
)

// openTerminal returns the keyboard of a new terminal, and what a process has of
// it.
func openTerminal(t *testing.T) (keys, terminal *os.File) {
	t.Helper()
	keys, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no terminals here:", err)
	}
	t.Cleanup(func() { _ = keys.Close() })
	var unlock, number int32
	for request, value := range map[uintptr]*int32{syscall.TIOCSPTLCK: &unlock, syscall.TIOCGPTN: &number} {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, keys.Fd(), request, uintptr(unsafe.Pointer(value))); errno != 0 {
			t.Skip("no terminals here:", errno)
		}
	}
	terminal, err = os.OpenFile(fmt.Sprint("/dev/pts/", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no terminals here:", err)
	}
	t.Cleanup(func() { _ = terminal.Close() })
	return keys, terminal
}

// sit starts a process with a person at its terminal, who types what they are told
// to.
func (n *internet) sit(t *testing.T, args ...string) (*process, func(line string)) {
	t.Helper()
	keys, terminal := openTerminal(t)
	n.stdin = terminal
	p := n.start(t, args...)
	n.stdin = nil
	return p, func(line string) {
		_, err := keys.WriteString(line + "\n")
		must(t, err)
	}
}

// TestServeAsks holds that the person at a terminal is asked once how to log in,
// and nobody else.
func TestServeAsks(t *testing.T) {
	t.Parallel()
	n := newInternetWith(t, sims{ilink: similink.Options{VerifyCode: "4711"}})
	p, typed := n.sit(t, "serve")
	p.waitFor(t, "1 or 2")
	typed("what?")
	typed("2")
	p.waitFor(t, "Logging in over ilink")
	p.waitFor(t, "Type them here")
	typed("1147")
	p.waitFor(t, "Those digits were wrong.")
	typed("4711")
	p.waitFor(t, "Answering.")
	alice := n.ilink.AddUser("Alice")
	n.ilink.Say(alice, "Hello!")
	n.told(t, 1)
	if status := p.stop(t); status != 0 {
		t.Errorf("status %d", status)
	}
	if n.wechat.Count("jslogin") != 0 {
		t.Error("it logged in the other way, too")
	}
	again, _ := n.sit(t, "serve")
	again.waitFor(t, "Answering.")
	if status := again.stop(t); status != 0 || strings.Contains(again.text(), "1 or 2") {
		t.Errorf("status %d; the second time it said %s", status, again.text())
	}
	if c := n.start(t, "check"); c.status(t) != 0 || !strings.Contains(c.text(), "ilinkai.weixin.qq.com answers") {
		t.Errorf("check: %s", c.text())
	}
}

// TestServeEnter holds that Enter brings a new code when nobody scanned the last.
func TestServeEnter(t *testing.T) {
	t.Parallel()
	n := newInternetWith(t, sims{ilink: similink.Options{ScanDelay: -1}})
	n.configured(t, onILink)
	n.ilink.ExpireQR(3)
	p, typed := n.sit(t, "serve")
	p.waitFor(t, "no more codes follow")
	codes := n.ilink.Count("get_bot_qrcode")
	n.ilink.Scan()
	typed("")
	p.waitFor(t, "Answering.")
	if more := n.ilink.Count("get_bot_qrcode") - codes; more != 1 {
		t.Errorf("%d more QR codes", more)
	}
	if status := p.stop(t); status != 0 {
		t.Errorf("status %d", status)
	}
}

// TestServeChannel holds what the command line may say about the way to log in.
func TestServeChannel(t *testing.T) {
	t.Parallel()
	n := newInternet(t)
	n.wechat.RefuseLogin(1203, "为了你的帐号安全，暂不支持使用网页版微信。")
	p := n.start(t, "serve")
	if status := p.status(t); status != int(statusLost) || !strings.Contains(p.text(), "diagbot serve --channel ilink") {
		t.Errorf("status %d, said %s", status, p.text())
	}
	p = n.start(t, "serve", "--channel", "ilink")
	p.waitFor(t, "Answering.")
	if status := p.stop(t); status != 0 {
		t.Errorf("status %d", status)
	}
	p = n.start(t, "serve")
	p.waitFor(t, "with the stored session")
	if status := p.stop(t); status != 0 {
		t.Errorf("status %d", status)
	}
	if p = n.start(t, "serve", "--channel", "pigeon"); p.status(t) != int(statusUsage) || !strings.Contains(p.text(), "not pigeon") {
		t.Errorf("said %s", p.text())
	}
	n.configured(t, onILink)
	if p = n.start(t, "serve", "--channel", "ilink"); p.status(t) != int(statusUsage) || !strings.Contains(p.text(), "config.yaml instead") {
		t.Errorf("said %s", p.text())
	}
	if raw, err := os.ReadFile(filepath.Join(n.data, channelFile)); err != nil || string(raw) != "ilink\n" {
		t.Errorf("remembered %q, %v", raw, err)
	}
}

// TestDemoTellsWhoIsTold: what the owner is told of a failure is not shown as if it
// were said to the friend who met it, and everybody is spoken to in the language of
// the terminal.
func TestDemoTellsWhoIsTold(t *testing.T) {
	t.Parallel()
	n := newInternet(t)
	p, typed := n.sit(t, "demo", "--lang", "zh-Hans")
	p.waitFor(t, "小明>")
	typed("!401")
	p.waitFor(t, "小诊 → owner< API 密钥没有被接受")
	p.waitFor(t, "小诊< AI 服务现在用不了")
	typed(":owner")
	typed("/diag 401")
	p.waitFor(t, "24 小时内在这里出现 1 次")
	typed(":quit")
	if status := p.status(t); status != 0 {
		t.Errorf("status %d: %s", status, p.text())
	}
}

// TestFirstInterrupt ends what waits for somebody who types at the first Ctrl-C,
// leaves nothing behind and blames nothing.
func TestFirstInterrupt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, sign string
		args       []string
		status     int
	}{
		{"a question of serve", "1 or 2", []string{"serve"}, 0},
		{"a paste", "Ctrl-D", []string{"explain", "-"}, 1},
		{"the tour", "1. Answers", []string{"demo", "--tour"}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			n := newInternet(t)
			p, _ := n.sit(t, c.args...)
			p.waitFor(t, c.sign)
			must(t, p.Process.Signal(os.Interrupt))
			if status := p.status(t); status != c.status || strings.Contains(p.text(), "cannot") || strings.Contains(p.text(), "Error") {
				t.Errorf("status %d: %s", status, p.text())
			}
			if _, err := os.Stat(filepath.Join(n.data, "diagbot.db")); err == nil {
				t.Error("made a database")
			}
		})
	}
}
