package configs

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

const (
	maxFile   = 1 << 20  // bytes of a configuration file
	maxSecret = 64 << 10 // bytes of a secret file
)

// readFile finds, reads and indexes the configuration file and hands what it
// holds to viper.
func (l *loader) readFile() {
	path := l.choose()
	if path == "" {
		return
	}
	l.file = path
	text, err := readAtMost(l.at(path), maxFile)
	if err != nil {
		l.broken = true
		l.add("", fileRule(err).rule, fileRule(err).args...)
		return
	}
	settings, ok := l.parse(text)
	l.broken = !ok
	if err := l.viper.MergeConfigMap(settings); err != nil {
		l.syntax(err)
	}
}

// choose returns the file to read: the one asked for, else the first of the
// usual ones that is there.
func (l *loader) choose() string {
	if l.Path != "" {
		return l.Path
	}
	if path := l.env[envPrefix+"CONFIG"]; path != "" {
		return path
	}
	var found []string
	for _, path := range []string{filepath.Join("configs", "config.yaml"), "config.yaml"} {
		if _, err := os.Lstat(l.at(path)); !errors.Is(err, fs.ErrNotExist) {
			found = append(found, path)
		}
	}
	if len(found) == 0 {
		return ""
	}
	l.file = found[0]
	for _, other := range found[1:] {
		l.warn("", warnOther, other)
	}
	return found[0]
}

// at resolves a relative path.
func (l *loader) at(path string) string {
	if l.Dir == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(l.Dir, path)
}

var errTooBig = errors.New("too large")
var errIsDir = errors.New("is a directory")

// readAtMost reads a file that is a file and not larger than limit bytes. Pipes
// are read too: a shell may pass a secret through one.
func readAtMost(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, errIsDir
	}
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = errTooBig
	}
	return text, err
}

// fileRule says why the configuration file could not be read.
func fileRule(err error) said {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return say(ruleNoFile)
	case errors.Is(err, errIsDir):
		return say(ruleIsDir)
	case errors.Is(err, errTooBig):
		return say(ruleTooBig, maxFile>>10)
	}
	return say(ruleUnreadable, why(err))
}

// why says in few words why a file could not be read.
func why(err error) said {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return say(whyMissing)
	case errors.Is(err, fs.ErrPermission):
		return say(whyDenied)
	case errors.Is(err, errIsDir):
		return say(whyDir)
	case errors.Is(err, errTooBig):
		return say(whyTooBig)
	}
	return say(whyOther)
}

// parse turns the file's text into settings, reporting and leaving out keys
// that don't exist. It fails if there is nothing to go on with.
func (l *loader) parse(text []byte) (map[string]any, bool) {
	if !utf8.Valid(text) {
		l.add("", ruleNotUTF8)
		return nil, false
	}
	root, err := document(text)
	if err != nil {
		l.slips(err, string(text))
		return nil, false
	}
	if root == nil {
		return nil, true
	}
	if root.Kind == yaml.ScalarNode && l.colon(string(text)) {
		return nil, false
	}
	x := index{findings: &l.findings, budget: maxNodes}
	x.root(root)
	settings := map[string]any{}
	if x.budget <= 0 || root.Kind != yaml.MappingNode {
		return nil, false
	}
	if err := root.Decode(&settings); err != nil {
		l.syntax(err)
		return nil, false
	}
	return settings, true
}

var errDocuments = errors.New("more than one document")

// document parses the one document of a file: nil if it is empty.
func document(text []byte) (*yaml.Node, error) {
	d := yaml.NewDecoder(bytes.NewReader(text))
	var doc, next yaml.Node
	if err := d.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return nil, err
	}
	if err := d.Decode(&next); !errors.Is(err, io.EOF) {
		return nil, cmp.Or(err, errDocuments)
	}
	root := doc.Content[0]
	if root.Tag == "!!null" {
		return nil, nil
	}
	return root, nil
}
