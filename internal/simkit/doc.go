// Package simkit is what the simulated servers of WeChat stand on, whichever
// protocol they speak: a [Stage] that listens on the loopback interface, keeps the
// failures a test asked for and wakes those who wait; a [History] of what came and
// went; the ways a connection breaks. What a server says is its own affair.
package simkit
