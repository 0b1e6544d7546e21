package bot

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/diagbot/diagbot/troubleshoot"
)

// diag explains a code: to everyone what people may know, to the account's owner
// all of it and how often it happened here.
func (r *Relay) diag(in call) string {
	tag := in.tag
	query := strings.TrimSpace(oneLine(in.args, 64))
	topic, args, _ := strings.Cut(query, " ")
	if topic = fold(topic); topic == "lang" {
		in.args = args
		return r.lang(in)
	}
	if report := reports()[topic]; report != nil {
		if !in.Sender.Owner {
			return r.catalogue().Say(tag, "diag_usage")
		}
		in.args = args
		return report(r, in)
	}
	i, err := r.findIncident(in.work, query)
	switch {
	case err != nil:
		return r.unread(tag, err)
	case i != nil && !in.Sender.Owner:
		return r.catalogue().Say(tag, "admin_only", "ref", i.Ref)
	case i != nil:
		return strings.TrimSpace(r.details(in, i.Entry, "") + "\n\n" + r.story(tag, *i))
	}
	found := r.catalogue().Find(query)
	if len(found) == 0 {
		return r.unknownCode(tag, query)
	}
	if in.Sender.Owner {
		return r.details(in, r.likeliest(in.work, found), query)
	}
	// What happened here lately is not for everyone: the first is as good.
	return r.catalogue().Explain(found[0].ID, troubleshoot.Telling{Audience: troubleshoot.AudiencePublic, Locale: tag, Query: query})
}

// reports are what the account's owner can ask for besides codes. They are told
// in File Transfer only, where nobody else reads.
func reports() map[string]func(*Relay, call) string {
	return map[string]func(*Relay, call) string{
		"": (*Relay).health, "last": (*Relay).last, "最近": (*Relay).last, "probe": (*Relay).probe, "检测": (*Relay).probe, "檢查": (*Relay).probe,
	}
}

// findIncident finds the reference in a query, which may be pasted with its
// surroundings: "（429 · 7K2F）". It is nil if there is none.
func (r *Relay) findIncident(ctx context.Context, query string) (*Incident, error) {
	for _, word := range strings.FieldsFunc(fold(query), func(c rune) bool { return strings.ContainsRune(" ·()[],.，。", c) }) {
		if len(word) != refLen {
			continue
		}
		found, err := r.incidents(ctx, IncidentFilter{Ref: strings.ToUpper(word), Most: 1})
		if err != nil {
			return nil, err
		}
		if len(found) > 0 {
			return &found[0], nil
		}
	}
	return nil, nil
}

// likeliest returns the id that was met here last, or else the first.
func (r *Relay) likeliest(ctx context.Context, found []*troubleshoot.Entry) string {
	id, last := found[0].ID, time.Time{}
	if len(found) == 1 {
		return id
	}
	seen, err := r.seen(ctx, time.Now())
	if err != nil {
		return id
	}
	for _, e := range found {
		if at := seen[e.ID].Last; at.After(last) {
			id, last = e.ID, at
		}
	}
	return id
}

// seenWithin is how far back "seen here" looks.
const seenWithin = 24 * time.Hour

func (r *Relay) details(in call, id, query string) string {
	c, tag := r.catalogue(), in.tag
	text := c.Explain(id, troubleshoot.Telling{Audience: troubleshoot.AudienceAdmin, Locale: tag, Query: query})
	now := time.Now()
	seen, err := r.seen(in.work, now)
	if err != nil {
		return text + "\n\n" + r.unread(tag, err)
	}
	n := seen[id]
	if n.Count == 0 {
		return text + "\n\n" + c.Say(tag, "never_seen")
	}
	return text + "\n\n" + c.Say(tag, "seen", "count", strconv.Itoa(n.Count), "ago", c.Duration(tag, now.Sub(n.Last)))
}

// unknownCode says what an unlisted code belongs to, or what it is close to.
func (r *Relay) unknownCode(tag, query string) string {
	c := r.catalogue()
	if id := class(query); id != "" {
		return c.Say(tag, "code_class", "code", query, "title", c.Title(id, tag)) + "\n" + c.Say(tag, "more", "id", id)
	}
	lines := []string{c.Say(tag, "unknown_code", "code", query)}
	var near []string
	for _, e := range c.Near(query) {
		near = append(near, e.Code+" "+c.Title(e.ID, tag))
	}
	if len(near) > 0 {
		lines = append(lines, c.Say(tag, "did_you_mean", "list", strings.Join(near, comma(tag))))
	}
	return strings.Join(append(lines, c.Say(tag, "list_hint")), "\n")
}

// class returns the entry that stands for all codes like an HTTP status that has
// none of its own.
func class(query string) string {
	n, err := strconv.Atoi(query)
	switch {
	case err != nil || n < 400 || n > 599:
		return ""
	case n < 500:
		return "gpt-400"
	}
	return "gpt-500"
}
