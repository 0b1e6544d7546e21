package troubleshoot_test

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	openai "github.com/sashabaranov/go-openai"

	"github.com/diagbot/diagbot/troubleshoot"
)

// A service answered with an error: say what is wrong, to the user in Japanese.
func Example() {
	catalogue, err := troubleshoot.Load()
	if err != nil {
		fmt.Println(err)
		return
	}
	fault := troubleshoot.Normalize(troubleshoot.Observation{
		Source: troubleshoot.SourceAPI,
		Status: http.StatusTooManyRequests,
		Header: http.Header{"Retry-After": {"20"}},
		Body:   []byte(`{"error":{"message":"Rate limit reached on requests per min","type":"requests","code":"rate_limit_exceeded"}}`),
	})
	diagnosis := catalogue.Diagnose(fault)
	fmt.Println(diagnosis.Entry.ID, diagnosis.Entry.Cause, fault.RetryAfter)
	fmt.Println(catalogue.Explain(diagnosis.Entry.ID, troubleshoot.Telling{
		Audience: troubleshoot.AudienceUser, Locale: "ja", Ref: "7K2F", Wait: fault.RetryAfter,
	}) != "")
	// Output:
	// gpt-429 rate_limit_requests 20s
	// true
}

// An error from go-openai carries the status and the service's own code.
func ExampleNormalize_goOpenAI() {
	var err error = &openai.APIError{HTTPStatusCode: 402, Message: "Insufficient Balance", Type: "unknown_error"}

	seen := troubleshoot.Observation{Err: err}
	var api *openai.APIError
	if errors.As(err, &api) {
		seen.Status = api.HTTPStatusCode
	}
	catalogue, err := troubleshoot.Load()
	if err != nil {
		fmt.Println(err)
		return
	}
	diagnosis := catalogue.Diagnose(troubleshoot.Normalize(seen))
	fmt.Println(diagnosis.Entry.Cause, diagnosis.Entry.Retryable)
	// Output: insufficient_quota false
}

func ExampleRetryAfter() {
	now := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	fmt.Println(troubleshoot.RetryAfter(nil, []byte("Please try again in 6m0s."), now))
	// Output: 6m0s true
}

func ExampleRedactor() {
	r := troubleshoot.NewRedactor("my proxy password")
	fmt.Println(r.Redact("proxy refused my proxy password; key sk-AbCdEfGh12345678"))
	// Output: proxy refused ***; key ***
}
