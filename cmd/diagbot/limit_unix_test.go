//go:build unix

package main

import (
	"os/signal"
	"syscall"
)

func ignoreLimit() { signal.Ignore(syscall.SIGXFSZ) }
