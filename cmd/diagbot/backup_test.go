package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/diagbot/diagbot/internal/simwechat"
)

// TestBackup copies the state of a running process, and goes back to it: the login
// and what was said are there again.
func TestBackup(t *testing.T) {
	t.Parallel()
	n := newInternet(t)
	alice := n.wechat.AddFriend(simwechat.Person{Nick: "Alice"})
	p := n.start(t, "serve")
	p.waitFor(t, "Answering.")
	n.wechat.Say(alice, "Walruses sleep in water.")
	n.answer(t, 1)
	file := filepath.Join(t.TempDir(), "copy.db")
	if b := n.start(t, "backup", file); b.status(t) != 0 || !strings.Contains(b.text(), file) {
		t.Fatalf("backup: %s", b.text())
	}
	if about, err := os.Stat(file); err != nil || about.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", about, err)
	}
	if b := n.start(t, "backup", file); b.status(t) == 0 {
		t.Errorf("a second backup to the same file: %s", b.text())
	}
	if status := p.stop(t); status != 0 {
		t.Errorf("status %d", status)
	}
	for _, name := range []string{"diagbot.db", "diagbot.db-wal", "diagbot.db-shm"} {
		if err := os.Remove(filepath.Join(n.data, name)); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	must(t, os.Rename(file, filepath.Join(n.data, "diagbot.db")))
	p = n.start(t, "serve")
	p.waitFor(t, "with the stored session.")
	n.wechat.Say(alice, "What did I say before?")
	if got := n.answer(t, 2).Text; !strings.Contains(got, "Walruses") {
		t.Errorf("answered %q", got)
	}
	if status := p.stop(t); status != 0 {
		t.Errorf("status %d", status)
	}
}

// TestNoState: in a directory that serve has not used there is nothing to copy and
// nobody to pair with, and nothing is made that would hide that.
func TestNoState(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	for _, args := range [][]string{{"backup", filepath.Join(dir, "copy")}, {"pair"}} {
		got := diagbot(t, "", []string{"DIAGBOT_DATA_DIR=" + data}, args...)
		if got.status != int(statusFailed) || got.out != "" || !strings.Contains(got.err, data) {
			t.Errorf("%s: %+v", args, got)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

// TestBackupOfAnother refuses what is no state of ours, and check says so first.
func TestBackupOfAnother(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "diagbot.db"), []byte("garbage"), 0o600))
	env := []string{"OPENAI_API_KEY=" + planted, "DIAGBOT_DATA_DIR=" + dir}
	const want = "not a SQLite database"
	if got := diagbot(t, "", env, "backup", filepath.Join(dir, "copy")); got.status != int(statusFailed) || !strings.Contains(got.err, want) {
		t.Errorf("backup: %+v", got)
	}
	if got := diagbot(t, "", env, "check", "--offline"); got.status != int(statusFailed) || !strings.Contains(got.out, want) || !strings.Contains(got.out, "data_dir") {
		t.Errorf("check: %+v", got)
	}
}
