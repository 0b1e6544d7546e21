// Command diagbot relays WeChat chats to ChatGPT and compatible services and
// explains, in the chat and in the reader's language, what went wrong when
// something did.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

func main() {
	ctx := interruptible(context.Background())
	t := terminal{in: os.Stdin, out: os.Stdout, err: os.Stderr, environ: os.Environ()}
	os.Exit(run(ctx, os.Args[1:], t))
}

// interruptible returns a context that ends with the first signal to stop. The
// second one ends the process at once, unless it is that of a terminal.
func interruptible(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // else by nohup
		signal.Notify(signals, syscall.SIGHUP) // the terminal was closed
	}
	go func() { // until the process ends
		for s := range signals {
			if ctx.Err() == nil {
				cancel()
			} else if s != syscall.SIGHUP { // which both the shell and the system send
				os.Exit(int(statusFailed))
			}
		}
	}()
	return ctx
}

// terminal is what a command may touch of the process it runs in.
type terminal struct {
	in       io.Reader
	out, err io.Writer
	environ  []string
}

// getenv returns a variable of the terminal's environment, empty if not set.
func (t terminal) getenv(name string) string {
	value, _ := t.lookup(name)
	return value
}

func (t terminal) lookup(name string) (string, bool) {
	for i := len(t.environ) - 1; i >= 0; i-- {
		if key, value, ok := strings.Cut(t.environ[i], "="); ok && key == name {
			return value, true
		}
	}
	return "", false
}
