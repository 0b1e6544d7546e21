package troubleshoot

import "testing"

// TestOrdinaryWordsDecideNothing feeds what looks like a cause and is none:
// people's words that a validator quotes, names of tools, words that only begin
// like a cue.
func TestOrdinaryWordsDecideNothing(t *testing.T) {
	c := load(t)
	for name, x := range map[string]struct {
		status int
		text   string
		want   string
	}{
		"quoted wishes":       {400, `{"error":{"message":"Invalid value: 'I have no credits left and my account was banned by the rate limit'.","type":"invalid_request_error"}}`, "bad_request_param"},
		"tool about money":    {400, `{"error":{"message":"Invalid schema for function 'get_balance': array schema missing items","code":"invalid_function_parameters"}}`, "bad_request_param"},
		"length of a name":    {400, `{"error":{"message":"Invalid 'messages[1].name': string too long. Expected a string with maximum length 64.","code":"string_above_max_length"}}`, "bad_request_param"},
		"capture, not cap":    {500, "usage capture failed: internal error", "server_error"},
		"capable, not cap":    {500, "internal error: usage capable worker gone", "server_error"},
		"tokenizer, no token": {500, "internal error in the tokenizer", "server_error"},
		"number of nobody":    {500, `{"error":{"code":1302,"message":"internal error"}}`, "server_error"},
		"status in a path":    {500, "internal error at /v1/models/429/rate", "server_error"},
		"class of an SDK":     {503, "wrapped.RateLimitError: (no body)", "overloaded"},
		"class and status":    {401, "wrapped.APIConnectionError: (no body)", "invalid_api_key"},
		"model in passing":    {400, `{"error":{"message":"temperature must be between 0 and 2 for this model","type":"invalid_request_error"}}`, "bad_request_param"},
		"two sentences":       {400, `{"error":{"message":"Unknown parameter for this model. The documentation page was not found.","code":"unknown_parameter"}}`, "bad_request_param"},
		"no numbers as codes": {500, "internal error after 1113 tries", "server_error"},
		"a plain greeting":    {0, "hello there", "unknown_error"},
		"talk of limits":      {0, "the limits of my language", "unknown_error"},
		"talk of models":      {0, "a model of clarity", "unknown_error"},
	} {
		f := Normalize(Observation{Status: x.status, Body: []byte(x.text), At: zooTime})
		if d := c.Diagnose(f); d.Entry.Cause != x.want {
			t.Errorf("%s: %s by %v, want %s", name, d.Entry.Cause, d.Evidence, x.want)
		}
	}
}

func TestPhraseForms(t *testing.T) {
	v := vocabulary{"thing": {"model", "deployment"}}
	ps := newPhrases(v)
	id := map[string]int{}
	for _, p := range []string{"usage cap", "throttl~", "tpm|", "<thing> * {not found,gone}", "key & wrong", "first ** last", "=alone", "模型*不存在", "error 1015"} {
		if err := v.check(p); err != nil {
			t.Fatal(err)
		}
		id[p] = ps.add(p)
	}
	ps.pack()
	for _, x := range []struct {
		text, phrase string
		want         bool
	}{
		{"the usage cap is reached", "usage cap", true}, {"usage caps", "usage cap", true}, {"usage capture", "usage cap", false},
		{"throttling", "throttl~", true}, {"tpm: 5", "tpm|", true}, {"tpms", "tpm|", false},
		{"the model x is not found", "<thing> * {not found,gone}", true}, {"deployments gone", "<thing> * {not found,gone}", true},
		{"a model. it was not found", "<thing> * {not found,gone}", false}, {"not found: the model", "<thing> * {not found,gone}", false},
		{"key is wrong", "key & wrong", true}, {"key with a very long story in between is wrong", "key & wrong", false},
		{"first. and at last", "first ** last", true}, {"alone", "=alone", true}, {"not alone", "=alone", false},
		{"模型 x 不存在", "模型*不存在", true}, {"error 1015", "error 1015", true}, {"error 10150", "error 1015", false},
	} {
		var s sightings
		ps.find(fold(x.text), &s)
		if s.has(id[x.phrase]) != x.want {
			t.Errorf("%q in %q: %v, want %v", x.phrase, x.text, !x.want, x.want)
		}
	}
}

func TestPhraseMistakes(t *testing.T) {
	v := vocabulary{"thing": {"model"}}
	for p, want := range map[string]string{
		"ab":              `"ab" begins with less than three bytes`,
		"<none> * gone":   `"<none> " names <none>, which the vocabulary does not have`,
		"model * a * b c": `"model * a * b c" has a part of less than three bytes`,
	} {
		if err := v.check(p); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", p, err, want)
		}
	}
}
