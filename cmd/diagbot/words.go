package main

import (
	"embed"
	"fmt"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
	"golang.org/x/text/language"
)

//go:embed text/*.yaml
var textFiles embed.FS

// spoken are the languages of the commands' output, best known first. Chats
// have more: theirs come from the catalogue.
var spoken = []language.Tag{language.English, language.SimplifiedChinese}

// words holds what the commands say in one language.
type words struct {
	tag     string
	text    map[string]string
	reasons map[string]string // by what other packages say in English; none in English
}

// wordsFor returns the words in the language that suits the wish best: the value
// of --lang if given, else what the environment's locale variables say, else
// English.
func wordsFor(wish string, getenv func(string) string) (words, error) {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if wish != "" {
			break
		}
		wish = getenv(name)
	}
	wish, _, _ = strings.Cut(wish, ".") // zh_CN.UTF-8
	_, index, confidence := language.NewMatcher(spoken).Match(language.Make(strings.ReplaceAll(wish, "_", "-")))
	if confidence == language.No {
		index = 0
	}
	file := []string{"en", "zh-Hans"}[index]
	raw, err := textFiles.ReadFile("text/" + file + ".yaml")
	if err != nil {
		return words{}, fmt.Errorf("read words: %w", err)
	}
	w := words{tag: file}
	if err := yaml.Unmarshal(raw, &w.text); err != nil {
		return words{}, fmt.Errorf("read words: %w", err)
	}
	if raw, err = textFiles.ReadFile("text/reasons." + file + ".yaml"); err != nil {
		return w, nil // reasons are said in this language anyhow
	}
	if err := yaml.Unmarshal(raw, &w.reasons); err != nil {
		return words{}, fmt.Errorf("read reasons: %w", err)
	}
	return w, nil
}

// say returns the text for key with {name} replaced by each value; args are
// name, value pairs. A value for {why}, and what an error says, is put in this
// language.
func (w words) say(key string, args ...string) string {
	text, ok := w.text[key]
	if !ok {
		panic("no words for " + key) // the embedded text is broken; a test holds all keys
	}
	pairs := make([]string, 0, len(args))
	for i := 0; i+1 < len(args); i += 2 {
		value := args[i+1]
		if args[i] == "why" || key == "error" {
			value = w.reason(value)
		}
		pairs = append(pairs, "{"+args[i]+"}", value)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// reason puts what is known of a reason in this language, clause by clause. One
// of which nothing is known stays as it is.
func (w words) reason(english string) string {
	var told []string
	known := false
	for clause := range strings.SplitSeq(english, ": ") {
		own, ok := w.clause(clause)
		if known = known || ok; !ok {
			own = clause
		}
		if own != "" {
			told = append(told, own)
		}
	}
	if !known {
		return english
	}
	return strings.Join(told, "：")
}

// clause looks a clause up: as a whole, then by how it begins. What stands in
// brackets behind it is kept.
func (w words) clause(english string) (own string, known bool) {
	if own, known = w.reasons[english]; known {
		return own, true
	}
	head, inside, _ := strings.Cut(english, " (")
	if inside != "" {
		inside = "（" + strings.TrimSuffix(inside, ")") + "）"
	}
	if own, known = w.reasons[head]; known {
		return own + inside, true
	}
	for begins, own := range w.reasons {
		if rest, ok := strings.CutPrefix(head, strings.TrimSuffix(begins, "*")); ok && strings.HasSuffix(begins, " *") {
			return strings.TrimSuffix(own, "*") + rest + inside, true
		}
	}
	return "", false
}

// sentences puts two sentences one after the other.
func (w words) sentences(first, second string) string {
	if w.tag == "zh-Hans" {
		return first + second
	}
	return first + " " + second
}

// span writes a length of time: as Go does or, in Chinese, with Chinese units.
func (w words) span(d time.Duration) string {
	if w.tag != "zh-Hans" {
		return d.String()
	}
	units := strings.NewReplacer("ms", " 毫秒", "µs", " 微秒", "ns", " 纳秒", "h", " 小时 ", "m", " 分 ", "s", " 秒")
	return units.Replace(d.String())
}
