package configs

import (
	"fmt"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"
)

// check reports values that have the right type and still can't work.
func (l *loader) check(c *Config) {
	l.bounds(reflect.ValueOf(*c), "")
	l.locale(c.Locale)
	l.texts(c)
	l.catalogue(c.Catalogue.Dir)
	l.state(c)
	l.alerts(c.Alerts)
	if len(c.Providers) == 0 && !l.broken {
		l.add("providers", ruleNoProvider)
	}
	names := map[string]string{}
	for i := range c.Providers {
		at := "providers[" + strconv.Itoa(i) + "]"
		l.provided(&c.Providers[i], at)
		l.unique(names, c.Providers[i].Name, at+".name")
		if total := c.Providers[i].Timeouts.Total; total > c.Deadline && c.Deadline > 0 {
			l.warn(at+".timeouts.total", warnTotal, total, c.Deadline)
		}
	}
}

// bounds holds each scalar against the limits of its tags.
func (l *loader) bounds(v reflect.Value, prefix string) {
	for i := range v.NumField() {
		name := v.Type().Field(i).Tag.Get("mapstructure")
		f, path := v.Field(i), prefix+name
		if k, known := find(l.keys, path); known && name != "-" {
			l.bound(f, path, k)
		}
		switch {
		case name == "-" || f.Type() == reflect.TypeFor[Secret]():
		case f.Kind() == reflect.Struct:
			l.bounds(f, path+".")
		case f.Kind() == reflect.Slice && isGroup(f.Type().Elem()) && f.Type().Elem() != reflect.TypeFor[Key]():
			for n := range f.Len() {
				l.bounds(f.Index(n), path+"["+strconv.Itoa(n)+"].")
			}
		}
	}
}

func (l *loader) bound(f reflect.Value, path string, k key) {
	if l.bad(path) || f.Kind() == reflect.Pointer && f.IsNil() {
		return
	}
	f = reflect.Indirect(f)
	if k.min != "" && (number(f.Interface()) < limit(k.min) || number(f.Interface()) > limit(k.max)) {
		l.add(path, ruleRange, fmt.Sprint(f.Interface()), k.min, k.max)
	}
	if len(k.oneOf) > 0 && !slices.Contains(k.oneOf, f.String()) {
		l.add(path, ruleOneOf, quoted(f.String()), strings.Join(k.oneOf, ", "))
	}
}

func number(v any) float64 {
	switch v := v.(type) {
	case time.Duration:
		return float64(v)
	case int:
		return float64(v)
	case float64:
		return v
	}
	return 0
}

func limit(text string) float64 {
	if d, err := time.ParseDuration(text); err == nil {
		return float64(d)
	}
	n, _ := strconv.ParseFloat(text, 64)
	return n
}

func (l *loader) locale(tag string) {
	if tag == "auto" || l.bad("locale") {
		return
	}
	if _, err := language.Parse(tag); err != nil {
		l.add("locale", ruleLocale, quoted(tag))
	}
}

// texts checks the free texts. Prefixes may be empty strings: the usual way to
// say that everything is for the bot.
func (l *loader) texts(c *Config) {
	if strings.TrimSpace(c.DataDir) == "" {
		l.add("data_dir", ruleEmpty)
	}
	l.short("single_chat_reply_prefix", c.ReplyPrefix, 100)
	l.short("character_desc", c.System, 20_000)
	for i, p := range c.PrivatePrefixes {
		l.short("single_chat_prefix["+strconv.Itoa(i)+"]", p, 100)
	}
	for i, p := range c.GroupPrefixes {
		l.short("group_chat_prefix["+strconv.Itoa(i)+"]", p, 100)
	}
	for i, g := range c.Groups {
		path := "group_name_white_list[" + strconv.Itoa(i) + "]"
		if g == "" {
			l.add(path, ruleEmpty)
		}
		l.short(path, g, 200)
	}
}

func (l *loader) short(path, text string, most int) {
	if utf8.RuneCountInString(text) > most {
		l.add(path, ruleTooLong, most)
	}
}

func (l *loader) catalogue(dir string) {
	if dir == "" {
		return
	}
	if _, err := os.ReadDir(l.at(dir)); err != nil {
		l.add("catalogue.dir", ruleNotDir, quoted(dir))
	}
}

// provided checks one provider.
func (l *loader) provided(p *Provider, at string) {
	if p.Name == "" {
		l.add(at+".name", ruleMissing)
	}
	l.name(p.Name, at+".name")
	l.address(p, at)
	l.proxy(p.Proxy.Reveal(), at+".proxy")
	l.models(p.Models, at+".models")
	l.sendable(p.Organization, at+".organization")
	l.sendable(p.Project, at+".project")
	for name, value := range p.Headers {
		l.header(name, value, at+".headers["+strings.ToLower(name)+"]")
	}
}

func (l *loader) name(name, path string) {
	switch {
	case name == "":
	case looksSecret(name):
		l.add(path, ruleNameKey)
	case !regexp.MustCompile(`^[\pL\pN._-]{1,32}$`).MatchString(name):
		l.add(path, ruleName, quoted(name))
	}
}

// unique reports a name that is taken; case doesn't count, as people type them.
func (l *loader) unique(taken map[string]string, name, path string) {
	lower := strings.ToLower(name)
	if name == "" {
		return
	}
	if first, ok := taken[lower]; ok {
		l.add(path, ruleDuplicate, quoted(name), first)
		return
	}
	taken[lower] = path
}

func (l *loader) address(p *Provider, at string) {
	path := at + ".base_url"
	if p.BaseURL == "" {
		l.add(path, ruleMissing)
		return
	}
	u := l.url(p.BaseURL, path, "http", "https")
	if u == nil {
		return
	}
	switch {
	case u.User != nil:
		l.add(path, ruleURLUser)
	case u.RawQuery != "" || u.Fragment != "":
		l.add(path, ruleURLQuery)
	case strings.HasSuffix(u.Path, "/chat/completions"):
		l.add(path, ruleURLChat, "/chat/completions")
	case u.Path == "":
		l.warn(path, warnNoPath)
	}
	if u.Scheme == "http" && len(p.Keys) > 0 && !local(p.BaseURL) {
		l.plain(p.AllowHTTP, path)
	}
}

// plain reports a key sent in the clear: a warning where that is wanted.
func (l *loader) plain(wanted bool, path string) {
	if wanted {
		l.warn(path, warnPlain)
		return
	}
	l.add(path, rulePlain)
}

// url parses an absolute URL; nil when there is a problem. The URL is never
// repeated: it may hold a password.
func (l *loader) url(text, path string, schemes ...string) *url.URL {
	u, err := url.Parse(text)
	switch {
	case err != nil || strings.ContainsFunc(text, unsendable):
		l.add(path, ruleURLParse)
	case !slices.Contains(schemes, u.Scheme):
		l.add(path, ruleURLScheme, either(schemes))
	case u.Hostname() == "" || strings.HasSuffix(u.Host, ":"):
		l.add(path, ruleURLHost)
	case u.Port() != "" && !isPort(u.Port()):
		l.add(path, ruleURLPort)
	default:
		return u
	}
	return nil
}

func isPort(text string) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return err == nil && n > 0
}

func (l *loader) proxy(text, path string) {
	if text != "" && text != "direct" {
		l.url(text, path, "http", "https", "socks5", "socks5h")
	}
}

func (l *loader) models(models []string, at string) {
	if len(models) == 0 {
		l.add(at, ruleMissing)
	}
	seen := map[string]string{}
	for i, m := range models {
		path := at + "[" + strconv.Itoa(i) + "]"
		if m == "" {
			l.add(path, ruleEmpty)
		}
		if strings.ContainsFunc(m, unicode.IsControl) || strings.ContainsFunc(m, unicode.IsSpace) {
			l.add(path, ruleUnprint)
		}
		l.short(path, m, 200)
		l.unique(seen, m, path)
	}
}

func (l *loader) header(name string, value Secret, path string) {
	switch name {
	case "Host", "Content-Length", "Content-Type", "Transfer-Encoding", "Connection", "Accept", "Accept-Encoding":
		l.add(path, ruleHeaderOwn, name)
	}
	if strings.ContainsFunc(value.Reveal(), unicode.IsControl) {
		l.add(path, ruleControl)
	}
}

// sendable checks text that goes into a header or a field as it is.
func (l *loader) sendable(text, path string) {
	if len(text) > 4096 {
		l.add(path, ruleTooLong, 4096)
	}
	if strings.ContainsFunc(text, unsendable) {
		l.add(path, ruleUnprint)
	}
}

func unsendable(r rune) bool {
	return r <= ' ' || r >= 0x7f
}
