package world_test

import (
	"bytes"
	"context"
	endian "encoding/binary"
	"flag"
	"fmt"
	"hash/crc32"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/internal/world"
	"github.com/diagbot/diagbot/llm"
	"github.com/diagbot/diagbot/troubleshoot"
)

var update = flag.Bool("update", false, "write what the bot says into the transcripts")

// TestMain runs more tests at a time than there are processors: they wait.
func TestMain(m *testing.M) {
	flag.Parse()
	_ = flag.Set("test.parallel", "6") // the flag exists and takes numbers
	goleak.VerifyTestMain(m)
}

// TestTranscripts plays each file of testdata against the real clients and the
// simulated servers, over each channel. What the bot says is the same; where a
// channel has no groups, what is said in them is left out. Lines are:
//
//	alice> …        somebody speaks: alice, ming, alice@group, ming@group, owner
//	alice> (picture 800x600)     they send a picture of that size
//	alice> (file notes.txt) …    or a file
//	bot< (file answer-TIME.md)   so does the bot
//	bot< …          what the bot answers in that chat; further lines are indented
//	! next: NAME    the AI service fails like that until the next answer
//	! once: NAME    its next request fails like that
//	! blind: NAME   requests with pictures fail like that from now on
//	! ask: web      the bot now asks the ChatGPT web session, or the api
//
// References such as 7K2F differ each time and are written as REF.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no transcripts", err)
	}
	for _, file := range files {
		for _, channel := range []world.Channel{world.OpenWeChat, world.ILink} {
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txt")+"/"+string(channel), func(t *testing.T) {
				t.Parallel()
				script, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				c, want := newCast(t, channel), string(script)
				if channel == world.ILink {
					want = withoutGroups(want)
				}
				got := c.play(t, want)
				if *update && channel == world.OpenWeChat {
					if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
						t.Fatal(err)
					}
					return
				}
				if got != want {
					t.Errorf("the bot said otherwise; got:\n%s\nwant:\n%s", got, want)
				}
				if c.ILink != nil && len(c.ILink.Complaints()) > 0 {
					t.Errorf("WeChat complained: %q", c.ILink.Complaints())
				}
			})
		}
	}
}

// withoutGroups leaves out of a transcript what is said in groups, with the
// failures made for it.
func withoutGroups(script string) string {
	var kept, orders strings.Builder
	dropping := false
	for line := range strings.Lines(script) {
		speaker, _, speech := strings.Cut(line, "> ")
		switch {
		case strings.HasPrefix(line, "! next: "), strings.HasPrefix(line, "! once: "):
			orders.WriteString(line)
			continue
		case strings.HasPrefix(line, "bot< "), strings.HasPrefix(line, "     "):
			if !dropping {
				kept.WriteString(line)
			}
			continue
		}
		if dropping = speech && strings.HasSuffix(speaker, "@group"); !dropping {
			kept.WriteString(orders.String() + line)
		}
		orders.Reset()
	}
	return kept.String()
}

// cast is a world and its people by the names transcripts call them.
type cast struct {
	*world.World
	people map[string]world.Person
}

func newCast(t *testing.T, channel world.Channel) *cast {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	w, err := world.Start(ctx, world.Options{
		Nick: "小诊", Channel: channel,
		Timeouts: llm.Timeouts{
			Headers: 500 * time.Millisecond, FirstToken: time.Second, Idle: time.Second, Total: 5 * time.Second,
		},
		Bot: func(o *bot.Options) { o.Deadline, o.MemoryTurns = 10*time.Second, 10 },
		LLM: func(o *llm.Options) { o.Pauses.Longest = time.Second },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	// Over iLink the bot can write to its owner only after they wrote.
	if _, err := w.Talk(ctx, world.Person{}, "/stop"); err != nil {
		t.Fatal(err)
	}
	alice, ming := w.AddFriend("Alice"), w.AddFriend("小明")
	group := w.AddGroup("周末爬山群", alice, ming)
	return &cast{World: w, people: map[string]world.Person{
		"alice": {ID: alice}, "ming": {ID: ming}, "owner": {},
		"alice@group": {ID: alice, Group: group}, "ming@group": {ID: ming, Group: group},
	}}
}

// play carries out a transcript and returns it with what the bot really said.
func (c *cast) play(t *testing.T, script string) string {
	var played strings.Builder
	for _, line := range strings.Split(strings.TrimRight(script, "\n"), "\n") {
		who, says, speech := strings.Cut(line, "> ")
		person, known := c.people[who]
		switch {
		case strings.HasPrefix(line, "bot< "), strings.HasPrefix(line, "     "), line == "    ":
			continue // written anew below
		case strings.HasPrefix(line, "! "):
			c.direct(t, strings.TrimPrefix(line, "! "))
			played.WriteString(line + "\n")
		case speech && known:
			played.WriteString(line + "\n" + c.answer(t, person, says))
		default:
			played.WriteString(line + "\n")
		}
	}
	return played.String()
}

func (c *cast) direct(t *testing.T, order string) {
	verb, name, _ := strings.Cut(order, ": ")
	var err error
	switch verb {
	case "next":
		err = c.AI.Always(name)
	case "once":
		err = c.AI.Next(name)
	case "blind":
		err = c.AI.Blind(name)
	case "ask":
		c.Ask(troubleshoot.Source(name))
	default:
		t.Fatalf("unknown order %q", order)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// do says something as a person, or sends it.
func (c *cast) do(t *testing.T, p world.Person, says string) {
	var w, h int
	if n, _ := fmt.Sscanf(says, "(picture %dx%d)", &w, &h); n == 2 {
		c.Show(p, world.Medium{Body: picture(t, w, h)})
		return
	}
	if name, body, ok := strings.Cut(strings.TrimPrefix(says, "(file "), ") "); ok && strings.HasPrefix(says, "(file ") {
		c.Show(p, world.Medium{Name: name, Body: []byte(body)})
		return
	}
	c.Say(p, says)
}

// picture makes one; beyond 10,000 pixels a side it only claims to be so large.
func picture(t *testing.T, w, h int) []byte {
	claimed := image.Rect(0, 0, min(w, 10_000), min(h, 10_000))
	if max(w, h) > 10_000 {
		claimed = image.Rect(0, 0, 1, 1)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(claimed)); err != nil {
		t.Fatal(err)
	}
	data := b.Bytes()
	endian.BigEndian.PutUint32(data[16:], uint32(w))
	endian.BigEndian.PutUint32(data[20:], uint32(h))
	endian.BigEndian.PutUint32(data[29:], crc32.ChecksumIEEE(data[12:29]))
	return data
}

var (
	stamp = regexp.MustCompile(`\d{8}-\d{4}`)
	sum   = regexp.MustCompile(`, \d+ bytes, [0-9a-f]{8}`)
)

var ref = regexp.MustCompile(`[2-9A-HJKMNP-Z]{4}([)）])`)

func (c *cast) answer(t *testing.T, p world.Person, says string) string {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	defer c.AI.Heal()
	says = strings.NewReplacer(`\n`, "\n", "@小诊 ", "@小诊\u2005").Replace(says)
	parts, err := c.Hear(ctx, p, func() { c.do(t, p, says) })
	if err != nil {
		t.Errorf("no answer to %q: %v", says, err)
	}
	var b strings.Builder
	for _, s := range parts {
		part := s.Text
		if s.Name != "" {
			part = strings.TrimSpace("(file " + stamp.ReplaceAllString(s.Name, "TIME") + ")\n" + string(s.Body) + part)
		}
		part = sum.ReplaceAllString(part, "")
		part = ref.ReplaceAllString(strings.ReplaceAll(part, "\u2005", " "), "REF$1")
		b.WriteString("bot< " + strings.ReplaceAll(part, "\n", "\n     ") + "\n")
	}
	return b.String()
}
