package wechat

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/eatmoreapple/openwechat"
)

// Session keeps the credentials and the cursor of a login, so that the next
// start needs no scan. The bytes are a secret.
type Session interface {
	// Load returns what was saved, nil when there is nothing.
	Load() ([]byte, error)
	// Save replaces it, whole or not at all.
	Save([]byte) error
	// Remove deletes it. It is no error if there is nothing.
	Remove() error
	// SetAside moves an unusable one out of the way and says where to.
	SetAside() (where string, err error)
}

// document is a saved session, in the form openwechat reads.
type document struct {
	Jar          map[string][]*http.Cookie
	BaseRequest  *openwechat.BaseRequest
	LoginInfo    *openwechat.LoginInfo
	WechatDomain string
	SyncKey      *syncKey
	UUID         string
}

// readDocument reads and checks a saved session: openwechat panics on one with
// parts missing. The errors are for the operator and hold no credentials.
func readDocument(b []byte) (*document, error) {
	var d document
	if err := json.Unmarshal(b, &d); err != nil {
		return nil, errors.New("it is not a session: no valid JSON, or with other fields")
	}
	switch {
	case d.LoginInfo == nil || d.LoginInfo.WxSid == "" || d.LoginInfo.WxUin == 0:
		return nil, errors.New("it has no LoginInfo")
	case d.BaseRequest == nil || d.BaseRequest.Sid == "" || d.BaseRequest.DeviceID == "":
		return nil, errors.New("it has no BaseRequest")
	case d.SyncKey.check("") != nil:
		return nil, errors.New("its SyncKey is missing or broken")
	case !knownHost(d.WechatDomain) || !known(&url.URL{Scheme: "https", Host: d.WechatDomain}):
		return nil, errors.New("its WechatDomain is not one of WeChat's")
	}
	if d.repair(); len(d.cookies()) == 0 {
		return nil, errors.New("it has no cookies")
	}
	return &d, nil
}

func (d *document) host() string { return "https://" + d.WechatDomain }

func (d *document) cookies() []*http.Cookie { return d.Jar[d.host()] }

// repair makes the cookies those of the whole domain. A cookie jar gives away
// names and values only, and what is restored from these reaches neither
// webpush. nor file., so polls and uploads come without credentials.
func (d *document) repair() {
	newest := make(map[string]*http.Cookie) // a jar lists the oldest first
	for _, c := range d.cookies() {
		if c != nil && c.Valid() == nil {
			newest[c.Name] = &http.Cookie{Name: c.Name, Value: c.Value, Domain: d.WechatDomain, Path: "/", Secure: true}
		}
	}
	kept := make([]*http.Cookie, 0, len(newest))
	for _, name := range slices.Sorted(maps.Keys(newest)) {
		kept = append(kept, newest[name])
	}
	d.Jar = map[string][]*http.Cookie{d.host(): kept}
}

// storage hands a saved session to openwechat once. What the library wants to
// save is dropped: it does so before messages are heard, and without the
// cookies' domains. The link saves instead.
type storage struct {
	rest []byte
}

func newStorage(d *document) *storage { return &storage{rest: encode(d)} }

// Read implements openwechat.HotReloadStorage.
func (s *storage) Read(p []byte) (int, error) {
	if len(s.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// Write implements openwechat.HotReloadStorage.
func (s *storage) Write(p []byte) (int, error) { return len(p), nil }

// snapshot describes the session of b as it is now. It reads what only the
// sync goroutine changes, and is called there. last is the snapshot before,
// whose cookies stay if there are none now.
func snapshot(b *openwechat.Bot, last *document) (*document, error) {
	info, request, response := b.Storage.LoginInfo, b.Storage.Request, b.Storage.Response
	if info == nil || request == nil || response == nil || response.SyncKey == nil {
		return nil, errors.New("no session yet")
	}
	d := &document{
		BaseRequest: request, LoginInfo: info, WechatDomain: string(b.Caller.Client.Domain), UUID: b.UUID(),
		SyncKey: &syncKey{Count: response.SyncKey.Count, List: response.SyncKey.List},
	}
	host, err := url.Parse(d.host())
	if err != nil {
		return nil, fmt.Errorf("read domain: %w", err)
	}
	d.Jar = map[string][]*http.Cookie{d.host(): b.Caller.Client.Jar().Cookies(host)}
	d.repair()
	if last != nil && len(d.cookies()) == 0 && last.WechatDomain == d.WechatDomain {
		d.Jar = last.Jar
	}
	return d, nil
}

// yield takes restored cookies out of the jar that the servers now set anew for
// another domain. Both would be sent, the old one first.
func yield(jar *openwechat.Jar, domain string, set []*http.Cookie) {
	var old []*http.Cookie
	for _, c := range set {
		if strings.TrimPrefix(c.Domain, ".") != domain {
			old = append(old, &http.Cookie{Name: c.Name, Domain: domain, Path: "/", MaxAge: -1})
		}
	}
	if len(old) > 0 {
		jar.SetCookies(&url.URL{Scheme: "https", Host: domain, Path: "/"}, old)
	}
}

// prime makes the jar know its hosts. It keeps them in a map it does not lock,
// which therefore must not change once calls run side by side.
func prime(jar *openwechat.Jar, domain string) {
	for _, prefix := range []string{"", "webpush.", "file.", "login."} {
		jar.SetCookies(&url.URL{Scheme: "https", Host: prefix + domain, Path: "/"}, nil)
	}
}
