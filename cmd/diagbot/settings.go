package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"

	"github.com/diagbot/diagbot/configs"
	"github.com/diagbot/diagbot/internal/logs"
	"github.com/diagbot/diagbot/llm"
	"github.com/diagbot/diagbot/troubleshoot"
)

// settings reads the configuration and tells the operator all that is wrong
// with it. The error is then an exitError.
func (a *app) settings() (*configs.Config, error) {
	cfg, err := configs.Load(configs.Options{Path: a.configPath, Environ: a.environ})
	if err != nil {
		return nil, a.told(err)
	}
	for _, warning := range cfg.Warnings {
		fmt.Fprintln(a.err, a.say("config_warning", "text", warning.In(a.tag)))
	}
	return cfg, nil
}

// state reads where state is kept and for which accounts, for commands that need
// nothing else.
func (a *app) state() (*configs.Config, error) {
	cfg, err := configs.State(configs.Options{Path: a.configPath, Environ: a.environ})
	if err != nil {
		return nil, a.told(err)
	}
	return cfg, nil
}

// told tells the operator what is wrong with the configuration; the error is then
// an exitError.
func (a *app) told(err error) error {
	var problems *configs.Error
	if !errors.As(err, &problems) {
		return err
	}
	fmt.Fprintln(a.err, problems.In(a.tag))
	fmt.Fprintln(a.err, a.say("config_hint"))
	return statusUsage
}

// loadCatalogue loads the catalogue for commands that need nothing else of the
// configuration.
func (a *app) loadCatalogue() (*troubleshoot.Catalogue, error) {
	dir, err := configs.CatalogueDir(configs.Options{Path: a.configPath, Environ: a.environ})
	if err != nil {
		return nil, err
	}
	return catalogueWith(dir)
}

// catalogueWith loads the catalogue with the operator's overrides in dir, if
// any.
func catalogueWith(dir string) (*troubleshoot.Catalogue, error) {
	if dir == "" {
		return troubleshoot.Load()
	}
	if _, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("read catalogue.dir: %w", err)
	}
	return troubleshoot.Load(troubleshoot.WithDir(os.DirFS(dir)))
}

// chatLocale is the catalogue's language for what the operator reads: the one
// asked for with --lang or the environment, if the catalogue has it.
func (a *app) chatLocale(c *troubleshoot.Catalogue) string {
	for _, wish := range []string{a.lang, a.tag} {
		if tag, ok := c.MatchLocale(wish); ok && wish != "" {
			return tag
		}
	}
	return "en"
}

// logger writes to the terminal's standard error, without the secrets of the
// configuration and without waiting for it. What it returns besides is to be
// closed when nothing is logged any more.
func (a *app) logger(cfg *configs.Config, r *troubleshoot.Redactor) (*slog.Logger, *logs.Output) {
	var level slog.Level
	_ = level.UnmarshalText([]byte(cfg.LogLevel)) // checked by configs
	return logs.New(a.err, logs.Options{
		Level: level, JSON: cfg.LogFormat == "json", Redactor: r,
	})
}

// vision reads a setting that has been checked by configs.
func vision(setting string) llm.Vision {
	switch setting {
	case "yes":
		return llm.VisionYes
	case "no":
		return llm.VisionNo
	}
	return llm.VisionAuto
}

// effort is a setting as llm has it.
func effort(setting string) string {
	if setting == "auto" {
		return ""
	}
	return setting
}

// number is a setting as llm has it; nil is one left out.
func number(setting *float64) *float32 {
	if setting == nil {
		return nil
	}
	n := float32(*setting)
	return &n
}

// providers hands the configured AI sources to package llm.
func providers(cfg *configs.Config) []llm.ProviderOptions {
	all := make([]llm.ProviderOptions, len(cfg.Providers))
	for i, p := range cfg.Providers {
		all[i] = llm.ProviderOptions{
			Name: p.Name, Source: troubleshoot.Source(p.Source), BaseURL: p.BaseURL,
			Models: p.Models, Organization: p.Organization, Project: p.Project,
			Proxy: p.Proxy.Reveal(), Timeouts: llm.Timeouts(p.Timeouts),
			Temperature: number(p.Temperature), TopP: number(p.TopP), ReasoningEffort: effort(p.Effort), MaxTokens: p.MaxTokens,
			NoStream: !p.Stream, NoStreamOptions: !p.StreamUsage, AllowHTTP: p.AllowHTTP, Window: p.Window,
			Vision: vision(p.Vision), Headers: map[string]string{},
		}
		for name, value := range p.Headers {
			all[i].Headers[name] = value.Reveal()
		}
		for n, k := range p.Keys {
			name := k.Name
			if name == "" {
				name = strconv.Itoa(n + 1)
			}
			all[i].Keys = append(all[i].Keys, llm.Key{Name: name, Secret: k.Secret.Reveal(), QuotaGroup: k.QuotaGroup})
		}
	}
	return all
}
