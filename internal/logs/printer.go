package logs

import (
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
)

// The limits of what is printed of one value.
const (
	maxDepth = 6
	maxItems = 100 // of one map, slice or struct
)

// printer prints values of any make much as %+v does, but redacts each text
// with the name it stands under, which in a flat line nobody could tell.
type printer struct {
	r *redactor
	b strings.Builder
}

// value prints v, which stands under name.
func (p *printer) value(name string, v reflect.Value, depth int) {
	if v.IsValid() && v.CanInterface() && !isNil(v) && p.own(name, v) {
		return
	}
	p.inside(name, v, depth)
}

// own prints what the value, or a pointer to it, says of itself, if it does.
func (p *printer) own(name string, v reflect.Value) bool {
	if l, ok := v.Interface().(slog.LogValuer); ok {
		p.b.WriteString(p.r.value(name, slog.AnyValue(l).Resolve()).String())
		return true
	}
	s, ok := said(v.Interface())
	if !ok && v.Kind() == reflect.Struct {
		pointer := reflect.New(v.Type())
		pointer.Elem().Set(v)
		s, ok = said(pointer.Interface())
	}
	if ok {
		p.b.WriteString(p.r.named(name, s))
	}
	return ok
}

// inside prints v by its kind.
func (p *printer) inside(name string, v reflect.Value, depth int) {
	if p.b.Len() > MaxText || depth > maxDepth {
		p.b.WriteString("…")
		return
	}
	switch v.Kind() {
	case reflect.Invalid:
		p.b.WriteString("<nil>")
	case reflect.Pointer, reflect.Interface:
		p.pointed(name, v, depth)
	case reflect.Struct:
		p.fields(v, depth)
	case reflect.Map:
		p.entries(v, depth)
	case reflect.Slice, reflect.Array:
		p.items(name, v, depth)
	case reflect.String:
		p.b.WriteString(p.r.named(name, v.String()))
	case reflect.Chan, reflect.Func, reflect.UnsafePointer:
		p.b.WriteString(v.Type().String())
	default:
		p.b.WriteString(p.r.named(name, fmt.Sprint(v))) // numbers and truths
	}
}

func (p *printer) pointed(name string, v reflect.Value, depth int) {
	if v.IsNil() {
		p.b.WriteString("<nil>")
		return
	}
	if v.Kind() == reflect.Pointer {
		p.b.WriteByte('&')
	}
	p.value(name, v.Elem(), depth+1)
}

func (p *printer) fields(v reflect.Value, depth int) {
	p.b.WriteByte('{')
	for i := range min(v.NumField(), maxItems) {
		if i > 0 {
			p.b.WriteByte(' ')
		}
		name := v.Type().Field(i).Name
		p.b.WriteString(name)
		p.b.WriteByte(':')
		p.value(name, v.Field(i), depth+1)
	}
	p.b.WriteByte('}')
}

func (p *printer) entries(v reflect.Value, depth int) {
	type entry struct {
		name  string
		value reflect.Value
	}
	all := make([]entry, 0, min(v.Len(), maxItems))
	for it := v.MapRange(); it.Next() && len(all) < maxItems; {
		key := printer{r: p.r}
		key.value("", it.Key(), depth+1)
		name := key.b.String()
		if it.Key().Kind() == reflect.String {
			name = it.Key().String()
		}
		all = append(all, entry{name, it.Value()})
	}
	slices.SortFunc(all, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	p.b.WriteString("map[")
	for i, e := range all {
		if i > 0 {
			p.b.WriteByte(' ')
		}
		p.b.WriteString(p.r.name(e.name).clean)
		p.b.WriteByte(':')
		p.value(e.name, e.value, depth+1)
	}
	p.b.WriteByte(']')
}

func (p *printer) items(name string, v reflect.Value, depth int) {
	if v.Type().Elem().Kind() == reflect.Uint8 && v.Kind() == reflect.Slice {
		p.b.WriteString(p.r.named(name, string(v.Bytes())))
		return
	}
	p.b.WriteByte('[')
	for i := range min(v.Len(), maxItems) {
		if i > 0 {
			p.b.WriteByte(' ')
		}
		p.value(name, v.Index(i), depth+1)
	}
	p.b.WriteByte(']')
}

func isNil(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Map, reflect.Slice, reflect.Func, reflect.Chan:
		return v.IsNil()
	}
	return false
}
