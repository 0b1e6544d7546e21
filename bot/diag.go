package bot

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/diagbot/diagbot/troubleshoot"
)

// diag explains a code: to everyone what people may know, to admins all of it and
// how often it happened here. Where a group reads along, they get it in private.
func (r *Relay) diag(in call) string {
	topic, rest := cutWord(in.args)
	switch topic {
	case "lang", "语言", "語言":
		in.args, in.deed.Command = rest, "/lang"
		return r.lang(in)
	case "list", "列表":
		return r.listCodes(in)
	}
	if report := reports()[topic]; report != nil {
		in.args = rest
		return r.report(in, report)
	}
	return r.lookUp(in, strings.Trim(oneLine(in.args, 64), " :：「」『』“”\"（）【】《》"))
}

// report answers an admin.
func (r *Relay) report(in call, report func(*Relay, call) string) string {
	proof, err := r.proof(in)
	switch {
	case err != nil:
		return r.unread(in.tag, err)
	case proof == "":
		return r.catalogue().Say(in.tag, "diag_usage")
	}
	in.proof = proof
	in = r.privately(in)
	return r.confide(in, report(r, in))
}

// lookUp explains what a query names: a reference, or a code.
func (r *Relay) lookUp(in call, query string) string {
	i, err := r.findIncident(in.work, query)
	if err != nil {
		return r.unread(in.tag, err)
	}
	found := r.catalogue().Find(query)
	if status := statusAmong(query); i == nil && len(found) == 0 && status != "" {
		query, found = status, r.catalogue().Find(status)
	}
	if i == nil && len(found) == 0 {
		return r.unknownCode(in.tag, query)
	}
	in.proof, err = r.proof(in)
	switch {
	case i != nil && in.proof == "":
		return r.catalogue().Say(in.tag, "admin_only", "ref", i.Ref)
	case i != nil:
		in = r.privately(in)
		return r.confide(in, strings.TrimSpace(r.details(in, i.Entry, "")+"\n\n"+r.story(in.tag, *i)))
	case err == nil && in.proof != "":
		in = r.privately(in)
		return r.confide(in, r.details(in, r.likeliest(in.work, found), query))
	}
	// What happened here lately is not for everyone: the first is as good.
	return r.catalogue().Explain(found[0].ID, troubleshoot.Telling{Audience: troubleshoot.AudiencePublic, Locale: in.tag, Query: query})
}

// reports are what admins can ask for besides codes, by their topics.
func reports() map[string]func(*Relay, call) string {
	return map[string]func(*Relay, call) string{
		"": (*Relay).health, "last": (*Relay).last, "最近": (*Relay).last,
		"probe": (*Relay).probe, "检测": (*Relay).probe, "檢查": (*Relay).probe,
		"explain": (*Relay).explainText, "解释": (*Relay).explainText, "解釋": (*Relay).explainText,
		"trend": (*Relay).trend, "趋势": (*Relay).trend, "趨勢": (*Relay).trend,
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

// likeliest returns the id that was met here last, or else the first of the family
// of the AI source in use.
func (r *Relay) likeliest(ctx context.Context, found []*troubleshoot.Entry) string {
	id, last := r.ofFamily(found).ID, time.Time{}
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

// ofFamily returns the first page that fits the AI source in use: a ChatGPT web
// session has its own.
func (r *Relay) ofFamily(found []*troubleshoot.Entry) *troubleshoot.Entry {
	if r.o.Sources == nil {
		return found[0]
	}
	for _, s := range r.o.Sources.Status() {
		if s.Trouble != "" || s.Held {
			continue
		}
		if i := slices.IndexFunc(found, func(e *troubleshoot.Entry) bool { return e.Family == "chatgpt" }); i >= 0 && s.Source == troubleshoot.SourceWeb {
			return found[i]
		}
		break
	}
	return found[0]
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
	return text + "\n\n" + c.Say(tag, "seen", "count", strconv.Itoa(n.Count), "ago", c.Age(tag, now.Sub(n.Last)))
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

// statuses are the places where words around a status may begin and end.
var statuses = regexp.MustCompile(`(?:^|[^0-9a-z])(?:http|https|error|err|code|status)?([45]\d\d)(?:[^0-9a-z]|$)`)

// statusAmong returns the first status that is among words: 401 是什么意思, HTTP429.
func statusAmong(query string) string {
	if found := statuses.FindStringSubmatch(fold(query)); found != nil {
		return found[1]
	}
	return ""
}

// wholeClass is how people write all statuses of a kind.
var wholeClass = regexp.MustCompile(`^([45])(?:xx|\*\*?|0x|00\+)$`)

// class returns the entry that stands for all codes like an HTTP status that has
// none of its own.
func class(query string) string {
	query = wholeClass.ReplaceAllString(fold(query), "${1}99")
	n, err := strconv.Atoi(query)
	switch {
	case err != nil || n < 400 || n > 599:
		return ""
	case n < 500:
		return "gpt-400"
	}
	return "gpt-500"
}
