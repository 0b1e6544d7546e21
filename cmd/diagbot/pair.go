package main

import (
	"errors"
	"fmt"
	"os/user"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/configs"
	"github.com/diagbot/diagbot/internal/store"
)

func (a *app) pair() *cobra.Command {
	return &cobra.Command{
		Use:   "pair [ACCOUNT]",
		Short: a.say("pair_short"),
		Long:  a.say("pair_long"),
		Args:  cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := a.state()
			if err != nil {
				return err
			}
			account, err := a.accountNamed(cfg, args)
			if err != nil {
				return err
			}
			if err := a.made(cfg); err != nil {
				return err
			}
			db, err := a.openStore(c.Context(), cfg, nil)
			if err != nil {
				return err
			}
			defer db.Close()
			code, value := bot.NewOffer(time.Now())
			offer := store.Setting{Scope: bot.ScopePairing, Name: bot.NamePairing, Value: value}
			if err := db.Order(c.Context(), account, offer, bot.AtConsole(a.operator(), "diagbot pair")); err != nil {
				return err
			}
			fmt.Fprintln(a.out, a.say("pair_code", "code", code))
			return nil
		},
	}
}

// operator is the name of who is at the shell, for the audit.
func (a *app) operator() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return ""
}

// accountNamed returns the account that is meant: the only one, if none is named.
func (a *app) accountNamed(cfg *configs.Config, args []string) (string, error) {
	var names []string
	for _, account := range cfg.Accounts {
		names = append(names, account.Name)
	}
	switch {
	case len(args) == 0 && len(names) == 1:
		return names[0], nil
	case len(args) == 1 && slices.Contains(names, args[0]):
		return args[0], nil
	}
	return "", errors.New(a.say("pair_which", "list", strings.Join(names, ", ")))
}
