package world_test

import (
	"flag"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"log/slog"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/internal/simllm"
	"github.com/diagbot/diagbot/internal/world"
	"github.com/diagbot/diagbot/llm"
	"github.com/diagbot/diagbot/troubleshoot"
)

var verbose = flag.Bool("replies", false, "print every reply of the hostile tests")

// asked is one failure met by one person.
type asked struct {
	failure simllm.Failure
	who     world.Person
	zh      bool
	reply   string
}

func (q asked) String() string {
	where := "private"
	if q.who.Group != "" {
		where = "group"
	}
	return fmt.Sprintf("%s in %s (zh %v): %q", q.failure.Name, where, q.zh, q.reply)
}

// TestHostileFailures asks every failure there is, in private and in a group, in
// two languages, by people who are no admins.
func TestHostileFailures(t *testing.T) {
	onEach(t, hostileFailures)
}

func hostileFailures(t *testing.T, channel world.Channel) {
	a := newArena(t, func(o *world.Options) {
		o.Channel = channel
		timeouts := llm.Timeouts{Headers: 3 * time.Second, FirstToken: 3 * time.Second, Idle: 3 * time.Second, Total: 30 * time.Second}
		_, clients := newSource(t, o.Logger, timeouts)
		o.Bot = func(o *bot.Options) {
			o.Completer, o.Deadline, o.MemoryTurns = bySource(clients), 40*time.Second, 4
		}
	})
	all := askEverything(a, simllm.Failures())
	incidents := a.log.incidents()
	for _, q := range all {
		if *verbose {
			t.Log(q)
		}
		judgeAnswer(t, a, q, incidents)
	}
	judgeLog(t, a.log.String())
}

// askEverything has each failure met by four people, at most 48 at a time.
func askEverything(a *arena, failures []simllm.Failure) []asked {
	results := make([][]asked, len(failures))
	var all sync.WaitGroup
	slots := make(chan struct{}, 48)
	for i, f := range failures {
		en, zh := a.friend(fmt.Sprintf("Ann%d", i)), a.friend(fmt.Sprintf("小明%d", i))
		one, two := a.group(fmt.Sprintf("group %d", i), en), a.group(fmt.Sprintf("群 %d", i), zh)
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			results[i] = a.meet(f, slices.Concat([]world.Person{en, zh}, one, two))
		})
	}
	all.Wait()
	return slices.Concat(results...)
}

// meet has people meet a failure: the first and third write English.
func (a *arena) meet(f simllm.Failure, people []world.Person) []asked {
	mark := "!"
	if f.Source == "web" {
		mark = "web!"
	}
	out := make([]asked, len(people))
	for i, p := range people {
		text := "Are you still there, my friend? "
		if i%2 == 1 {
			text = "你还在吗，我的朋友？"
		}
		a.say(p, text+mark+f.Name)
		out[i] = asked{failure: f, who: p, zh: i%2 == 1}
	}
	for i, p := range people {
		if s, ok := a.post.next(a.ctx, chatOf(p)); ok {
			out[i].reply = s.Text
		}
	}
	return out
}

func judgeAnswer(t *testing.T, a *arena, q asked, incidents map[string]string) {
	if q.reply == "" {
		t.Errorf("silence: %s", q)
		return
	}
	ref := refIn(q.reply)
	if q.failure.Harmless {
		if ref != "" {
			t.Errorf("a harmless oddity became an incident (%s): %s", incidents[ref], q)
		}
		if !strings.Contains(q.reply, "my friend") && !strings.Contains(q.reply, "我的朋友") {
			t.Errorf("a harmless oddity changed the answer: %s", q)
		}
		return
	}
	if partial(a, q) {
		return // the beginning of an answer is worth more than an explanation
	}
	if ref == "" || incidents[ref] == "" {
		t.Errorf("no reference to an incident: %s", q)
		return
	}
	if incidents[ref] == anew {
		return
	}
	if entry := incidents[ref]; !q.zh && q.who.Group == "" && entry != q.failure.Entry && !slices.Contains(q.failure.Also, entry) {
		t.Errorf("%s is explained as %s, not %s or %v", q.failure.Name, entry, q.failure.Entry, q.failure.Also)
	}
	if guide := q.failure.Guide; guide != "" && incidents[ref] != guide {
		t.Errorf("%s shows the guide's %s, but is explained as %s", q.failure.Name, guide, incidents[ref])
	}
	words := strings.TrimPrefix(q.reply, "@"+q.who.Name+"\u2005")
	if hasHan(words) != q.zh {
		t.Errorf("wrong language: %s", q)
	}
	if q.who.Group != "" && (words == q.reply || strings.Contains(words, "\n")) {
		t.Errorf("a reply in a group names the asker and is one line: %s", q)
	}
	if !catalogued(a, q, incidents[ref], ref, words) {
		t.Errorf("not the catalogue's words for %s: %s", incidents[ref], q)
	}
	for _, problem := range unfit(words) {
		t.Errorf("%s: %s", problem, q)
	}
}

// partial reports whether somebody was sent the beginning of an answer, with a
// note that it is one.
func partial(a *arena, q asked) bool {
	tag := "en"
	if q.zh {
		tag = "zh-Hans"
	}
	// Of a flood the first part is looked at; the note stands in the last.
	if q.failure.End == simllm.EndFlood {
		return strings.HasSuffix(q.reply, "(1/12)") || strings.HasSuffix(q.reply, "(1/10)")
	}
	return strings.Contains(q.reply, a.Catalogue.Say(tag, "partial")) &&
		(q.failure.Entry == "stream-interrupted" || slices.Contains(q.failure.Also, "stream-interrupted"))
}

// catalogued reports whether words are what the catalogue says of an entry, with
// or without the pause that was asked for. Where waiting helps, and only there, they
// say that the question is kept; that the owner was told they may say of entries
// that owners are told of.
func catalogued(a *arena, q asked, entry, ref, words string) bool {
	tell := troubleshoot.Telling{Audience: troubleshoot.AudienceUser, Locale: "en", Ref: ref}
	if q.zh {
		tell.Locale = "zh-Hans"
	}
	kept := "kept"
	if q.who.Group != "" {
		tell.Audience, kept = troubleshoot.AudienceGroup, "kept_group"
	}
	e, _ := a.Catalogue.Entry(entry)
	if e.Retryable && e.Group() == "wait" && e.Act != "reset" && q.failure.Wait < 10*time.Minute {
		tell.Done = []string{kept}
	}
	if said(a, q, entry, words, tell) {
		return true
	}
	tell.Told = true
	return (e.Notify == "immediate" || e.Notify == "once") && said(a, q, entry, words, tell)
}

func said(a *arena, q asked, entry, words string, tell troubleshoot.Telling) bool {
	for off := -3; off <= 3; off++ { // dates are in whole seconds, and time passes
		tell.Wait = max(0, q.failure.Wait+time.Duration(off)*time.Second)
		if words == a.Catalogue.Explain(entry, tell) {
			return true
		}
	}
	tell.Wait = 0
	return words == a.Catalogue.Explain(entry, tell)
}

// forbidden are the looks of what people must never read.
var forbidden = regexp.MustCompile(`(?i)https?:|://|www\.|sk-|org-|proj_|req_|bearer|</?[a-z!]|&[a-z]+;|[{}\\` + "`" + `]|\b(api[ _-]?key|token|quota|billing|balance|null|undefined|json|html|http|cloudflare|nginx|openai)\b|密钥|余额|欠费|封号|令牌|\.(com|cn|example|net|org)\b`)

// unfit lists what is wrong with telling people this. The code in front of the
// reference is not meant to be read.
func unfit(reply string) (problems []string) {
	words := reply[:max(strings.LastIndexAny(reply, "(（"), 0)]
	add := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	if bad := forbidden.FindString(words); bad != "" {
		add("%q in a reply", bad)
	}
	for _, secret := range append(simllm.Planted(), world.Key, "hostile4f9", "source-api", "source-web", "127.0.0.1", world.Model) {
		if strings.Contains(words, secret) {
			add("leaks %q", secret)
		}
	}
	for _, word := range strings.FieldsFunc(words, func(r rune) bool { return unicode.IsSpace(r) || r == '(' || r == ')' }) {
		if _, err := netip.ParseAddr(strings.Trim(word, "[],;")); err == nil {
			add("an address %q", word)
		}
	}
	if n := len([]rune(words)); n > 300 {
		add("%d characters", n)
	}
	return problems
}

// judgeLog looks for secrets, people's words and upstream bodies in the log.
func judgeLog(t *testing.T, log string) {
	for _, secret := range simllm.Planted()[:11] { // keys, tokens, organisations, addresses, hosts
		if at := strings.Index(log, secret); at >= 0 {
			t.Errorf("the log has %q: …%s…", secret, log[max(0, at-300):min(len(log), at+100)])
		}
	}
	for _, secret := range []string{world.Key, "my friend", "我的朋友", "Ann1", "小明1"} {
		if at := strings.Index(log, secret); at >= 0 {
			t.Errorf("the log has %q: …%s…", secret, log[max(0, at-300):min(len(log), at+100)])
		}
	}
}

// TestHostileTraps meets what fails before there is any HTTP.
func TestHostileTraps(t *testing.T) {
	t.Parallel()
	for _, trap := range simllm.Traps() {
		t.Run(trap.Name, func(t *testing.T) {
			t.Parallel()
			sprung, err := simllm.Spring(trap.Name)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = sprung.Close() })
			a := newArena(t, func(o *world.Options) {
				client := trapped(t, o.Logger, trap, sprung.URL())
				o.Bot = func(o *bot.Options) { o.Completer, o.Deadline = client, 10*time.Second }
			})
			en, zh := a.friend("Ann0"), a.friend("小明0")
			one, two := a.group("group 0", en), a.group("群 0", zh)
			f := simllm.Failure{Name: trap.Name, Entry: trap.Entry}
			for _, q := range a.meet(f, []world.Person{en, zh, one[0], two[0]}) {
				judgeAnswer(t, a, q, a.log.incidents())
			}
			judgeLog(t, a.log.String())
			if strings.Contains(a.log.String(), "s3cret") {
				t.Error("the proxy's password is in the log")
			}
		})
	}
}

// trapped returns a client whose service, or whose proxy, is the trap.
func trapped(t *testing.T, log *slog.Logger, trap simllm.Trap, url string) *llm.Client {
	t.Helper()
	p := llm.ProviderOptions{
		Name: "source-api", Source: troubleshoot.SourceAPI, BaseURL: url + "/v1", Models: []string{world.Model},
		Keys: []llm.Key{{Name: "main", Secret: world.Key}}, Proxy: "direct",
		Timeouts: llm.Timeouts{Dial: time.Second, TLS: time.Second, Headers: time.Second, FirstToken: time.Second, Idle: time.Second, Total: 6 * time.Second},
	}
	if trap.As == "proxy" {
		p.BaseURL, p.Proxy = "https://api.openai.com/v1", strings.Replace(url, "http://", "http://joe:s3cret@", 1)
	}
	client, err := llm.New(llm.Options{Logger: log, Catalogue: loadCatalogue(t), MaxAttempts: 1, Pauses: nothingKept, Providers: []llm.ProviderOptions{p}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}
