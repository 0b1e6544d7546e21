package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/diagbot/diagbot/bot"
)

// fill makes n conversations of one turn each.
func fill(b *testing.B, a *Account, n int) {
	b.Helper()
	const most = 50_000
	for from := 0; from < n; from += most {
		check(b, a.write(context.Background(), "fill", func(x *tx) error {
			const numbers = "WITH RECURSIVE n(i) AS (SELECT $2 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < $3) INSERT INTO "
			to := min(from+most, n)
			_, err := x.exec(numbers+`chats (account, chat, login, name, last, first, seen)
				SELECT $1, 'chat' || i, '', 'somebody ' || i, $4 + i, 0, $4 / 86400000000 FROM n`, a.name, from, to, micros(time.Now()))
			if err == nil {
				_, err = x.exec(numbers+`turns (account, chat, seq, asked, answered)
					SELECT $1, 'chat' || i, 1, $4, $5 FROM n`, a.name, from, to, strings.Repeat("asked ", 20), strings.Repeat("answered ", 30))
			}
			return err
		}))
	}
}

// percentile sorts spans.
func percentile(spans []time.Duration, p float64) float64 {
	slices.Sort(spans)
	return float64(spans[int(p*float64(len(spans)-1))].Nanoseconds()) / 1000
}

// BenchmarkChats answers messages in conversations chosen by chance: by turns
// where there are 100, and where there are a million. An iteration is one in each.
func BenchmarkChats(b *testing.B) {
	type kept struct {
		a               *Account
		chats           int
		recalls, answer []time.Duration
		dir             string
	}
	var both [2]kept
	for i, n := range []int{100, 1_000_000} {
		p := place{Options{Dir: b.TempDir()}, true}
		both[i] = kept{a: p.claim(b), chats: n, dir: p.Dir}
		fill(b, both[i].a, n)
	}
	ctx := context.Background()
	for b.Loop() {
		for i := range both {
			k := &both[i]
			chat := bot.Conversation{Key: fmt.Sprint("chat", rand.IntN(k.chats)), Name: "somebody"}
			began := time.Now()
			m, err := k.a.Recall(ctx, chat, time.Time{})
			if err != nil || len(m.Turns) == 0 {
				b.Fatalf("recalled %+v, %v", m, err)
			}
			recalled := time.Now()
			check(b, answer(ctx, k.a, chat, said(fmt.Sprint(recalled.UnixNano()), strings.Repeat("words ", 50))))
			k.recalls, k.answer = append(k.recalls, recalled.Sub(began)), append(k.answer, time.Since(recalled))
		}
	}
	b.ReportMetric(percentile(both[0].recalls, .5), "recall-100-p50-µs")
	b.ReportMetric(percentile(both[1].recalls, .5), "recall-1e6-p50-µs")
	b.ReportMetric(percentile(both[0].answer, .5), "message-100-p50-µs")
	b.ReportMetric(percentile(both[1].answer, .5), "message-1e6-p50-µs")
	b.ReportMetric(percentile(both[1].answer, .5)/percentile(both[0].answer, .5), "ratio")
	found, err := os.Stat(both[1].dir + "/" + liteFile)
	check(b, err)
	b.ReportMetric(float64(found.Size())/1e6, "file-MB")
	check(b, both[1].a.Release(ctx))
	b.ReportMetric(memory(b, both[1].dir), "rss-MB")
}

// memory has another process work with 10,000 conversations of a directory, and
// returns how much it has then, in MB.
func memory(b *testing.B, dir string) (mb float64) {
	b.Helper()
	o := startOwner(b, place{Options{Dir: dir}, true})
	o.tell("wander")
	if !o.out.Scan() {
		b.Fatal("the other process has ended")
	}
	_, err := fmt.Sscan(o.out.Text(), &mb)
	check(b, err)
	return mb
}

// wander recalls conversations all over the place and adds to them, and says how
// much memory that left the process with.
func wander(a *Account) error {
	for i := range 10_000 {
		chat := bot.Conversation{Key: fmt.Sprint("chat", rand.IntN(1_000_000)), Name: "somebody"}
		if _, err := a.Recall(context.Background(), chat, time.Time{}); err != nil {
			return err
		}
		if i%10 > 0 {
			continue
		}
		if err := answer(context.Background(), a, chat, said(fmt.Sprint("w", i), "words")); err != nil {
			return err
		}
	}
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	_, after, _ := strings.Cut(string(b), "VmRSS:")
	var kb float64
	if _, err := fmt.Sscan(after, &kb); err != nil {
		return err
	}
	fmt.Println(kb * 1024 / 1e6)
	return nil
}

// BenchmarkStart opens a database in which 10,000 messages wait for an answer,
// claims the account and reads them.
func BenchmarkStart(b *testing.B) {
	for _, engine := range []string{"SQLite", "PostgreSQL"} {
		b.Run(engine, func(b *testing.B) {
			p := place{Options{Dir: b.TempDir()}, true}
			if engine != "SQLite" {
				p = place{Options{URL: newDatabase(b)}, false}
			}
			db, err := Open(b.Context(), p.Options)
			check(b, err)
			a := claim(b, db, "one", "node")
			for i := range 100 {
				batch := make([]bot.Message, 100)
				for j := range batch {
					batch[j] = said(fmt.Sprint(i, "-", j), strings.Repeat("words ", 50))
				}
				must[[]int64](b)(a.Receive(b.Context(), batch))
			}
			check(b, db.Close())
			for b.Loop() {
				db, err := Open(b.Context(), p.Options)
				check(b, err)
				a := claim(b, db, "one", "node")
				if open := must[[]bot.Open](b)(a.Open(b.Context())); len(open) != 10_000 {
					b.Fatalf("%d are open", len(open))
				}
				check(b, db.Close())
			}
		})
	}
}
