package store

// All SQL that is run while the bot works, for both engines; what differs
// between them is in dialect.

// dialect is what the engines say differently.
type dialect struct {
	now  string // microseconds since 1970, by the database's clock
	held string // further condition on a lease, and how its row is locked
	ttl  bool   // leases end by themselves
}

// leaseSQL is about the lease of an account. Owners lock its row in a way that
// lets renewals pass, which do not change the key, but not a change of owner,
// which locks it in full before.
type leaseSQL struct{ free, take, renew, holds, release string }

func (d dialect) lease() leaseSQL {
	const mine = " WHERE account = $1 AND node = $2 AND fence = $3"
	until, free, lock := "$3", "", "" // SQLite: whoever holds the directory's lock may take all
	if d.ttl {
		until = d.now + " + $3"
		free = " WHERE leases.node = $2 OR leases.until <= " + d.now
		lock = "SELECT 1 FROM leases WHERE account = $1 AND (node = $2 OR until <= " + d.now + ") FOR UPDATE"
	}
	return leaseSQL{
		free: lock,
		take: "INSERT INTO leases (account, node, fence, until) VALUES ($1, $2, 1, " + until + ")" +
			" ON CONFLICT (account) DO UPDATE SET node = excluded.node, fence = leases.fence + 1, until = excluded.until" +
			free + " RETURNING fence",
		renew:   "UPDATE leases SET until = " + d.now + " + $4" + mine + " AND until > " + d.now,
		holds:   "SELECT 1 FROM leases" + mine + d.held,
		release: "UPDATE leases SET node = '', until = 0" + mine,
	}
}

const (
	sqlReceive = `INSERT INTO messages (account, seq, id, state, heard, body, said, ended, outcome, took)
		VALUES ($1, $2, $3, 0, $4, $5, 0, 0, '', 0) ON CONFLICT (account, id) DO NOTHING`
	sqlUnreceive = `DELETE FROM messages WHERE account = $1 AND seq BETWEEN $2 AND $3`
	sqlOpen      = `SELECT seq, heard, state, body, reply, said FROM messages
		WHERE account = $1 AND state < 2 AND heard >= 0 AND body IS NOT NULL ORDER BY seq`
	sqlConclude = `UPDATE messages SET state = 1, reply = $3, ended = $4, outcome = $5, took = $6
		WHERE account = $1 AND seq = $2 AND state = 0`
	sqlConcludeSilently = `UPDATE messages SET state = 2, body = NULL, ended = $3, outcome = $4, took = $5
		WHERE account = $1 AND seq = $2 AND state = 0`
	sqlSaid    = `UPDATE messages SET said = $3 WHERE account = $1 AND seq = $2 AND state = 1 AND said < $3`
	sqlSaidAll = `UPDATE messages SET state = 2, said = $3, body = NULL, reply = NULL
		WHERE account = $1 AND seq = $2 AND state = 1`
	sqlDone = `UPDATE messages SET state = 2, said = $3, body = NULL, reply = NULL,
		ended = CASE WHEN ended > 0 THEN ended ELSE $4 END
		WHERE account = $1 AND seq = $2 AND state < 2`

	// A chat that was quiet for longer than its memory lasts, or that is to forget,
	// begins anew. For others the first statement does, which changes nothing that is
	// in an index.
	sqlChatAgain = `UPDATE chats SET last = $6 WHERE account = $1 AND chat = $2 AND login = $3 AND name = $4 AND seen = $5
		AND last >= $7`
	sqlChat = `INSERT INTO chats (account, chat, login, name, seen, last, first) VALUES ($1, $2, $3, $4, $5, $6, $8)
		ON CONFLICT (account, chat) DO UPDATE SET login = excluded.login, name = excluded.name,
		seen = excluded.seen, last = excluded.last,
		first = CASE WHEN chats.last < $7 OR $9 = 1 THEN excluded.first ELSE chats.first END`
	sqlForget = `DELETE FROM turns WHERE account = $1 AND chat = $2 AND
		seq < (SELECT first FROM chats WHERE account = $1 AND chat = $2)`
	sqlTurn = `INSERT INTO turns (account, chat, seq, asked, answered, picture) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (account, chat, seq) DO NOTHING`
	sqlTrim = `DELETE FROM turns WHERE account = $1 AND chat = $2 AND
		seq <= (SELECT seq FROM turns WHERE account = $1 AND chat = $2 ORDER BY seq DESC LIMIT 1 OFFSET $3)`
	sqlRecallChat  = `SELECT last, first FROM chats WHERE account = $1 AND chat = $2`
	sqlRecallTurns = `SELECT asked, answered, picture FROM turns WHERE account = $1 AND chat = $2 AND seq >= $3 ORDER BY seq`
	sqlRecallLost  = `SELECT 1 FROM chats c WHERE c.account = $1 AND c.name = $2 AND c.login <> '' AND c.login <> $3
		AND c.seen >= $4 / 86400000000 AND c.last >= $4 AND EXISTS (SELECT 1 FROM turns t WHERE t.account = c.account AND t.chat = c.chat AND t.seq >= c.first)
		LIMIT 1`

	incidentColumns = `ref, entry, provider, status, at, took, rescued, chat, in_group, attempts`
	sqlIncident     = `INSERT INTO incidents (account, ` + incidentColumns + `)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT (account, ref) DO UPDATE SET entry = excluded.entry, provider = excluded.provider,
		status = excluded.status, at = excluded.at, took = excluded.took, rescued = excluded.rescued,
		chat = excluded.chat, in_group = excluded.in_group, attempts = excluded.attempts`
	sqlIncidents = `SELECT ` + incidentColumns + ` FROM incidents WHERE account = $1 AND at >= $2
		ORDER BY at DESC, ref LIMIT $3`
	sqlIncidentsOf = `SELECT ` + incidentColumns + ` FROM incidents WHERE account = $1 AND at >= $2 AND entry = $4
		ORDER BY at DESC, ref LIMIT $3`
	sqlIncidentByRef = `SELECT ` + incidentColumns + ` FROM incidents WHERE account = $1 AND at >= $2 AND ref = $3`
	sqlTrend         = `SELECT entry, (at - $2) / $3, COUNT(*), CAST(SUM(rescued) AS BIGINT), COUNT(DISTINCT chat), MAX(at) FROM incidents
		WHERE account = $1 AND at >= $2 GROUP BY 1, 2 ORDER BY 2, 3 DESC, 1`
	sqlTally = `SELECT outcome, COUNT(*) FROM messages
		WHERE account = $1 AND ended >= $2 AND ended > 0 AND outcome <> '' GROUP BY 1`
	sqlMedian = `SELECT took FROM messages
		WHERE account = $1 AND ended >= $2 AND ended > 0 AND outcome IN ('answered', 'rescued')
		ORDER BY took LIMIT 1 OFFSET $3`

	sqlSettings = `SELECT name, value FROM settings WHERE account = $1 AND scope = $2`
	sqlSet      = `INSERT INTO settings (account, scope, name, value) VALUES ($1, $2, $3, $4)
		ON CONFLICT (account, scope, name) DO UPDATE SET value = excluded.value`
	sqlUnset = `DELETE FROM settings WHERE account = $1 AND scope = $2 AND name = $3`
	sqlSpend = `INSERT INTO spent (account, day, name, times, last) VALUES ($1, $2, $3, $5, $4)
		ON CONFLICT (account, day, name) DO UPDATE SET times = spent.times + excluded.times, last = excluded.last`
	sqlSpent  = `SELECT times FROM spent WHERE account = $1 AND day = $2 AND name = $3`
	sqlAudit  = `INSERT INTO audits (account, seq, at, who, place, command, result) VALUES ($1, $2, $3, $4, $5, $6, $7)`
	sqlAudits = `SELECT at, who, place, command, result FROM audits WHERE account = $1 ORDER BY at DESC, seq DESC LIMIT $2`

	sqlPutLogin = `INSERT INTO logins (account, name, value, changed) VALUES ($1, $2, $3, $4)
		ON CONFLICT (account, name) DO UPDATE SET value = excluded.value, changed = excluded.changed`
	sqlGetLogin      = `SELECT value FROM logins WHERE account = $1 AND name = $2`
	sqlRemoveLogin   = `DELETE FROM logins WHERE account = $1 AND name = $2`
	sqlGetEverywhere = `SELECT account, value FROM logins WHERE name = $1`
	sqlLogins        = `SELECT name, value FROM logins WHERE account = $1`

	sqlAccounts  = `SELECT account FROM leases ORDER BY account`
	sqlSweepDone = `DELETE FROM messages WHERE account = $1 AND seq IN (
		SELECT seq FROM messages WHERE account = $1 AND ended > 0 AND ended < $2 AND state = 2 ORDER BY ended LIMIT $3)
		RETURNING CAST(seq AS TEXT)`
	sqlSweepUndone = `DELETE FROM messages WHERE account = $1 AND seq IN (
		SELECT seq FROM messages WHERE account = $1 AND state < 2 AND body IS NOT NULL AND heard < $2 ORDER BY heard LIMIT $3)
		RETURNING CAST(seq AS TEXT)`
	sqlSweepChats = `DELETE FROM chats WHERE account = $1 AND chat IN (
		SELECT chat FROM chats WHERE account = $1 AND seen <= $2 / 86400000000 AND last < $2 ORDER BY seen LIMIT $3)
		RETURNING chat`
	sqlSweepTurns     = `DELETE FROM turns WHERE account = $1 AND chat = $2`
	sqlSweepIncidents = `DELETE FROM incidents WHERE account = $1 AND ref IN (
		SELECT ref FROM incidents WHERE account = $1 AND at < $2 ORDER BY at LIMIT $3) RETURNING ref`
	sqlSweepAudits = `DELETE FROM audits WHERE account = $1 AND seq IN (
		SELECT seq FROM audits WHERE account = $1 AND at < $2 ORDER BY at LIMIT $3) RETURNING CAST(seq AS TEXT)`
	sqlSweepSpent = `DELETE FROM spent WHERE account = $1 AND day IN (
		SELECT day FROM spent WHERE account = $1 GROUP BY day HAVING MAX(last) < $2 ORDER BY day LIMIT $3)
		RETURNING day`
)
