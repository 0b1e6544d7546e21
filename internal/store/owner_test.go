package store

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/diagbot/diagbot/bot"
)

// ownerVariable makes this test binary an owner that does what it is told.
const ownerVariable = "DIAGBOT_TEST_OWNER"

// orders is what an owner is started with.
type orders struct {
	Dir, URL string
}

// owner is another process that owns the account "one".
type owner struct {
	t       testing.TB
	process *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Scanner
}

func startOwner(t testing.TB, p place) *owner {
	t.Helper()
	o := &owner{t: t, process: exec.Command(os.Args[0])}
	what, err := json.Marshal(orders{Dir: p.Dir, URL: p.URL})
	check(t, err)
	o.process.Env = append(os.Environ(), ownerVariable+"="+string(what))
	o.process.Stderr = os.Stderr
	o.in, err = o.process.StdinPipe()
	check(t, err)
	out, err := o.process.StdoutPipe()
	check(t, err)
	o.out = bufio.NewScanner(out)
	check(t, o.process.Start())
	t.Cleanup(func() {
		_ = o.process.Process.Kill()
		_ = o.process.Wait()
	})
	o.expect("owner")
	return o
}

// tell gives an order without waiting for what comes of it.
func (o *owner) tell(order string) {
	o.t.Helper()
	_, err := fmt.Fprintln(o.in, order)
	check(o.t, err)
}

func (o *owner) expect(want string) {
	o.t.Helper()
	if !o.out.Scan() || o.out.Text() != want {
		o.t.Fatalf("the other process says %q, want %q", o.out.Text(), want)
	}
}

func (o *owner) signal(s os.Signal) {
	o.t.Helper()
	check(o.t, o.process.Process.Signal(s))
}

// runOwner is the other process. It follows orders until it is killed.
func runOwner(what string) error {
	var o orders
	if err := json.Unmarshal([]byte(what), &o); err != nil {
		return err
	}
	options := Options{Dir: o.Dir, URL: o.URL}
	options.test.lease = quick()
	ctx := context.Background()
	db, err := Open(ctx, options)
	if err != nil {
		return err
	}
	a, err := db.Claim(ctx, "one", "first")
	if err != nil {
		return err
	}
	fmt.Println("owner")
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		switch in.Text() {
		case "write":
			_, err := a.Receive(ctx, []bot.Message{said("", "x")})
			fmt.Println(verdict(err))
		case "owns":
			fmt.Println(a.Owns())
		case "wander":
			if err := wander(a); err != nil {
				return err
			}
		case "hold": // is stopped in the middle of a write
			fmt.Println(verdict(a.write(ctx, "hold", func(t *tx) error {
				fmt.Println("holding")
				in.Scan()
				_, err := t.exec(sqlSet, a.name, "late", "late", "late")
				return err
			})))
		}
	}
	return nil
}

func verdict(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, bot.ErrNotOwner):
		return "not owner"
	}
	return "error"
}
