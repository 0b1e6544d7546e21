package bot

import (
	"context"
	"strings"
)

// lang shows or changes a language. In a group an admin sets the group's, which
// holds for all who have chosen none themselves; anybody else sets their own.
func (r *Relay) lang(in call) string {
	say := r.catalogue().Say
	want := bare(oneLine(in.args, maxName))
	switch fold(want) {
	case "":
		return say(in.tag, "lang_current", "name", r.localeName(in.tag), "tag", in.tag, "how", say(in.tag, "lang_how_"+in.how)) +
			"\n" + say(in.tag, "lang_usage", "list", r.localeList(in.tag))
	case "auto", "自动", "自動":
		return r.setLanguage(in, "")
	}
	chosen, ok := r.catalogue().MatchLocale(want)
	if !ok {
		return say(in.tag, "lang_unknown", "tag", r.redact(want), "list", r.localeList(in.tag))
	}
	return r.setLanguage(in, chosen)
}

// setLanguage sets the language of the group or of the person; empty: by what is
// written. It answers in the language that holds from now on.
func (r *Relay) setLanguage(in call, tag string) string {
	whose, group := languageOf(in.person), false
	if in.Chat.Group {
		proof, err := r.proof(in)
		if err != nil {
			return r.unread(in.tag, err)
		}
		if group = proof != ""; group {
			in.proof, whose = proof, languageOfGroup(r.conversation(in.Message).Key)
		}
	}
	if r.keep(in.work, func(ctx context.Context) error { return r.languages.put(ctx, whose, tag) }) != nil {
		return ""
	}
	if group {
		in.did(orElse(tag, "auto"), resultDone)
		in.deed.Who = r.who(in)
	}
	said, how := r.language(in.work, in.task)
	if group && tag != "" {
		said = tag // also where the admin has chosen another
	}
	return r.catalogue().Say(said, languageSaid(tag, how, in.Chat.Group, group), "name", r.localeName(tag))
}

// languageSaid is the key of what is said of a new language.
func languageSaid(tag, how string, inGroup, group bool) string {
	key := "lang_set"
	if tag == "" {
		key = "lang_auto"
	}
	switch {
	case group:
		key += "_group"
	case inGroup && (tag != "" || how == "group"):
		key += "_own"
	}
	return key
}

func (r *Relay) localeName(tag string) string {
	for _, l := range r.catalogue().Locales() {
		if l.Tag == tag {
			return l.Name
		}
	}
	return tag
}

func (r *Relay) localeList(tag string) string {
	var names []string
	for _, l := range r.catalogue().Locales() {
		names = append(names, l.Tag+" "+l.Name)
	}
	return strings.Join(names, comma(tag))
}
