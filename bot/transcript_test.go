package bot

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/diagbot/diagbot/llm"
	"github.com/diagbot/diagbot/troubleshoot"
)

var update = flag.Bool("update", false, "write what the bot said into the transcripts")

// TestTranscripts plays testdata/*.txt, which are what the relay does in the
// words of those who chat with it.
//
//	# a comment
//	= groups: Home, Work        an option, before anything is said
//	! fail 429                  the next questions fail: see faults; "! well" ends it
//	! slow 20s                  the next answers take so long; so do rescues
//	! rescue busy               they come after failures: see rescues
//	! source openai-main 401    an AI source is in trouble with an entry
//	! later 2m                  time passes
//	alice> text                 a private text; \n is a new line
//	alice (image)>              something else than text
//	alice [quoted words]> text  a reply to something
//	alice @ Home> text          a text in a group that mentions the bot
//	alice : Home> text          one that does not
//	owner> text                 the account's owner, in File Transfer
//	! pair carl                 carl becomes an admin, with a code
//	! remark ann boss           ann gets a remark on the account's phone; without one, loses it
//	bot< text                   the answer, in the same chat
//	    more of it              its next line
//	bot to bob< text            what is said in another chat than that
//
// What the bot says while time passes follows that. Where nothing follows a text,
// the bot must be silent. ???? stands for any
// reference.
func TestTranscripts(t *testing.T) {
	if _, err := catalogue(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			script, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			synctest.Test(t, func(t *testing.T) { got = play(t, string(script)) })
			if got == string(script) {
				return
			}
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			t.Errorf("%s differs:\n%s", file, difference(string(script), got))
		})
	}
}

// faults are what "! fail" names.
func faults() map[string]*troubleshoot.Fault {
	api := func(f troubleshoot.Fault) *troubleshoot.Fault {
		f.Source, f.Provider = troubleshoot.SourceAPI, "openai"
		return &f
	}
	return map[string]*troubleshoot.Fault{
		"401":     api(troubleshoot.Fault{Status: 401, Code: "invalid_api_key", Message: "Incorrect API key provided: sk-***"}),
		"429":     api(troubleshoot.Fault{Status: 429, Code: "rate_limit_exceeded", Message: "Rate limit reached for requests"}),
		"429-20s": api(troubleshoot.Fault{Status: 429, Code: "rate_limit_exceeded", RetryAfter: 20 * time.Second}),
		"quota":   api(troubleshoot.Fault{Status: 429, Code: "insufficient_quota", Type: "insufficient_quota"}),
		"500":     api(troubleshoot.Fault{Status: 500}),
		"dns":     api(troubleshoot.Fault{Net: troubleshoot.NetDNS, Phase: troubleshoot.PhaseDial}),
	}
}

// stage plays one transcript and writes down what it does.
type stage struct {
	*world
	out  strings.Builder
	opts []string
	slow time.Duration

	sources []llm.ProviderStatus
	desk    *desk
	here    string  // the chat of the last text
	traits  *Traits // of the channel; nil: as usual
}

func (s *stage) draw(t Trend) ([]byte, error) { return []byte(t.Title + ", " + t.Summary), nil }

// Status and Probe make the stage the relay's AI sources.
func (s *stage) Status() []llm.ProviderStatus { return s.sources }

func (s *stage) Names() []string { return []string{"openai-main"} }

func (s *stage) Probe(_ context.Context, name string) (llm.Probe, error) {
	bad := &troubleshoot.Fault{Source: troubleshoot.SourceAPI, Status: 401, Code: "invalid_api_key"}
	ms := time.Millisecond
	return llm.Probe{Provider: name, Begun: time.Now(), Checks: []llm.Check{{
		Provider: name, Key: "main", Proxy: "127.0.0.1:7890", CertExpires: time.Now().Add(61*24*time.Hour + time.Minute),
		Steps: []llm.Step{{Name: llm.StepDNS, Took: 12 * ms}, {Name: llm.StepTCP, Took: 180 * ms}, {Name: llm.StepTLS, Took: 90 * ms}, {Name: llm.StepAPI, Fault: bad}},
	}}}, nil
}

var (
	ref   = regexp.MustCompile(`(\(|（|· |/diag |: |：|\d\d:\d\d )[2-9A-HJKMNP-TV-Z]{4}(\)|）|\s|$)`)
	heard = regexp.MustCompile(`^(\w+)(?: \((\w+)\))?(?: \[([^\]]*)\])?(?: ([@:]) (\S+))?>(?: (.*))?$`)
)

func play(t *testing.T, script string) string { return (&stage{}).play(t, script) }

func (s *stage) play(t *testing.T, script string) string {
	for line := range strings.Lines(script) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(line, "bot<"), strings.HasPrefix(line, "bot to "), strings.HasPrefix(line, "    "):
			continue
		case strings.HasPrefix(line, "= "):
			s.opts = append(s.opts, line[2:])
		case strings.HasPrefix(line, "! "):
			s.open(t)
			s.out.WriteString(line + "\n")
			s.act(t, line[2:])
			synctest.Wait()
			s.tell()
			continue
		case line != "" && line[0] != '#':
			s.open(t)
			s.out.WriteString(line + "\n")
			s.utter(t, line)
			continue
		}
		s.out.WriteString(line + "\n")
	}
	return s.out.String()
}

func (s *stage) open(t *testing.T) {
	if s.world == nil {
		s.world = newWorld(t, func(o *Options) {
			o.Locale, o.Location, o.Sources, o.Prober = "", time.UTC, s, s
			if s.traits != nil {
				o.Channel.(*fakeChannel).traits = *s.traits
			}
			s.desk = &desk{fakeChannel: o.Channel.(*fakeChannel), remarks: make(map[string]string)}
			o.Channel, o.Control, o.Draw, o.AdminRemarks = s.desk, &fakeControl{stage: s}, s.draw, []string{"boss"}
			setOptions(t, o, s.opts)
		})
	}
}

func setOptions(t *testing.T, o *Options, opts []string) {
	for _, line := range opts {
		key, value, _ := strings.Cut(line, ": ")
		switch key {
		case "locale":
			o.Locale = value
		case "groups":
			o.Groups = strings.Split(value, ", ")
		case "prefixes":
			o.PrivatePrefixes = strings.Split(value, ", ")
		case "group prefixes":
			o.GroupPrefixes = strings.Split(value, ", ")
		case "reply prefix":
			o.PrivateReplyPrefix = value
		case "thinking":
			o.ThinkingAfter = duration(t, value)
		case "longest":
			fmt.Sscan(value, &o.MaxMessage)
		default:
			t.Fatalf("no option %q", key)
		}
	}
}

func (s *stage) act(t *testing.T, what string) {
	verb, arg, _ := strings.Cut(what, " ")
	switch f := faults()[arg]; {
	case verb == "fail" && f != nil:
		s.completer.set(failing(f), nil)
	case verb == "rescue" && rescues()[arg] != nil:
		slow := s.slow
		s.completer.set(nil, func(_ context.Context, p llm.Prompt) (llm.Completion, error) {
			time.Sleep(slow)
			return llm.Completion{Text: "echo: " + last(p), Attempts: rescues()[arg]}, nil
		})
	case verb == "well":
		s.completer.set(nil, nil)
		s.slow = 0
	case verb == "slow":
		s.slow = duration(t, arg)
		s.completer.set(slowly(s.slow), nil)
	case verb == "source":
		name, entry, _ := strings.Cut(arg, " ")
		s.sources = append(s.sources, llm.ProviderStatus{Provider: name, Trouble: entry})
	case verb == "pair":
		s.pair(arg, arg)
	case verb == "remark":
		name, remark, _ := strings.Cut(arg, " ")
		s.desk.remarks[name] = remark
	case verb == "signed":
		s.desk.since = time.Now().Add(-duration(t, strings.TrimPrefix(arg, "in ")))
	case verb == "later":
		time.Sleep(duration(t, arg))
	default:
		t.Fatalf("cannot %q", what)
	}
}

// set changes how the completer answers, also while it does.
func (c *fakeCompleter) set(answer func(context.Context, llm.Prompt) (string, error), whole func(context.Context, llm.Prompt) (llm.Completion, error)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answer, c.whole = answer, whole
}

// rescues are what "! rescue" names.
func rescues() map[string][]llm.Attempt {
	return map[string][]llm.Attempt{"bad-key": badKey(), "busy": busy()}
}

func duration(t *testing.T, s string) time.Duration {
	d, err := time.ParseDuration(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (s *stage) write(u utterance, elsewhere string) {
	text := ref.ReplaceAllString(u.text, "$1????$2")
	s.out.WriteString("bot" + elsewhere + "< " + strings.ReplaceAll(text, "\n", "\n    ") + "\n")
}

func (s *stage) utter(t *testing.T, line string) {
	part := heard.FindStringSubmatch(line)
	if part == nil {
		t.Fatalf("cannot read %q", line)
	}
	m := private(part[1], strings.ReplaceAll(part[6], `\n`, "\n"))
	if part[5] != "" {
		m = inGroup(part[5], part[1], m.Text)
		m.Mentioned = part[4] == "@"
	}
	if part[2] != "" {
		m.Kind = Kind(part[2])
	}
	m.Quote = part[3]
	if part[1] == "owner" { // whose private chat is one of its own
		m.Sender.ID, m.Sender.Owner = "@self", part[5] == ""
	}
	s.here = m.Chat.ID
	s.hear(m)
	s.tell()
}

// tell writes what was said, the chat of the last text first: chats are answered
// side by side.
func (s *stage) tell() {
	said := s.channel.take()
	slices.SortStableFunc(said, func(a, b utterance) int { return strings.Compare(a.to.ID, b.to.ID) })
	for _, u := range said {
		if u.to.ID == s.here {
			s.write(u, "")
		}
	}
	for _, u := range said {
		if u.to.ID != s.here {
			s.write(u, " to "+u.to.ID)
		}
	}
}

// difference shows the first lines that differ.
func difference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(w), len(g)) {
		a, b := "", ""
		if i < len(w) {
			a = w[i]
		}
		if i < len(g) {
			b = g[i]
		}
		if a != b {
			return fmt.Sprintf("line %d\n got %q\nwant %q", i+1, b, a)
		}
	}
	return ""
}
