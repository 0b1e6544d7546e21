package main

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/diagbot/diagbot/troubleshoot"
)

// app is what the commands share.
type app struct {
	terminal
	words
	lang       string // as asked for with --lang; empty if not
	configPath string
}

// exitError ends the process with a status. What there was to say has been said.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// The exit statuses.
const (
	statusOK     exitError = 0
	statusFailed exitError = 1 // the command ran and the answer is no
	statusUsage  exitError = 2 // wrong arguments or configuration
	statusLost   exitError = 3 // WeChat refused or ended the account's login
)

// run carries out the command line and returns the process's exit status.
func run(ctx context.Context, args []string, t terminal) int {
	lang := langFlag(args)
	w, err := wordsFor(lang, t.getenv)
	if err != nil {
		fmt.Fprintln(t.err, err)
		return int(statusFailed)
	}
	out := &sink{Writer: t.out}
	t.out = out
	a := &app{terminal: t, words: w, lang: lang}
	root := a.root()
	root.SetArgs(args)
	err = root.ExecuteContext(ctx)
	if lost := out.lost(); lost != nil {
		fmt.Fprintln(t.err, w.say("output_lost", "why", reason(lost)))
		if err == nil || errors.Is(err, lost) { // else the status says more: not to start again, say
			err = statusFailed
		}
	}
	var status exitError
	switch {
	case err == nil:
		return int(statusOK)
	case errors.As(err, &status):
		return int(status)
	}
	fmt.Fprintln(t.err, w.say("error", "text", err.Error()))
	return int(statusUsage)
}

// knownLang refuses a language that there is not, neither here nor in chats.
func (a *app) knownLang(*cobra.Command, []string) error {
	if a.lang == "" {
		return nil
	}
	catalogue, err := a.loadCatalogue()
	if err != nil { // whoever needs what is broken says so
		if catalogue, err = troubleshoot.Load(); err != nil {
			return err
		}
	}
	if _, known := catalogue.MatchLocale(a.lang); known {
		return nil
	}
	var names []string
	for _, l := range catalogue.Locales() {
		names = append(names, l.Tag)
	}
	return errors.New(a.say("unknown_lang", "name", strings.ToValidUTF8(a.lang, "?"), "list", strings.Join(names, ", ")))
}

// langFlag finds --lang before the command line is parsed, as the help texts
// depend on it.
func langFlag(args []string) string {
	for i, arg := range args {
		if value, ok := strings.CutPrefix(arg, "--lang="); ok {
			return value
		}
		if arg == "--lang" && i+1 < len(args) {
			return args[i+1]
		}
	}
	return ""
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "diagbot",
		Short:         a.say("root_short"),
		Long:          a.say("root_long"),
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          a.knownCommand,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },

		PersistentPreRunE: a.knownLang,
	}
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.SetUsageFunc(a.usage)
	root.CompletionOptions.DisableDefaultCmd = true
	root.PersistentFlags().String("lang", "", a.say("flag_lang"))
	root.PersistentFlags().StringVar(&a.configPath, "config", "", a.say("flag_config"))
	root.AddCommand(a.serve(), a.demo(), a.check(), a.probe(), a.explain(), a.classify(), a.catalogue(), a.health(), a.pair(), a.backup())
	root.SetHelpCommand(a.help(root))
	root.SetFlagErrorFunc(a.badFlag)
	root.SuggestionsMinimumDistance = 2
	localizeFlags(root, a.words)
	return root
}

// knownCommand refuses words that are no command, naming those it may have
// meant.
func (a *app) knownCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	text := a.say("unknown_command", "name", args[0])
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		text = a.sentences(text, a.say("unknown_command_near", "list", strings.Join(near, ", ")))
	}
	return errors.New(text)
}

// help explains a command: "diagbot help serve" is "diagbot serve --help".
func (a *app) help(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use: "help", Hidden: true,
		RunE: func(_ *cobra.Command, args []string) error {
			c, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return a.knownCommand(root, args)
			}
			return c.Help()
		},
	}
}

// badFlag words what the flags' parser says in English only.
func (a *app) badFlag(c *cobra.Command, err error) error {
	text := err.Error()
	var flag interface {
		GetSpecifiedName() string
		GetSpecifiedShortnames() string
	}
	if errors.As(err, &flag) {
		name, key := "--"+flag.GetSpecifiedName(), "flag_value"
		if flag.GetSpecifiedShortnames() != "" {
			name = name[1:]
		}
		if strings.HasPrefix(text, "unknown") {
			key = "unknown_flag"
		}
		text = a.say(key, "name", name)
	}
	return errors.New(a.sentences(text, a.say("usage_see", "command", c.CommandPath())))
}

// noArgs refuses arguments of a command that has none.
func (a *app) noArgs(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return errors.New(a.sentences(a.say("no_argument", "name", args[0], "command", c.Name()),
		a.say("usage_see", "command", c.CommandPath())))
}

// localizeFlags words the flags that cobra makes by itself.
func localizeFlags(root *cobra.Command, w words) {
	root.InitDefaultVersionFlag()
	root.Flags().Lookup("version").Usage = w.say("flag_version")
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		c.InitDefaultHelpFlag()
		c.Flags().Lookup("help").Usage = w.say("flag_help")
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(root)
}

// version names the module version this was built from, or the commit.
func version() string {
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := build.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, setting := range build.Settings {
		if setting.Key == "vcs.revision" {
			return setting.Value[:min(12, len(setting.Value))]
		}
	}
	return "devel"
}
