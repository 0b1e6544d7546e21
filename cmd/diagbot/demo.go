package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/internal/simllm"
	"github.com/diagbot/diagbot/internal/world"
	"github.com/diagbot/diagbot/llm"
	"github.com/diagbot/diagbot/troubleshoot"
)

// The people of the demo.
const (
	demoBot   = "小诊"
	demoGroup = "周末爬山群"
	mention   = "@" + demoBot + "\u2005" // as WeChat writes it when picked from its list
)

func (a *app) demo() *cobra.Command {
	var tour bool
	var channel, pictures string
	c := &cobra.Command{
		Use:   "demo",
		Short: a.say("demo_short"),
		Long:  a.say("demo_long"),
		Args:  a.noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if channel != string(world.OpenWeChat) && channel != string(world.ILink) {
				return errors.New(a.say("demo_channel", "value", channel))
			}
			fmt.Fprintln(a.out, a.say("demo_starting"))
			stage, err := newStage(c.Context(), world.Channel(channel), &pencil{dir: pictures}, a.tag)
			if err != nil {
				return err
			}
			defer stage.Close()
			if tour || !isTerminal(a.in) {
				return a.playTour(c.Context(), stage)
			}
			return a.chat(c.Context(), stage)
		},
	}
	c.Flags().BoolVar(&tour, "tour", false, a.say("demo_flag_tour"))
	c.Flags().StringVar(&channel, "channel", string(world.OpenWeChat), a.say("demo_flag_channel"))
	c.Flags().StringVar(&pictures, "pictures", "", a.say("demo_flag_pictures"))
	return c
}

func isTerminal(r io.Reader) bool {
	file, ok := r.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// stage is the demo's world with its people.
type stage struct {
	*world.World
	pencil        *pencil
	alice, ming   world.Person // friends, writing English and Chinese
	aliceG, mingG world.Person // the same in the group, where there are groups
	owner         world.Person
}

// newStage starts a world whose bot speaks usual where it knows nothing better.
func newStage(ctx context.Context, channel world.Channel, p *pencil, usual string) (*stage, error) {
	w, err := world.Start(ctx, world.Options{
		Nick:     demoBot,
		Channel:  channel,
		Timeouts: demoTimeouts,
		Bot: func(o *bot.Options) {
			o.Deadline, o.Draw, o.Locale = demoDeadline, p.draw, usual
			if c, ok := o.Sources.(bot.Control); ok {
				o.Control = c
			}
		},
	})
	if err != nil {
		return nil, err
	}
	s := &stage{World: w, pencil: p, owner: world.Person{Name: "owner"}}
	s.alice = world.Person{Name: "Alice", ID: w.AddFriend("Alice")}
	s.ming = world.Person{Name: "小明", ID: w.AddFriend("小明")}
	group := w.AddGroup(demoGroup, s.alice.ID, s.ming.ID)
	if group == "" {
		return s, nil
	}
	s.aliceG = world.Person{Name: s.alice.Name, ID: s.alice.ID, Group: group}
	s.mingG = world.Person{Name: s.ming.Name, ID: s.ming.ID, Group: group}
	return s, nil
}

// chat lets the person at the terminal talk to the bot until the end of input.
func (a *app) chat(ctx context.Context, s *stage) error {
	me := s.alice
	if a.tag == "zh-Hans" {
		me = s.ming
	}
	fmt.Fprintln(a.out, a.say("demo_hint", "name", me.Name, "bot", demoBot))
	replies, stop := s.Subscribe()
	defer stop()
	lines := readLines(a.in)
	for {
		line, ok := a.await(ctx, s, me, lines, replies)
		switch line = strings.TrimSpace(line); {
		case !ok || line == ":quit":
			fmt.Fprintln(a.out, a.say("demo_bye"))
			return nil
		case line == "":
		case strings.HasPrefix(line, ":"):
			me = a.direct(s, me, line)
		default:
			s.Say(me, strings.ReplaceAll(line, "@"+demoBot+" ", mention))
			if me.Group != "" && !strings.Contains(line, "@"+demoBot) {
				fmt.Fprintln(a.out, a.say("demo_silent", "bot", demoBot))
			}
		}
	}
}

// await prints what the bot says until a line was typed.
func (a *app) await(ctx context.Context, s *stage, me world.Person, lines <-chan string, replies <-chan world.Said) (string, bool) {
	for {
		fmt.Fprintf(a.out, "%s> ", me.Name)
		select {
		case <-ctx.Done():
			return "", false
		case line, ok := <-lines:
			return line, ok
		case reply, ok := <-replies:
			if !ok {
				return "", false
			}
			fmt.Fprint(a.out, "\r")
			printLine(a.out, s.speaks(me, reply)+"<", a.shown(s, reply))
		}
	}
}

// speaks names the bot, and to whom it speaks unless that is me: the owner is told
// of a failure that a friend has just met, in a chat of their own.
func (s *stage) speaks(me world.Person, said world.Said) string {
	if s.Reads(me, said) {
		return demoBot
	}
	for _, p := range []world.Person{s.owner, s.alice, s.ming} {
		if s.Reads(p, said) {
			return demoBot + " → " + p.Name
		}
	}
	return demoBot + " → " + demoGroup
}

// shown is what a terminal shows of what the bot said.
func (a *app) shown(s *stage, said world.Said) string {
	switch {
	case said.Body != nil && said.Name == "":
		return a.picture(s.pencil, said.Body)
	case said.Body != nil:
		return a.say("demo_file", "name", said.Name, "kb", strconv.Itoa((len(said.Body)+1023)/1024))
	}
	return visible(said.Text)
}

// readLines hands over the lines of r. The goroutine ends with its input: on a
// terminal that is the end of the process.
func readLines(r io.Reader) <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		for scanner := bufio.NewScanner(r); scanner.Scan(); {
			lines <- scanner.Text()
		}
	}()
	return lines
}

// direct carries out one of the demo's own commands and returns who speaks next.
func (a *app) direct(s *stage, me world.Person, command string) world.Person {
	friend, member := s.alice, s.aliceG
	if a.tag == "zh-Hans" {
		friend, member = s.ming, s.mingG
	}
	switch command {
	case ":friend":
		me = friend
		a.now(me, a.say("demo_where_friend"))
	case ":group":
		if member.Group == "" {
			fmt.Fprintln(a.out, a.say("demo_no_groups"))
			return me
		}
		me = member
		a.now(me, a.say("demo_where_group", "group", demoGroup))
	case ":owner":
		me = s.owner
		where := "demo_where_owner"
		if member.Group == "" {
			where = "demo_where_owner_ilink"
		}
		a.now(me, a.say(where))
	case ":web":
		s.Ask(troubleshoot.SourceWeb)
		fmt.Fprintln(a.out, a.say("demo_source", "source", a.say("demo_source_web")))
	case ":api":
		s.Ask(troubleshoot.SourceAPI)
		fmt.Fprintln(a.out, a.say("demo_source", "source", a.say("demo_source_api")))
	case ":failures":
		a.listFailures()
	default:
		fmt.Fprintln(a.out, a.say("demo_unknown", "command", command))
	}
	return me
}

func (a *app) now(me world.Person, where string) {
	fmt.Fprintln(a.out, a.say("demo_now", "name", me.Name, "where", where))
}

func (a *app) listFailures() {
	fmt.Fprintln(a.out, a.say("demo_failures"))
	for _, f := range simllm.Failures() {
		name := f.Name
		if len(f.Aliases) > 0 {
			name = f.Aliases[0]
		}
		fmt.Fprintf(a.out, "  !%s  %s\n", name, f.About)
	}
}

// demoTimeouts are short, so that a hanging service does not bore the audience.
var demoTimeouts = llm.Timeouts{
	Dial: demoPatience, TLS: demoPatience, Headers: demoPatience,
	FirstToken: demoPatience, Idle: demoPatience, Total: 3 * demoPatience,
}
