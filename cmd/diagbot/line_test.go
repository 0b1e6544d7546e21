package main

import (
	"encoding/json"
	"maps"
	"testing"
)

// FuzzLine holds the quick reader of lines to what encoding/json makes of them.
func FuzzLine(f *testing.F) {
	for _, s := range []string{
		`{"status":429,"headers":{},"content_type":"text/plain","body":"a\n\"b\" \u4f59额 \/","error":"","source":"web","provider":"openai"}`,
		`{"status":null,"headers":{"Retry-After":"7","a":"b"},"body":null,"body":"x"} `,
		`{"status":0429}`, `{"status":12345678}`, `{"body":"\ud83d\ude00"}`, `{"body":"\xff"}`, `{"Status":1}`, `{} x`, `{"body":"a",}`, `null`, `}`, `{"status":`, `{"headers":"a":"b"}}`, `{"body":"x","body":null}`, `{"headers":{"a":1}}`, "{\"body\":\"\x01\"}",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, s []byte) {
		quick := observed{Body: []byte("left")[:0]}
		if !quick.scan(&line{s: s}) {
			return
		}
		var want observed
		if err := json.Unmarshal(s, &want); err != nil {
			t.Fatalf("%q is read, but %v", s, err)
		}
		if quick.Status != want.Status || string(quick.Body) != string(want.Body) || quick.ContentType != want.ContentType || quick.Error != want.Error ||
			quick.Source != want.Source || quick.Provider != want.Provider || !maps.Equal(quick.Headers, want.Headers) {
			t.Fatalf("%q is read as %+v, not %+v", s, quick, want)
		}
	})
}
