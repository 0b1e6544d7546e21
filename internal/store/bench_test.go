package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/diagbot/diagbot/bot"
)

// answer is the life of one message: heard, concluded with a turn, said.
func answer(ctx context.Context, a *Account, chat bot.Conversation, m bot.Message) error {
	seqs, err := a.Receive(ctx, []bot.Message{m})
	if err != nil {
		return err
	}
	err = a.Conclude(ctx, bot.Conclusion{
		Seq: seqs[0], Reply: bot.StoredReply{ID: seqs[0], Parts: []string{m.Text}}, Outcome: bot.OutcomeAnswered, Took: 1000,
		Conversation: chat, Turn: &bot.Turn{Asked: m.Text, Answered: m.Text}, Keep: 20, Day: "d", Spent: []string{chat.Key},
	})
	if err != nil {
		return err
	}
	return a.Said(ctx, seqs[0], 1, true)
}

// BenchmarkMessages measures whole messages: three writes each, all durable.
func BenchmarkMessages(b *testing.B) {
	for _, c := range []struct {
		engine  string
		writers int
	}{{"SQLite", 1}, {"SQLite", 16}, {"SQLite", 64}, {"PostgreSQL", 1}, {"PostgreSQL", 16}} {
		b.Run(fmt.Sprintf("%s/writers=%d", c.engine, c.writers), func(b *testing.B) {
			p := place{Options{Dir: b.TempDir()}, true}
			if c.engine != "SQLite" {
				p = place{Options{URL: newDatabase(b)}, false}
			}
			a := p.claim(b)
			text := strings.Repeat("words ", 50)
			var next atomic.Int64
			var all sync.WaitGroup
			b.ResetTimer()
			for w := range c.writers {
				chat := bot.Conversation{Key: fmt.Sprint("chat", w), Name: "n"}
				all.Go(func() {
					for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
						m := said(fmt.Sprint("id", n), text)
						if err := answer(context.Background(), a, chat, m); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			all.Wait()
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
			b.ReportMetric(syncSpan(b), "sync-p50-µs")
		})
	}
}

// syncSpan is what the disk itself takes to keep 16 KiB more, in the same minute.
func syncSpan(b *testing.B) float64 {
	b.Helper()
	f, err := os.Create(filepath.Join(b.TempDir(), "file"))
	check(b, err)
	defer f.Close()
	block := make([]byte, 16<<10)
	spans := make([]time.Duration, 300)
	for i := range spans {
		began := time.Now()
		_, err := f.WriteAt(block, int64(i%16)*int64(len(block)))
		check(b, errors.Join(err, f.Sync()))
		spans[i] = time.Since(began)
	}
	return percentile(spans, .5)
}
