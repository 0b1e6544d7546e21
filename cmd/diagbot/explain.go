package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/diagbot/diagbot/troubleshoot"
)

// maxPaste bounds an error read from standard input, in bytes.
const maxPaste = 1 << 20

func (a *app) explain() *cobra.Command {
	var audience, source string
	c := &cobra.Command{
		Use:   "explain CODE|-",
		Short: a.say("explain_short"),
		Long:  a.say("explain_long"),
		Args:  a.oneCode,
		RunE: func(c *cobra.Command, args []string) error {
			reader, err := a.audience(audience)
			if err != nil {
				return err
			}
			from, err := a.source(source)
			if err != nil {
				return err
			}
			catalogue, err := a.loadCatalogue()
			if err != nil {
				return err
			}
			telling := troubleshoot.Telling{Audience: reader, Locale: a.chatLocale(catalogue)}
			if args[0] == "-" {
				return a.explainPaste(c.Context(), catalogue, telling, from)
			}
			return a.explainCode(catalogue, telling, args[0])
		},
	}
	c.Flags().StringVar(&audience, "audience", "admin", a.say("explain_flag_audience"))
	c.Flags().StringVar(&source, "source", "api", a.say("explain_flag_source"))
	return c
}

// oneCode wants the code that is to be explained.
func (a *app) oneCode(_ *cobra.Command, args []string) error {
	if len(args) != 1 || strings.TrimSpace(args[0]) == "" {
		return errors.New(a.say("explain_one"))
	}
	return nil
}

func (a *app) audience(value string) (troubleshoot.Audience, error) {
	switch value {
	case "user":
		return troubleshoot.AudiencePublic, nil
	case "admin":
		return troubleshoot.AudienceAdmin, nil
	}
	return "", fmt.Errorf("%s", a.say("explain_audience", "value", value))
}

func (a *app) source(value string) (troubleshoot.Source, error) {
	switch s := troubleshoot.Source(value); s {
	case troubleshoot.SourceAPI, troubleshoot.SourceWeb:
		return s, nil
	}
	return "", fmt.Errorf("%s", a.say("explain_source", "value", value))
}

// explainCode explains what the catalogue has under a code.
func (a *app) explainCode(catalogue *troubleshoot.Catalogue, t troubleshoot.Telling, code string) error {
	found := catalogue.Find(code)
	if len(found) == 0 {
		fmt.Fprintln(a.err, a.say("explain_unknown", "code", code))
		if near := catalogue.Near(code); len(near) > 0 {
			fmt.Fprintln(a.err, a.say("explain_near", "list", ids(near)))
		}
		return statusFailed
	}
	t.Query = code
	fmt.Fprintln(a.out, catalogue.Explain(found[0].ID, t))
	return nil
}

// explainPaste explains an error read from standard input.
func (a *app) explainPaste(ctx context.Context, catalogue *troubleshoot.Catalogue, t troubleshoot.Telling, from troubleshoot.Source) error {
	if isTerminal(a.in) {
		fmt.Fprintln(a.err, a.say("explain_paste"))
	}
	raw, err := io.ReadAll(io.LimitReader(until{ctx, a.in}, maxPaste))
	if err != nil {
		return fmt.Errorf("read standard input: %w", err)
	}
	pasted := strings.TrimSpace(string(raw))
	if pasted == "" {
		fmt.Fprintln(a.err, a.say("explain_empty"))
		return statusUsage
	}
	fault := troubleshoot.Normalize(troubleshoot.Observation{Source: from, ErrText: pasted, At: time.Now()})
	diagnosis := catalogue.Diagnose(fault)
	t.Wait = fault.RetryAfter
	fmt.Fprintln(a.out, catalogue.Explain(diagnosis.Entry.ID, t))
	if len(diagnosis.Evidence) > 0 {
		fmt.Fprintln(a.out)
		fmt.Fprintln(a.out, a.say("explain_why", "evidence", strings.Join(catalogue.Signs(diagnosis, t.Locale), "; ")))
	}
	return nil
}

func ids(entries []*troubleshoot.Entry) string {
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.ID
	}
	return strings.Join(names, ", ")
}
