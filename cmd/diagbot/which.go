package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/diagbot/diagbot/configs"
	"github.com/diagbot/diagbot/internal/store"
)

// channelFile is where, in the data directory, the way to log in is remembered
// that was chosen for an account which no configuration names.
const channelFile = "channel"

// isChannel reports whether an account can have such a channel.
func isChannel(name string) bool {
	return name == configs.ChannelOpenWeChat || name == configs.ChannelILink
}

// choose settles the channel of the only account, where the configuration leaves
// that open: as asked for on the command line, as remembered, or as the person at
// the terminal says, who is asked once, unless there is a configuration file. The
// data directory must be ours.
func (a *app) choose(ctx context.Context, cfg *configs.Config, wish string, keys *keyboard) error {
	switch {
	case wish != "" && !isChannel(wish):
		return errors.New(a.say("serve_channel_bad", "value", wish))
	case wish != "" && !cfg.ImpliedAccount:
		return errors.New(a.say("serve_channel_given", "file", cfg.File))
	case !cfg.ImpliedAccount:
		return nil
	}
	if wish == "" {
		if recallChannel(cfg) || cfg.File != "" || keys == nil {
			return nil
		}
		if wish = a.askChannel(ctx, keys); wish == "" {
			return nil
		}
	}
	cfg.Accounts[0].Channel = wish
	path := filepath.Join(cfg.DataDir, channelFile)
	if err := store.WriteFile(path, []byte(wish+"\n")); err != nil {
		fmt.Fprintln(a.err, a.say("data_dir_bad", "path", cfg.DataDir, "why", reason(err)))
		return statusUsage
	}
	fmt.Fprintln(a.out, a.say("serve_channel_kept", "channel", wish, "path", path))
	return nil
}

// recallChannel has the only account log in as was chosen earlier, if the
// configuration leaves that open and something was chosen, which it reports.
func recallChannel(cfg *configs.Config) bool {
	if !cfg.ImpliedAccount {
		return false
	}
	raw, err := os.ReadFile(filepath.Join(cfg.DataDir, channelFile))
	name := strings.TrimSpace(string(raw))
	if err != nil || !isChannel(name) {
		return false
	}
	cfg.Accounts[0].Channel = name
	return true
}

// askChannel asks until it is told. It returns "" when the terminal or ctx ends.
func (a *app) askChannel(ctx context.Context, keys *keyboard) string {
	fmt.Fprintln(a.out, a.say("serve_which"))
	for {
		fmt.Fprint(a.out, a.say("serve_which_prompt")+" ")
		line, ok := keys.line(ctx)
		if !ok {
			return ""
		}
		switch strings.ToLower(strings.TrimSpace(line)) {
		case "", "1", configs.ChannelOpenWeChat:
			return configs.ChannelOpenWeChat
		case "2", configs.ChannelILink:
			return configs.ChannelILink
		}
	}
}
