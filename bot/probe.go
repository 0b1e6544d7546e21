package bot

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/diagbot/diagbot/llm"
	"github.com/diagbot/diagbot/troubleshoot"
)

// Prober looks how AI sources do, at no cost.
type Prober interface {
	// Names returns the sources, in order of preference.
	Names() []string
	// Probe looks how one does. Its errors are llm.ErrNoProvider and ctx's own.
	Probe(ctx context.Context, provider string) (llm.Probe, error)
}

// probeTime bounds a probe. It is said to the person who waits for it.
const probeTime = 15 * time.Second

// probe tests the line to one AI source, or to all: /diag probe [name].
func (r *Relay) probe(in call) string {
	say := r.catalogue().Say
	if r.o.Prober == nil {
		return say(in.tag, "probe_none")
	}
	names := r.o.Prober.Names()
	if in.args != "" {
		n := slices.IndexFunc(names, func(name string) bool { return fold(name) == fold(bare(in.args)) })
		if n < 0 {
			return say(in.tag, "probe_unknown_source", "name", r.redact(orElse(bare(in.args), in.args)), "list", strings.Join(names, comma(in.tag)))
		}
		names = names[n : n+1]
	}
	r.checking(in)
	return strings.Join(r.probes(in, names), "\n\n")
}

// checking tells the admin who asked that there is something to wait for. A group
// hears one line of it all, when it is over.
func (r *Relay) checking(in call) {
	text := r.catalogue().Say(in.tag, "probe_checking", "n", strconv.Itoa(int(probeTime.Seconds())))
	if !in.Chat.Group {
		in.out.put(r.passed(in.task, text))
	} else if to, ok := r.reach(in); ok {
		in.out.put(r.aside(to, in.tag, text))
	}
}

// probes looks how several sources do, side by side.
func (r *Relay) probes(in call, names []string) []string {
	ctx, cancel := context.WithTimeout(in.work, probeTime+lastWords)
	defer cancel()
	reports := make([]string, len(names))
	var looking sync.WaitGroup
	for i, name := range names {
		looking.Go(func() {
			defer func() {
				if v := recover(); v != nil {
					reports[i] = r.notProbed(in.tag, name, panicked("probing", v))
				}
			}()
			p, err := r.o.Prober.Probe(ctx, name)
			if err != nil {
				reports[i] = r.notProbed(in.tag, name, err)
				return
			}
			reports[i] = r.probed(in.tag, p)
		})
	}
	looking.Wait()
	return reports
}

// notProbed says that a probe came to nothing.
func (r *Relay) notProbed(tag, name string, err error) string {
	f := troubleshoot.FaultOf(err)
	if errors.Is(err, context.Canceled) {
		f = &troubleshoot.Fault{Source: troubleshoot.SourceBot, Entry: entryRestarting}
	}
	id := r.entryOf(f)
	r.o.Logger.Warn("not probed", "provider", name, "entry", id, "fault", f.Error())
	return r.catalogue().Say(tag, "probe_title", "name", name) + "\n" + r.catalogue().Say(tag, "probe_entry", "id", id)
}

// probed puts a probe in words.
func (r *Relay) probed(tag string, p llm.Probe) string {
	lines := []string{r.catalogue().Say(tag, "probe_title", "name", p.Provider)}
	for _, f := range p.Findings() {
		lines = append(lines, r.finding(tag, f)...)
	}
	if f, ok := p.Stopped(); ok {
		lines = append(lines,
			r.catalogue().Say(tag, "probe_stopped", "step", r.step(tag, f)),
			r.catalogue().Say(tag, "probe_entry", "id", r.entryOf(f.Fault)))
	}
	return strings.Join(lines, "\n")
}

// finding puts one finding in words.
func (r *Relay) finding(tag string, f llm.Finding) []string {
	say, step := r.catalogue().Say, r.step(tag, f)
	switch {
	case f.What == llm.FindingTryURL:
		return []string{say(tag, "probe_try_url", "url", oneLine(r.plainly(f.Name), maxWords))}
	case f.What == llm.FindingPage:
		return []string{r.page(tag, f.Page)}
	case f.What == llm.FindingBalance:
		return r.balance(tag, f)
	case f.What == llm.FindingProxy && f.Verdict == llm.VerdictOK:
		return []string{say(tag, "probe_proxy", "address", f.Name)}
	case f.What == llm.FindingProxy:
		return []string{say(tag, "probe_proxy_failing", "address", f.Name)}
	case f.Verdict == llm.VerdictFailing:
		return []string{say(tag, "probe_failing", "step", step, "code", r.redact(orElse(symptom(f.Fault), r.code(r.entryOf(f.Fault)))))}
	case f.Verdict == llm.VerdictUnknown:
		return []string{say(tag, "probe_unknown", "step", step)}
	case f.What == llm.StepTLS && f.HasDays:
		return []string{r.certificate(tag, f.Days)}
	}
	took := ""
	if f.Took > 0 {
		took = r.took(tag, f.Took)
	}
	return []string{strings.TrimSpace(say(tag, "probe_ok", "step", step, "took", took))}
}

// certificate says how many whole days a certificate is valid for.
func (r *Relay) certificate(tag string, days int) string {
	if days < 1 {
		return r.catalogue().Say(tag, "probe_cert_today")
	}
	return r.times(tag, "probe_cert", days)
}

// step names what a finding is about.
func (r *Relay) step(tag string, f llm.Finding) string {
	name := strings.ToUpper(f.What)
	switch f.What {
	case llm.StepModel:
		name = r.catalogue().Say(tag, "probe_model") + " " + f.Name
	case llm.FindingProxy:
		name = r.catalogue().Say(tag, "probe_proxy_name")
	}
	if f.Key != "" {
		name += " (" + f.Key + ")"
	}
	return name
}

// symptom is what a fault showed: the status, unless that is of a success, and the
// provider's code, else how the connection failed.
func symptom(f *troubleshoot.Fault) string {
	var parts []string
	if f.Status != 0 && f.Status/100 != 2 {
		parts = append(parts, strconv.Itoa(f.Status))
	}
	if code := oneLine(f.Code, maxID); code != "" && code != strconv.Itoa(f.Status) {
		parts = append(parts, code)
	}
	if len(parts) == 0 && f.Net != "" {
		parts = append(parts, string(f.Net))
	}
	return strings.Join(parts, " ")
}

func (r *Relay) page(tag string, p llm.StatusPage) string {
	key := "page_" + string(p.State)
	if p.State == llm.StatusUnknown {
		key = "page_unknown"
	}
	state := r.catalogue().Say(tag, key)
	if p.Incident != "" {
		state = r.catalogue().Say(tag, "aside", "text", state, "aside", oneLine(r.plainly(p.Incident), maxWords))
	}
	return r.catalogue().Say(tag, "probe_page", "host", p.Host, "state", state)
}

func (r *Relay) balance(tag string, f llm.Finding) (lines []string) {
	say := r.catalogue().Say
	add := func(key string, sums []llm.Amount) {
		for _, a := range sums {
			amount := strings.TrimSpace(strconv.FormatFloat(a.Value, 'f', 2, 64) + " " + a.Currency)
			lines = append(lines, say(tag, key, "amount", amount))
		}
	}
	add("probe_left", f.Balance.Left)
	add("probe_spent", f.Balance.Spent)
	if f.Balance.NoLimit {
		lines = append(lines, say(tag, "probe_no_limit"))
	}
	if f.Key != "" {
		for i := range lines {
			lines[i] += " (" + f.Key + ")"
		}
	}
	return lines
}
