package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/diagbot/diagbot/bot"
)

// Record keeps an incident that no conclusion carries.
func (a *Account) Record(ctx context.Context, i bot.Incident) error {
	return a.write(ctx, "record incident", func(t *tx) error { return a.record(t, i) })
}

func (a *Account) record(t *tx, i bot.Incident) error {
	attempts, err := json.Marshal(i.Attempts)
	if err != nil {
		return err
	}
	_, err = t.exec(sqlIncident, a.name, short(i.Ref), short(i.Entry), short(i.Provider), i.Status, micros(i.At),
		i.Took.Microseconds(), toInt(i.Rescued), short(i.Chat), toInt(i.Group), attempts)
	return err
}

func toInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Incidents returns what f asks for, the latest first.
func (a *Account) Incidents(ctx context.Context, f bot.IncidentFilter) (all []bot.Incident, err error) {
	most := f.Most
	if most <= 0 {
		most = 100
	}
	query, args := sqlIncidents, []any{a.name, micros(f.Since), most}
	switch {
	case f.Ref != "":
		query, args = sqlIncidentByRef, []any{a.name, micros(f.Since), short(f.Ref)}
	case f.Entry != "":
		query, args = sqlIncidentsOf, append(args, short(f.Entry))
	}
	err = a.read(ctx, "read incidents", func(t *tx) error {
		all = nil
		return t.each(query, args, func(scan func(...any) error) error {
			i, err := scanIncident(scan)
			if err == nil && (f.Entry == "" || i.Entry == short(f.Entry)) {
				all = append(all, i)
			}
			return err
		})
	})
	return all, err
}

func scanIncident(scan func(...any) error) (i bot.Incident, err error) {
	var at, took int64
	var rescued, group int
	var attempts []byte
	if err := scan(&i.Ref, &i.Entry, &i.Provider, &i.Status, &at, &took, &rescued, &i.Chat, &group, &attempts); err != nil {
		return i, err
	}
	i.At, i.Took, i.Rescued, i.Group = moment(at), time.Duration(took)*time.Microsecond, rescued != 0, group != 0
	if json.Unmarshal(attempts, &i.Attempts) != nil {
		i.Attempts = nil // the rest is worth having without them
	}
	return i, nil
}

// Trend counts incidents from a time on, by entry and by spans of step that
// begin at since; one span if step is 0.
func (a *Account) Trend(ctx context.Context, since time.Time, step time.Duration) (all []bot.EntryCount, err error) {
	from, span := micros(since), step.Microseconds()
	if span <= 0 {
		span = 1 << 62
	}
	err = a.read(ctx, "count incidents", func(t *tx) error {
		all = nil
		return t.each(sqlTrend, []any{a.name, from, span}, func(scan func(...any) error) error {
			var c bot.EntryCount
			var n, last int64
			if err := scan(&c.Entry, &n, &c.Count, &c.Rescued, &c.Chats, &last); err != nil {
				return err
			}
			c.From, c.Last = since.Add(time.Duration(n*span)*time.Microsecond), moment(last)
			all = append(all, c)
			return nil
		})
	})
	return all, err
}

// Tally counts messages concluded from a time on.
func (a *Account) Tally(ctx context.Context, since time.Time) (sum bot.Tally, err error) {
	err = a.read(ctx, "count messages", func(t *tx) error {
		var answered, rescued int
		sum = bot.Tally{}
		err := t.each(sqlTally, []any{a.name, micros(since)}, func(scan func(...any) error) error {
			var outcome bot.Outcome
			var n int
			if err := scan(&outcome, &n); err != nil {
				return err
			}
			switch outcome {
			case bot.OutcomeAnswered:
				answered = n
			case bot.OutcomeRescued:
				rescued = n
			case bot.OutcomeFailed:
				sum.Failed = n
			}
			return nil
		})
		if sum.Answered, sum.Rescued = answered+rescued, rescued; err != nil || sum.Answered == 0 {
			return err
		}
		sum.Failed += rescued
		var took int64
		_, err = t.one(sqlMedian, []any{a.name, micros(since), (sum.Answered - 1) / 2}, &took)
		sum.Median = time.Duration(took) * time.Microsecond
		return err
	})
	return sum, err
}
