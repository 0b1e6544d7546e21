package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/diagbot/diagbot/internal/simllm"
	"github.com/diagbot/diagbot/internal/world"
	"github.com/diagbot/diagbot/troubleshoot"
)

// How long the demo waits: for a step of the AI service, for the bot to give up
// on it, and for a reply to reach the chat.
const (
	demoPatience = time.Second
	demoDeadline = 5 * time.Second
	tourPatience = 15 * time.Second
)

// scene is one message of the tour.
type scene struct {
	who    world.Person
	says   string
	source troubleshoot.Source // whom the bot asks; empty: the API
}

// act is a part of the tour, under a heading.
type act struct {
	title  string
	scenes []scene
}

// playTour plays every scene and fails unless each message was answered.
func (a *app) playTour(ctx context.Context, s *stage) error {
	started := time.Now()
	asked, answered := 0, 0
	fmt.Fprintln(a.out, a.say("tour_title"))
	for _, part := range s.acts() {
		fmt.Fprintf(a.out, "\n%s\n\n", a.say(part.title))
		if len(part.scenes) == 0 {
			fmt.Fprintln(a.out, a.say("demo_no_groups"))
		}
		for _, sc := range part.scenes {
			if ctx.Err() != nil {
				return statusFailed
			}
			asked++
			if a.play(ctx, s, sc) {
				answered++
			}
		}
	}
	counts := []string{"asked", strconv.Itoa(asked), "answered", strconv.Itoa(answered),
		"took", a.span(time.Since(started).Round(100 * time.Millisecond))}
	if answered < asked {
		fmt.Fprintln(a.out, a.say("tour_bad", counts...))
		return statusFailed
	}
	fmt.Fprintln(a.out, a.say("tour_ok", counts...))
	return nil
}

// play says one message, prints the reply and reports whether there was one.
func (a *app) play(ctx context.Context, s *stage, sc scene) bool {
	if sc.source == "" {
		sc.source = troubleshoot.SourceAPI
	}
	s.Ask(sc.source)
	ctx, cancel := context.WithTimeout(ctx, tourPatience)
	defer cancel()
	printLine(a.out, sc.who.Name+">", visible(sc.says))
	parts, err := s.Hear(ctx, sc.who, func() { s.Say(sc.who, sc.says) })
	for _, part := range parts {
		printLine(a.out, demoBot+"<", a.shown(s, part))
	}
	if err != nil {
		printLine(a.out, "!", a.say("tour_unanswered"))
		return false
	}
	fmt.Fprintln(a.out)
	return true
}

// printLine prints what somebody said, later lines indented.
func printLine(w io.Writer, who, text string) {
	fmt.Fprintln(w, who, strings.ReplaceAll(text, "\n", "\n    "))
}

// visible shows the space that WeChat puts after a mention as a plain one.
func visible(text string) string { return strings.ReplaceAll(text, "\u2005", " ") }

// acts is the programme.
func (s *stage) acts() []act {
	all := []act{
		{"tour_answers", []scene{
			{who: s.alice, says: "Hello! Who are you?"},
			{who: s.ming, says: "你好，你会做什么？"},
			{who: s.alice, says: "Show me some markdown, please"},
		}},
		{"tour_group", []scene{
			{who: s.mingG, says: mention + "周六爬山带什么？"},
			{who: s.aliceG, says: mention + "and what about water?"},
		}},
		{"tour_commands", []scene{
			{who: s.ming, says: "#帮助"},
			{who: s.alice, says: "/lang zh-Hant"},
			{who: s.alice, says: "/diag 429"},
			{who: s.alice, says: "/lang auto"},
			{who: s.ming, says: "／ｒｅｓｅｔ"},
		}},
		{"tour_failures", s.failures()},
		{"tour_admin", []scene{
			{who: s.owner, says: "/diag 401"},
			{who: s.owner, says: "/provider"},
			{who: s.owner, says: "/diag"},
			{who: s.owner, says: "/diag trend"},
			{who: s.owner, says: "#诊断 429"},
		}},
	}
	if s.aliceG.Group == "" {
		all[1].scenes = nil
	}
	return all
}

// failures shows each failure of the guide to Alice in English and to 小明 in
// Chinese.
func (s *stage) failures() []scene {
	var scenes []scene
	for _, f := range simllm.Failures() {
		if f.Guide == "" {
			continue
		}
		source := troubleshoot.Source(f.Source)
		scenes = append(scenes,
			scene{who: s.alice, says: "Are you there? !" + f.Name, source: source},
			scene{who: s.ming, says: "在吗？ !" + f.Name, source: source})
	}
	return scenes
}
