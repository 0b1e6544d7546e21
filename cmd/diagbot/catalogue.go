package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/diagbot/diagbot/troubleshoot"
)

func (a *app) catalogue() *cobra.Command {
	c := &cobra.Command{Use: "catalogue", Short: a.say("catalogue_short"), Args: a.knownCommand,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(a.catalogueList(), a.catalogueLint(), a.catalogueDocs())
	return c
}

func (a *app) catalogueList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: a.say("catalogue_list_short"), Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			catalogue, err := a.loadCatalogue()
			if err != nil {
				return err
			}
			locale := a.chatLocale(catalogue)
			table := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
			for _, e := range catalogue.Entries() {
				fmt.Fprintf(table, "%s\t%s\t%s\n", e.Code, e.ID, catalogue.Title(e.ID, locale))
			}
			return table.Flush()
		},
	}
}

func (a *app) catalogueLint() *cobra.Command {
	return &cobra.Command{
		Use: "lint", Short: a.say("catalogue_lint_short"), Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			catalogue, err := a.loadCatalogue()
			if err != nil {
				return err
			}
			if problems := catalogue.Lint(); len(problems) > 0 {
				fmt.Fprintln(a.err, errors.Join(problems...))
				return statusFailed
			}
			fmt.Fprintln(a.out, a.say("catalogue_lint_ok",
				"count", strconv.Itoa(len(catalogue.Entries())), "languages", strconv.Itoa(len(catalogue.Locales()))))
			return nil
		},
	}
}

func (a *app) catalogueDocs() *cobra.Command {
	var dir string
	var check bool
	c := &cobra.Command{
		Use: "docs", Short: a.say("catalogue_docs_short"), Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			catalogue, err := troubleshoot.Load()
			if err != nil {
				return err
			}
			files := pages(catalogue)
			if check {
				return a.checkPages(dir, files)
			}
			return writePages(dir, files)
		},
	}
	c.Flags().StringVar(&dir, "dir", "docs", a.say("catalogue_docs_flag_dir"))
	c.Flags().BoolVar(&check, "check", false, a.say("catalogue_docs_flag_check"))
	return c
}

// pages are the generated files, by their path under the docs directory.
func pages(c *troubleshoot.Catalogue) map[string][]byte {
	files := map[string][]byte{"troubleshooting.md": c.Markdown("en")}
	for _, l := range c.Locales() {
		files[filepath.Join("troubleshooting", l.Tag+".html")] = c.HTML(l.Tag)
	}
	return files
}

func writePages(dir string, files map[string][]byte) error {
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("write docs: %w", err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return fmt.Errorf("write docs: %w", err)
		}
	}
	return nil
}

func (a *app) checkPages(dir string, files map[string][]byte) error {
	fresh := true
	for name, content := range files {
		path := filepath.Join(dir, name)
		if there, err := os.ReadFile(path); err != nil || !bytes.Equal(there, content) {
			fmt.Fprintln(a.err, a.say("catalogue_docs_stale", "file", path))
			fresh = false
		}
	}
	if !fresh {
		return statusFailed
	}
	return nil
}
