package llm

// Status tells how the providers are doing, in order of preference. It asks
// nobody and returns at once.
func (c *Client) Status() []ProviderStatus {
	all := make([]ProviderStatus, len(c.providers))
	for i, p := range c.providers {
		all[i] = ProviderStatus{Provider: p.options.Name, Source: p.options.Source, Breaker: "closed"}
	}
	return all
}
