package troubleshoot

import "testing"

func load(t testing.TB) *Catalogue {
	t.Helper()
	c, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestCatalogueIsClosed holds the catalogue together: entries, causes, languages,
// fields, links, examples, symptoms, wording.
func TestCatalogueIsClosed(t *testing.T) {
	for _, err := range load(t).Lint() {
		t.Error(err)
	}
}
