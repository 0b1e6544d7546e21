package troubleshoot

import (
	"fmt"
	"io/fs"
	"reflect"
	"strings"
	"testing"
)

// differs says how the plain reader takes data otherwise than the library; empty
// if it refuses it.
func differs[T any](data []byte) string {
	var plain, library T
	if newEmbeddedReader().decodePlain(data, &plain) != nil {
		return ""
	}
	err := decodeStrictly(data, &library)
	if err == nil && reflect.DeepEqual(plain, library) {
		return ""
	}
	return fmt.Sprintf("read as %#v\nby the library as %#v, %v", plain, library, err)
}

// agree checks that the plain reader knows a file and takes it as the library does.
func agree[T any](t *testing.T, name string, data []byte) {
	t.Helper()
	if err := newEmbeddedReader().decodePlain(data, new(T)); err != nil {
		t.Errorf("%s: %v: write it as the other files do, else it is read slowly", name, err)
	}
	if d := differs[T](data); d != "" {
		t.Errorf("%s: %s", name, d)
	}
}

// TestEmbeddedFilesArePlain holds the embedded files to what is read fast, and
// that to what the library reads.
func TestEmbeddedFilesArePlain(t *testing.T) {
	names, err := fs.Glob(embedded, "*/*.yaml")
	if err != nil || len(names) < 60 {
		t.Fatal(names, err)
	}
	for _, name := range append(names, "vocabulary.yaml") {
		data, err := embedded.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		switch dir, _, _ := strings.Cut(name, "/"); dir {
		case "entries":
			agree[Entry](t, name, data)
		case "locales":
			agree[prose](t, name, data)
		default:
			agree[vocabulary](t, name, data)
		}
	}
}

// plainForms are forms the plain reader knows, and their like.
var plainForms = []string{
	"id: x\ncode: \"429\"\nretryable: true\naliases: [a, 'b c', \"d\\\"e\"]\n",
	"symptoms:\n- code: >-\n    a / b /\n    c\n  status: [500, 0]\n- text:\n  - a\n  - 'it''s'\nremedy:\n  - {do: retry, max: 1}\n",
	"# remark\nlinks: [https://a/b#c,\n  'x']  # remark\n\nexamples:\n- body: |\n    a\n\n     b\n  error: >\n    a\n\n    b\n    c\n  net: dns\n",
	"examples: [{body: '{\"a\": [1]}', status: 42}, {}]\nsee_also: []\n",
	"id: \"a\\nb\\\\c\"\ncode: a:b\ncause: a #b\nfamily: 名😀\n",
}

// oddForms are right or wrong in ways the plain reader leaves to the library.
var oddForms = []string{
	"", "id: a\nid: b\n", "colour: red\n", "id: [a]\n", "retryable: yes\n", "retryable: 'true'\n", "id: ~\n", "id:\n", "aliases:\n", "aliases: [a, null]\n", "aliases: [,]\n", "aliases: [a b: c]\n",
	"id: a\n  b\n", "id: 'a\n  b'\n", "id: &x a\ncode: *x\n", "id: !!str 1\n", "'id': a\n", "? id\n: a\n", "id: a: b\n", "id: a:\n", "id:\ta\n", "id: a\tb\n", "id: a\r\n", "id: \x00\n", "id: \u0085\n", "id: \xff\n",
	"--- \nid: a\n", "id: a\n---\nid: b\n", "id: a\n...\n", "%YAML 1.1\n", " id: a\n", "id: \"\\x41\"\n", "id: 'a' b\n", "id: 'a'#b\n", "id: |2\n  a\n", "id: |+\n  a\n", "id: >\n  a\n   b\n", "id: >-\n\n  a\n", "id: |\n  a", "id: |\n  a\n   ", "id: a",
	"id: |\n", "id: |\n\ncode: x\n", "symptoms:\n- - a\n", "symptoms:\n-\n  code: a\n", "symptoms:\n- code: a\n   text: b\n", "symptoms:\n  - code: a\n- code: b\n", "aliases: [a\n]\n", "aliases: [a,\nb]\n", "aliases: [a] b\n",
	"examples: [{status: 012}]\n", "examples: [{status: 0x1}]\n", "examples: [{status: 1.0}]\n", "examples: [{status: 99999999999}]\n", "examples: [{status: +1}]\n", "examples: [{status: 1_000}]\n",
	"examples: [{status: 1, status: 2}]\n", "examples: [{body: a, }]\n", "examples: [{body:a}]\n", "examples: [{body}]\n", "examples: [{\"body\": a}]\n", "aliases: [a?b]\n", "aliases: [a: b]\n", "aliases: [a:, b]\n", "aliases: [- a]\n", "id: - a\n",
	"id: 'a\n", "id: \"a\n", "aliases: [a\n", "aliases: [[[[[[[[[[[[[[[[[[[a]]]]]]]]]]]]]]]]]]]\n", "id: %a\n", "id: @a\n", "id: `a\n", "id: ,a\n", "<<: {id: a}\n", "id: a\n# remark\n  b\n", "symptoms:\n- code:\n",
}

func TestPlainReaderRefusesWhatItDoesNotKnow(t *testing.T) {
	for _, text := range plainForms {
		agree[Entry](t, text, []byte(text))
	}
	for _, text := range oddForms {
		if d := differs[Entry]([]byte(text)); d != "" {
			t.Errorf("%q: %s", text, d)
		}
	}
}

// FuzzPlain looks for files that the plain reader takes otherwise than the
// library does.
func FuzzPlain(f *testing.F) {
	for _, text := range append(plainForms, oddForms...) {
		f.Add([]byte(text))
	}
	for _, name := range []string{"entries/gpt-429.yaml", "vocabulary.yaml"} {
		data, _ := embedded.ReadFile(name)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, d := range []string{differs[Entry](data), differs[prose](data), differs[vocabulary](data)} {
			if d != "" {
				t.Fatal(d)
			}
		}
	})
}
