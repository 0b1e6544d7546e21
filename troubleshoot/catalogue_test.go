package troubleshoot

import (
	"net/http"
	"strings"
	"testing"
)

func load(t testing.TB) *Catalogue {
	t.Helper()
	c, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (x *Example) observation() Observation {
	h := http.Header{}
	for _, line := range x.Header {
		name, value, _ := strings.Cut(line, ":")
		h.Add(name, strings.TrimSpace(value))
	}
	return Observation{
		Source: x.Source, Provider: x.Provider, Status: x.Status, Header: h, Body: []byte(x.Body), ErrText: x.Error,
		Phase: x.Phase, FinishReason: x.Finish, Ret: x.Ret,
	}
}

// fault is the example as a fault; the fields a body cannot carry are set by hand.
func (x *Example) fault() *Fault {
	if x.Net != "" || x.Code != "" || x.Type != "" {
		source := x.Source
		if source == "" {
			source = SourceAPI
		}
		return &Fault{Source: source, Status: x.Status, Net: x.Net, Phase: x.Phase, FinishReason: x.Finish, Ret: x.Ret, Code: x.Code, Type: x.Type}
	}
	return Normalize(x.observation())
}

func TestExamplesAreDiagnosedAsTheirEntry(t *testing.T) {
	c := load(t)
	for _, e := range c.Entries() {
		if len(e.Examples) == 0 {
			t.Errorf("%s: has no example", e.ID)
		}
		for i := range e.Examples {
			d := c.Diagnose(e.Examples[i].fault())
			if d.Entry != e {
				t.Errorf("%s: example %d is diagnosed as %s by %v", e.ID, i, d.Entry.ID, d.Evidence)
			}
		}
	}
}
