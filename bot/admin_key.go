package bot

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/diagbot/diagbot/llm"
)

// The bounds of a key that is sent in a chat, in bytes.
const (
	leastSecret = 8
	mostSecret  = 4096
)

// key adds, removes and tests keys by name: /key [add|remove|test] …. What it
// answers never holds what it was given, except the names of what exists.
func (r *Relay) key(in call) string {
	if r.o.Control == nil || len(r.providers()) == 0 {
		return r.catalogue().Say(in.tag, "control_none")
	}
	verb, rest := cutVerb(in.args)
	words := strings.Fields(rest)
	provider, words, ok := r.providerOf(words)
	switch {
	case !ok:
	case verb == "add" && len(words) == 2:
		return r.addKey(in, provider, llm.Key{Name: bare(words[0]), Secret: bare(words[1])})
	case verb == "remove" && len(words) == 1:
		return r.removeKey(in, provider, words[0])
	case verb == "test" && len(words) == 1:
		return r.testKey(in, provider, words[0])
	}
	text := r.catalogue().Say(in.tag, "key_usage", "list", r.keyNames(in.tag))
	if r.hasSecret(in.args) {
		text += "\n" + r.catalogue().Say(in.tag, "key_delete_hint")
	}
	return text
}

// hasSecret reports whether there may be a key among words that were given wrongly.
func (r *Relay) hasSecret(args string) bool {
	const long = 16 // bytes that no word of /key has
	return slices.ContainsFunc(strings.Fields(args), func(w string) bool {
		_, provider := r.providerNamed(w)
		return !provider && (len(w) >= long && isSecret(w) || r.redact(w) != w)
	})
}

// providerOf takes the provider off the front of words; where there is only one it
// need not be named.
func (r *Relay) providerOf(words []string) (provider string, rest []string, ok bool) {
	if len(words) > 0 {
		if name, ok := r.providerNamed(words[0]); ok {
			return name, words[1:], true
		}
	}
	if all := r.providers(); len(all) == 1 {
		return all[0], words, true
	}
	return "", words, false
}

// keyNames lists the keys by name, each with its provider.
func (r *Relay) keyNames(tag string) string {
	var names []string
	for _, s := range r.o.Sources.Status() {
		for _, k := range s.Keys {
			if k.Name != "" {
				names = append(names, s.Provider+" "+k.Name)
			}
		}
	}
	if len(names) == 0 {
		return "-"
	}
	return strings.Join(names, comma(tag))
}

func (r *Relay) addKey(in call, provider string, k llm.Key) string {
	say := r.catalogue().Say
	if !r.isKeyName(k.Name) || !isSecret(k.Secret) {
		in.did("add "+provider, refusedFor("unfit"))
		return say(in.tag, "key_unfit") + "\n" + say(in.tag, "key_delete_hint")
	}
	var check llm.Check
	var added bool
	err := r.keepControl(in.work, func(ctx context.Context) (err error) {
		check, added, err = r.o.Control.AddKey(ctx, provider, k)
		return unsaid(err, k.Secret)
	})
	result := resultOf(err)
	if err == nil && !added {
		result = refusedFor("provider")
	}
	in.did("add "+provider+" "+k.Name, result)
	var lines []string
	switch f := check.Fault(); {
	case err != nil:
		lines = append(lines, r.notControlled(in.tag, err))
	case !added:
		lines = append(lines, say(in.tag, "key_refused", "provider", provider), say(in.tag, "probe_entry", "id", r.entryOf(f)))
	case f != nil:
		lines = append(lines, say(in.tag, "key_untested", "provider", provider, "name", k.Name), say(in.tag, "probe_entry", "id", r.entryOf(f)))
	default:
		lines = append(lines, say(in.tag, "key_added", "provider", provider, "name", k.Name))
	}
	return strings.Join(append(lines, say(in.tag, "key_delete_hint")), "\n")
}

// unsaid is an error without a secret.
func unsaid(err error, secret string) error {
	if err == nil || !strings.Contains(err.Error(), secret) {
		return err
	}
	for _, known := range refusals() {
		if errors.Is(err, known) {
			return known
		}
	}
	return errors.New(strings.ReplaceAll(err.Error(), secret, "***"))
}

// isKeyName reports whether s can name a key, and is none itself.
func (r *Relay) isKeyName(s string) bool {
	return s != "" && utf8.RuneCountInString(s) <= maxName && isWordy(s) && r.redact(s) == s
}

func isSecret(s string) bool {
	return len(s) >= leastSecret && len(s) <= mostSecret && isASCII(s) && strings.IndexFunc(s, func(c rune) bool { return c <= ' ' || c == 0x7f }) < 0
}

func (r *Relay) removeKey(in call, provider, name string) string {
	name, ok := r.keyNamed(provider, name)
	if !ok {
		return r.notControlled(in.tag, llm.ErrNoKey)
	}
	err := r.keepControl(in.work, func(ctx context.Context) error { return r.o.Control.RemoveKey(ctx, provider, name) })
	in.did("remove "+provider+" "+name, resultOf(err))
	if err != nil {
		return r.notControlled(in.tag, err)
	}
	return r.catalogue().Say(in.tag, "key_removed", "provider", provider, "name", name)
}

func (r *Relay) testKey(in call, provider, name string) string {
	name, ok := r.keyNamed(provider, name)
	if !ok {
		return r.notControlled(in.tag, llm.ErrNoKey)
	}
	r.checking(in)
	var check llm.Check
	err := r.keepControl(in.work, func(ctx context.Context) (err error) {
		check, err = r.o.Control.TestKey(ctx, provider, name)
		return err
	})
	in.did("test "+provider+" "+name, resultOf(err))
	if err != nil {
		return r.notControlled(in.tag, err)
	}
	return r.probed(in.tag, llm.Probe{Provider: provider, Begun: time.Now(), Checks: []llm.Check{check}})
}

// keyNamed finds a key that exists: only such names are said again.
func (r *Relay) keyNamed(provider, name string) (string, bool) {
	name = bare(name)
	for _, s := range r.o.Sources.Status() {
		if s.Provider != provider {
			continue
		}
		if i := slices.IndexFunc(s.Keys, func(k llm.PartStatus) bool { return k.Name != "" && fold(k.Name) == fold(name) }); i >= 0 {
			return s.Keys[i].Name, true
		}
	}
	return "", false
}
