package bot

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// must returns v, or fails the test.
func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestMemoryKeepsMessages(t *testing.T) {
	ctx, m := t.Context(), newMemory(0)
	batch := []Message{{ID: "a", Text: "one"}, {ID: "a"}, {Text: "two"}, {Text: "three"}}
	numbers := must[[]int64](t)(m.Receive(ctx, batch))
	if numbers[0] == 0 || numbers[1] != 0 || numbers[2] <= numbers[0] || numbers[3] <= numbers[2] {
		t.Fatalf("numbers %v", numbers)
	}
	if again := must[[]int64](t)(m.Receive(ctx, batch[:1])); again[0] != 0 {
		t.Errorf("known as %v", again)
	}
	spent := Conclusion{Seq: numbers[0], Reply: StoredReply{ID: 9, Parts: []string{"x", "y"}}, Day: "d", Spent: []string{"n", "n", "k"}}
	for range 2 { // the second stays without effect
		if err := m.Conclude(ctx, spent); err != nil {
			t.Fatal(err)
		}
	}
	if got := must[[]int](t)(m.Spent(ctx, "d", "k", "n", "other")); !slices.Equal(got, []int{1, 2, 0}) {
		t.Errorf("spent %v", got)
	}
	_ = m.Conclude(ctx, Conclusion{Seq: numbers[2]})
	_ = m.Said(ctx, numbers[0], 1, false)
	open := must[[]Open](t)(m.Open(ctx))
	if len(open) != 2 || open[0].Seq != numbers[0] || open[0].Reply.Said != 1 || open[1].Message.Text != "three" || open[1].Reply != nil {
		t.Errorf("open %+v", open)
	}
	_ = m.Said(ctx, numbers[0], 2, true)
	_ = m.Said(ctx, numbers[3], 0, true)
	if open := must[[]Open](t)(m.Open(ctx)); len(open) != 0 {
		t.Errorf("open %+v", open)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	ctx, m := t.Context(), newMemory(0)
	big := strings.Repeat("x", 60<<10)
	for i := range maxPeople + 100 {
		name := fmt.Sprint(i)
		seq := must[[]int64](t)(m.Receive(ctx, []Message{{ID: name}}))[0]
		turn := Turn{Asked: "a"}
		if i < 1000 {
			turn.Asked = big
		}
		_ = m.Conclude(ctx, Conclusion{Seq: seq, Turn: &turn, Keep: 3, Conversation: Conversation{Key: name, Login: "l", Name: name},
			Incident: &Incident{Ref: name}, Day: fmt.Sprint(i / 1000), Spent: []string{name}, Outcome: OutcomeAnswered})
		_ = m.Set(ctx, scopePerson+name, "k", "v")
		_ = m.Audit(ctx, Deed{Who: name})
	}
	for what, n := range map[string][2]int{
		"conversations": {m.talks.order.Len(), maxTalks}, "keys": {len(m.talks.byKey), maxTalks}, "names": {len(m.talks.logins), maxTalks},
		"bytes": {m.talks.size, maxTalksSize}, "incidents": {len(m.incidents.all), maxIncidents}, "deeds": {len(m.deeds.all), maxDeeds},
		"settings": {len(m.settings), maxPeople}, "days": {len(m.spent), 3}, "ids": {len(m.known.ids), maxRecent},
		"times": {len(m.tally.times.all), maxTimes}, "messages": {len(m.open), 0},
	} {
		if n[0] > n[1] {
			t.Errorf("%d %s kept, %d are allowed", n[0], what, n[1])
		}
	}
	if all := must[[]Deed](t)(m.Audits(ctx, 2)); len(all) != 2 || all[0].Who != fmt.Sprint(maxPeople+99) || all[1].Who != fmt.Sprint(maxPeople+98) {
		t.Errorf("deeds %+v", all)
	}
}

func TestMemoryRecalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, m := t.Context(), newMemory(time.Hour)
		turn := func(c Conversation, asked string, keep int, forget bool) {
			seq := must[[]int64](t)(m.Receive(ctx, []Message{{}}))[0]
			_ = m.Conclude(ctx, Conclusion{Seq: seq, Conversation: c, Turn: &Turn{Asked: asked}, Keep: keep, Forget: forget})
		}
		recall := func(c Conversation) string {
			got := must[Memory](t)(m.Recall(ctx, c, time.Now().Add(-time.Hour)))
			text := ""
			for _, turn := range got.Turns {
				text += turn.Asked
			}
			if got.Lost {
				text += " lost"
			}
			return text
		}
		old, anew := Conversation{Key: "1/a", Login: "1", Name: "Ann"}, Conversation{Key: "2/x", Login: "2", Name: "Ann"}
		for _, asked := range []string{"a", "b", "c"} {
			turn(old, asked, 2, false)
		}
		for want, c := range map[string]Conversation{
			"bc": old, " lost": anew, "": {Key: "2/y", Login: "2", Name: "Bob"},
		} {
			if got := recall(c); got != want {
				t.Errorf("recalled %q of %+v, want %q", got, c, want)
			}
		}
		turn(anew, "d", 2, false)
		turn(old, "e", 5, true)
		if a, b := recall(anew), recall(old); a != "d" || b != "e" {
			t.Errorf("recalled %q and %q", a, b)
		}
		time.Sleep(time.Hour + time.Second)
		if got := recall(anew); got != "" {
			t.Errorf("recalled %q after an hour", got)
		}
	})
}

func TestMemoryCountsIncidents(t *testing.T) {
	ctx, m := t.Context(), newMemory(0)
	start := time.Now()
	for i := range 150 {
		_ = m.Record(ctx, Incident{Ref: fmt.Sprint(i), Entry: fmt.Sprint("e", i%3), At: start.Add(time.Duration(i) * time.Minute),
			Chat: fmt.Sprint(i % 2), Rescued: i%3 == 1})
	}
	_ = m.Record(ctx, Incident{Ref: "149", Entry: "e0", At: start}) // replaces one
	got := must[[]Incident](t)(m.Incidents(ctx, IncidentFilter{Entry: "e0", Since: start.Add(100 * time.Minute)}))
	if len(got) != 16 || got[0].Ref != "147" || got[15].Ref != "102" {
		t.Errorf("%d incidents", len(got))
	}
	if got := must[[]Incident](t)(m.Incidents(ctx, IncidentFilter{})); len(got) != 100 {
		t.Errorf("%d incidents without a limit", len(got))
	}
	if got := must[[]Incident](t)(m.Incidents(ctx, IncidentFilter{Ref: "149"})); len(got) != 1 || got[0].Entry != "e0" {
		t.Errorf("found %+v", got)
	}
	counts := must[[]EntryCount](t)(m.Trend(ctx, start, 0))
	if len(counts) != 3 || counts[1].Entry != "e1" || counts[1].Count != 50 || counts[1].Rescued != 50 || counts[1].Chats != 2 ||
		counts[1].Last != start.Add(148*time.Minute) {
		t.Errorf("counted %+v", counts)
	}
	if spans := must[[]EntryCount](t)(m.Trend(ctx, start, time.Hour)); len(spans) != 9 || spans[8].From != start.Add(2*time.Hour) {
		t.Errorf("counted %+v", spans)
	}
}

func TestMemoryOfSettings(t *testing.T) {
	ctx, m := t.Context(), newMemory(0)
	_ = m.Set(ctx, "s", "a", "1")
	_ = m.Set(ctx, "s", "b", "2")
	_ = m.Set(ctx, "s", "a", "")
	_ = m.Set(ctx, "none", "a", "")
	all := must[map[string]string](t)(m.Settings(ctx, "s"))
	if len(all) != 1 || all["b"] != "2" {
		t.Errorf("set %v", all)
	}
	if _ = m.Set(ctx, "s", "b", ""); len(m.settings) != 0 {
		t.Errorf("kept %v", m.settings)
	}
}
