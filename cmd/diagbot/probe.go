package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/diagbot/diagbot/llm"
	"github.com/diagbot/diagbot/troubleshoot"
)

func (a *app) probe() *cobra.Command {
	return &cobra.Command{
		Use:   "probe [PROVIDER]...",
		Short: a.say("probe_short"),
		Long:  a.say("probe_long"),
		Args:  cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := a.settings()
			if err != nil {
				return err
			}
			catalogue, err := catalogueWith(cfg.Catalogue.Dir)
			if err != nil {
				return err
			}
			logger, written := a.logger(cfg, troubleshoot.NewRedactor(secrets(cfg)...))
			defer written.Close()
			client, err := llm.New(llm.Options{Providers: providers(cfg), Logger: logger, Catalogue: catalogue})
			if err != nil {
				return err
			}
			defer client.Close()
			return a.runProbes(c.Context(), client, catalogue, args)
		},
	}
}

// runProbes probes the named providers, or all of them, at once and prints what
// was found in order.
func (a *app) runProbes(ctx context.Context, client *llm.Client, catalogue *troubleshoot.Catalogue, args []string) error {
	names := client.Names()
	for _, name := range args {
		if !slices.Contains(names, name) {
			return errors.New(a.say("probe_no_provider", "name", name, "list", strings.Join(names, ", ")))
		}
	}
	if len(args) > 0 {
		names = args
	}
	found := make([]llm.Probe, len(names))
	var group errgroup.Group
	for i, name := range names {
		group.Go(func() (err error) {
			found[i], err = client.Probe(ctx, name)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return a.printProbes(catalogue, found)
}

func (a *app) printProbes(catalogue *troubleshoot.Catalogue, found []llm.Probe) error {
	var err error
	for i, p := range found {
		if i > 0 {
			fmt.Fprintln(a.out)
		}
		sheet := probeSheet{app: a, catalogue: catalogue, locale: a.chatLocale(catalogue), now: time.Now()}
		sheet.print(p)
		if p.Fault() != nil {
			err = statusFailed
		}
	}
	return err
}

// probeSheet prints a probe, a line for each finding, in the words that chats
// have for it and a few of its own.
type probeSheet struct {
	*app
	catalogue *troubleshoot.Catalogue
	locale    string
	now       time.Time
}

// phrase returns the catalogue's text for key.
func (s probeSheet) phrase(key string, args ...string) string {
	return s.catalogue.Say(s.locale, key, args...)
}

func (s probeSheet) print(p llm.Probe) {
	fmt.Fprintln(s.out, s.phrase("probe_title", "name", p.Provider))
	findings := p.Findings()
	way := slices.IndexFunc(findings, func(f llm.Finding) bool {
		return f.What == llm.FindingPage || f.What == llm.FindingBalance
	})
	if way < 0 {
		way = len(findings)
	}
	for _, f := range findings[:way] {
		s.step(f)
	}
	s.stopped(p)
	for _, f := range findings[way:] {
		if f.What == llm.FindingPage {
			s.page(f.Page)
		} else {
			s.balance(f)
		}
	}
}

func (s probeSheet) step(f llm.Finding) {
	name := s.name(f)
	var line string
	switch {
	case f.What == llm.FindingTryURL:
		line = s.phrase("probe_try_url", "url", f.Name)
	case f.What == llm.FindingProxy && f.Fault != nil:
		line = s.phrase("probe_proxy_failing", "address", f.Name)
	case f.What == llm.FindingProxy:
		line = s.phrase("probe_proxy", "address", f.Name)
	case f.Verdict == llm.VerdictFailing:
		line = s.phrase("probe_failing", "step", name, "code", symptom(f.Fault))
	case f.Verdict == llm.VerdictUnknown:
		line = s.phrase("probe_unknown", "step", name)
	case f.HasDays && f.Days >= 0:
		line = s.certificate(f.Days)
	default:
		line = s.phrase("probe_ok", "step", name, "took", s.took(f.Took))
	}
	fmt.Fprintln(s.out, strings.TrimSpace(line))
	if f.HasDays && f.Days < 0 {
		fmt.Fprintln(s.out, s.lifetime(f.Days))
	}
}

// certificate says how many whole days a certificate is valid for.
func (s probeSheet) certificate(days int) string {
	switch days {
	case 0:
		return s.phrase("probe_cert_today")
	case 1:
		return s.phrase("probe_cert_one")
	}
	return s.phrase("probe_cert", "n", strconv.Itoa(days))
}

// name says what a finding is about.
func (s probeSheet) name(f llm.Finding) string {
	name := strings.ToUpper(f.What)
	switch f.What {
	case llm.StepModel:
		name = s.phrase("probe_model") + " " + f.Name
	case llm.FindingProxy:
		name = s.phrase("probe_proxy_name")
	}
	return name + ofKey(f)
}

// ofKey names the key where there are several.
func ofKey(f llm.Finding) string {
	if f.Key == "" {
		return ""
	}
	return " (" + f.Key + ")"
}

func (s probeSheet) took(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return s.phrase("took_ms", "n", strconv.FormatInt(max(d.Milliseconds(), 1), 10))
}

// symptom is what is seen of a fault in short: its status and code, or how the
// connection failed. Codes come from outside and go to a terminal.
func symptom(f *troubleshoot.Fault) string {
	var parts []string
	if f.Status >= 300 {
		parts = append(parts, strconv.Itoa(f.Status))
	}
	for _, code := range []string{f.Code, f.Type, string(f.Net)} {
		if code != "" && code != strconv.Itoa(f.Status) {
			parts = append(parts, code)
			break
		}
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return -1
		}
		return r
	}, strings.Join(parts, " "))
}

// stopped names the first step that failed, and the entry that explains it.
func (s probeSheet) stopped(p llm.Probe) {
	f, ok := p.Stopped()
	if !ok {
		return
	}
	entry := s.catalogue.Diagnose(f.Fault).Entry
	fmt.Fprintln(s.out, s.phrase("probe_stopped", "step", s.name(f)))
	fmt.Fprintln(s.out, s.say("probe_entry", "title", s.catalogue.Title(entry.ID, s.locale), "id", entry.ID))
}

// page prints the official page's word with its age: such pages lag behind.
func (s probeSheet) page(p llm.StatusPage) {
	state := s.phrase("page_unknown")
	if p.State != llm.StatusUnknown {
		state = s.phrase("page_" + string(p.State))
	}
	if p.Component != "" {
		state = p.Component + " " + state
	}
	fmt.Fprintln(s.out, s.phrase("probe_page", "host", p.Host, "state", state)+
		s.say("probe_page_age", "age", s.catalogue.Duration(s.tag, p.Age(s.now))))
	switch {
	case p.Incident == "":
	case p.Since.IsZero():
		fmt.Fprintln(s.out, "  "+p.Incident)
	default:
		fmt.Fprintln(s.out, s.say("probe_incident", "name", p.Incident, "time", p.Since.Local().Format("2006-01-02 15:04")))
	}
}

func (s probeSheet) balance(f llm.Finding) {
	for _, sum := range f.Balance.Left {
		fmt.Fprintln(s.out, s.phrase("probe_left", "amount", s.sum(sum))+ofKey(f))
	}
	for _, sum := range f.Balance.Spent {
		fmt.Fprintln(s.out, s.phrase("probe_spent", "amount", s.sum(sum))+ofKey(f))
	}
	if f.Balance.NoLimit {
		fmt.Fprintln(s.out, s.phrase("probe_no_limit")+ofKey(f))
	}
}

func (s probeSheet) sum(a llm.Amount) string {
	unit := a.Currency
	if unit == "" {
		unit = s.say("probe_own_unit")
	}
	return strconv.FormatFloat(a.Value, 'f', 2, 64) + " " + unit
}
