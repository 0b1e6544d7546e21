package ilink

import (
	"testing"

	"github.com/diagbot/diagbot/internal/similink"
	"github.com/diagbot/diagbot/troubleshoot"
)

func TestReach(t *testing.T) {
	srv, err := similink.Start(similink.Options{})
	if err != nil {
		t.Fatal(err)
	}
	transport := srv.Transport()
	for i, v := range Reach(t.Context(), transport) {
		if v.Fault != nil || v.Host != []string{similink.APIHost, similink.CDNHost}[i] {
			t.Errorf("%+v", v)
		}
	}
	if err := srv.Close(); err != nil {
		t.Fatal(err)
	}
	for _, v := range Reach(t.Context(), transport) {
		if v.Fault == nil || v.Fault.Net != troubleshoot.NetRefused {
			t.Errorf("%+v", v)
		}
	}
}
