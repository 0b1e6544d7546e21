package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/diagbot/diagbot/configs"
	"github.com/diagbot/diagbot/internal/store"
)

func (a *app) backup() *cobra.Command {
	return &cobra.Command{
		Use:   "backup FILE",
		Short: a.say("backup_short"),
		Long:  a.say("backup_long"),
		Args:  cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) != 1 || args[0] == "" {
				return errors.New(a.say("backup_one"))
			}
			cfg, err := a.state()
			if err != nil {
				return err
			}
			if err := a.copyState(c.Context(), cfg, args[0]); err != nil {
				return err
			}
			fmt.Fprintln(a.out, a.say("backup_done", "path", args[0]))
			return nil
		},
	}
}

// copyState does not open the store, which would make one where there is none, and
// bring one up to date that is to be kept as it was.
func (a *app) copyState(ctx context.Context, cfg *configs.Config, file string) error {
	if err := a.made(cfg); err != nil {
		return err
	}
	err := store.Backup(ctx, storeOptions(cfg), file)
	var trouble *store.Error
	if errors.As(err, &trouble) {
		fmt.Fprintln(a.err, a.say("error", "text", err.Error()))
		return statusFailed
	}
	return err
}

// made tells the operator of a data directory that holds no state: it is probably
// not the one that serve uses.
func (a *app) made(cfg *configs.Config) error {
	if store.Made(storeOptions(cfg)) {
		return nil
	}
	fmt.Fprintln(a.err, a.say("state_none", "path", cfg.DataDir))
	return statusFailed
}
