package bot

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/diagbot/diagbot/troubleshoot"
)

// listCodes lists all codes with their titles: /diag list. It is long, so groups
// are spared it.
func (r *Relay) listCodes(in call) string {
	c := r.catalogue()
	if in.Chat.Group {
		return c.Say(in.tag, "list_private")
	}
	entries := slices.Clone(c.Entries())
	slices.SortStableFunc(entries, byCode)
	lines := []string{c.Say(in.tag, "list_title")}
	for _, e := range entries {
		lines = append(lines, e.Code+" "+c.Title(e.ID, in.tag))
	}
	return strings.Join(append(slices.Compact(lines), "", c.Say(in.tag, "diag_usage")), "\n")
}

// byCode orders entries by their codes: first the numbers, then the words.
func byCode(a, b *troubleshoot.Entry) int {
	x, failed := strconv.Atoi(a.Code)
	y, failedToo := strconv.Atoi(b.Code)
	switch {
	case failed == nil && failedToo == nil:
		return cmp.Compare(x, y)
	case failed == nil:
		return -1
	case failedToo == nil:
		return 1
	}
	return strings.Compare(a.Code, b.Code)
}
