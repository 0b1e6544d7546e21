package simllm_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	openai "github.com/sashabaranov/go-openai"

	"github.com/diagbot/diagbot/internal/simllm"
)

var update = flag.Bool("update", false, "write testdata/bare.txt anew")

// TestBare notes what go-openai by itself makes of every failure. It is the
// reason why package llm puts a guard under it: see the rows that say "nothing",
// "end" or "eof" for what was a failure.
func TestBare(t *testing.T) {
	s := start(t, simllm.Options{Markers: true, Slow: time.Millisecond, KeepAlive: 50 * time.Millisecond})
	c := client(s, "sk-test")
	all := simllm.Failures()
	whole, streamed := make([]string, len(all)), make([]string, len(all))
	var endless sync.WaitGroup
	for i, f := range all {
		if !ends(f) {
			endless.Go(func() { whole[i] = bareWhole(t, c, f) })
			endless.Go(func() { streamed[i] = bareStream(t, c, f) })
		}
	}
	endless.Wait()
	for i, f := range all {
		if ends(f) {
			whole[i], streamed[i] = bareWhole(t, c, f), bareStream(t, c, f)
		}
	}
	rows := make([]string, len(all))
	for i, f := range all {
		rows[i] = fmt.Sprintf("%-36s| %-35s| %s", f.Name, whole[i], streamed[i])
	}
	compare(t, "testdata/bare.txt", strings.Join(rows, "\n")+"\n")
}

func compare(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	old, now := strings.Split(string(text), "\n"), strings.Split(got, "\n")
	for i := range max(len(old), len(now)) {
		if at(old, i) != at(now, i) {
			t.Errorf("%s:%d:\n got %q\nwant %q", file, i+1, at(now, i), at(old, i))
		}
	}
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}

func ends(f simllm.Failure) bool { return f.End != simllm.EndHang && f.End != simllm.EndDrip }

// patience ends the calls that never end by themselves, and only those.
func patience(t *testing.T, f simllm.Failure) (context.Context, context.CancelFunc) {
	if !ends(f) {
		return context.WithTimeout(t.Context(), time.Second)
	}
	return context.WithCancel(t.Context())
}

func bareWhole(t *testing.T, c *openai.Client, f simllm.Failure) string {
	if f.End == simllm.EndFlood {
		return "not tried"
	}
	ctx, cancel := patience(t, f)
	defer cancel()
	answer, err := c.CreateChatCompletion(ctx, prompt("fail with !"+f.Name+" please"))
	switch {
	case err != nil:
		return kind(err)
	case len(answer.Choices) == 0:
		return "nothing"
	case answer.Choices[0].Message.Content == "":
		return "empty text, " + string(answer.Choices[0].FinishReason)
	}
	return "text, " + string(answer.Choices[0].FinishReason)
}

func bareStream(t *testing.T, c *openai.Client, f simllm.Failure) string {
	if f.End == simllm.EndFlood {
		return "not tried"
	}
	ctx, cancel := patience(t, f)
	defer cancel()
	stream, err := c.CreateChatCompletionStream(ctx, prompt("fail with !"+f.Name+" please"))
	if err != nil {
		return "open: " + kind(err)
	}
	defer stream.Close()
	chunks, finish := 0, ""
	for {
		chunk, err := stream.Recv()
		if err != nil {
			if finish != "" {
				finish = ", " + finish
			}
			if errors.Is(err, io.EOF) {
				return fmt.Sprintf("end after %d%s", chunks, finish)
			}
			return fmt.Sprintf("%s after %d%s", kind(err), chunks, finish)
		}
		chunks++
		if len(chunk.Choices) > 0 && chunk.Choices[0].FinishReason != "" {
			finish = string(chunk.Choices[0].FinishReason)
		}
	}
}

// kind names an error as go-openai's user can tell it.
func kind(err error) string {
	var request *openai.RequestError
	var api *openai.APIError
	var syntax *json.SyntaxError
	var mistyped *json.UnmarshalTypeError
	outer := ""
	if errors.As(err, &request) {
		outer = fmt.Sprintf("request error %d > ", request.HTTPStatusCode)
		if request.Err == nil {
			return outer + "nil"
		}
	}
	switch {
	case errors.As(err, &api):
		return outer + fmt.Sprintf("api error %d", api.HTTPStatusCode)
	case errors.As(err, &syntax):
		return outer + "syntax error"
	case errors.As(err, &mistyped):
		return outer + "type error"
	case errors.Is(err, openai.ErrTooManyEmptyStreamMessages):
		return "too many empty messages"
	case errors.Is(err, context.DeadlineExceeded):
		return "deadline"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "unexpected eof"
	case errors.Is(err, syscall.ECONNRESET):
		return "reset"
	case errors.Is(err, io.EOF):
		return "eof"
	case strings.Contains(err.Error(), "not a simulated host"):
		return "followed the redirect"
	}
	return outer + fmt.Sprintf("%T", err)
}
