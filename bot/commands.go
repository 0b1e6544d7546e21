package bot

import (
	"context"
	"strings"
)

// command carries out what was asked for by whoever may, and says why not to the
// others.
func (r *Relay) command(c *command, in call) string {
	r.o.Logger.Info("command", "chat", r.hash(in.Chat.ID), "name", commandName(c))
	if c.run == nil {
		return r.unknown(c.name, in)
	}
	if in.Sender.Owner {
		r.ownerIs.Store(&in.person)
	}
	in.args, in.deed = visible(in.args), &Deed{Command: "/" + c.name}
	if c.admin {
		if refusal := r.refusal(&in); refusal != "" {
			return refusal
		}
	}
	if c.private && in.Chat.Group {
		return r.catalogue().Say(in.tag, "private_only")
	}
	if c.admin {
		in = r.privately(in)
	}
	text := c.run(r, in)
	r.account(in)
	if c.admin {
		return r.confide(in, text)
	}
	return text
}

// refusal finds out whether an admin gave a command, and says so if not.
func (r *Relay) refusal(in *call) string {
	proof, err := r.proof(*in)
	switch {
	case err != nil:
		return r.unread(in.tag, err)
	case proof == "":
		r.o.Logger.Info("command refused", "chat", r.hash(in.Chat.ID), "name", in.deed.Command)
		return r.catalogue().Say(in.tag, "admins_only")
	}
	in.proof = proof
	return ""
}

// proof returns how the giver of a command is known to be an admin.
func (r *Relay) proof(in call) (proof, error) {
	if in.proof != "" {
		return in.proof, nil
	}
	ctx, cancel := context.WithTimeout(in.work, readTime)
	defer cancel()
	return r.admins.proof(ctx, in.Sender, in.Login)
}

// isAdmin reports whether the giver of a command is known to be an admin, and
// remembers it for this command.
func (r *Relay) isAdmin(in *call) bool {
	proof, err := r.proof(*in)
	in.proof = proof
	return err == nil && proof != ""
}

// commandName is what the log may show: not what someone mistyped.
func commandName(c *command) string {
	if c.run == nil {
		return "unknown"
	}
	return c.name
}

func (r *Relay) unknown(name string, in call) string {
	tag := in.tag
	text := r.catalogue().Say(tag, "unknown_command", "name", "/"+name)
	var names []string
	for _, c := range r.commands.near(name) {
		if !c.admin || r.isAdmin(&in) {
			names = append(names, "/"+c.name)
		}
	}
	if len(names) > 0 {
		text += "\n" + r.catalogue().Say(tag, "did_you_mean", "list", strings.Join(names, ", "))
	}
	return text
}

// help lists how to talk to the bot here, and what the person who asks may tell
// it. Who the admins are is nothing for a group to read.
func (r *Relay) help(in call) string {
	say := r.catalogue().Say
	lines := []string{"【" + say(in.tag, "help_title") + "】", ""}
	lines = append(lines, r.howTo(in.task)...)
	lines = append(lines, "", "【"+say(in.tag, "help_commands")+"】", "")
	lines = append(lines, r.hints(in, false)...)
	if !in.Chat.Group && r.isAdmin(&in) {
		lines = append(lines, "", "【"+say(in.tag, "help_admins")+"】", "")
		lines = append(lines, r.hints(in, true)...)
	}
	return strings.Join(append(lines, "", say(in.tag, "help_more")), "\n")
}

// hints are the lines of help that are for admins, or those for all.
func (r *Relay) hints(in call, admin bool) (lines []string) {
	tag, say := in.tag, r.catalogue().Say
	for _, c := range r.commands.list {
		if c.files && !r.sendsFiles(in.Chat) {
			continue
		}
		for _, h := range c.hints {
			if h.admin != admin || h.group && !r.traits.Groups || c.here != nil && !c.here(r) {
				continue
			}
			usage := "/" + c.name
			if h.usage != "" {
				usage = say(tag, h.usage)
			}
			lines = append(lines, "• "+usage+"  "+say(tag, h.about))
		}
	}
	return lines
}

// shortHelp answers a message that says nothing but the bot's name.
func (r *Relay) shortHelp(t task) string {
	return strings.Join(append(r.howTo(t), "/help  "+r.catalogue().Say(t.tag, "cmd_help")), "\n")
}

// howTo says how to address the bot in the chat t came from.
func (r *Relay) howTo(t task) []string {
	tag, say := t.tag, r.catalogue().Say
	prefixes := r.o.PrivatePrefixes
	lines := []string{say(tag, "help_private")}
	if t.Chat.Group {
		prefixes, lines = r.o.GroupPrefixes, []string{say(tag, "help_group", "name", r.name())}
	} else if len(prefixes) > 0 {
		lines = nil
	}
	if len(prefixes) > 0 {
		lines = append(lines, say(tag, "help_prefix", "prefix", strings.TrimSpace(prefixes[0])))
	} else if _, ok := r.o.Channel.(Fetcher); ok && !t.Chat.Group {
		lines = append(lines, say(tag, "help_media"))
	}
	return lines
}

// name is what people mention us by.
func (r *Relay) name() string {
	if c, ok := r.o.Channel.(Named); ok {
		if name := oneLine(c.Name(), maxName); name != "" {
			return name
		}
	}
	return r.o.Name
}

func (r *Relay) reset(in call) string {
	if r.recall(in.work, in.chat, in.task) != nil {
		return ""
	}
	if r.keep(in.work, func(ctx context.Context) error { return r.sequels.set(ctx, r.store, r.sequelKey(in.task), nil) }) != nil {
		return ""
	}
	if in.chat.memory.reset() {
		return r.catalogue().Say(in.tag, "reset_done")
	}
	return r.catalogue().Say(in.tag, "reset_empty")
}

// stop says whether there was anything to take back of what the person has asked
// here and has no answer to yet.
func (r *Relay) stop(in call) string {
	if in.taken {
		return r.catalogue().Say(in.tag, "stop_done")
	}
	return r.catalogue().Say(in.tag, "stop_nothing")
}

func (r *Relay) ping(in call) string {
	return r.catalogue().Say(in.tag, "pong")
}

// comma separates the items of a list in a language.
func comma(tag string) string {
	if strings.HasPrefix(tag, "zh") || strings.HasPrefix(tag, "ja") {
		return "、"
	}
	return ", "
}
