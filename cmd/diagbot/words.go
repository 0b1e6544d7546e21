package main

import (
	"embed"
	"fmt"
	"strings"

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
	tag  string
	text map[string]string
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
	return w, nil
}

// say returns the text for key with {name} replaced by each value; args are
// name, value pairs.
func (w words) say(key string, args ...string) string {
	text, ok := w.text[key]
	if !ok {
		panic("no words for " + key) // the embedded text is broken; a test holds all keys
	}
	pairs := make([]string, 0, len(args))
	for i := 0; i+1 < len(args); i += 2 {
		pairs = append(pairs, "{"+args[i]+"}", args[i+1])
	}
	return strings.NewReplacer(pairs...).Replace(text)
}
