package troubleshoot

import (
	"bytes"
	"fmt"
	"html"
	"strings"
)

// page is one entry with its text, ready to be laid out.
type page struct {
	entry *Entry
	text  *Text
	says  func(key string, args ...string) string
}

// pages pairs each entry with its text in a language.
func (c *Catalogue) pages(tag string) (*locale, []page) {
	l := c.localeFor(tag)
	if l == nil {
		return nil, nil
	}
	var out []page
	for _, e := range c.entries {
		in, text := c.textFor(e, tag)
		if text == nil {
			continue
		}
		p := teller{c: c, l: in, e: e}
		out = append(out, page{e, text, p.say})
	}
	return l, out
}

// remedies are the steps the bot may take by itself, in words.
func (p *page) remedies() []string {
	var out []string
	for _, s := range p.entry.Remedy {
		out = append(out, p.says(s.key(), "max", fmt.Sprint(s.Max)))
	}
	return out
}

// Markdown writes the whole catalogue in one language, for a repository: a table
// of all entries, then a section for each. The same catalogue always gives the
// same bytes.
func (c *Catalogue) Markdown(tag string) []byte {
	l, pages := c.pages(tag)
	var b bytes.Buffer
	if l == nil {
		return nil
	}
	b.WriteString("<!-- Generated from troubleshoot/entries and troubleshoot/locales. Do not edit. -->\n\n# diagbot: troubleshooting\n\n| | |\n|---|---|\n")
	for _, p := range pages {
		fmt.Fprintf(&b, "| [%s](#%s) | %s %s |\n", p.entry.ID, p.entry.ID, p.entry.Code, markdownText(p.text.Title))
	}
	for i := range pages {
		pages[i].markdown(&b)
	}
	return b.Bytes()
}

func (p *page) markdown(b *bytes.Buffer) {
	e := p.entry
	fmt.Fprintf(b, "\n<a id=%q></a>\n\n## %s %s\n\n`%s` · `%s` · %s · %s\n\n> %s\n", e.ID, e.Code, markdownText(p.text.Title), e.ID, e.Cause, p.says("severity_"+e.Severity), p.says("worth_retrying", "yesno", p.yesNo()), markdownText(p.text.User))
	list := func(heading string, items []string) {
		fmt.Fprintf(b, "\n**%s**\n\n", p.says(heading))
		for i, s := range items {
			fmt.Fprintf(b, "%d. %s\n", i+1, markdownText(s))
		}
	}
	list("reasons", p.text.Causes)
	fmt.Fprintf(b, "\n**%s**\n\n%s\n", p.says("suggestion"), markdownText(p.text.Suggestion))
	list("steps", p.text.Admin)
	list("auto", p.remedies())
	var links []string
	for _, link := range e.Links {
		links = append(links, "<"+link+">")
	}
	for _, id := range e.SeeAlso {
		links = append(links, fmt.Sprintf("[%s](#%s)", id, id))
	}
	if len(links) > 0 {
		fmt.Fprintf(b, "\n**%s** %s\n", p.says("see_also"), strings.Join(links, " · "))
	}
}

func (p *page) yesNo() string {
	if p.entry.Retryable {
		return p.says("word_yes")
	}
	return p.says("word_no")
}

// markdownText keeps the signs of Markdown from taking effect.
var markdownSigns = strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", `\<`, "|", `\|`)

func markdownText(s string) string { return markdownSigns.Replace(s) }

const pageStyle = `body{font:16px/1.6 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}
nav ul{columns:2;padding-left:1rem}h2{border-top:1px solid #ddd;padding-top:1.5rem}
blockquote{margin:0;padding:.5rem 1rem;background:#f3f6f4;border-left:4px solid #3a7}
.facts{color:#555;font-size:.9rem}code{background:#f3f3f3;padding:.1rem .3rem}
@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}blockquote,code{background:#262626}h2{border-color:#444}.facts{color:#aaa}a{color:#7bf}}`

// HTML writes the whole catalogue in one language as one static page that needs
// nothing else: no script, no font, no server.
func (c *Catalogue) HTML(tag string) []byte {
	l, pages := c.pages(tag)
	if l == nil {
		return nil
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "<!doctype html>\n<html lang=%q>\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n<title>diagbot</title>\n<style>%s</style>\n</head>\n<body>\n<h1>diagbot</h1>\n<nav><ul>\n", l.head.Tag, pageStyle)
	for _, p := range pages {
		fmt.Fprintf(&b, "<li><a href=\"#%s\">%s %s</a></li>\n", p.entry.ID, html.EscapeString(p.entry.Code), html.EscapeString(p.text.Title))
	}
	b.WriteString("</ul></nav>\n")
	for i := range pages {
		pages[i].html(&b)
	}
	b.WriteString("</body>\n</html>\n")
	return b.Bytes()
}

func (p *page) html(b *bytes.Buffer) {
	e, esc := p.entry, html.EscapeString
	fmt.Fprintf(b, "<section id=%q>\n<h2>%s %s</h2>\n<p class=\"facts\"><code>%s</code> · <code>%s</code> · %s · %s</p>\n<blockquote>%s</blockquote>\n", e.ID, esc(e.Code), esc(p.text.Title), e.ID, e.Cause,
		esc(p.says("severity_"+e.Severity)), esc(p.says("worth_retrying", "yesno", p.yesNo())), esc(p.text.User))
	list := func(heading string, items []string) {
		fmt.Fprintf(b, "<h3>%s</h3>\n<ol>\n", esc(p.says(heading)))
		for _, s := range items {
			fmt.Fprintf(b, "<li>%s</li>\n", linked(s))
		}
		b.WriteString("</ol>\n")
	}
	list("reasons", p.text.Causes)
	fmt.Fprintf(b, "<h3>%s</h3>\n<p>%s</p>\n", esc(p.says("suggestion")), linked(p.text.Suggestion))
	list("steps", p.text.Admin)
	list("auto", p.remedies())
	for _, link := range e.Links {
		fmt.Fprintf(b, "<p>%s</p>\n", linked(link))
	}
	for i, id := range e.SeeAlso {
		if i == 0 {
			fmt.Fprintf(b, "<p>%s:", esc(p.says("see_also")))
		}
		fmt.Fprintf(b, " <a href=\"#%s\">%s</a>", id, id)
	}
	if len(e.SeeAlso) > 0 {
		b.WriteString("</p>\n")
	}
	b.WriteString("</section>\n")
}

// linked escapes text and makes its addresses links.
func linked(s string) string {
	var b strings.Builder
	for {
		i := strings.Index(s, "https://")
		if i < 0 {
			b.WriteString(html.EscapeString(s))
			return b.String()
		}
		end := strings.IndexAny(s[i:], " \t\n<>\"'")
		if end < 0 {
			end = len(s) - i
		}
		url := html.EscapeString(s[i : i+end])
		fmt.Fprintf(&b, "%s<a href=\"%s\">%s</a>", html.EscapeString(s[:i]), url, url)
		s = s[i+end:]
	}
}
