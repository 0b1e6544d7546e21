package main

import (
	"strings"
	"testing"

	"github.com/diagbot/diagbot/internal/store"
)

// TestPairingIsAudited: who made a code at the server is kept, the code is not.
func TestPairingIsAudited(t *testing.T) {
	dir := t.TempDir()
	served, err := store.Open(t.Context(), store.Options{Dir: dir})
	must(t, err)
	must(t, served.Close())
	made := diagbot(t, "", []string{"DIAGBOT_DATA_DIR=" + dir}, "pair")
	code := codeShown.FindStringSubmatch(made.out)
	if made.status != 0 || code == nil {
		t.Fatalf("status %d: %s%s", made.status, made.out, made.err)
	}
	db, err := store.Open(t.Context(), store.Options{Dir: dir})
	must(t, err)
	defer func() { must(t, db.Close()) }()
	account, err := db.Claim(t.Context(), "main", "test")
	must(t, err)
	deeds, err := account.Audits(t.Context(), 10)
	must(t, err)
	if len(deeds) != 1 || deeds[0].Where != "console" || deeds[0].Command != "diagbot pair" || deeds[0].Result != "done" || deeds[0].Who == "" {
		t.Errorf("audited %+v", deeds)
	}
	for _, d := range deeds {
		if strings.Contains(d.Command+d.Result+d.Who, code[1]) {
			t.Error("the code is in the audit")
		}
	}
}
