// Command barebot is what the libraries cost by themselves, for the benchmarks:
// the shortest bot one can write with openwechat and go-openai. It forgets, it
// is silent when something fails, and it keeps no order.
package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/eatmoreapple/openwechat"
	openai "github.com/sashabaranov/go-openai"
)

func main() {
	bot := openwechat.DefaultBot(openwechat.Desktop)
	bot.UUIDCallback = func(uuid string) { fmt.Println("https://login.weixin.qq.com/l/" + uuid) }
	bot.SyncCheckCallback = nil
	config := openai.DefaultConfig(os.Getenv("OPENAI_API_KEY"))
	config.BaseURL = os.Getenv("OPENAI_BASE_URL")
	client := openai.NewClientWithConfig(config)
	bot.MessageHandler = func(m *openwechat.Message) {
		if m.IsText() && (!m.IsSendByGroup() || m.IsAt()) && !m.IsSendBySelf() {
			go answer(client, m)
		}
	}
	if err := bot.Login(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("Answering.")
	_ = bot.Block()
}

func answer(client *openai.Client, m *openwechat.Message) {
	stream, err := client.CreateChatCompletionStream(context.Background(), openai.ChatCompletionRequest{
		Model:    "gpt-4o-mini",
		Messages: []openai.ChatCompletionMessage{{Role: openai.ChatMessageRoleUser, Content: m.Content}},
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	defer stream.Close()
	var text strings.Builder
	for {
		chunk, err := stream.Recv()
		if err != nil {
			break
		}
		for _, c := range chunk.Choices {
			text.WriteString(c.Delta.Content)
		}
	}
	_, _ = m.ReplyText(text.String())
}
