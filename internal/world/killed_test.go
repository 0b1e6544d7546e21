package world_test

import (
	"testing"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/bot/storetest"
	"github.com/diagbot/diagbot/internal/store"
)

// TestKilledOverSQLite kills relays whose store is a database.
func TestKilledOverSQLite(t *testing.T) {
	t.Parallel()
	storetest.Killed(t, func(t *testing.T) bot.Store {
		db, err := store.Open(t.Context(), store.Options{Dir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
		account, err := db.Claim(t.Context(), "main", "here")
		if err != nil {
			t.Fatal(err)
		}
		return account
	})
}
