package llm

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	openai "github.com/sashabaranov/go-openai"
)

// Nothing of a chunk is left in the next one, though both are in the same room.
func TestChunkForgetsTheOneBefore(t *testing.T) {
	lines := []string{
		`{"choices":[{"index":1,"delta":{"content":"one","refusal":"no","tool_calls":[{"id":"x"}]},"finish_reason":"stop"},{"delta":{"content":"two"}}],"usage":{"total_tokens":9}}`,
		`{"choices":[{"delta":{}},{"delta":{}}]}`,
		`{"choices":[` + strings.Repeat(`{"delta":{"content":"much"}},`, 3*mostChoices) + `{}]}`,
		`{"choices":[{"delta":{"reasoning_content":"hm"}}]}`,
		`{"choices":[],"usage":null}`,
		`{}`,
	}
	var c chunk
	for range 2 {
		for _, line := range lines {
			if err := c.decode([]byte(line)); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			var want openai.ChatCompletionStreamResponse
			if err := json.Unmarshal([]byte(line), &want); err != nil {
				t.Fatal(err)
			}
			if got := c.ChatCompletionStreamResponse; len(got.Choices) != len(want.Choices) || !reflect.DeepEqual(got.Usage, want.Usage) {
				t.Fatalf("%s is read as %+v", line, got)
			}
			for i := range want.Choices {
				if !reflect.DeepEqual(c.Choices[i], want.Choices[i]) {
					t.Errorf("%s: choice %d is %+v", line, i, c.Choices[i])
				}
			}
		}
	}
	if cap(c.Choices) > mostChoices {
		t.Errorf("room for %d choices is kept", cap(c.Choices))
	}
}

// A chunk is one value: what is more or less is no answer, and no end of one.
func TestChunkIsOneValue(t *testing.T) {
	const good = `{"choices":[{"index":0,"delta":{"content":"x"}}]}`
	for _, line := range []string{good + good, good + " 1", good[:len(good)-1], good[:20], `{"choices":[{]}`, `{"choices":"x"}`} {
		var c chunk
		if err := c.decode([]byte(good)); err != nil {
			t.Fatal(err)
		}
		if err := c.decode([]byte(line)); entryOf(err) != entryForm {
			t.Errorf("%s: %v", line, err)
		}
		done, err := newClient(t, options(reply(t, 200, hello+"data: "+line+"\n\n"+lo+stop+"data: [DONE]\n\n"))).Complete(t.Context(), question())
		if f := faultOf(t, done, err); f.Entry != entryForm {
			t.Errorf("%s: %+v", line, f)
		}
	}
}

// What the guard leaves out of a chunk changes nothing of what is read in it.
func FuzzEssence(f *testing.F) {
	for _, line := range strings.Split(string(streamed(2)), "\n") {
		f.Add([]byte(strings.TrimPrefix(line, eventPrefix)))
	}
	f.Add([]byte(`{"Choices":[{"delta":{"content":"a\"}]"}}],"error":null,"usage":{"total_tokens":1,"prompt_tokens":1},"usage":null,"choices":[]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var all, lean openai.ChatCompletionStreamResponse
		if !isASCII(data) || json.Unmarshal(data, &all) != nil {
			return
		}
		out := essence(nil, data)
		if err := json.Unmarshal(out, &lean); err != nil {
			t.Fatalf("%q became %q: %v", data, out, err)
		}
		if len(all.Choices)+len(lean.Choices) > 0 && !reflect.DeepEqual(all.Choices, lean.Choices) || used(all.Usage) != used(lean.Usage) {
			t.Errorf("%q became %q", data, out)
		}
	})
}

func used(u *openai.Usage) Usage {
	var a answer
	a.count(u)
	return a.usage
}
