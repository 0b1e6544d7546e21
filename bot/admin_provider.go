package bot

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/diagbot/diagbot/llm"
)

// provider shows the AI sources and changes how they are asked:
// /provider [use|cool|resume NAME].
func (r *Relay) provider(in call) string {
	verb, name := cutVerb(in.args)
	if verb == "" || verb == "list" {
		return r.listProviders(in.tag, "provider_usage")
	}
	c := r.o.Control
	if c == nil {
		return r.catalogue().Say(in.tag, "control_none")
	}
	act, key := map[string]func(context.Context, string) error{"use": c.Use, "cool": c.Cool, "resume": c.Resume}[verb], "provider_"+verb+"_done"
	if act == nil || name == "" {
		return r.catalogue().Say(in.tag, "provider_usage")
	}
	if verb == "use" && fold(bare(name)) == "auto" {
		name, key = "", "provider_auto_done"
	} else if found, ok := r.providerNamed(name); ok {
		name = found
	} else {
		return r.noProvider(in.tag, name)
	}
	err := r.keepControl(in.work, func(ctx context.Context) error { return act(ctx, name) })
	in.did(verb+" "+orElse(name, "auto"), resultOf(err))
	if err != nil {
		return r.notControlled(in.tag, err)
	}
	text := r.catalogue().Say(in.tag, key, "name", name)
	if verb == "use" && r.isHeld(name) {
		text += "\n" + r.catalogue().Say(in.tag, "provider_use_held", "name", name)
	}
	return text
}

// isHeld reports whether an admin set an AI source aside.
func (r *Relay) isHeld(provider string) bool {
	return slices.ContainsFunc(r.o.Sources.Status(), func(s llm.ProviderStatus) bool { return s.Provider == provider && s.Held })
}

// verbOf is what people mean who do not write English verbs of AI sources and keys.
func verbOf(word string) string {
	switch word {
	case "使用", "改用", "使う", "사용":
		return "use"
	case "停用", "冷却", "冷卻", "休止", "중지":
		return "cool"
	case "恢复", "恢復", "再開", "재개":
		return "resume"
	case "列表", "清单", "清單":
		return "list"
	case "添加", "新增", "追加", "추가":
		return "add"
	case "删除", "刪除", "移除", "delete", "削除", "삭제":
		return "remove"
	case "测试", "測試", "テスト", "테스트":
		return "test"
	}
	return word
}

// cutVerb is cutWord for the verb of a command.
func cutVerb(args string) (verb, rest string) {
	verb, rest = cutWord(args)
	return verbOf(verb), rest
}

// controlTime bounds what an admin waits for a change.
const controlTime = 30 * time.Second

func (r *Relay) keepControl(ctx context.Context, change func(context.Context) error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, controlTime)
	defer cancel()
	defer func() {
		if v := recover(); v != nil {
			err = panicked("the control", v)
		}
	}()
	return change(ctx)
}

// refusals are the errors of a change that need no more words than these.
func refusals() map[string]error {
	return map[string]error{
		"control_no_key": llm.ErrNoKey, "control_key_exists": llm.ErrKeyExists, "control_last_key": llm.ErrLastKey,
		"control_last_provider": llm.ErrLastProvider, "control_no_provider": llm.ErrNoProvider,
		"reload_none": ErrNothingToRead, "control_late": context.DeadlineExceeded,
	}
}

// notControlled says why a change was not made.
func (r *Relay) notControlled(tag string, err error) string {
	for key, known := range refusals() {
		if errors.Is(err, known) {
			return r.catalogue().Say(tag, key)
		}
	}
	text := err.Error()
	r.o.Logger.Warn("not changed", "cause", r.redact(text))
	var worded Worded
	if errors.As(err, &worded) {
		text = worded.In(tag)
	}
	return r.catalogue().Say(tag, "control_failed", "why", r.redact(text))
}

func (r *Relay) noProvider(tag, name string) string {
	return r.catalogue().Say(tag, "probe_unknown_source", "name", r.redact(oneLine(orElse(bare(name), name), maxName)), "list", strings.Join(r.providers(), comma(tag)))
}

// providers are the names of the AI sources.
func (r *Relay) providers() (names []string) {
	if r.o.Sources == nil {
		return nil
	}
	for _, s := range r.o.Sources.Status() {
		names = append(names, s.Provider)
	}
	return names
}

func (r *Relay) providerNamed(name string) (string, bool) {
	all, name := r.providers(), bare(name)
	i := slices.IndexFunc(all, func(p string) bool { return fold(p) == fold(name) })
	if i < 0 {
		return "", false
	}
	return all[i], true
}

// listProviders tells of each AI source how it does, with its keys and models by
// name, and how to change what usage is about.
func (r *Relay) listProviders(tag, usage string) string {
	say := r.catalogue().Say
	if r.o.Sources == nil {
		return say(tag, "control_none")
	}
	lines, inUse := []string{say(tag, "provider_title")}, false
	for i, s := range r.o.Sources.Status() {
		lines = append(lines, strconv.Itoa(i+1)+". "+r.source(tag, s, &inUse))
		if len(s.Keys) > 1 || len(s.Keys) == 1 && s.Keys[0].Name != "" {
			lines = append(lines, say(tag, "provider_keys", "list", r.parts(tag, s.Keys)))
		}
		if len(s.Models) > 0 {
			lines = append(lines, say(tag, "provider_models", "list", r.parts(tag, s.Models)))
		}
	}
	return strings.Join(append(lines, say(tag, usage)), "\n")
}

// source is an AI source in one line: its state, and until when that lasts.
func (r *Relay) source(tag string, s llm.ProviderStatus, inUse *bool) string {
	key, code := "source_ok", ""
	switch {
	case s.Held:
		key = "source_held"
	case s.Trouble != "":
		key, code = "source_failing", r.code(s.Trouble)
	case !*inUse:
		key, *inUse = "source_in_use", true
	}
	text := r.catalogue().Say(tag, key, "name", s.Provider, "code", code)
	if key == "source_failing" {
		text += r.until(tag, s.Until)
	}
	return text
}

// until says when something that is kept out is tried again.
func (r *Relay) until(tag string, at time.Time) string {
	if !at.After(time.Now()) {
		return ""
	}
	return clauseComma(tag) + r.catalogue().Say(tag, "source_until", "time", r.clock(at))
}

// parts lists keys or models with their states.
func (r *Relay) parts(tag string, all []llm.PartStatus) string {
	var names []string
	for _, p := range all {
		name := orElse(p.Name, "-")
		if p.Entry != "" {
			name = r.catalogue().Say(tag, "source_failing", "name", name, "code", r.code(p.Entry)) + r.until(tag, p.Until)
		}
		names = append(names, name)
	}
	return strings.Join(names, semicolon(tag))
}

// semicolon separates the items of a list whose items have clauses.
func semicolon(tag string) string {
	if strings.HasPrefix(tag, "zh") {
		return "；"
	}
	if strings.HasPrefix(tag, "ja") {
		return "／"
	}
	return "; "
}

// maxModel bounds a model's name, in bytes.
const maxModel = 128

// model shows the models, or asks one of them first: /model [PROVIDER] NAME.
func (r *Relay) model(in call) string {
	say := r.catalogue().Say
	words := strings.Fields(in.args)
	if len(words) == 0 {
		return r.listProviders(in.tag, "model_usage")
	}
	if r.o.Control == nil || len(r.providers()) == 0 {
		return say(in.tag, "control_none")
	}
	name, provider := bare(words[len(words)-1]), r.inUse()
	switch found, ok := r.providerNamed(words[0]); {
	case len(words) == 1 && ok || name == "":
		return r.listProviders(in.tag, "model_usage")
	case len(words) > 2 || len(name) > maxModel || r.exact(name) != name || strings.HasPrefix(name, "sk-"): // a key is no name
		return say(in.tag, "model_usage")
	case len(words) == 2 && ok:
		provider = found
	case len(words) == 2:
		return r.noProvider(in.tag, words[0])
	}
	if fold(name) == "auto" {
		name = ""
	}
	err := r.keepControl(in.work, func(ctx context.Context) error { return r.o.Control.SetModel(ctx, provider, name) })
	in.did(provider+" "+orElse(name, "auto"), resultOf(err))
	switch {
	case err != nil:
		return r.notControlled(in.tag, err)
	case name == "":
		return say(in.tag, "model_auto", "provider", provider)
	}
	return say(in.tag, "model_done", "provider", provider, "name", name)
}

// inUse is the AI source that is asked first now.
func (r *Relay) inUse() string {
	all := r.o.Sources.Status()
	for _, s := range all {
		if s.Trouble == "" && !s.Held {
			return s.Provider
		}
	}
	return all[0].Provider
}

// reload reads the configuration and the catalogue's overrides anew: /reload.
func (r *Relay) reload(in call) string {
	say := r.catalogue().Say
	if r.o.Control == nil {
		return say(in.tag, "control_none")
	}
	var got Reloaded
	err := r.keepControl(in.work, func(ctx context.Context) (err error) {
		got, err = r.o.Control.Reload(ctx)
		return err
	})
	if err != nil {
		in.did("", resultRefused)
		return r.notControlled(in.tag, err)
	}
	in.did("", resultDone)
	return r.reloaded(in.tag, got)
}

func (r *Relay) reloaded(tag string, got Reloaded) string {
	say := r.catalogue().Say
	lines := []string{say(tag, "reload_done")}
	add := func(key string, names []string) {
		if len(names) > 0 {
			lines = append(lines, say(tag, key, "list", strings.Join(names, comma(tag))))
		}
	}
	add("reload_added", got.Added)
	add("reload_removed", got.Removed)
	add("reload_changed", got.Changed)
	if got.Catalogue {
		lines = append(lines, say(tag, "reload_catalogue"))
	}
	if len(lines) == 1 && len(got.Restart) == 0 {
		lines[0] = say(tag, "reload_same")
	}
	add("reload_restart", got.Restart)
	switch {
	case got.Others > 0 && got.Unasked:
		lines = append(lines, say(tag, "reload_unasked"))
	case got.Others > 0:
		lines = append(lines, say(tag, "reload_others"))
	}
	return strings.Join(lines, "\n")
}
