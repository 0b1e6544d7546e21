package bot

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/diagbot/diagbot/llm"
	"github.com/diagbot/diagbot/troubleshoot"
)

// offers offers messages one after the other, with a pause after each.
func (w *world) offers(pause time.Duration, all ...Message) {
	w.Helper()
	for _, m := range all {
		w.offer(m)
		time.Sleep(pause)
	}
	synctest.Wait()
}

// pictures makes pictures without words.
func pictures(from, refs string) (all []Message) {
	for _, ref := range refs {
		all = append(all, shows(from, string(ref), ""))
	}
	return all
}

// none expects that all messages are concluded.
func (w *world) none() {
	w.Helper()
	if open, err := w.relay.store.Open(w.Context()); err != nil || len(open) > 0 {
		w.Errorf("open %+v, %v", open, err)
	}
}

func saidOK(context.Context, llm.Prompt) (string, error) { return "ok", nil }

// TestPicturesSentTogether are looked at together and answered once.
func TestPicturesSentTogether(t *testing.T) {
	inLibrary(t, nil, func(w *world, l *library) {
		w.completer.will(saidOK)
		began := time.Now()
		w.offers(200*time.Millisecond, pictures("alice", "abc")...)
		w.expect()
		w.offers(gatherFor-200*time.Millisecond, pictures("alice", "d")...)
		w.expect()
		time.Sleep(200 * time.Millisecond)
		synctest.Wait()
		said := w.channel.take()
		if len(said) != 1 || said[0].text != "ok" || said[0].at.Sub(began) != 600*time.Millisecond+gatherFor {
			t.Errorf("said %+v", said)
		}
		four := "u " + w.ui("pictures_alone", "n", "4") + " +a +b +c +d"
		w.model(l, four)
		w.none()
		w.hear(private("alice", "and the third?"))
		w.model(l, four, "a ok", "u and the third?")
		w.hear(shows("alice", "note", "this?")) // is none
		w.hear(private("bob", "hi"))
		if n := w.tally().Answered; n != 3 {
			t.Errorf("%d answers", n)
		}
	})
}

// TestWordsWithPictures are the question to them, before or behind.
func TestWordsWithPictures(t *testing.T) {
	inLibrary(t, nil, func(w *world, l *library) {
		w.completer.will(saidOK)
		began := time.Now()
		w.offers(300*time.Millisecond, append(pictures("alice", "ab"), private("alice", "which is better?"))...)
		said := w.channel.take()
		if len(said) != 1 || said[0].at.Sub(began) != 600*time.Millisecond {
			t.Errorf("said %+v", said)
		}
		w.model(l, "u which is better? +a +b")
		w.offers(0, append(pictures("bob", "c"), private("bob", "what is it?"))...)
		w.expect("ok")
		w.model(l, "u what is it? +c")
		for _, other := range []string{"/ping", "go on"} {
			w.offers(0, append(pictures("carol", "c"), private("carol", other), private("carol", "hi"))...)
			time.Sleep(gatherFor)
			synctest.Wait()
			if n := len(w.texts()); n != 3 {
				t.Errorf("%s: %d answers", other, n)
			}
		}
		w.none()
	})
}

// TestWordsBeforePictures are asked with them, also if they were being asked alone,
// for a while.
func TestWordsBeforePictures(t *testing.T) {
	limited := func(o *Options) { o.Limits.PersonMinute = 1 }
	inLibrary(t, limited, func(w *world, l *library) {
		w.completer.will(slowly(10 * time.Second))
		began := time.Now()
		w.offers(4*time.Second, private("alice", "which is better?"))
		w.offers(100*time.Millisecond, pictures("alice", "ab")...)
		time.Sleep(20 * time.Second)
		said := w.channel.take()
		if len(said) != 1 || said[0].text != "echo: which is better?" || said[0].at.Sub(began) != 14*time.Second+100*time.Millisecond+gatherFor {
			t.Errorf("said %+v", said)
		}
		w.model(l, "u which is better? +a +b")
		w.none()
		time.Sleep(time.Minute)
		w.offers(askAgainFor+time.Second, private("alice", "an essay, please"))
		w.offers(time.Minute, pictures("alice", "c")...) // is no part of that
		if got := w.texts(); len(got) != 2 || got[0] != "echo: an essay, please" {
			t.Errorf("said %q", got)
		}
		w.none()
	})
	inLibrary(t, nil, func(w *world, l *library) { // answered words are
		w.offers(time.Second, private("alice", "look!"))
		w.offers(gatherFor, pictures("alice", "a")...)
		w.expect("echo: look!", "echo: "+w.ui("picture_alone"))
		w.completer.will(slowly(10 * time.Second))
		w.offers(0, private("bob", "one"), private("bob", "two"))
		w.offers(time.Minute, pictures("bob", "b")...) // with the latter, which waits
		w.expect("echo: one", "echo: two")
		if got := w.hears(l); !strings.HasSuffix(got, "u two +b") {
			t.Errorf("the model heard %s", got)
		}
		w.none()
	})
}

// TestPicturesThatComeSlowly are asked again together, and with the words that are
// typed after them, for a while.
func TestPicturesThatComeSlowly(t *testing.T) {
	limited := func(o *Options) { o.Limits.PersonMinute = 1 }
	inLibrary(t, limited, func(w *world, l *library) {
		w.completer.will(slowly(10 * time.Second))
		began := time.Now()
		w.offers(1800*time.Millisecond, append(pictures("alice", "ab"), private("alice", "which?"))...)
		time.Sleep(20 * time.Second)
		said := w.channel.take()
		if len(said) != 1 || said[0].text != "echo: which?" || said[0].at.Sub(began) != 13600*time.Millisecond {
			t.Errorf("said %+v", said)
		}
		if n := len(w.completer.asked()); n != 3 {
			t.Errorf("asked %d times", n)
		}
		w.model(l, "u which? +a +b")
		w.none()
	})
	inLibrary(t, nil, func(w *world, l *library) {
		w.completer.will(slowly(10 * time.Second))
		w.offers(3*time.Second, append(pictures("alice", "c"), private("alice", "/stop"))...)
		w.expect(w.ui("stop_done"))
		w.offers(2*time.Second, private("alice", "an essay"), private("alice", "another"))
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := len(w.texts()); n != 2 {
			t.Errorf("%d answers to words", n)
		}
		w.none()
	})
}

// TestWordsAloneDoNotWait, nor what else is no picture without words.
func TestWordsAloneDoNotWait(t *testing.T) {
	inLibrary(t, nil, func(w *world, l *library) {
		quote := private("dora", "that one?")
		quote.Medium = &Medium{Ref: "a"}
		for i, m := range []Message{private("alice", "hi"), shows("bob", "a", "look"), sends("carol", "note", "a.txt"), quote, private("erin", "/ping")} {
			w.offer(m)
			synctest.Wait()
			if n := len(w.texts()); n != 1 {
				t.Errorf("%d: %d answers", i, n)
			}
		}
	})
}

// TestPicturesOfOthers are not looked at with one's own, nor those of another chat.
func TestPicturesOfOthers(t *testing.T) {
	inLibrary(t, nil, func(w *world, l *library) {
		w.completer.will(func(_ context.Context, p llm.Prompt) (string, error) {
			return fmt.Sprint(len(p.Messages[len(p.Messages)-1].Pictures)), nil
		})
		inHome := func(from, ref string) Message {
			m := inGroup("home", from, "")
			m.Kind, m.Medium = KindImage, &Medium{Ref: ref}
			return m
		}
		stranger := inHome("alice", "d") // does not call us
		stranger.Mentioned = false
		w.offers(10*time.Millisecond, inHome("alice", "a"), inHome("bob", "b"), stranger, inHome("alice", "c"), shows("alice", "d", ""))
		time.Sleep(gatherFor)
		synctest.Wait()
		said := w.texts()
		slices.Sort(said)
		if !slices.Equal(said, []string{"1", "@alice\u20052", "@bob\u20051"}) {
			t.Errorf("said %q", said)
		}
		w.none()
	})
}

// TestTooManyPictures are looked at as far as services take them, and the person
// hears so.
func TestTooManyPictures(t *testing.T) {
	inLibrary(t, nil, func(w *world, l *library) {
		w.completer.will(saidOK)
		w.offers(100*time.Millisecond, append(pictures("alice", "abcdabcda"), private("alice", "which?"))...)
		w.expect("ok\n\n" + w.ui("pictures_some", "n", "4", "all", "9"))
		w.model(l, "u which? +a +b +c +d")
		// More than can be chosen at once are another question.
		w.offers(100*time.Millisecond, pictures("bob", "abcdabcdaab")...)
		time.Sleep(gatherFor)
		synctest.Wait()
		w.expect("ok\n\n"+w.ui("pictures_some", "n", "4", "all", "9"), "ok")
		w.none()
	})
}

// TestPicturesBehindAQuestion wait for it, and are one when their turn comes, if
// they were sent together. The mailbox has room for them.
func TestPicturesBehindAQuestion(t *testing.T) {
	inLibrary(t, func(o *Options) { o.MailboxSize = 2 }, func(w *world, l *library) {
		w.completer.will(slowly(30 * time.Second))
		w.hear(private("alice", "one"))
		sent := func(m Message, after time.Duration) Message {
			m.At = time.Unix(1_000_000, 0).Add(after)
			return m
		}
		var all []Message
		for i, m := range pictures("alice", "abcd") {
			all = append(all, sent(m, time.Duration(i)*time.Second))
		}
		all = append(all, sent(private("alice", "two"), 4*time.Second), sent(shows("alice", "a", ""), 5*time.Second))
		w.offers(time.Second, append(all, sent(shows("alice", "b", ""), time.Minute))...)
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		note := "\n\n" + w.ui("pictures_some", "n", "4", "all", "5")
		w.expect("echo: one", "echo: two"+note, "echo: "+w.ui("picture_alone"))
		w.none()
	})
}

// TestSomePicturesAreGone are told, and the others looked at.
func TestSomePicturesAreGone(t *testing.T) {
	inLibrary(t, nil, func(w *world, l *library) {
		w.completer.will(saidOK)
		gone := []Message{shows("alice", "never", ""), shows("alice", "a", ""), shows("alice", "heic", ""), shows("alice", "b", ""), shows("alice", "c", ""), shows("alice", "d", "")}
		w.offers(0, gone...)
		time.Sleep(gatherFor)
		synctest.Wait()
		w.expect("ok\n\n" + w.ui("pictures_some", "n", "4", "all", "6"))
		w.model(l, "u "+w.ui("pictures_alone", "n", "4")+" +a +b +c +d")
		w.offers(0, shows("bob", "heic", ""), shows("bob", "heic", ""))
		time.Sleep(gatherFor)
		synctest.Wait()
		w.expect(w.entry(entryUnreadable, troubleshoot.AudienceUser))
		for name, set := range map[string]func(){
			"fails":  func() { l.fails = wechatFault(troubleshoot.Fault{Net: troubleshoot.NetReset}) },
			"hangs":  func() { l.hangs = true },
			"panics": func() { l.panics = true },
		} {
			l.change(set)
			w.offers(0, pictures("to "+name, "aabbccdd")...)
			time.Sleep(gatherFor + fetchTime)
			synctest.Wait()
			if said := w.texts(); len(said) != 1 {
				t.Errorf("%s: said %q", name, said)
			}
			l.change(func() { l.fails, l.hangs, l.panics = nil, false, false })
		}
	})
}

// TestStopWhilePicturesCome takes all of them back.
func TestStopWhilePicturesCome(t *testing.T) {
	inLibrary(t, nil, func(w *world, l *library) {
		w.offers(100*time.Millisecond, append(pictures("alice", "abc"), private("alice", "/stop"))...)
		w.expect(w.ui("stop_done"))
		w.none()
		w.offers(100*time.Millisecond, pictures("alice", "d")...)
		time.Sleep(gatherFor)
		synctest.Wait()
		w.expect("echo: " + w.ui("picture_alone"))
		w.none()
	})
}

// TestEndWhilePicturesCome does not make them wait: they are answered before the
// end, or by the next start.
func TestEndWhilePicturesCome(t *testing.T) {
	inLibrary(t, nil, func(w *world, l *library) {
		w.offers(100*time.Millisecond, pictures("alice", "abc")...)
		w.stop()
		synctest.Wait()
		w.expect("echo: " + w.ui("pictures_alone", "n", "3"))
		w.none()
	})
}

// TestPicturesAreKeptTogether when a failure passes, also over a restart, and given
// up together.
func TestPicturesAreKeptTogether(t *testing.T) {
	for name, restart := range map[string]bool{"in a life": false, "over a restart": true} {
		t.Run(name, func(t *testing.T) {
			store := newMemory(0)
			l := &library{media: map[string][]byte{"a": small(1), "b": small(2)}}
			with := func(o *Options) { l.fakeChannel, o.Channel, o.Store = o.Channel.(*fakeChannel), l, store }
			if _, err := catalogue(); err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, with)
				w.completer.will(failing(down()))
				w.offers(0, append(pictures("alice", "ab"), private("alice", "which?"))...)
				w.offers(0, pictures("bob", "ab")...)
				time.Sleep(gatherFor)
				synctest.Wait()
				if said := w.texts(); len(said) != 2 || !strings.Contains(said[0], w.ui("kept")) {
					t.Errorf("said %q", said)
				}
				w.hear(private("bob", "/stop"))
				w.texts()
				if restart {
					w.stop()
					<-w.ended
					time.Sleep(time.Minute)
					w = newWorld(t, with)
				}
				w.completer.will(nil)
				time.Sleep(trialEvery + quietAfter)
				synctest.Wait()
				w.expect("echo: which?")
				w.model(l, "u which? +a +b")
				w.none()
				if set, err := store.Settings(t.Context(), scopeKept); err != nil || restart && len(set) > 1 {
					t.Errorf("marks %v, %v", set, err)
				}
			})
		})
	}
}

func TestKeptMarks(t *testing.T) {
	until := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	x := task{ticket: &ticket{seq: 7}, until: until, also: []int64{8, 9}}
	m := x.keptMark()
	if k, err := readKeptMark(m.value); m.name != "7" || err != nil || !k.until.Equal(until) || !slices.Equal(k.also, x.also) {
		t.Errorf("%+v became %+v, %v", m, k, err)
	}
	for _, odd := range []string{"", " ", "x", "x 1", until.Format(time.RFC3339Nano) + " x", "1 2"} {
		if k, err := readKeptMark(odd); err == nil {
			t.Errorf("%q is %+v", odd, k)
		}
	}
}

// TestPicturesAtRandom come among words, at any pace, from several people, to a model
// of any pace: all of them are in one answer each, in the order they were sent, but for
// the pictures that the answer says were too many.
func TestPicturesAtRandom(t *testing.T) {
	tooMany := 0
	for seed := range uint64(30) {
		inLibrary(t, func(o *Options) { o.MailboxSize = 1000 }, func(w *world, l *library) {
			l.change(func() { l.media = map[string][]byte{} })
			w.completer.will(l.slowlyNamed)
			sent := w.sendsAtRandom(l, rand.New(rand.NewPCG(seed, 7)))
			time.Sleep(10 * time.Minute)
			synctest.Wait()
			w.none()
			tooMany += w.judgeAnswers(seed, sent)
		})
	}
	if tooMany == 0 {
		t.Error("there were never too many")
	}
}

// slowlyNamed names the pictures of a question, and its words. It takes its time for
// each.
func (l *library) slowlyNamed(ctx context.Context, p llm.Prompt) (string, error) {
	var named []string
	m := p.Messages[len(p.Messages)-1]
	for _, p := range m.Pictures {
		named = append(named, l.named(p))
	}
	if !strings.HasPrefix(m.Content, "I'm sending") {
		named = append(named, m.Content)
	}
	time.Sleep(time.Duration(len(named)) * 1700 * time.Millisecond)
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	return strings.Join(named, " "), nil
}

// sendsAtRandom sends pictures and words that are numbered, and returns how many
// everybody sent.
func (w *world) sendsAtRandom(l *library, random *rand.Rand) map[string]int {
	people, sent := []string{"alice", "bob", "carol"}, map[string]int{}
	for i := range 60 {
		from, number := people[random.IntN(len(people))], fmt.Sprintf("%03d", i)
		if sent[from]++; random.IntN(4) == 0 {
			w.offer(private(from, number))
		} else {
			l.change(func() { l.media[number] = small(byte(i)) })
			w.offer(shows(from, number, ""))
		}
		time.Sleep(time.Duration(random.IntN(3)*random.IntN(900)) * time.Millisecond)
	}
	return sent
}

// judgeAnswers expects that what was sent was answered, and in order. It returns how
// many answers say that there were too many pictures.
func (w *world) judgeAnswers(seed uint64, sent map[string]int) (tooMany int) {
	w.Helper()
	latest := map[string]string{}
	for _, u := range w.channel.take() {
		text, note, many := strings.Cut(u.text, "\n\n(I've looked at ")
		named := strings.Fields(text)
		slices.Sort(named)
		if named[0] <= latest[u.to.ID] {
			w.Errorf("%d: %s was told %q after %s", seed, u.to.ID, named, latest[u.to.ID])
		}
		latest[u.to.ID] = named[len(named)-1]
		sent[u.to.ID] -= len(named)
		if n, all := 0, 0; many {
			if _, err := fmt.Sscanf(note, "%d of your %d", &n, &all); err != nil || n != maxPictures || all <= n {
				w.Errorf("%d: %q", seed, u.text)
			}
			sent[u.to.ID] -= all - n
			tooMany++
		}
	}
	for who, n := range sent {
		if n != 0 {
			w.Errorf("%d: %d messages of %s were not answered", seed, n, who)
		}
	}
	return tooMany
}
