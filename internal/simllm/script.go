package simllm

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	syntax "text/template/parse"
	"time"
)

// script is a header or a body with actions in it, in the notation of
// text/template but run here: with text/template in it, the linker can leave no
// method out of a binary, for a template might name it.
type script struct{ root *syntax.ListNode }

// act is what an action does with its arguments.
type act func(on stage, args []string) (string, error)

// fields are the actions that begin with a dot.
func fields() map[string]act {
	plain := func(f func(stage) string) act {
		return func(on stage, _ []string) (string, error) { return f(on), nil }
	}
	return map[string]act{
		"Answer": plain(stage.Answer), "Half": plain(stage.Half),
		"Unfinished": plain(stage.Unfinished), "Finished": plain(stage.Finished),
		"Streamed": plain(stage.Streamed), "Object": plain(stage.Object),
		"Folded": plain(stage.Folded), "CRLF": plain(stage.CRLF), "Dense": plain(stage.Dense),
		"Said": plain(stage.Said), "Model": plain(stage.Model),
		"Stream": plain(func(on stage) string { return strconv.FormatBool(on.Stream) }),
		"Finish": func(on stage, args []string) (string, error) {
			if len(args) != 2 {
				return "", fmt.Errorf("Finish needs a text and a reason")
			}
			return on.Finish(args[0], args[1]), nil
		},
	}
}

// functions are the actions that begin with a letter.
func functions() map[string]act {
	timed := func(layout string) act {
		return func(_ stage, args []string) (string, error) {
			return later(strings.Join(args, " "), layout)
		}
	}
	return map[string]act{
		"date": timed(http.TimeFormat), "clock": timed(time.DateTime), "rfc3339": timed(time.RFC3339),
		"repeat": func(_ stage, args []string) (string, error) {
			if len(args) != 2 {
				return "", fmt.Errorf("repeat needs a number and a text")
			}
			n, err := strconv.Atoi(args[0])
			if err != nil || n < 0 || n*len(args[1]) > maxFlood {
				return "", fmt.Errorf("repeat %s: not a sensible number", args[0])
			}
			return strings.Repeat(args[1], n), nil
		},
		"not": func(_ stage, args []string) (string, error) {
			return strconv.FormatBool(!truth(strings.Join(args, ""))), nil
		},
	}
}

func truth(s string) bool { return s != "" && s != "false" }

// compile reads a script and tries it once.
func compile(text string) (*script, error) {
	known := map[string]any{}
	for name := range functions() {
		known[name] = true
	}
	trees, err := syntax.Parse("script", text, "", "", known)
	if err != nil {
		return nil, err
	}
	s := &script{trees["script"].Root}
	_, err = s.run(stage{})
	return s, err
}

// run plays the script.
func (s *script) run(on stage) (string, error) {
	r := run{on: on, fields: fields(), functions: functions()}
	err := r.list(s.root)
	return r.out.String(), err
}

// run is a script under way.
type run struct {
	on                stage
	fields, functions map[string]act
	out               strings.Builder
}

func (r *run) list(l *syntax.ListNode) error {
	if l == nil {
		return nil
	}
	for _, n := range l.Nodes {
		if err := r.node(n); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) node(n syntax.Node) error {
	switch n := n.(type) {
	case *syntax.TextNode:
		r.out.Write(n.Text)
	case *syntax.ActionNode:
		text, err := r.pipe(n.Pipe)
		r.out.WriteString(text)
		return err
	case *syntax.IfNode:
		text, err := r.pipe(n.Pipe)
		if err != nil {
			return err
		}
		if truth(text) {
			return r.list(n.List)
		}
		return r.list(n.ElseList)
	default:
		return fmt.Errorf("%s: not understood", n)
	}
	return nil
}

// pipe runs one action: a value, or something done with values.
func (r *run) pipe(p *syntax.PipeNode) (string, error) {
	if len(p.Cmds) != 1 || len(p.Decl) > 0 {
		return "", fmt.Errorf("%s: one action at a time", p)
	}
	words := p.Cmds[0].Args
	args := make([]string, len(words)-1)
	for i, word := range words[1:] {
		var err error
		if args[i], err = r.value(word, nil); err != nil {
			return "", err
		}
	}
	return r.value(words[0], args)
}

func (r *run) value(n syntax.Node, args []string) (string, error) {
	var do act
	switch n := n.(type) {
	case *syntax.StringNode:
		return n.Text, nil
	case *syntax.NumberNode:
		return n.Text, nil
	case *syntax.FieldNode:
		do = r.fields[strings.Join(n.Ident, ".")]
	case *syntax.IdentifierNode:
		do = r.functions[n.Ident]
	}
	if do == nil {
		return "", fmt.Errorf("%s: unknown", n)
	}
	return do(r.on, args)
}

// later formats the UTC time that duration from now, in whole seconds, rounded up.
func later(duration, layout string) (string, error) {
	d, err := time.ParseDuration(duration)
	if err != nil {
		return "", err
	}
	return time.Now().UTC().Add(d + time.Second - 1).Format(layout), nil
}
