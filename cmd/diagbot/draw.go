package main

import (
	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/internal/chart"
)

// drawn is the picture that /diag trend sends.
func drawn(t bot.Trend) ([]byte, error) {
	failed := make([]chart.Series, len(t.Causes))
	for i, c := range t.Causes {
		failed[i] = chart.Series{Name: c.Name, Counts: c.Counts}
	}
	return chart.PNG(chart.Trend{
		Lang: t.Locale, Title: t.Title, Summary: t.Summary, Starts: t.Starts, Location: t.Location, Failed: failed, Rescued: t.Rescued,
		FailedName: t.Words.Failed, RescuedName: t.Words.Rescued, OtherName: t.Words.Other, EmptyText: t.Empty,
	})
}
