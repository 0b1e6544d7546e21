package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// usage prints how a command is called. Cobra would also take a template, but a
// binary that can run templates keeps every method of every type, for a template
// might name it: 5 MB here, of which 3 MB stay in memory.
func (a *app) usage(c *cobra.Command) error {
	var b strings.Builder
	section := func(key, text string) {
		fmt.Fprintf(&b, "%s\n%s\n\n", a.say(key), strings.TrimRight(text, " \n"))
	}
	section("usage_usage", "  "+c.UseLine())
	if c.HasAvailableSubCommands() {
		section("usage_commands", commandList(c))
	}
	if c.HasAvailableLocalFlags() {
		section("usage_flags", c.LocalFlags().FlagUsages())
	}
	if c.HasAvailableInheritedFlags() {
		section("usage_global_flags", c.InheritedFlags().FlagUsages())
	}
	text := strings.TrimRight(b.String(), "\n")
	if c.HasAvailableSubCommands() {
		text += "\n\n" + a.say("usage_more", "command", c.CommandPath())
	}
	_, err := fmt.Fprintln(c.OutOrStderr(), text)
	return err
}

func commandList(c *cobra.Command) string {
	var b strings.Builder
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			fmt.Fprintf(&b, "  %-*s %s\n", sub.NamePadding(), sub.Name(), sub.Short)
		}
	}
	return b.String()
}
