package deps

import (
	_ "github.com/cenkalti/backoff/v5"
	_ "github.com/eatmoreapple/openwechat"
	_ "github.com/mdp/qrterminal/v3"
	_ "github.com/rogpeppe/go-internal/testscript"
	_ "github.com/sashabaranov/go-openai"
	_ "github.com/spf13/cobra"
	_ "github.com/spf13/viper"
	_ "github.com/go-viper/mapstructure/v2"
	_ "github.com/yuin/goldmark"
	_ "github.com/yuin/goldmark/extension"
	_ "github.com/mattn/go-runewidth"
	_ "go.uber.org/goleak"
	_ "go.yaml.in/yaml/v3"
	_ "golang.org/x/net/html"
	_ "golang.org/x/sync/errgroup"
	_ "golang.org/x/term"
	_ "golang.org/x/text/language"
	_ "golang.org/x/text/language/display"
	_ "golang.org/x/time/rate"
	_ "rsc.io/qr"
)
