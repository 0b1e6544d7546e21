package bot

import "strings"

// listCodes lists all codes with their titles: /diag list. It is long, so groups
// are spared it.
func (r *Relay) listCodes(in call) string {
	c := r.catalogue()
	if in.Chat.Group {
		return c.Say(in.tag, "list_private")
	}
	lines := []string{c.Say(in.tag, "list_title")}
	told := make(map[string]bool)
	for _, e := range c.Entries() {
		line := e.Code + " " + c.Title(e.ID, in.tag)
		if told[line] {
			continue
		}
		told[line] = true
		lines = append(lines, line)
	}
	return strings.Join(append(lines, "", c.Say(in.tag, "diag_usage")), "\n")
}
