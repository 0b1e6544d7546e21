package troubleshoot

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// plain is a small language of its own, so that the forms are tested and not the
// wording.
const plain = `locale: {tag: en, name: English}
ui:
  ref: "({code} · {ref})"
  ref_only: "({ref})"
  join: " "
  told_admin: They know.
  told_user: Not now, they know.
  told_group: Not now.
  dur_seconds: "{n} sec"
  dur_seconds_one: "a second"
  dur_minutes: "{n} min"
  reasons: Reasons
  suggestion: Suggestion
  steps: Steps
  auto: Remedies
  links: Links
  also_under: "Also under {code}"
  more: "More: {id}"
  worth_retrying: "again: {yesno}"
  word_yes: "yes"
  word_no: "no"
  severity_critical: Critical
  remedy_rotate_key: next key
  remedy_switch_provider: next source
  remedy_alert: alert
entries:
  gpt-401: {title: Title, user: User., user_wait: "", group: Group., suggestion: Do this., causes: [one, two], admin: [first, second]}
  gpt-429: {title: Slow, user: Wait a minute., user_wait: "Wait {wait}.", group: Slow., suggestion: Wait., causes: [a], admin: [b]}
`

func plainCatalogue(t *testing.T) *Catalogue {
	t.Helper()
	c, err := Load(WithDir(fstest.MapFS{"locales/en.yaml": {Data: []byte(plain)}}))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestExplainForms(t *testing.T) {
	c := plainCatalogue(t)
	tests := []struct {
		name, id string
		t        Telling
		want     string
	}{
		{"user", "gpt-401", Telling{Ref: "7K2F"}, "User.\n(401 · 7K2F)"},
		{"user without reference", "gpt-401", Telling{}, "User."},
		{"user with pause", "gpt-429", Telling{Wait: 20 * time.Second, Ref: "7K2F"}, "Wait 20 sec.\n(429 · 7K2F)"},
		{"a pause of one", "gpt-429", Telling{Wait: 500 * time.Millisecond}, "Wait a second."},
		{"pause rounded up", "gpt-429", Telling{Wait: 19100 * time.Millisecond}, "Wait 20 sec."},
		{"pause in minutes", "gpt-429", Telling{Wait: 4*time.Minute + time.Second}, "Wait 5 min."},
		{"long pause untold", "gpt-429", Telling{Wait: 5*time.Minute + 1}, "Wait a minute."},
		{"group", "gpt-429", Telling{Audience: AudienceGroup, Ref: "7K2F"}, "Slow. (429 · 7K2F)"},
		{"group, generic", "gpt-401", Telling{Audience: AudienceGroup, Ref: "7K2F"}, "Group. (7K2F)"},
		{"group without reference", "gpt-401", Telling{Audience: AudienceGroup}, "Group."},
		{"user, admin told", "gpt-429", Telling{Told: true, Ref: "7K2F"}, "Wait a minute. They know.\n(429 · 7K2F)"},
		{"user, admin told instead", "gpt-401", Telling{Told: true, Ref: "7K2F"}, "Not now, they know.\n(401 · 7K2F)"},
		{"group, admin told instead", "gpt-401", Telling{Audience: AudienceGroup, Told: true, Ref: "7K2F"}, "Not now. (7K2F)"},
		{"group, admin told", "gpt-429", Telling{Audience: AudienceGroup, Told: true, Ref: "7K2F"}, "Slow. They know. (429 · 7K2F)"},
		{"repeat", "gpt-429", Telling{Audience: AudienceRepeat, Ref: "7K2F"}, "Slow\n(429 · 7K2F)"},
		{"repeat without reference", "gpt-429", Telling{Audience: AudienceRepeat}, "Slow"},
		{"repeat, generic", "gpt-401", Telling{Audience: AudienceRepeat, Ref: "7K2F"}, "Group.\n(401 · 7K2F)"},
		{"repeat, generic, admin told", "gpt-401", Telling{Audience: AudienceRepeat, Told: true, Ref: "7K2F"}, "Not now.\n(401 · 7K2F)"},
		{"public", "gpt-429", Telling{Audience: AudiencePublic}, "429 Slow\nWait a minute.\n\nSuggestion\nWait."},
		{"admin", "gpt-401", Telling{Audience: AudienceAdmin}, "401 Title\nCritical · again: no · gpt-401\n\nReasons\n1. one\n2. two\n\nSuggestion\nDo this.\n\nSteps\n1. first\n2. second\n\nRemedies\n1. next key\n2. next source\n3. alert\n\nLinks\nhttps://platform.openai.com/api-keys\nhttps://platform.openai.com/usage"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.t.Locale = "en"
			if got := c.Explain(tt.id, tt.t); got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestExplainListsWhatElseIsUnderACode(t *testing.T) {
	c := load(t)
	got := c.Explain("gpt-401", Telling{Audience: AudiencePublic, Locale: "en", Query: "401"})
	for _, want := range []string{c.Say("en", "also_under", "code", "401"), "\nchatgpt-401 " + c.Title("chatgpt-401", "en"), "\ngpt-401-ip-not-authorized "} {
		if !strings.Contains(got, want) {
			t.Errorf("%q\nlacks %q", got, want)
		}
	}
	for _, typed := range []string{"４０１", "<401>", "401!"} {
		if again := c.Explain("gpt-401", Telling{Audience: AudiencePublic, Locale: "en", Query: typed}); again != got {
			t.Errorf("%s: %q", typed, again)
		}
	}
	if strings.Contains(got, "\ngpt-401 ") {
		t.Error("the page lists itself")
	}
	if one := c.Explain("gpt-524", Telling{Audience: AudiencePublic, Locale: "en", Query: "gpt-524"}); strings.Contains(one, c.Say("en", "also_under", "code", "gpt-524")) {
		t.Error("an id lists others")
	}
}

func TestExplainIsTotal(t *testing.T) {
	c := load(t)
	unknown := c.Explain(UnknownEntry, Telling{Locale: "en"})
	if got := c.Explain("no-such-entry", Telling{Locale: "en"}); got != unknown || got == "" {
		t.Errorf("an unknown id is told as %q", got)
	}
	for _, tag := range []string{"", "xx", "en-GB", "zh_CN", "zh-HK", "\x00\xff"} {
		if got := c.Explain("gpt-429", Telling{Locale: tag}); got == "" {
			t.Errorf("nothing is said in %q", tag)
		}
	}
}

// TestNoMixOfLanguages lets one entry lack one text in Japanese: the whole entry
// and its labels must then come from the next language of the chain.
func TestNoMixOfLanguages(t *testing.T) {
	dir := fstest.MapFS{
		"entries/my-relay-down.yaml": {Data: []byte(ownEntry)},
		"locales/en.yaml":            {Data: []byte(ownText)},
	}
	c, err := Load(WithDir(dir))
	if err != nil {
		t.Fatal(err)
	}
	got := c.Explain("my-relay-down", Telling{Audience: AudienceAdmin, Locale: "ja"})
	for _, r := range got {
		if r >= 0x3040 && r <= 0x9FFF {
			t.Fatalf("Japanese in an English explanation:\n%s", got)
		}
	}
}

func TestUserTextsNameNoSecretThings(t *testing.T) {
	c := load(t)
	for _, l := range c.Locales() {
		for _, e := range c.Entries() {
			for _, a := range []Audience{AudienceUser, AudienceGroup} {
				got := c.Explain(e.ID, Telling{Audience: a, Locale: l.Tag, Ref: "7K2F"})
				if strings.Contains(got, "http") || strings.Contains(got, "{") {
					t.Errorf("%s %s %s: %q", l.Tag, e.ID, a, got)
				}
				if a == AudienceGroup && e.Generic() && strings.Contains(got, e.Code) {
					t.Errorf("%s %s: a group sees the code: %q", l.Tag, e.ID, got)
				}
			}
		}
	}
}

func TestSay(t *testing.T) {
	c := plainCatalogue(t)
	if got := c.Say("en", "ref", "code", "401", "ref", "{x}"); got != "(401 · {x})" {
		t.Errorf("filled: %q", got)
	}
	if got := c.Say("en", "no_such_key"); got != "no_such_key" {
		t.Errorf("unknown key: %q", got)
	}
	if got := c.Say("en", "ref", "code"); got != "({code} · {ref})" {
		t.Errorf("odd arguments: %q", got)
	}
}
