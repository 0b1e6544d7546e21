package troubleshoot

import (
	"net/url"
	"strings"
)

// missedProxy reports whether text of a failed call says that its egress proxy was
// not found or not reached: the client wanted one host and names another, or a
// port that is not the wanted one's, or a neighbour that is called a proxy, or a port
// of this computer on which proxies wait.
func missedProxy(s string) bool {
	if len(s) > maxText {
		s = s[:maxText]
	}
	for _, said := range [...]string{"ENOTFOUND ", "EAI_AGAIN ", "ECONNREFUSED ", "ECONNRESET ", "dial tcp: lookup ", "dial tcp "} {
		before, after, ok := strings.Cut(s, said)
		if !ok {
			continue
		}
		host, port := hostPort(after)
		want := wantedURL(before)
		switch {
		case port != "" && want == nil:
			return isLocal(host) && isProxyPort(port)
		case port != "":
			return port != portOf(want)
		case want != nil:
			return host != "" && !strings.EqualFold(host, want.Hostname())
		}
		return isProxyName(host)
	}
	return false
}

// wantedURL returns the URL a client says it asked for, in the words right before
// those about the connection, as Node's fetch and Go write them; nil if none.
func wantedURL(before string) *url.URL {
	before = strings.TrimSuffix(before, "getaddrinfo ")
	before = strings.TrimSuffix(before, "connect ")
	before, ok := strings.CutSuffix(before, " failed, reason: ")
	if !ok {
		if before, ok = strings.CutSuffix(before, `": `); !ok {
			return nil
		}
	}
	u, err := url.Parse(before[strings.LastIndexAny(before, " \"\n")+1:])
	if err != nil || u.Hostname() == "" {
		return nil
	}
	return u
}

func portOf(u *url.URL) string {
	switch p := u.Port(); {
	case p != "":
		return p
	case u.Scheme == "http":
		return "80"
	}
	return "443"
}

// hostPort reads the address that text begins with.
func hostPort(s string) (host, port string) {
	if inside, after, ok := strings.Cut(strings.TrimPrefix(s, "["), "]"); ok && s[0] == '[' {
		if after, ok = strings.CutPrefix(after, ":"); ok {
			port = after[:run(after, "")]
		}
		return inside, port
	}
	host = strings.TrimRight(s[:run(s, ".-_:")], ":.")
	if i := strings.LastIndexByte(host, ':'); i >= 0 {
		return host[:i], host[i+1:]
	}
	return host, ""
}

func isLocal(host string) bool { return host == "127.0.0.1" || host == "::1" || host == "localhost" }

// isProxyPort reports whether the usual programs for a way out of a country listen
// on a port, and no AI service.
func isProxyPort(port string) bool {
	switch port {
	case "1080", "1081", "1086", "1087", "1089", "2080", "7890", "7891", "7893", "7897", "10808", "10809", "20170", "20171", "20172", "33210":
		return true
	}
	return false
}

// run returns how many bytes s begins with that are letters, digits or in also.
func run(s, also string) int {
	n := 0
	for n < len(s) && (isWord(s[n]) || strings.IndexByte(also, s[n]) >= 0) {
		n++
	}
	return n
}

// isProxyName reports whether a name without a domain is a proxy's. Names of
// relays of a service, such as openai-proxy, are not among them.
func isProxyName(host string) bool {
	switch strings.ToLower(host) {
	case "proxy", "proxy-server", "proxy_server", "proxyserver", "http-proxy", "https-proxy", "http_proxy", "https_proxy", "web-proxy", "webproxy", "squid", "squid-proxy", "socks-proxy", "socks5-proxy", "forward-proxy", "egress-proxy":
		return true
	}
	return false
}
