package llm

// What a prompt costs besides its words, in tokens.
const (
	messageTokens = 4 // of a message: its role and its borders
	primingTokens = 3 // of the answer's beginning
)

// leastLimit is the smallest limit fit works with, in tokens: enough for the
// marks of a cut even where every byte is a token.
const leastLimit = 64

// countFunc returns the tokens of a text: never more than its bytes, or one for
// each. Where rough is set an estimate will do.
type countFunc func(text string, rough bool) int

// fitted is a prompt cut to a limit.
type fitted struct {
	messages  []Message
	trimmed   int  // older turns left out
	shortened bool // the newest message was cut in the middle
	tokens    int  // as counted; 0 if the bytes alone showed that all fits
}

// fit makes messages fit into limit tokens, and returns them as they are if
// they do. Otherwise whole turns are left out, oldest first, until three
// quarters of the limit hold the rest: then the next messages fit again, and
// the provider's cache of the beginning stays of use. The system message and
// the newest user message always stay; what is too long by itself is cut in the
// middle. The order never changes, and messages is not written to.
func fit(messages []Message, limit int, count countFunc) fitted {
	limit = max(limit, leastLimit)
	if mostTokens(messages) <= limit {
		return fitted{messages: messages}
	}
	l := layoutOf(messages)
	base := primingTokens + costOf(l.system, count, false) + costOf(l.newest, count, false)
	if base > limit {
		return l.squeeze(limit, count)
	}
	return l.trim(base, limit, count)
}

// mostTokens is an upper bound: a token has at least one byte.
func mostTokens(messages []Message) int {
	n := primingTokens
	for i := range messages {
		m := &messages[i]
		n += messageTokens + len(m.Pictures)*pictureTokens + len(m.Content)
	}
	return n
}

func costOf(messages []Message, count countFunc, rough bool) int {
	n := 0
	for i := range messages {
		m := &messages[i]
		n += messageTokens + len(m.Pictures)*pictureTokens + count(m.Content, rough)
	}
	return n
}

// fixedTokens is what a message costs besides its words. Pictures take half of the
// room at most, as their cost is a guess and must not swallow what is asked.
func (m *Message) fixedTokens(room int) int {
	return messageTokens + min(len(m.Pictures)*pictureTokens, room/2)
}

// layout is a prompt in its parts.
type layout struct {
	all                  []Message
	system, past, newest []Message
	turns                []int // where each turn begins in past: at a user's message
}

func layoutOf(messages []Message) layout {
	l := layout{all: messages}
	rest := messages
	for len(rest) > 0 && rest[0].Role == RoleSystem {
		rest = rest[1:]
	}
	l.system = messages[:len(messages)-len(rest)]
	last := max(len(rest)-1, 0)
	for i, m := range rest {
		if m.Role == RoleUser {
			l.turns, last = append(l.turns, i), i
		}
	}
	if n := len(l.turns); n > 0 {
		l.turns = l.turns[:n-1]
	}
	l.past, l.newest = rest[:last], rest[last:]
	return l
}

// trim keeps as many of the newest turns as fit, given what the system and the
// newest message cost. It counts no further back than the limit reaches.
func (l layout) trim(base, limit int, count countFunc) fitted {
	total, kept, end := base, base, len(l.past)
	from, left := end, len(l.turns)
	for i := len(l.turns) - 1; i >= 0; i-- {
		total += costOf(l.past[l.turns[i]:end], count, true)
		end = l.turns[i]
		if total > limit {
			return l.without(from, left, kept)
		}
		if total <= limit*3/4 {
			from, left, kept = end, i, total
		}
	}
	total += costOf(l.past[:end], count, true) // an answer whose question is gone
	if total > limit {
		return l.without(from, left, kept)
	}
	return fitted{messages: l.all, tokens: total}
}

// without leaves out the past before from.
func (l layout) without(from, turns, tokens int) fitted {
	kept := make([]Message, 0, len(l.system)+len(l.past)-from+len(l.newest))
	kept = append(append(append(kept, l.system...), l.past[from:]...), l.newest...)
	return fitted{messages: kept, trimmed: turns, tokens: tokens}
}

// squeeze leaves out the past and cuts what does not fit even so: the system
// message to half the room at most, the newest message to what is left.
func (l layout) squeeze(limit int, count countFunc) fitted {
	room := limit - primingTokens
	f := fitted{trimmed: len(l.turns), tokens: primingTokens}
	if len(l.system) > 0 {
		share := max(room/2, room-costOf(l.newest, count, false))
		system, cost, _ := cutTo(l.system, share, count)
		f.messages, f.tokens, room = append(f.messages, system...), f.tokens+cost, room-cost
	}
	newest, cost, cut := cutTo(l.newest, room, count)
	f.messages, f.tokens, f.shortened = append(f.messages, newest...), f.tokens+cost, cut
	return f
}

// cutTo returns messages if they cost no more than room, else the first of
// them alone, cut in the middle if need be.
func cutTo(messages []Message, room int, count countFunc) (kept []Message, cost int, cut bool) {
	if cost = costOf(messages, count, false); cost <= room {
		return messages, cost, false
	}
	first := messages[0]
	if cost = costOf(messages[:1], count, false); cost > room {
		if words := room - first.fixedTokens(room); count(first.Content, false) > words {
			first.Content, cut = cutMiddle(first.Content, words, count), true
		}
		cost = costOf([]Message{first}, count, false)
	}
	return []Message{first}, cost, cut
}
