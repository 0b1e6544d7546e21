package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/diagbot/diagbot/bot"
)

// TestMigrate goes from one version to the next, and stumbles on the way: then
// all is as it was.
func TestMigrate(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		ctx := t.Context()
		driver, dsn, translate := "pgx", p.URL, pgDDL
		if p.lite {
			driver, dsn, translate = "sqlite", filepath.Join(p.Dir, "file"), liteDDL
		}
		db, err := sql.Open(driver, dsn)
		check(t, err)
		defer db.Close()
		first := "CREATE TABLE a (x BYTEA NOT NULL PRIMARY KEY) WITHOUT ROWID; INSERT INTO a VALUES ('kept')"
		second := "ALTER TABLE a ADD COLUMN y BIGINT; UPDATE a SET y = 7"
		step := func(steps ...string) error { return migrate(ctx, "here", db, steps, translate) }

		if err := step(first, "CREATE TABLE b (x BIGINT); CREATE nonsense"); err == nil {
			t.Fatal("nonsense is understood")
		}
		if _, err := db.ExecContext(ctx, "SELECT * FROM a"); err == nil {
			t.Fatal("half a migration is there")
		}
		check(t, step(first))
		if err := step(first, "CREATE nonsense"); err == nil {
			t.Fatal("nonsense is understood")
		}
		check(t, step(first, second))
		check(t, step(first, second))
		var x []byte
		var y int
		check(t, db.QueryRowContext(ctx, "SELECT x, y FROM a").Scan(&x, &y))
		if string(x) != "kept" || y != 7 {
			t.Fatalf("%q, %d", x, y)
		}
		if err := step(first); !errors.Is(err, ErrNewerSchema) || !strings.Contains(err.Error(), "here: ") {
			t.Fatalf("an older program: %v", err)
		}
	})
}

// TestMigrateTurns opens what the first version left.
func TestMigrateTurns(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		ctx := t.Context()
		driver, dsn, translate := "pgx", p.URL, pgDDL
		if p.lite {
			driver, dsn, translate = "sqlite", filepath.Join(p.Dir, liteFile), liteDDL
		}
		db, err := sql.Open(driver, dsn)
		check(t, err)
		if p.lite {
			_, err := db.ExecContext(ctx, fmt.Sprint("PRAGMA application_id = ", liteID))
			check(t, err)
		}
		check(t, migrate(ctx, "here", db, migrations()[:1], translate))
		for _, insert := range []string{
			"INSERT INTO chats (account, chat, login, name, last, first) VALUES ('one', 'k', '', 'n', 259200000001, 1)",
			"INSERT INTO turns (account, chat, seq, asked, answered) VALUES ('one', 'k', 1, 'q', 'a')",
		} {
			_, err := db.ExecContext(ctx, insert)
			check(t, err)
		}
		check(t, db.Close())
		a := p.claim(t)
		same(t, "turns", must[bot.Memory](t)(a.Recall(ctx, bot.Conversation{Key: "k"}, time.Time{})).Turns, []bot.Turn{{Asked: "q", Answered: "a"}})
		same(t, "chats of the third day", count(t, a.db, "chats WHERE seen = 3"), 1)
	})
}

// TestPlans asks SQLite how it would carry the statements out: what reads through
// a whole table is slow where there is much. (sqlGetEverywhere reads through logins,
// of which an account has a few.)
func TestPlans(t *testing.T) {
	a := place{Options{Dir: t.TempDir()}, true}.claim(t)
	for _, query := range []string{
		sqlReceive, sqlUnreceive, sqlOpen, sqlConclude, sqlConcludeSilently, sqlSaid, sqlSaidAll, sqlDone,
		sqlChatAgain, sqlChat, sqlForget, sqlTurn, sqlTrim, sqlRecallChat, sqlRecallTurns, sqlRecallLost,
		sqlIncident, sqlIncidents, sqlIncidentsOf, sqlIncidentByRef, sqlTrend, sqlTally, sqlMedian,
		sqlSettings, sqlSet, sqlUnset, sqlSpend, sqlSpent, sqlAudit, sqlAudits, sqlPutLogin, sqlGetLogin, sqlRemoveLogin, sqlLogins,
		sqlSweepDone, sqlSweepUndone, sqlSweepChats, sqlSweepTurns, sqlSweepIncidents, sqlSweepAudits, sqlSweepSpent,
	} {
		for _, detail := range plan(t, a.db, query) {
			if strings.HasPrefix(detail, "SCAN") && !strings.Contains(detail, "CONSTANT") {
				t.Errorf("%s\n%s", query, detail)
			}
		}
	}
	for query, index := range map[string]string{
		sqlOpen: "messages_open", sqlSweepDone: "messages_ended", sqlTally: "messages_ended", sqlSweepChats: "chats_seen",
		sqlRecallLost: "chats_name", sqlIncidents: "incidents_at", sqlTrend: "incidents_at", sqlSweepUndone: "messages_open",
	} {
		if used := strings.Join(plan(t, a.db, query), "\n"); !strings.Contains(used, index) {
			t.Errorf("%s\ndoes not use %s:\n%s", query, index, used)
		}
	}
}

// plan is how SQLite would carry a statement out.
func plan(t *testing.T, db *DB, query string) (steps []string) {
	t.Helper()
	var args []any
	for strings.Contains(query, fmt.Sprint("$", len(args)+1)) {
		args = append(args, 1)
	}
	check(t, db.write(context.Background(), func(x *tx) error {
		return x.each("EXPLAIN QUERY PLAN "+query, args, func(scan func(...any) error) error {
			var id, parent, unused int
			var detail string
			err := scan(&id, &parent, &unused, &detail)
			steps = append(steps, detail)
			return err
		})
	}))
	return steps
}
