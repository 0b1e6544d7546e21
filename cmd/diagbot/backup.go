package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

func (a *app) backup() *cobra.Command {
	return &cobra.Command{
		Use:   "backup FILE",
		Short: a.say("backup_short"),
		Long:  a.say("backup_long"),
		Args:  cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New(a.say("backup_one"))
			}
			cfg, err := a.state()
			if err != nil {
				return err
			}
			db, err := a.openStore(c.Context(), cfg, nil)
			if err != nil {
				return err
			}
			defer db.Close()
			if err := db.Backup(c.Context(), args[0]); err != nil {
				return err
			}
			fmt.Fprintln(a.out, a.say("backup_done", "path", args[0]))
			return nil
		},
	}
}
