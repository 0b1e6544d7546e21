//go:build !linux

package pgtest

import (
	"os"
	"os/exec"
)

func unprivileged() string { return "PostgreSQL is tested on Linux" }

func lower(c *exec.Cmd) *exec.Cmd { return c }

func giveAway(string) error { return nil }

func supervise(c *exec.Cmd, started, ended chan<- error) {
	err := c.Start()
	started <- err
	if err == nil {
		ended <- c.Wait()
	}
}

func halt(p *os.Process) { _ = p.Kill() }

func crash(p *os.Process) { _ = p.Kill() }
