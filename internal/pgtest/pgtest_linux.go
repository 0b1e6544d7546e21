package pgtest

import (
	"os"
	"os/exec"
	"os/user"
	"runtime"
	"strconv"
	"syscall"
)

// unprivileged says why PostgreSQL, which refuses to run as root, cannot run.
func unprivileged() string {
	if os.Getuid() == 0 && account() == nil {
		return "PostgreSQL does not run as root, and there is no other user"
	}
	return ""
}

func account() *syscall.Credential {
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 == nil && err2 == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		}
	}
	return nil
}

// lower makes a program run as somebody else than root.
func lower(c *exec.Cmd) *exec.Cmd {
	c.SysProcAttr = &syscall.SysProcAttr{}
	if os.Getuid() == 0 {
		c.SysProcAttr.Credential = account()
		c.Dir = "/"
	}
	return c
}

func giveAway(dir string) error {
	if os.Getuid() != 0 {
		return nil
	}
	who := account()
	return os.Chown(dir, int(who.Uid), int(who.Gid))
}

// supervise starts c, which ends with us, and tells when it has ended. The system
// takes the end of the thread that started it for ours, hence it stays.
func supervise(c *exec.Cmd, started, ended chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	c.SysProcAttr.Pdeathsig = syscall.SIGKILL
	err := c.Start()
	started <- err
	if err == nil {
		ended <- c.Wait()
	}
}

func halt(p *os.Process) { _ = p.Signal(syscall.SIGINT) } // without waiting for clients

func crash(p *os.Process) { _ = p.Signal(syscall.SIGQUIT) }
