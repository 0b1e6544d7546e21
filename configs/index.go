package configs

import (
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxNodes bounds the walk over a file whose aliases could multiply.
const maxNodes = 100_000

// index walks the parsed file ahead of its values: it notes each key's line and
// reports, and removes, the keys that don't exist or are there twice.
type index struct {
	*findings
	budget int
}

func (x *index) root(node *yaml.Node) {
	if node.Kind != yaml.MappingNode {
		x.add("", ruleTopLevel, say(nodeWord(node)))
		return
	}
	x.group(node, "")
	if x.budget <= 0 {
		x.add("", ruleTooComplex)
	}
}

// value walks what stands under a known key.
func (x *index) value(node *yaml.Node, path string) {
	if x.budget--; x.budget <= 0 {
		return
	}
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	switch k, _ := x.key(path); {
	case node.Kind == yaml.SequenceNode:
		x.list(node, path)
	case k.byName && node.Kind == yaml.MappingNode:
		x.headers(node, path)
	case !k.group:
	case node.Kind == yaml.MappingNode:
		x.group(node, path+".")
	case k.kind.Name() != "Key" && node.Tag != "!!null":
		x.add(path, ruleType, say(wordGroup), say(nodeWord(node)))
	}
}

// key returns the schema's key of a path; an element of a list of groups is a
// group itself.
func (x *index) key(path string) (key, bool) {
	p := pattern(path)
	list, element := strings.CutSuffix(p, "[]")
	for _, k := range x.keys {
		if k.path == p {
			return k, true
		}
		if element && k.path == list && k.kind.Kind() == reflect.Slice {
			return key{path: p, kind: k.kind.Elem(), group: isGroup(k.kind.Elem())}, true
		}
	}
	return key{}, false
}

func (x *index) list(node *yaml.Node, path string) {
	for i, element := range node.Content {
		at := path + "[" + strconv.Itoa(i) + "]"
		x.lines[at] = element.Line
		if element.Tag == "!!null" {
			x.add(at, ruleEmpty)
		}
		x.value(element, at)
	}
}

// group walks a mapping whose keys are known, leaving out the others.
func (x *index) group(node *yaml.Node, prefix string) {
	seen := map[string]bool{}
	kept := node.Content[:0:0]
	for i := 0; i+1 < len(node.Content) && x.budget > 0; i += 2 {
		name, value := node.Content[i], node.Content[i+1]
		if name.Tag == "!!merge" {
			x.merged(value, prefix)
			kept = append(kept, name, value)
			continue
		}
		if x.entry(name, value, prefix, seen) {
			kept = append(kept, name, value)
		}
	}
	node.Content = kept
}

// merged walks the mapping of a "<<" key.
func (x *index) merged(node *yaml.Node, prefix string) {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if x.budget--; node.Kind == yaml.MappingNode && x.budget > 0 {
		x.group(node, prefix)
	}
}

// entry walks one key of a group and reports whether it is to be kept.
func (x *index) entry(name, value *yaml.Node, prefix string, seen map[string]bool) bool {
	path := prefix + strings.ToLower(name.Value)
	if _, known := x.key(path); !known || name.Kind != yaml.ScalarNode {
		x.unknown(name, prefix)
		return false
	}
	if seen[path] {
		x.lines[path] = name.Line
		x.add(path, ruleTwice)
		return false
	}
	seen[path] = true
	x.lines[path] = name.Line
	x.value(value, path)
	return true
}

// headers notes the lines of a mapping whose keys are free, leaving out names
// that no header can have: they may be anything, so they are not repeated.
func (x *index) headers(node *yaml.Node, path string) {
	kept := node.Content[:0:0]
	for i := 0; i+1 < len(node.Content); i += 2 {
		name, value := node.Content[i], node.Content[i+1]
		if name.Tag != "!!merge" && !isToken(name.Value) {
			x.lines[path+"[]"] = name.Line
			x.add(path+"[]", ruleHeader)
			continue
		}
		x.lines[path+"["+strings.ToLower(name.Value)+"]"] = name.Line
		kept = append(kept, name, value)
	}
	node.Content = kept
}

func isToken(s string) bool {
	return regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$").MatchString(s) && !looksSecret(s)
}

// unknown reports a key that doesn't exist, with where it went or what was
// probably meant.
func (x *index) unknown(name *yaml.Node, prefix string) {
	shown := name.Value
	if name.Kind != yaml.ScalarNode || looksSecret(shown) || len(shown) > 60 {
		shown = mask
	}
	path := prefix + shown
	x.lines[path] = name.Line
	if place, ok := familiar(strings.ToLower(shown)); ok {
		x.add(path, ruleFamiliar, place)
	} else if near := nearest(pathsOf(x.keys), pattern(prefix)+strings.ToLower(shown)); near != "" && distance(lastSegment(near), strings.ToLower(shown)) == 1 {
		x.add(path, ruleUnknownNear, lastSegment(near))
	} else if place, ok := elsewhere(x.keys, strings.ToLower(shown)); ok {
		x.add(path, ruleFamiliar, place)
	} else if near != "" {
		x.add(path, ruleUnknownNear, lastSegment(near))
	} else {
		x.add(path, ruleUnknown)
	}
}

func pathsOf(keys []key) []string {
	paths := make([]string, len(keys))
	for i, k := range keys {
		paths[i] = k.path
	}
	return paths
}

// nodeWord names what a node is.
func nodeWord(n *yaml.Node) rule {
	switch {
	case n.Kind == yaml.SequenceNode:
		return wordList
	case n.Kind == yaml.MappingNode:
		return wordGroup
	case n.Tag == "!!str":
		return wordText
	case n.Tag == "!!int" || n.Tag == "!!float":
		return wordNumber
	case n.Tag == "!!bool":
		return wordBool
	case n.Tag == "!!null":
		return wordNothing
	}
	return wordOther
}
