package troubleshoot

import "time"

// Signs says in a language what a diagnosis was recognised by.
func (c *Catalogue) Signs(d Diagnosis, tag string) []string {
	said := make([]string, len(d.Evidence))
	for i, e := range d.Evidence {
		rule, value := e.Rule, e.Value
		switch rule {
		case "class":
			rule = "status"
		case "retry_after":
			if wait, err := time.ParseDuration(value); err == nil {
				value = c.Duration(tag, wait)
			}
		}
		said[i] = c.Say(tag, "sign_"+rule, "value", value)
	}
	return said
}
