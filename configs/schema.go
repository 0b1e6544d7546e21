package configs

import (
	"reflect"
	"strings"
)

// key describes one setting as the tags of Config declare it.
type key struct {
	path    string // "locale", "catalogue.dir", "providers[].base_url"
	kind    reflect.Type
	group   bool   // a mapping that holds further keys
	byName  bool   // a mapping whose keys are free
	initial string // default, as YAML; empty when there is none
	min     string
	max     string
	oneOf   []string
	unit    string // the unit of a bare number, when the key's name gives one
	example string
}

// schema lists the keys of Config in the order of its fields, groups ahead of
// what they hold.
func schema() []key { return keysOf(reflect.TypeFor[Config](), "") }

func keysOf(t reflect.Type, prefix string) []key {
	var keys []key
	for i := range t.NumField() {
		f := t.Field(i)
		name := f.Tag.Get("mapstructure")
		if name == "-" {
			continue
		}
		k := keyOf(f, prefix+name)
		keys = append(keys, k)
		if inner, at := innerStruct(f.Type, k.path); inner != nil {
			keys = append(keys, keysOf(inner, at)...)
		}
	}
	return keys
}

func keyOf(f reflect.StructField, path string) key {
	k := key{
		path: path, kind: f.Type,
		initial: f.Tag.Get("default"), min: f.Tag.Get("min"), max: f.Tag.Get("max"),
		oneOf: strings.Fields(f.Tag.Get("oneof")), example: f.Tag.Get("example"),
		unit: f.Tag.Get("unit"),
	}
	k.group = isGroup(f.Type)
	k.byName = f.Type.Kind() == reflect.Map
	if k.example == "" && len(k.oneOf) > 0 {
		k.example = k.oneOf[0]
	}
	if k.example == "" {
		k.example = k.initial
	}
	return k
}

func isGroup(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t != reflect.TypeFor[Secret]()
}

// innerStruct returns the struct whose keys lie under a field, and their
// prefix: nil for scalars and lists of scalars.
func innerStruct(t reflect.Type, path string) (reflect.Type, string) {
	switch {
	case isGroup(t):
		return t, path + "."
	case t.Kind() == reflect.Slice && isGroup(t.Elem()):
		return t.Elem(), path + "[]."
	}
	return nil, ""
}

// inList reports whether the key lies inside a list, where neither defaults of
// the root nor the environment reach.
func (k key) inList() bool { return strings.Contains(k.path, "[]") }

// fromEnv reports whether the environment can set the key.
func (k key) fromEnv() bool {
	if k.inList() || k.group || k.byName {
		return false
	}
	return k.kind.Kind() != reflect.Slice || k.kind.Elem().Kind() == reflect.String
}

// env is the variable that sets the key.
func (k key) env() string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(k.path, ".", "_"))
}

// find returns the key a concrete path such as "providers[1].keys[0]" belongs
// to, the nearest one above it if there is none of that very name.
func find(keys []key, path string) (key, bool) {
	p := pattern(path)
	for p != "" {
		for _, k := range keys {
			if k.path == p {
				return k, true
			}
		}
		cut := max(strings.LastIndexAny(p, ".["), 0)
		p = p[:cut]
	}
	return key{}, false
}

// pattern drops the numbers from a path: "keys[3].name" is "keys[].name".
func pattern(path string) string {
	var b strings.Builder
	inside := false
	for _, r := range path {
		if r == ']' {
			inside = false
		}
		if !inside {
			b.WriteRune(r)
		}
		if r == '[' {
			inside = true
		}
	}
	return b.String()
}
