package store

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func newSession(t *testing.T) (*FileSession, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "data", "session.json")
	return NewSession(path), path
}

func TestSessionRoundTrip(t *testing.T) {
	s, path := newSession(t)
	if b, err := s.Load(); b != nil || err != nil {
		t.Fatalf("Load without a file: %q, %v", b, err)
	}
	if err := s.Remove(); err != nil {
		t.Fatalf("Remove without a file: %v", err)
	}
	for _, want := range []string{"first, and longer", "second"} {
		if err := s.Save([]byte(want)); err != nil {
			t.Fatal(err)
		}
		if b, err := s.Load(); string(b) != want || err != nil {
			t.Fatalf("Load: %q, %v; want %q", b, err, want)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v; want 0600", info.Mode(), err)
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Fatalf("files left: %v", left)
	}
	if err := s.Remove(); err != nil {
		t.Fatal(err)
	}
	if b, err := s.Load(); b != nil || err != nil {
		t.Fatalf("Load after Remove: %q, %v", b, err)
	}
}

func TestSessionTightensMode(t *testing.T) {
	s, path := newSession(t)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := s.Save([]byte("new")); err != nil {
		t.Fatal(err)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, want 0600", info.Mode())
	}
}

func TestSessionSetAside(t *testing.T) {
	s, path := newSession(t)
	if _, err := s.SetAside(); err == nil {
		t.Fatal("SetAside without a file: no error")
	}
	for _, content := range []string{"{", "{}"} {
		if err := s.Save([]byte(content)); err != nil {
			t.Fatal(err)
		}
		where, err := s.SetAside()
		if err != nil || where != path+".bad" {
			t.Fatalf("SetAside: %q, %v", where, err)
		}
		if b, _ := os.ReadFile(where); string(b) != content {
			t.Fatalf("set aside: %q, want %q", b, content)
		}
		if b, err := s.Load(); b != nil || err != nil {
			t.Fatalf("Load after SetAside: %q, %v", b, err)
		}
	}
}

func TestSessionUnreadable(t *testing.T) {
	dir := t.TempDir()
	big := filepath.Join(dir, "big")
	if err := os.WriteFile(big, bytes.Repeat([]byte("x"), maxSession+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{dir: "not a file", big: "over"} {
		if _, err := NewSession(path).Load(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Load %s: %v, want %q", path, err, want)
		}
	}
	blocked := filepath.Join(big, "session.json")
	if err := NewSession(blocked).Save([]byte("x")); err == nil {
		t.Error("Save below a file: no error")
	}
}
