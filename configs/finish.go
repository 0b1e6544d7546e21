package configs

import (
	"net/netip"
	"net/textproto"
	"net/url"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
)

const (
	openAIURL    = "https://api.openai.com/v1"
	defaultModel = "gpt-4o-mini"
)

// finish resolves secrets and fills in the defaults that depend on other
// settings.
func (l *loader) finish(c *Config) {
	c.Store.URL, _ = l.resolve("store.url", c.Store.URL)
	c.Store.Key, _ = l.resolve("store.key", c.Store.Key)
	if len(c.Accounts) == 0 {
		c.ImpliedAccount = true
		c.Accounts = []Account{{Name: "main", Channel: ChannelOpenWeChat, Admins: []string{}}}
	}
	for i := range c.Alerts {
		a, at := &c.Alerts[i], "alerts["+strconv.Itoa(i)+"]."
		a.URL, _ = l.resolve(at+"url", a.URL)
		a.Secret, _ = l.resolve(at+"secret", a.Secret)
		a.Password, _ = l.resolve(at+"password", a.Password)
		if a.From == "" {
			a.From = a.User
		}
	}
	for i := range c.Providers {
		p := &c.Providers[i]
		at := "providers[" + strconv.Itoa(i) + "]"
		p.BaseURL = strings.TrimRight(strings.TrimSpace(p.BaseURL), "/")
		if p.BaseURL == "" && p.Source == "api" && !l.bad(at+".base_url") {
			p.BaseURL = openAIURL
		}
		if len(p.Models) == 0 && p.BaseURL == openAIURL && !l.bad(at+".models") {
			p.Models = []string{defaultModel}
		}
		l.keysOf(p, at+".keys")
		l.headersOf(p, at+".headers")
		p.Proxy, _ = l.resolve(at+".proxy", p.Proxy)
	}
}

// keysOf resolves a provider's keys. A reference may hold several, parted by
// commas or lines, as OPENAI_API_KEY often does.
func (l *loader) keysOf(p *Provider, at string) {
	if len(p.Keys) == 0 && !local(p.BaseURL) {
		l.add(at, ruleMissing)
	}
	var keys []Key
	names := map[string]string{}
	for i, k := range p.Keys {
		path := at + "[" + strconv.Itoa(i) + "]"
		l.name(k.Name, path+".name")
		l.name(k.QuotaGroup, path+".quota_group")
		l.unique(names, k.Name, path+".name")
		keys = append(keys, l.key(k, path)...)
	}
	for i := range keys {
		if keys[i].Name == "" {
			keys[i].Name = strconv.Itoa(i + 1)
		}
	}
	p.Keys = keys
}

// key resolves one element of the list, which may stand for several keys.
func (l *loader) key(k Key, path string) []Key {
	if l.bad(path + ".secret") {
		return nil
	}
	secret, reference := l.resolve(path, k.Secret)
	k.Secret = secret
	keys := []Key{k}
	if reference {
		keys = split(k)
	} else {
		l.literal(secret)
	}
	if len(keys) == 0 || keys[0].Secret.Empty() {
		l.add(path, ruleEmpty)
	}
	for _, k := range keys {
		l.pasted(k.Secret.Reveal(), path)
	}
	return keys
}

// pasted checks a key for what comes along when it is copied: .env files are not
// always read by a shell, which would take the quotes off.
func (l *loader) pasted(text, path string) {
	switch {
	case text != strings.Trim(text, "\"'`<>[]“”‘’「」"):
		l.add(path, ruleKeyQuoted)
	case strings.ContainsFunc(text, unsendable):
		l.add(path, ruleKeyChars)
	case strings.Contains(text, "://"):
		l.add(path, ruleKeyURL)
	}
	l.sendable(text, path) // which says nothing of a path that is bad already
}

// split parts a secret that holds several keys and numbers their common name.
func split(all Key) []Key {
	parts := strings.FieldsFunc(all.Secret.Reveal(), func(r rune) bool { return r == ',' || r == '\n' || r == '\r' })
	var keys []Key
	for i, part := range parts {
		k := Key{Name: all.Name, Secret: NewSecret(strings.TrimSpace(part)), QuotaGroup: all.QuotaGroup}
		if all.Name != "" && len(parts) > 1 {
			k.Name += "-" + strconv.Itoa(i+1)
		}
		if !k.Secret.Empty() {
			keys = append(keys, k)
		}
	}
	return keys
}

func (l *loader) headersOf(p *Provider, at string) {
	headers := make(map[string]Secret, len(p.Headers))
	for name, value := range p.Headers {
		secret, reference := l.resolve(at+"["+name+"]", value)
		if !reference {
			l.literal(secret)
		}
		headers[textproto.CanonicalMIMEHeaderKey(name)] = secret
	}
	p.Headers = headers
}

// literal remembers that the configuration file itself holds a secret.
func (l *loader) literal(s Secret) {
	if !s.Empty() {
		l.exposed(l.file)
	}
}

// resolve follows env: and file: references and reports whether there was one.
// An absent secret is empty and no problem here.
func (l *loader) resolve(path string, s Secret) (Secret, bool) {
	text := s.Reveal()
	if name, ok := strings.CutPrefix(text, "env:"); ok {
		return l.fromVariable(path, strings.TrimSpace(name)), true
	}
	if name, ok := strings.CutPrefix(text, "file:"); ok {
		return l.fromFile(path, strings.TrimSpace(name)), true
	}
	return s, false
}

func (l *loader) fromVariable(path, name string) Secret {
	if !regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}$`).MatchString(name) || looksSecret(name) {
		l.add(path, ruleSecretEnvBad)
		return Secret{}
	}
	value, ok := l.env[name]
	if !ok {
		l.add(path, ruleSecretEnv, name)
	} else if value = strings.TrimSpace(value); value == "" {
		l.add(path, ruleSecretEmpty, name)
	}
	return NewSecret(value)
}

func (l *loader) fromFile(path, name string) Secret {
	if name == "" {
		l.add(path, ruleSecretPath)
		return Secret{}
	}
	text, err := readAtMost(l.at(name), maxSecret)
	if err != nil {
		l.add(path, ruleSecretFile, quoted(name), why(err))
		return Secret{}
	}
	value := strings.TrimRight(string(text), "\r\n")
	if strings.TrimSpace(value) == "" {
		l.add(path, ruleSecretEmpty, quoted(name))
	}
	l.exposed(name)
	return NewSecret(value)
}

// exposed warns once of a file with a secret that others may read. Container
// secrets under /run/secrets are readable by design.
func (l *loader) exposed(name string) {
	info, err := os.Stat(l.at(name))
	if err != nil || !info.Mode().IsRegular() || info.Mode().Perm()&0o077 == 0 || runtime.GOOS == "windows" {
		return
	}
	if strings.HasPrefix(name, "/run/secrets/") {
		return
	}
	for _, w := range l.warnings {
		if w.rule == warnExposed && w.args[0] == name {
			return
		}
	}
	l.warn("", warnExposed, name)
}

// local reports whether a URL points to this machine or a network of its own,
// where a key may be unnecessary and http is usual.
func local(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	host := strings.ToLower(u.Hostname())
	if ip, err := netip.ParseAddr(host); err == nil {
		ip = ip.Unmap()
		return ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast()
	}
	for _, suffix := range []string{".local", ".internal", ".lan", ".localhost"} {
		if strings.HasSuffix(host, suffix) {
			return true
		}
	}
	// 134744072 and 0x8080808 are addresses to some resolvers.
	return host != "" && !strings.Contains(host, ".") && (host[0] < '0' || host[0] > '9')
}
