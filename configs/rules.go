package configs

import (
	"fmt"
	"strings"
)

// rule is what can be wrong, as an English format; chinese holds the other
// language. Arguments that are rules themselves are translated too.
type rule string

const (
	ruleOne     rule = "the configuration has a problem: "
	ruleMany    rule = "the configuration has %d problems:"
	ruleExample rule = "; for example %s"

	ruleNoFile     rule = "there is no such file"
	ruleUnreadable rule = "the file can't be read: %s"
	ruleIsDir      rule = "this is a directory, not a file"
	ruleNotDir     rule = "%s is not a directory that can be read"
	ruleTooBig     rule = "the file is larger than %d KiB"
	ruleNotUTF8    rule = "the file isn't UTF-8 text; save it as UTF-8"
	ruleSyntax     rule = "this isn't valid YAML%s; look at this line and those before it: keys that belong together are indented alike, with spaces"
	ruleTab        rule = "this line begins with a tab; YAML is indented with spaces only"
	ruleColon      rule = "after %s comes an ordinary colon, then a space"
	ruleDocuments  rule = "the file holds more than one YAML document; keep one"
	ruleTopLevel   rule = "the file holds %s where keys and values are expected"
	ruleTooComplex rule = "the file is nested or repeated too much"

	ruleUnknown     rule = "unknown key"
	ruleUnknownNear rule = "unknown key; did you mean %s?"
	ruleFamiliar    rule = "unknown key; %s"
	ruleTwice       rule = "this key is here twice"
	ruleUnknownEnv  rule = "no setting has this name"
	ruleEnvFile     rule = "this can be set in the configuration file only: %s"
	ruleEnvNear     rule = "no setting has this name; did you mean %s?"

	ruleType      rule = "%s is expected, not %s"
	ruleQuote     rule = "%s is expected, not %s; put it in quotes"
	ruleDuration  rule = "%s is not a duration"
	ruleNoUnit    rule = "%s has no unit; durations are written with one, such as ms, s, m or h"
	ruleRange     rule = "%s is out of range; it must be between %s and %s"
	ruleOneOf     rule = "%s is not one of %s"
	ruleLocale    rule = "%s is not a language tag"
	ruleMissing   rule = "this is required"
	ruleEmpty     rule = "this is empty"
	ruleTooLong   rule = "this is longer than %d characters"
	ruleShort     rule = "this is shorter than %d characters; make a long one, as with: openssl rand -base64 32"
	ruleHostPort  rule = "a host with a port is expected"
	ruleMail      rule = "this is not an e-mail address"
	ruleUnused    rule = "this kind of alert has no use for it; leave it out"
	ruleDuplicate rule = "%s is already used by %s; each needs its own"
	ruleName      rule = "%s can't be a name; use up to 32 letters, digits, dots, dashes and underscores"
	ruleNameKey   rule = "this looks like a key, and names are shown to people; put keys under keys"
	ruleUnprint   rule = "this has spaces, line breaks or other characters that can't be sent"
	ruleKeyChars  rule = "this key has spaces, line breaks or characters that no key has; copy it once more"
	ruleKeyQuoted rule = "this key has quotes or brackets around it; leave them off"
	ruleKeyURL    rule = "this is an address, not a key"
	ruleControl   rule = "this has line breaks or other control characters"

	ruleURLParse    rule = "this is not a URL"
	ruleURLScheme   rule = "a URL that begins with %s is expected"
	ruleURLHost     rule = "the URL names no host"
	ruleURLPort     rule = "the URL's port is not one between 1 and 65535"
	ruleURLUser     rule = "a URL with a user name or password in it isn't accepted here; keys go under keys"
	ruleURLQuery    rule = "the URL has a query or fragment, and paths are appended to it"
	rulePlain       rule = "key and chats would travel unencrypted to a host that isn't local; use https, or set allow_http"
	ruleAlertPlain  rule = "alerts would travel unencrypted to a host that isn't local; use https"
	ruleURLLogin    rule = "this kind takes no user name or password in the URL; what signs goes under secret"
	ruleURLFragment rule = "leave off what follows the #"
	ruleURLChat     rule = "leave %s off; the bot appends it"

	ruleNoProvider   rule = "no AI service is set; put OPENAI_API_KEY into the environment, or list a service here"
	ruleSecretEnv    rule = "the environment has no variable %s"
	ruleSecretEnvBad rule = "env: must be followed by the name of an environment variable"
	ruleSecretPath   rule = "file: must be followed by the path of a file"
	ruleSecretFile   rule = "the file %s can't be read: %s"
	ruleSecretEmpty  rule = "%s is empty"
	ruleHeader       rule = "a header has an impossible name"
	ruleHeaderOwn    rule = "the header %s is set by the bot itself"

	warnExposed rule = "%s holds a secret and other users of this machine can read it; chmod 600 it"
	warnPlain   rule = "the key travels unencrypted to a host that isn't local; use https if the service offers it"
	warnNoPath  rule = "the URL has no path; most services expect one that ends in /v1"
	warnIgnored rule = "this is ignored, because %s lists the services"
	warnOther   rule = "%s is there too and is ignored"
	warnTotal   rule = "%s is longer than the deadline of a whole message, %s, which ends it first"

	wordText     rule = "text"
	wordNumber   rule = "a number"
	wordWhole    rule = "a whole number"
	wordFraction rule = "a fraction"
	wordBool     rule = "true or false"
	wordDuration rule = "a duration"
	wordList     rule = "a list"
	wordGroup    rule = "a group of keys"
	wordNothing  rule = "nothing"
	wordOther    rule = "something else"
	wordOr       rule = " or "
	wordDate     rule = "a date"

	whyMissing rule = "it doesn't exist"
	whyDenied  rule = "permission denied"
	whyDir     rule = "it is a directory"
	whyTooBig  rule = "it is too large"
	whyOther   rule = "input/output error"
)

// in renders the rule in Chinese for a tag that begins with "zh", else in
// English.
func (r rule) in(locale string, args ...any) string {
	format := string(r)
	if strings.HasPrefix(strings.ToLower(locale), "zh") {
		format = r.chinese()
	}
	if len(args) == 0 {
		return format
	}
	shown := make([]any, len(args))
	for i, a := range args {
		shown[i] = a
		if inner, ok := a.(interface{ in(string) string }); ok {
			shown[i] = inner.in(locale)
		}
	}
	return fmt.Sprintf(format, shown...)
}

// wantsExample reports whether an example of the key's value helps: not where
// the key itself is wrong, or the value is right but leads nowhere.
func (r rule) wantsExample() bool {
	switch r {
	case ruleUnknown, ruleUnknownNear, ruleFamiliar, ruleTwice, ruleSecretEnv, ruleSecretFile, ruleSecretEmpty, ruleHeaderOwn, ruleUnused,
		ruleKeyChars, ruleKeyQuoted, ruleKeyURL, ruleTab, ruleColon, ruleEnvFile:
		return false
	}
	return true
}

// either is a choice of URL schemes.
type either []string

func (e either) in(locale string) string {
	return strings.Join(e, "://"+wordOr.in(locale)) + "://"
}

// said is a rule with its arguments: an argument of another rule, or the error
// of a conversion.
type said struct {
	rule rule
	args []any
}

func say(r rule, args ...any) said { return said{r, args} }

func (s said) in(locale string) string { return s.rule.in(locale, s.args...) }

// Error makes a said the error of a decode hook.
func (s said) Error() string { return s.in("en") }
