package troubleshoot

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// filler sets values from nodes as the YAML library does, as far as nodes go, and
// refuses what the library would, or might, refuse or change.
type filler struct {
	fields map[reflect.Type]map[string]int // by the name in YAML
}

// errOddValue is returned for a value only the library knows what to make of.
var errOddValue = errors.New("the value is not plain")

// fill sets a variable.
func (f *filler) fill(to reflect.Value, n *node) error {
	if words, ok := to.Addr().Interface().(*wordList); ok && n.kind == textNode && !n.isNull() {
		return words.UnmarshalYAML(&yaml.Node{Kind: yaml.ScalarNode, Value: string(n.text)})
	}
	switch {
	case to.Kind() == reflect.Pointer:
		to.Set(reflect.New(to.Type().Elem()))
		return f.fill(to.Elem(), n)
	case to.Kind() == reflect.Struct && n.kind == mapNode:
		return f.fillStruct(to, n)
	case to.Kind() == reflect.Map && n.kind == mapNode:
		return f.fillMap(to, n)
	case to.Kind() == reflect.Slice && n.kind == listNode:
		return f.fillSlice(to, n)
	case n.kind == textNode:
		return n.fillScalar(to)
	}
	return errOddValue
}

func (f *filler) fillStruct(to reflect.Value, n *node) error {
	fields, seen := f.fieldsOf(to.Type()), uint64(0)
	for i := 0; i < len(n.items); i += 2 {
		at, known := fields[string(n.items[i].text)]
		bit := uint64(1) << at
		if !known || seen&bit != 0 {
			return fmt.Errorf("%s: is unknown or set twice", n.items[i].text)
		}
		seen |= bit
		if err := f.fill(to.Field(at), &n.items[i+1]); err != nil {
			return fmt.Errorf("%s: %w", n.items[i].text, err)
		}
	}
	return nil
}

func (f *filler) fieldsOf(t reflect.Type) map[string]int {
	if known, ok := f.fields[t]; ok {
		return known
	}
	fields := map[string]int{}
	for i := range t.NumField() {
		if name := t.Field(i).Tag.Get("yaml"); name != "" {
			fields[name] = i
		}
	}
	f.fields[t] = fields
	return fields
}

func (f *filler) fillMap(to reflect.Value, n *node) error {
	to.Set(reflect.MakeMapWithSize(to.Type(), len(n.items)/2))
	for i := 0; i < len(n.items); i += 2 {
		key := reflect.New(to.Type().Key()).Elem()
		if err := f.fill(key, &n.items[i]); err != nil {
			return err
		}
		if to.MapIndex(key).IsValid() {
			return fmt.Errorf("%s: is set twice", n.items[i].text)
		}
		value := reflect.New(to.Type().Elem()).Elem()
		if err := f.fill(value, &n.items[i+1]); err != nil {
			return fmt.Errorf("%s: %w", n.items[i].text, err)
		}
		to.SetMapIndex(key, value)
	}
	return nil
}

func (f *filler) fillSlice(to reflect.Value, n *node) error {
	to.Set(reflect.MakeSlice(to.Type(), len(n.items), len(n.items)))
	for i := range n.items {
		if err := f.fill(to.Index(i), &n.items[i]); err != nil {
			return err
		}
	}
	return nil
}

// fillScalar sets a text, a number as people write it, or a truth.
func (n *node) fillScalar(to reflect.Value) error {
	switch {
	case n.isNull():
		return errOddValue
	case to.Kind() == reflect.String:
		to.SetString(string(n.text))
		return nil
	case n.quoted:
		return errOddValue
	case to.Kind() == reflect.Bool && (string(n.text) == "true" || string(n.text) == "false"):
		to.SetBool(len(n.text) == len("true"))
		return nil
	case to.Kind() == reflect.Int && len(n.text) < 10:
		number, err := strconv.Atoi(string(n.text))
		if err == nil && strconv.Itoa(number) == string(n.text) {
			to.SetInt(int64(number))
			return nil
		}
	}
	return errOddValue
}
