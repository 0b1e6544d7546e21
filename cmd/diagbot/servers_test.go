package main

import (
	"database/sql"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/diagbot/diagbot/internal/pgtest"
)

// role is whom a bot is on a database server, where others rule.
type role struct {
	t    *testing.T
	db   *sql.DB // as the ruler
	name string
}

// newRole makes a database with a role for a bot, and returns the bot's URL.
func newRole(t *testing.T, pg *pgtest.Server) (*role, string) {
	t.Helper()
	u, err := url.Parse(pg.Database(t))
	must(t, err)
	db, err := sql.Open("pgx", u.String())
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	b := &role{t, db, "bot_" + u.Path[1:]}
	b.rule("CREATE ROLE " + b.name + " LOGIN")
	b.rule("ALTER SCHEMA public OWNER TO " + b.name)
	t.Cleanup(func() { b.rule("DROP OWNED BY " + b.name + " CASCADE"); b.rule("DROP ROLE " + b.name) })
	q := u.Query()
	q.Set("user", b.name)
	u.RawQuery = q.Encode()
	return b, u.String()
}

func (b *role) rule(statement string) {
	b.t.Helper()
	_, err := b.db.Exec(statement)
	must(b.t, err)
}

// change alters the role, and ends its connections.
func (b *role) change(how string) {
	b.rule("ALTER ROLE " + b.name + " " + how)
	b.rule("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '" + b.name + "'")
}

// TestServerRefuses has a server that answers and refuses: because it is a standby
// now, takes no more connections or nobody of that name, or because somebody forgot
// to end what they began.
func TestServerRefuses(t *testing.T) {
	t.Parallel()
	pg := new(pgtest.Server)
	t.Cleanup(pg.Close)
	pg.Database(t) // starts it, or skips the test
	for name, how := range map[string][2]string{
		"read-only": {"SET default_transaction_read_only = on", "RESET default_transaction_read_only"},
		"full":      {"CONNECTION LIMIT 0", "CONNECTION LIMIT -1"},
		"unknown":   {"NOLOGIN", "LOGIN"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, c := newCrowd(t, 3, 40*time.Millisecond)
			b, at := newRole(t, pg)
			n.env = append(n.env, "DIAGBOT_STORE_URL="+at)
			suffer(t, n, c, outage{
				fail: func(*process) { b.change(how[0]) }, mend: func(*process) { b.change(how[1]) },
				long: 2 * time.Second, keepsOut: true, handsOver: true,
			})
		})
	}
	t.Run("locked", func(t *testing.T) {
		t.Parallel()
		n, c := newCrowd(t, 3, 40*time.Millisecond)
		b, at := newRole(t, pg)
		n.env = append(n.env, "DIAGBOT_STORE_URL="+at)
		var forgotten *sql.Tx
		suffer(t, n, c, outage{
			fail: func(*process) {
				var err error
				forgotten, err = b.db.Begin()
				must(t, err)
				_, err = forgotten.Exec("LOCK TABLE messages IN ACCESS EXCLUSIVE MODE")
				must(t, err)
			},
			mend: func(*process) { must(t, forgotten.Rollback()) },
			long: 2 * time.Second, handsOver: true,
		})
	})
}

// TestServerRestarts restarts a server again and again, gently and not, while people
// write. Nothing at all is said twice, nor asked twice.
func TestServerRestarts(t *testing.T) {
	t.Parallel()
	pg := new(pgtest.Server)
	t.Cleanup(pg.Close)
	n, c := newCrowd(t, 8, 300*time.Millisecond)
	n.env = append(n.env, "DIAGBOT_STORE_URL="+pg.Database(t))
	r := seedOf(t)
	p := n.start(t, "serve")
	p.waitFor(t, "Answering.")
	stop := c.start(t, r, 150*time.Millisecond)
	n.answer(t, 10)
	var halts []time.Time
	for i := range breaks(10) {
		halts = append(halts, time.Now())
		if i%2 == 0 {
			pg.Crash()
		} else {
			pg.Halt()
		}
		time.Sleep(time.Duration(r.Int64N(int64(time.Second))))
		must(t, pg.Resume())
		time.Sleep(time.Duration(r.Int64N(int64(time.Second)))) // a random moment
	}
	stop()
	c.quiet(t)
	if status := p.stop(t); status != 0 {
		t.Errorf("status %d", status)
	}
	if !strings.Contains(p.text(), "not ours any more") { // as on a machine that is full, where a restart takes too long
		halts = nil
	}
	c.settle(t, halts)
}
