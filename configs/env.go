package configs

import (
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

const envPrefix = "DIAGBOT_"

// envText is a value from the environment: text that may stand for a number, a
// truth value or a list, unlike text in the file.
type envText string

// readEnv hands each setting found in the environment to viper, by its own
// variable, and reports variables that name no setting.
func (l *loader) readEnv() {
	known := map[string]bool{envPrefix + "CONFIG": true}
	for _, k := range l.keys {
		if !k.fromEnv() {
			continue
		}
		name := k.env()
		known[name] = true
		if value, ok := l.env[name]; ok {
			l.origins[k.path] = name
			l.viper.Set(viperPath(k.path), envText(value))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.env)) {
		if strings.HasPrefix(name, envPrefix) && !known[name] && !isServiceLink(name) {
			l.unknownEnv(name, slices.Sorted(maps.Keys(known)))
		}
	}
}

func (l *loader) unknownEnv(name string, known []string) {
	if looksSecret(strings.TrimPrefix(name, envPrefix)) {
		name = envPrefix + mask
	}
	l.origins[name] = name
	for _, k := range l.keys {
		if k.env() == name && !k.group {
			l.add(name, ruleEnvFile, k.path)
			return
		}
	}
	if near := nearest(known, name); near != "" {
		l.add(name, ruleEnvNear, near)
		return
	}
	l.add(name, ruleUnknownEnv)
}

// isServiceLink recognises the variables Kubernetes and container links set for
// a service that is called diagbot.
func isServiceLink(name string) bool {
	rest := strings.TrimPrefix(name, envPrefix)
	for _, prefix := range []string{"SERVICE_HOST", "SERVICE_PORT", "PORT", "NAME", "ENV_"} {
		if strings.HasPrefix(rest, prefix) {
			return true
		}
	}
	return false
}

// openAIVariables are the names OpenAI's own clients read, and the provider's
// keys they stand for.
var openAIVariables = [...]struct{ name, key string }{
	{"OPENAI_BASE_URL", "base_url"},
	{"OPENAI_MODEL", "models"},
	{"OPENAI_ORG_ID", "organization"},
	{"OPENAI_PROJECT_ID", "project"},
}

const openAIKey = "OPENAI_API_KEY"

// readOpenAI makes a provider of OpenAI's usual variables when the file lists
// none.
func (l *loader) readOpenAI() {
	listed := l.viper.Get("providers")
	if empty, ok := listed.([]any); l.broken || listed != nil && !(ok && len(empty) == 0) {
		l.ignoreOpenAI()
		return
	}
	if l.env[openAIKey] == "" && !local(l.env["OPENAI_BASE_URL"]) {
		return
	}
	const at = "providers[0]"
	p := map[string]any{"name": "openai"}
	l.origins[at] = openAIKey
	if l.env[openAIKey] != "" {
		p["keys"] = []any{"env:" + openAIKey}
	}
	for _, v := range openAIVariables {
		l.origins[at+"."+v.key] = v.name
		if value := l.env[v.name]; value != "" {
			p[v.key] = envText(value)
		}
	}
	l.viper.Set("providers", []any{p})
}

// ignoreOpenAI warns of variables that have no effect because the file lists
// the providers. The key itself is often referred to from there.
func (l *loader) ignoreOpenAI() {
	for _, v := range openAIVariables {
		if l.env[v.name] != "" && !l.broken {
			l.origins[v.name] = v.name
			l.warn(v.name, warnIgnored, l.file)
		}
	}
}

// commas splits "a, b" into its parts; a value in brackets is a YAML list, for
// elements that contain commas.
func commas(text string) any {
	if strings.HasPrefix(text, "[") {
		var list []any
		if yaml.Unmarshal([]byte(text), &list) == nil {
			return list
		}
	}
	var list []any
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}

// yamlValue reads a default as it is written in a tag.
func yamlValue(text string) any {
	var v any
	if yaml.Unmarshal([]byte(text), &v) != nil {
		return text
	}
	return v
}
