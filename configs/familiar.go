package configs

import (
	"regexp"
	"strings"
)

// hint says in two languages where a setting known from another bot is here.
type hint struct{ en, zh string }

func (h hint) in(locale string) string {
	if strings.HasPrefix(strings.ToLower(locale), "zh") {
		return h.zh
	}
	return h.en
}

// familiar knows keys of other WeChat bots. Those with the same name and
// meaning here need no entry.
func familiar(name string) (hint, bool) {
	if place := moved(name); place != "" {
		return hint{"here it is " + place, "在这里是 " + place}, true
	}
	switch name {
	case "channel_type":
		return hint{"here it is accounts[].channel: openwechat or ilink", "在这里是 accounts[].channel，可选 openwechat 或 ilink"}, true
	case "clear_memory_commands", "session_clear_token":
		return hint{"the command is always /reset, also #清除记忆", "命令固定为 /reset 或 #清除记忆"}, true
	case "group_at_off", "no_need_at":
		return hint{"a mention is always answered; group_chat_prefix adds other ways", "被 @ 时总会回复；其他触发方式用 group_chat_prefix"}, true
	case "conversation_max_tokens":
		return hint{"memory is counted in turns: memory_turns", "记忆按轮数计算：memory_turns"}, true
	case "allow_groups", "group_name_keyword_white_list":
		return hint{"name the groups in group_name_white_list", "请在 group_name_white_list 里列出群名"}, true
	}
	return hint{}, false
}

// moved gives the place of settings that only have another name.
func moved(name string) string {
	switch name {
	case "open_ai_api_key", "openai_api_key", "api_key", "apikey", "openai_key", "api_keys", "keys":
		return "providers[].keys"
	case "open_ai_api_base", "openai_base_url", "base_url", "api_base", "api_url":
		return "providers[].base_url"
	case "model", "models", "openai_model":
		return "providers[].models"
	case "proxy", "http_proxy", "https_proxy":
		return "providers[].proxy"
	case "temperature":
		return "providers[].temperature"
	case "max_tokens":
		return "providers[].max_tokens"
	case "organization", "org_id":
		return "providers[].organization"
	case "request_timeout", "timeout":
		return "deadline"
	case "session_timeout", "session_expires":
		return "expires_in_seconds"
	case "reply_prefix":
		return "single_chat_reply_prefix"
	case "wake_prefix":
		return "single_chat_prefix"
	case "system_prompt", "system", "prompt", "persona":
		return "character_desc"
	case "cow_lang", "lang", "language":
		return "locale"
	case "catalogue_dir":
		return "catalogue.dir"
	case "log", "debug":
		return "log_level"
	}
	return ""
}

// elsewhere finds a key that was written at the wrong level.
func elsewhere(keys []key, name string) (hint, bool) {
	for _, k := range keys {
		if lastSegment(k.path) != name {
			continue
		}
		if k.path == name {
			return hint{"it belongs at the top level", "应写在最外层"}, true
		}
		return hint{"it belongs at " + k.path, "应写在 " + k.path}, true
	}
	return hint{}, false
}

// nearest returns the candidate that differs least from a name, or nothing if
// none is near enough to be meant.
func nearest(candidates []string, name string) string {
	best, least := "", 1+max(2, len(name)/6)
	for _, c := range candidates {
		if d := distance(lastSegment(c), lastSegment(name)); d < least && prefixOf(c) == prefixOf(name) {
			best, least = c, d
		}
	}
	return best
}

// lastSegment and prefixOf cut a path at its last dot.
func lastSegment(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

func prefixOf(path string) string { return path[:strings.LastIndexByte(path, '.')+1] }

// distance is the number of letters to insert, remove, replace or swap with
// their neighbour to get from a to b. Dashes count as underscores.
func distance(a, b string) int {
	a, b = strings.ReplaceAll(a, "-", "_"), strings.ReplaceAll(b, "-", "_")
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}

// looksSecret recognises text that is likely to be a key: a vendor's prefix, or
// a long word that mixes digits and letters as no name does.
func looksSecret(s string) bool {
	if regexp.MustCompile(`(?i)(^|\W)(sk|gsk|xai|hf|ak|rk|pk|fk)[-_][a-z0-9]|^(AIza|eyJ|LTAI|AKIA)|bearer `).MatchString(s) {
		return true
	}
	return regexp.MustCompile(`[A-Za-z0-9]{24,}`).MatchString(s) && strings.ContainsAny(s, "0123456789")
}
