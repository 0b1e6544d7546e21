package troubleshoot

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

const ownEntry = `id: my-relay-down
code: "599"
family: gpt
origin: extra
cause: bad_gateway
severity: error
retryable: true
act: wait
notify: once
disclose: full
aliases: [relay]
symptoms:
- code: [relay_down]
remedy: [{do: switch_provider}]
examples:
- {status: 502, body: '{"code":"relay_down"}'}
`

const ownText = `locale: {tag: en, name: English}
entries:
  my-relay-down:
    title: The relay is down
    user: I can't get through right now. Please try again later.
    group: I can't get through right now.
    suggestion: Start the relay.
    causes: [It was stopped.]
    admin: [Start it.]
`

func TestOverridesAddAndReplace(t *testing.T) {
	dir := fstest.MapFS{
		"entries/my-relay-down.yaml": {Data: []byte(ownEntry)},
		"locales/en.yaml":            {Data: []byte(ownText + "  gpt-429:\n    title: Slow down, please\n")},
	}
	c, err := Load(WithDir(dir))
	if err != nil {
		t.Fatal(err)
	}
	d := c.Diagnose(Normalize(Observation{Status: 502, Body: []byte(`{"error":{"code":"relay_down","message":"x"}}`)}))
	if d.Entry.ID != "my-relay-down" {
		t.Errorf("diagnosed as %s", d.Entry.ID)
	}
	if got := c.Explain("my-relay-down", Telling{Locale: "zh-Hans", Ref: "7K2F"}); !strings.HasPrefix(got, "I can't get through") || !strings.Contains(got, "(599 · 7K2F)") {
		t.Errorf("a text without Chinese is told as %q", got)
	}
	if got := c.Title("gpt-429", "en"); got != "Slow down, please" {
		t.Errorf("title %q", got)
	}
	if got := load(t).Title("gpt-429", "en"); got == "Slow down, please" {
		t.Error("one catalogue's override is seen in another")
	}
}

func TestOverridesAddALanguage(t *testing.T) {
	dir := fstest.MapFS{"locales/eo.yaml": {Data: []byte("locale: {tag: eo, name: Esperanto, names: [esperanta]}\nui: {word_yes: jes}\n")}}
	c, err := Load(WithDir(dir))
	if err != nil {
		t.Fatal(err)
	}
	if tag, ok := c.MatchLocale("Esperanta"); !ok || tag != "eo" {
		t.Errorf("MatchLocale: %q, %v", tag, ok)
	}
	if got := c.Say("eo", "word_yes"); got != "jes" {
		t.Errorf("own word %q", got)
	}
	if got, want := c.Say("eo", "word_no"), c.Say("en", "word_no"); got != want {
		t.Errorf("missing word %q, want English %q", got, want)
	}
}

func TestLoadNamesFileAndField(t *testing.T) {
	replace := func(old, new string) string { return strings.Replace(ownEntry, old, new, 1) }
	tests := []struct{ name, file, data, want string }{
		{"unknown field", "entries/my-relay-down.yaml", ownEntry + "colour: red\n", "entries/my-relay-down.yaml: yaml: unmarshal errors:\n  line 17: field colour not found in type troubleshoot.Entry"},
		{"other name", "entries/other.yaml", ownEntry, `entries/other.yaml: id: is "my-relay-down", the file's name says "other"`},
		{"severity", "entries/my-relay-down.yaml", replace("severity: error", "severity: bad"), `entries/my-relay-down.yaml: severity: "bad" is none of info, warning, error, critical`},
		{"remedy", "entries/my-relay-down.yaml", replace("do: switch_provider", "do: pray"), `entries/my-relay-down.yaml: remedy[0].do: "pray" is none of`},
		{"rank", "entries/my-relay-down.yaml", replace("- code: [relay_down]", "- {code: [relay_down], rank: top}"), `entries/my-relay-down.yaml: symptoms[0]: rank: "top" is no stage`},
		{"empty symptom", "entries/my-relay-down.yaml", replace("- code: [relay_down]", "- {rank: code}"), "entries/my-relay-down.yaml: symptoms[0]: looks at nothing"},
		{"short phrase", "entries/my-relay-down.yaml", replace("- code: [relay_down]", "- text: [ab]"), `entries/my-relay-down.yaml: symptoms[0]: text: "ab" begins with less than three bytes`},
		{"see also", "entries/my-relay-down.yaml", ownEntry + "see_also: [nobody]\n", `entries/my-relay-down.yaml: see_also: "nobody" is no other entry`},
		{"no such entry", "locales/en.yaml", "locale: {tag: en, name: English}\nentries:\n  nobody: {title: x}\n", "locales/en.yaml: entries.nobody: there is no such entry"},
		{"placeholders", "locales/en.yaml", "locale: {tag: en, name: English}\nui: {ref: '{code}'}\n", "locales/en.yaml: ui.ref: placeholders differ from [code ref]"},
		{"tag", "locales/fr.yaml", "locale: {tag: en, name: English}\n", `locales/fr.yaml: locale.tag: is "en", the file's name says "fr"`},
		{"nameless", "locales/fr.yaml", "locale: {tag: fr}\n", "locales/fr.yaml: locale.name: is missing"},
		{"unknown text field", "locales/en.yaml", "locale: {tag: en, name: English}\nentries:\n  gpt-429: {titel: x}\n", "locales/en.yaml: yaml: unmarshal errors:\n  line 3: field titel not found"},
		{"not yaml", "entries/x.yaml", "a: [", "entries/x.yaml: yaml: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Load(WithDir(fstest.MapFS{tt.file: {Data: []byte(tt.data)}}))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v\nwant   %s", err, tt.want)
			}
		})
	}
}

func TestLoadReportsAllErrorsAtOnce(t *testing.T) {
	_, err := Load(WithDir(fstest.MapFS{
		"entries/a.yaml": {Data: []byte("id: b\n")}, "entries/c.yaml": {Data: []byte("colour: red\n")}, "locales/fr.yaml": {Data: []byte("{")},
	}))
	for _, want := range []string{"entries/a.yaml", "entries/c.yaml", "locales/fr.yaml"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not name %s", err, want)
		}
	}
}

// TestLintFinds plants one defect each and looks for it in what Lint says.
func TestLintFinds(t *testing.T) {
	entry := func(id, old, new string) *fstest.MapFile {
		text := strings.Replace(ownEntry, old, new, 1)
		return &fstest.MapFile{Data: []byte(strings.NewReplacer("my-relay-down", id, "[relay]", "["+id+"-alias]", "relay_down", strings.ReplaceAll(id, "-", "_")).Replace(text))}
	}
	texts := "locale: {tag: zh-Hans, name: 简体中文}\nui: {hullo: x}\nentries:\n  gpt-429: {user: 密钥不对}\n  gpt-500: {group: " + strings.Repeat("慢", 41) + "}\n  gpt-503: {user_wait: 等一会儿}\n  gpt-502: {title: '{code}'}\n"
	c, err := Load(WithDir(fstest.MapFS{
		"entries/strange-cause.yaml": entry("strange-cause", "bad_gateway", "gremlins"),
		"entries/taken-alias.yaml":   entry("taken-alias", "[relay]", "[tls]"),
		"entries/same-sign.yaml":     entry("same-sign", "code: [relay_down]", "status: [503]"),
		"entries/wrong-one.yaml":     entry("wrong-one", `"code":"relay_down"`, `"code":"x"`),
		"locales/zh-Hans.yaml":       {Data: []byte(texts)},
	}))
	if err != nil {
		t.Fatal(err)
	}
	found := c.Lint()
	for _, want := range []string{
		"locales/ko.yaml: entries.strange-cause: is missing",
		`entries/strange-cause.yaml: cause: "gremlins" is neither`,
		`aliases: "tls" belongs to`,
		`status "503" decides for`,
		"entries/wrong-one.yaml: examples[0]: is diagnosed as gpt-502",
		`entries.gpt-429.user: "密钥" is forbidden`,
		"entries.gpt-500.group: 41 characters, at most 40",
		"entries.gpt-503.user_wait: must hold {wait}",
		"entries.gpt-502.title: {code} is never filled",
		"ui.hullo: English has no such key",
	} {
		if !slices.ContainsFunc(found, func(err error) bool { return strings.Contains(err.Error(), want) }) {
			t.Errorf("Lint does not say %s", want)
		}
	}
}
