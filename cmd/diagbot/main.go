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
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	t := terminal{in: os.Stdin, out: os.Stdout, err: os.Stderr, environ: os.Environ()}
	os.Exit(run(ctx, os.Args[1:], t))
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
