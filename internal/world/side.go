package world

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/bot/ilink"
	"github.com/diagbot/diagbot/bot/wechat"
	"github.com/diagbot/diagbot/internal/similink"
	"github.com/diagbot/diagbot/internal/simwechat"
)

// Channel says how the bot of a world reaches WeChat.
type Channel string

// The channels.
const (
	OpenWeChat Channel = "openwechat" // the web protocol, over [simwechat]
	ILink      Channel = "ilink"      // the official API for bots, over [similink]: private chats only
)

// Said is a message that people saw the bot send.
type Said struct {
	To   string // the chat
	Text string
	ID   string // the client's own; the same when it is sent once more
	At   time.Time
	Name string // of a file
	Body []byte // of a picture or file
}

// Medium is a picture, or a file if it has a name.
type Medium struct {
	Name string
	Body []byte
}

// side is the WeChat of a world, whichever protocol it speaks.
type side interface {
	// channel is the bot's way to it.
	channel(o Options) bot.Channel
	wait(ctx context.Context) error // for the login
	addFriend(name string) string
	addGroup(name string, members []string) string // empty: there are no groups
	owner() string                                 // where the owner talks to the bot
	say(p Person, text string)
	show(p Person, m Medium) (id string) // empty: nobody can see it
	quote(p Person, id, text string)     // a message, by its id
	forget()                             // media are gone
	subscribe() (<-chan Said, func())
	Close() error
}

// startSide starts the WeChat that o asks for.
func (w *World) startSide(o Options) error {
	var err error
	switch o.Channel {
	case OpenWeChat, "":
		own := o.WeChat
		own.Nick = o.Nick
		if w.WeChat, err = simwechat.Start(own); err == nil {
			w.side = wechatSide{w.WeChat}
		}
	case ILink:
		if w.ILink, err = similink.Start(similink.Options{}); err == nil {
			w.side = ilinkSide{w.ILink}
		}
	default:
		err = fmt.Errorf("there is no channel %q", o.Channel)
	}
	if err != nil {
		return fmt.Errorf("start simulated WeChat: %w", err)
	}
	return nil
}

// wechatSide is WeChat as its web client sees it.
type wechatSide struct{ *simwechat.Server }

func (s wechatSide) channel(o Options) bot.Channel {
	return wechat.New(wechat.Options{Session: o.Session, Transport: s.Transport(), Logger: o.Logger})
}

func (s wechatSide) wait(ctx context.Context) error { return s.WaitLogin(ctx) }

func (s wechatSide) addFriend(name string) string {
	return s.AddFriend(simwechat.Person{Nick: name})
}

func (s wechatSide) addGroup(name string, members []string) string {
	group := simwechat.Group{Name: name, Saved: true}
	for _, id := range members {
		group.Members = append(group.Members, simwechat.Member{UserName: id})
	}
	return s.AddGroup(group)
}

func (s wechatSide) owner() string { return FileHelper }

func (s wechatSide) say(p Person, text string) {
	switch {
	case p.Group != "":
		s.SayIn(p.Group, p.ID, text)
	case p.ID == "":
		s.SayFromPhone(FileHelper, text)
	default:
		s.Say(p.ID, text)
	}
}

func (s wechatSide) show(p Person, m Medium) string {
	sent := simwechat.Media{Type: simwechat.TypeImage, FileName: m.Name, Body: m.Body}
	if m.Name != "" {
		sent.Type = simwechat.TypeApp
	}
	switch {
	case p.Group != "":
		return s.SayMedia(p.Group, p.ID, sent)
	case p.ID == "":
		return s.SayMediaFromPhone(FileHelper, sent)
	}
	return s.SayMedia(p.ID, "", sent)
}

// quote says it without the quotation: the web protocol tells of none but words.
func (s wechatSide) quote(p Person, _, text string) { s.say(p, text) }

func (s wechatSide) forget() { s.ForgetMedia() }

func (s wechatSide) subscribe() (<-chan Said, func()) {
	sent, stop := s.Subscribe()
	return relayed(sent, stop, func(m simwechat.Sent) Said {
		switch m.Type {
		case simwechat.TypeImage:
			m.Text, m.FileName = "", ""
		case simwechat.TypeApp:
			m.Text = "" // the description of the file
		}
		return Said{m.To, m.Text, m.ClientMsgID, m.At, m.FileName, m.Media}
	})
}

// ilinkSide is WeChat as bots of its official API see it.
type ilinkSide struct{ *similink.Server }

func (s ilinkSide) channel(o Options) bot.Channel {
	return ilink.New(ilink.Options{Transport: s.Transport(), Logger: o.Logger, Linger: 100 * time.Millisecond})
}

func (s ilinkSide) wait(ctx context.Context) error { return s.WaitLogin(ctx) }

func (s ilinkSide) addFriend(name string) string { return s.AddUser(name) }

func (s ilinkSide) addGroup(string, []string) string { return "" }

func (s ilinkSide) owner() string { return s.Owner() }

func (s ilinkSide) say(p Person, text string) {
	switch {
	case p.Group != "": // nobody hears it
	case p.ID == "":
		s.Say(s.Owner(), text)
	default:
		s.Say(p.ID, text)
	}
}

func (s ilinkSide) show(p Person, m Medium) string {
	switch {
	case p.Group != "":
		return ""
	case p.ID == "":
		p.ID = s.Owner()
	}
	if m.Name != "" {
		return s.SayFile(p.ID, m.Name, m.Body)
	}
	return s.SayImage(p.ID, m.Body)
}

func (s ilinkSide) quote(p Person, id, text string) {
	if p.ID == "" {
		p.ID = s.Owner()
	}
	s.Quote(p.ID, text, similink.Quoted{ID: id, Item: true})
}

func (s ilinkSide) forget() { s.ForgetMedia() }

func (s ilinkSide) subscribe() (<-chan Said, func()) {
	sent, stop := s.Subscribe()
	return relayed(sent, stop, func(m similink.Sent) Said {
		return Said{m.To, m.Text, m.ClientID, m.At, m.FileName, m.Media}
	})
}

// relayed hands over what comes from in, until stop is called or in is closed. It
// never holds in up: what is not read yet waits.
func relayed[T any](in <-chan T, stop func(), said func(T) Said) (<-chan Said, func()) {
	out, quit, ended := make(chan Said, 64), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		defer close(out)
		for m := range in {
			select {
			case out <- said(m):
			case <-quit:
				return
			}
		}
	}()
	return out, func() {
		close(quit)
		stop()
		<-ended
	}
}

// AddFriend adds somebody who may write to the bot and returns their id.
func (w *World) AddFriend(name string) string { return w.side.addFriend(name) }

// AddGroup adds a group of friends and returns its id, empty where the channel has
// no groups.
func (w *World) AddGroup(name string, members ...string) string {
	return w.side.addGroup(name, slices.Clone(members))
}

// Subscribe returns a channel of what the bot says from now on. The function
// returned ends it and closes the channel; it is to be called once.
func (w *World) Subscribe() (<-chan Said, func()) { return w.side.subscribe() }
