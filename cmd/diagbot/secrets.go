package main

import (
	"encoding/base64"
	"net/url"
	"strings"
	"unicode"

	"github.com/diagbot/diagbot/configs"
)

// secrets are all parts of the configuration that must be seen nowhere.
func secrets(cfg *configs.Config) (all []string) {
	for _, p := range cfg.Providers {
		for _, k := range p.Keys {
			if secret := k.Secret.Reveal(); !isWord(secret) {
				all = append(all, secret)
			}
		}
		for _, h := range p.Headers {
			all = append(all, partsOf(h.Reveal())...)
		}
		all = append(all, credentials(p.Proxy.Reveal())...)
		all = append(all, p.Organization, p.Project)
	}
	for _, alert := range cfg.Alerts {
		all = append(all, alert.Secret.Reveal(), alert.Password.Reveal())
		all = append(all, hidden(alert.URL.Reveal())...)
	}
	all = append(all, credentials(cfg.Store.URL.Reveal())...)
	return append(all, cfg.Store.URL.Reveal(), cfg.Store.Key.Reveal())
}

// isWord reports whether a key is none, as servers in one's own network are given
// where a client insists on one: none, EMPTY, ollama.
func isWord(key string) bool {
	return len(key) <= 12 && !strings.ContainsFunc(key, func(r rune) bool { return !unicode.IsLetter(r) && r != '-' })
}

// leastPart is the length of the shortest part of a larger text that counts as a
// secret.
const leastPart = 8

// partsOf are a header's value and the secret after its scheme, as in "Bearer x".
func partsOf(value string) []string {
	if len(value) < leastPart {
		return nil
	}
	all := []string{value}
	if scheme, rest, ok := strings.Cut(value, " "); ok && len(rest) >= leastPart && isWord(scheme) {
		all = append(all, strings.TrimSpace(rest))
	}
	return all
}

// credentials are the password in a URL, also as it is sent.
func credentials(text string) []string {
	u, err := url.Parse(text)
	if err != nil {
		return nil
	}
	password, ok := u.User.Password()
	if !ok || password == "" {
		return []string{u.Query().Get("password")}
	}
	return []string{password, u.User.String(), base64.StdEncoding.EncodeToString([]byte(u.User.Username() + ":" + password))}
}

// hidden are the parts of a webhook's URL that let its bearer post: its query and,
// of its path, what is long.
func hidden(text string) []string {
	all := append(credentials(text), text)
	u, err := url.Parse(text)
	if err != nil {
		return all
	}
	for _, values := range u.Query() {
		for _, v := range values {
			if len(v) >= leastPart {
				all = append(all, v)
			}
		}
	}
	for part := range strings.SplitSeq(u.Path, "/") {
		if len(part) > 12 || len(part) >= leastPart && strings.ContainsFunc(part, unicode.IsDigit) {
			all = append(all, part)
		}
	}
	return all
}
