package configs

import (
	"errors"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"
)

// decode fills a Config from viper, reporting each value of a wrong type.
func (l *loader) decode() *Config {
	c := &Config{}
	d, err := mapstructure.NewDecoder(&mapstructure.DecoderConfig{
		Result:     c,
		DecodeHook: l.convert,
	})
	if err == nil {
		err = d.Decode(l.settings())
	}
	l.misfits(err)
	return c
}

// settings takes each key from viper on its own: asked for a whole group, viper
// gives the uppermost source's part of it only.
func (l *loader) settings() map[string]any {
	all := map[string]any{}
	for _, k := range l.keys {
		if k.inList() || k.group {
			continue
		}
		v := l.viper.Get(viperPath(k.path))
		if v == nil {
			continue
		}
		put(all, strings.Split(k.path, "."), seconds(k, v))
	}
	return all
}

func put(m map[string]any, path []string, v any) {
	for _, name := range path[:len(path)-1] {
		inner, ok := m[name].(map[string]any)
		if !ok {
			inner = map[string]any{}
			m[name] = inner
		}
		m = inner
	}
	m[path[len(path)-1]] = v
}

// seconds gives a bare number its unit where the key's name does.
func seconds(k key, v any) any {
	if k.unit != "seconds" {
		return v
	}
	switch n := v.(type) {
	case int:
		return strconv.Itoa(n) + "s"
	case envText:
		if _, err := strconv.Atoi(string(n)); err == nil {
			return n + "s"
		}
	}
	return v
}

// misfits reports the errors of a decoding, which mapstructure joins.
func (l *loader) misfits(err error) {
	var many interface{ Unwrap() []error }
	var one *mapstructure.DecodeError
	switch {
	case err == nil:
	case errors.As(err, &one) && error(one) == err:
		reason := say(ruleType, say(wordOther), say(wordOther))
		errors.As(err, &reason)
		l.add(one.Name(), reason.rule, reason.args...)
	case errors.As(err, &many):
		for _, e := range many.Unwrap() {
			l.misfits(e)
		}
	}
}

// convert is mapstructure's hook for every value: it turns text into what the
// field holds and refuses whatever doesn't fit, without repeating secrets.
func (l *loader) convert(from, to reflect.Value) (any, error) {
	v := from.Interface()
	switch to.Type() {
	case reflect.TypeFor[Config](), reflect.TypeFor[Catalogue](), reflect.TypeFor[Store](), reflect.TypeFor[Limits]():
		return v, nil
	case reflect.TypeFor[Provider]():
		return l.element(v, "providers[].")
	case reflect.TypeFor[Account]():
		return l.element(v, "accounts[].")
	case reflect.TypeFor[Alert]():
		return l.element(v, "alerts[].")
	case reflect.TypeFor[Key]():
		return toKey(v)
	case reflect.TypeFor[Secret]():
		return toSecret(v)
	case reflect.TypeFor[time.Duration]():
		return toDuration(v)
	}
	if text, ok := v.(envText); ok {
		return fromEnv(text, to)
	}
	return fits(v, to)
}

// element adds the defaults that stand inside a list, where viper's do not
// reach.
func (l *loader) element(v any, prefix string) (any, error) {
	m, ok := v.(map[string]any)
	if !ok {
		return nil, say(ruleType, say(wordGroup), say(valueWord(v)))
	}
	for _, k := range l.keys {
		name, under := strings.CutPrefix(k.path, prefix)
		if !under || k.initial == "" {
			continue
		}
		if group, leaf, nested := strings.Cut(name, "."); !nested {
			initial(m, name, k)
		} else if inner := subgroup(m, group); inner != nil {
			initial(inner, leaf, k)
		}
	}
	return m, nil
}

func initial(m map[string]any, name string, k key) {
	if m[name] == nil {
		m[name] = yamlValue(k.initial)
	}
}

// subgroup returns the group of that name, made if absent; nil when something
// else has its place.
func subgroup(m map[string]any, name string) map[string]any {
	if m[name] == nil {
		m[name] = map[string]any{}
	}
	inner, _ := m[name].(map[string]any)
	return inner
}

func toKey(v any) (any, error) {
	switch v.(type) {
	case map[string]any:
		return v, nil
	case string:
		return map[string]any{"secret": v}, nil
	}
	return toSecret(v)
}

// toSecret keeps the text as written; references are resolved later, when the
// path is known.
func toSecret(v any) (any, error) {
	switch v := v.(type) {
	case Secret:
		return v, nil
	case envText:
		return NewSecret(string(v)), nil
	case string:
		return NewSecret(v), nil
	case int, float64, bool, uint64:
		return nil, say(ruleQuote, say(wordText), say(valueWord(v)))
	}
	return nil, say(ruleType, say(wordText), say(valueWord(v)))
}

func toDuration(v any) (any, error) {
	text, ok := v.(string)
	if e, isEnv := v.(envText); isEnv {
		text, ok = string(e), true
	}
	switch {
	case ok:
		return parseDuration(text)
	case v == 0:
		return time.Duration(0), nil
	}
	if n, isInt := v.(int); isInt {
		return nil, say(ruleNoUnit, quoted(n))
	}
	return nil, say(ruleType, say(wordDuration), say(valueWord(v)))
}

func parseDuration(text string) (any, error) {
	d, err := time.ParseDuration(strings.TrimSpace(text))
	if err == nil {
		return d, nil
	}
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return nil, say(ruleNoUnit, quoted(text))
	}
	return nil, say(ruleDuration, quoted(text))
}

// fromEnv reads text of the environment as the field's type.
func fromEnv(text envText, to reflect.Value) (any, error) {
	s := strings.TrimSpace(string(text))
	var v any
	var err error
	switch to.Kind() {
	case reflect.Bool:
		v, err = strconv.ParseBool(s)
	case reflect.Int:
		v, err = strconv.Atoi(s)
	case reflect.Slice:
		return commas(s), nil
	default:
		return string(text), nil
	}
	if err != nil {
		return nil, say(ruleType, say(kindWord(to.Type())), quoted(s))
	}
	return v, nil
}

// fits refuses values of another type than the field's. Numbers in place of
// text are refused too: YAML reads 1.10 as 1.1 and 0123 as 83.
func fits(v any, to reflect.Value) (any, error) {
	t := to.Type()
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	from := reflect.TypeOf(v)
	switch want := t.Kind(); {
	case want == reflect.Float64 && from.Kind() == reflect.Int:
		return v, nil
	case want == reflect.Float64 && from.Kind() == reflect.Float64:
		if f := reflect.ValueOf(v).Float(); math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, say(ruleType, say(wordNumber), quoted(v))
		}
		return v, nil
	case want == from.Kind(), want == reflect.Struct && from.Kind() == reflect.Map:
		return v, nil
	case want == reflect.Int && from.Kind() == reflect.Float64:
		return nil, say(ruleType, say(wordWhole), say(wordFraction))
	case want == reflect.String && isScalar(from.Kind()):
		return nil, say(ruleQuote, say(wordText), say(valueWord(v)))
	}
	return nil, say(ruleType, say(kindWord(t)), say(valueWord(v)))
}

func isScalar(k reflect.Kind) bool {
	return k == reflect.Bool || k == reflect.Int || k == reflect.Float64 || k == reflect.Uint64
}

// kindWord names what a field takes.
func kindWord(t reflect.Type) rule {
	switch t.Kind() {
	case reflect.Bool:
		return wordBool
	case reflect.Int:
		return wordWhole
	case reflect.Float64:
		return wordNumber
	case reflect.Slice:
		return wordList
	case reflect.Struct, reflect.Map:
		return wordGroup
	}
	return wordText
}

// valueWord names what was found, never the value: it may be a secret.
func valueWord(v any) rule {
	switch v.(type) {
	case nil:
		return wordNothing
	case bool:
		return wordBool
	case time.Time:
		return wordDate
	}
	switch reflect.TypeOf(v).Kind() {
	case reflect.String:
		return wordText
	case reflect.Int, reflect.Uint64, reflect.Float64:
		return wordNumber
	case reflect.Slice:
		return wordList
	case reflect.Map:
		return wordGroup
	}
	return wordOther
}
