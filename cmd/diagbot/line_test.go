package main

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/diagbot/diagbot/troubleshoot"
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

// BenchmarkClassify classifies the zoo's bodies; run it with -cpu 1 for the speed
// on one core.
func BenchmarkClassify(b *testing.B) {
	catalogue, err := troubleshoot.Load()
	if err != nil {
		b.Fatal(err)
	}
	files, _ := filepath.Glob("../../troubleshoot/testdata/zoo/*.txt")
	var in bytes.Buffer
	encoder := json.NewEncoder(&in)
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			b.Fatal(err)
		}
		_, body, _ := bytes.Cut(raw, []byte("\n\n"))
		if err := encoder.Encode(map[string]any{"status": 429, "headers": map[string]string{}, "body": string(body), "provider": "openai"}); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(in.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if err := classifyLines(catalogue, bytes.NewReader(in.Bytes()), io.Discard); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(files)*b.N)/b.Elapsed().Seconds(), "lines/s")
}
