package main

import (
	"maps"
	"slices"
	"time"

	"github.com/diagbot/diagbot/llm"
)

// changes are what admins changed, as it is kept: it holds secrets.
type changes struct {
	At      time.Time
	Reload  time.Time         // when all processes were asked to read their files again
	First   string            // the provider that is asked first
	Cooled  []string          // providers that are left alone
	Models  map[string]string // of a provider: the model that is asked first
	Keys    []keptKey         // that were added
	Removed [][2]string       // provider and name of configured keys that were taken away
}

// keptKey is a key that an admin added.
type keptKey struct{ Provider, Name, Secret string }

// after is a time for changes on top of these: now, unless the clock of who made
// these is ahead.
func (x changes) after(now time.Time) time.Time {
	return laterThan(x.At, now)
}

// laterThan is now, or else a little later than another time.
func laterThan(other, now time.Time) time.Time {
	if now.After(other) {
		return now
	}
	return other.Add(time.Microsecond)
}

func (x changes) clone() changes {
	x.Cooled, x.Keys, x.Removed, x.Models = slices.Clone(x.Cooled), slices.Clone(x.Keys), slices.Clone(x.Removed), maps.Clone(x.Models)
	if x.Models == nil {
		x.Models = make(map[string]string)
	}
	return x
}

// remove takes a key away: one that was added, or else one of the configuration.
func (x *changes) remove(provider, name string) {
	n := len(x.Keys)
	x.Keys = slices.DeleteFunc(x.Keys, func(k keptKey) bool { return k.Provider == provider && k.Name == name })
	if len(x.Keys) == n {
		x.Removed = append(x.Removed, [2]string{provider, name})
	}
}

// apply returns configured providers as admins changed them. A provider keeps its
// configured keys rather than be left with none.
func (x changes) apply(configured []llm.ProviderOptions) []llm.ProviderOptions {
	all := slices.Clone(configured)
	for i := range all {
		o := &all[i]
		keys := slices.DeleteFunc(slices.Clone(o.Keys), func(k llm.Key) bool {
			return slices.Contains(x.Removed, [2]string{o.Name, k.Name})
		})
		for _, k := range x.Keys {
			named := slices.ContainsFunc(keys, func(other llm.Key) bool { return other.Name == k.Name })
			if k.Provider == o.Name && !named {
				keys = append(keys, llm.Key{Name: k.Name, Secret: k.Secret})
			}
		}
		if len(keys) > 0 {
			o.Keys = keys
		}
		if model := x.Models[o.Name]; model != "" {
			o.Models = append([]string{model}, without(o.Models, model)...)
		}
	}
	return all
}

func without(all []string, one string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == one })
}
