// Package arch holds the program's shape: which package may import which. The
// arrows point one way, foreign technology stays behind one package each, and
// files, environment and network are touched at the edges only. There
// is nothing in it but the test.
package arch
