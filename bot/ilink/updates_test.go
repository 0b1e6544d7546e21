package ilink

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/internal/similink"
)

// What a poll brought is stored before the next poll and before the cursor.
func TestHearBeforeCursor(t *testing.T) {
	w := newWorld(t, similink.Options{}, nil)
	var mu sync.Mutex
	var steps []string
	note := func(step string) { mu.Lock(); steps = append(steps, step); mu.Unlock() }
	w.vault.steps = func(op, name string) {
		if op == "put" {
			note(strings.TrimRight(name, "0123456789"))
		}
	}
	polls := 0
	w.refusing(func([]bot.Message) error {
		note("heard")
		polls = w.srv.Count("getupdates")
		return nil
	})
	w.start(true)
	w.polls(1)
	mu.Lock()
	steps = nil
	mu.Unlock()
	w.srv.Say("主人", "one")
	w.hear()
	w.settled()
	mu.Lock()
	defer mu.Unlock()
	if want := []string{nameChats, "heard", nameCursor}; !slices.Equal(steps, want) {
		t.Errorf("the steps were %q", steps)
	}
	if polls == 0 {
		t.Error("heard before any poll")
	}
}

// While messages cannot be heard there is no other poll, and the cursor stays.
func TestHearFails(t *testing.T) {
	w := newWorld(t, similink.Options{}, nil)
	w.start(true)
	w.polls(2)
	before := string(w.vault.killed().kept[nameCursor])
	tries, polls := 0, 0
	w.refusing(func(batch []bot.Message) error {
		if tries++; tries == 1 {
			polls = w.srv.Count("getupdates")
		}
		if n := w.srv.Count("getupdates"); n != polls {
			t.Errorf("%d polls where there were %d", n, polls)
		}
		if kept := w.vault.killed().kept; string(kept[nameCursor]) != before {
			t.Error("the cursor was kept before its messages were heard")
		} else if tries > 1 && len(kept[nameUnheard]) == 0 {
			t.Error("the messages were not kept")
		}
		if tries < 5 {
			return errors.New("the disk is full")
		}
		return nil
	})
	w.srv.Say("主人", "hush")
	if m := w.hear(); m.Text != "hush" || tries != 5 {
		t.Errorf("heard %q at try %d", m.Text, tries)
	}
	w.settled()
	w.silent()
	if kept := w.vault.killed().kept; kept[nameUnheard] != nil {
		t.Error("what was heard is still kept")
	} else if string(kept[nameCursor]) == before {
		t.Error("the cursor was not kept")
	}
}

// What could not be heard survives the process.
func TestUnheardAfterRestart(t *testing.T) {
	for name, end := range map[string]func(*world){
		"stopped": func(w *world) { w.stop() },
		"killed":  func(w *world) { old := w.vault.killed(); w.stop(); w.vault = old },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, similink.Options{}, nil)
			w.start(true)
			failed := make(chan struct{}, 1000)
			w.refusing(func([]bot.Message) error { failed <- struct{}{}; return errors.New("the disk is full") })
			w.srv.Say("主人", "one")
			w.srv.Say("主人", "two")
			for range 3 {
				<-failed
			}
			end(w)
			w.refusing(nil)
			polls := w.srv.Count("getupdates")
			w.refusing(func([]bot.Message) error {
				if n := w.srv.Count("getupdates"); polls >= 0 && n != polls {
					t.Error("polled before what was fetched was heard")
				}
				polls = -1
				return nil
			})
			w.build(nil)
			w.start(true)
			if m := w.hear(); m.Text != "one" || m.ID == "" || m.Sender.ID != w.srv.Owner() || !m.Sender.Owner {
				t.Errorf("heard %+v", m)
			}
			if m := w.hear(); m.Text != "two" {
				t.Errorf("heard %+v", m)
			}
		})
	}
}

// The same within one process, without a vault.
func TestUnheardInTheNextRun(t *testing.T) {
	w := newWorld(t, similink.Options{}, func(o *Options) { o.Vault = nil })
	w.start(true)
	failed := make(chan struct{}, 1000)
	w.refusing(func([]bot.Message) error { failed <- struct{}{}; return errors.New("the disk is full") })
	w.srv.Say("主人", "one")
	<-failed
	w.stop()
	w.refusing(nil)
	w.start(true)
	if m := w.hear(); m.Text != "one" {
		t.Errorf("heard %+v", m)
	}
}

// A process that is killed between an answer and the store loses what WeChat does
// not hand out again, and nothing else. Where it does, nothing is lost.
func TestKilledBetweenAnswerAndStore(t *testing.T) {
	w := newWorld(t, similink.Options{Assume: similink.Assume{Replay: true}}, nil)
	w.start(true)
	w.srv.Say("主人", "one")
	w.hear()
	w.settled()
	var vault *memory
	killed := make(chan struct{})
	w.refusing(func([]bot.Message) error {
		if vault == nil {
			vault = w.vault.killed()
			close(killed)
		}
		return errors.New("the process is no more")
	})
	w.srv.Say("主人", "two")
	<-killed
	w.stop()
	w.refusing(nil)
	w.vault = vault
	w.build(nil)
	w.start(true)
	if m := w.hear(); m.Text != "two" {
		t.Errorf("heard %q", m.Text)
	}
	w.behaved()
}

func TestDuplicates(t *testing.T) {
	w := newWorld(t, similink.Options{}, nil)
	w.start(true)
	alice := w.srv.AddUser("alice")
	id := w.srv.Say("alice", "one")
	w.hear()
	for range 3 {
		w.srv.Redeliver(id) // the same id
	}
	w.srv.Repeat(id) // another id
	w.srv.Push(map[string]any{"from_user_id": alice, "create_time_ms": time.Now().Add(2 * time.Second).UnixMilli(), "item_list": textItems("one")})
	w.srv.Say("主人", "one") // somebody else
	if m := w.hear(); m.Sender.ID != w.srv.Owner() {
		t.Errorf("heard %+v", m)
	}
	w.srv.Push(map[string]any{"from_user_id": alice, "create_time_ms": time.Now().Add(time.Minute).UnixMilli(), "item_list": textItems("one")})
	if m := w.hear(); m.Sender.ID != alice || m.Text != "one" {
		t.Errorf("heard %+v", m) // later, and so written again
	}
	w.silent()
	w.logged("came twice under two ids", "apart=2", "same_client_id=false", "same_msg_id=false")
	// The token of the copy is the newest, and is used.
	if err := w.send(alice, "answer"); err != nil {
		t.Fatal(err)
	}
	w.sent(1)
	w.behaved()
}

// The same words to two quoted messages are two questions; a copy that lost what it
// quotes is a copy, whichever comes first.
func TestSameWordsToOtherQuotes(t *testing.T) {
	w := newWorld(t, similink.Options{}, nil)
	w.start(true)
	quote := func(text string, q similink.Quoted, want string) string {
		t.Helper()
		id := w.srv.Quote("主人", text, q)
		if m := w.hear(); m.Text != text || m.Quote != want {
			t.Errorf("heard %q to %q, want %q to %q", m.Text, m.Quote, text, want)
		}
		return id
	}
	first := quote("translate", similink.Quoted{Text: "eins"}, "eins")
	second := quote("translate", similink.Quoted{Text: "zwei"}, "zwei")
	w.srv.Repeat(first)
	w.srv.Repeat(second)
	w.srv.Say("主人", "translate") // a copy without what is quoted
	w.srv.Say("主人", "explain")
	if m := w.hear(); m.Text != "explain" {
		t.Errorf("heard %q to %q", m.Text, m.Quote)
	}
	w.srv.Quote("主人", "explain", similink.Quoted{Text: "eins"}) // the other way round
	quote("what is that", similink.Quoted{Text: "drei"}, "drei")
	w.silent()
	w.behaved()
}

// logged expects a line in the log with all these words.
func (w *world) logged(words ...string) {
	w.t.Helper()
	for line := range strings.Lines(w.logs.String()) {
		if !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(line, word) }) {
			return
		}
	}
	w.t.Errorf("nothing in the log has %q", words)
}

func textItems(text string) []any {
	return []any{map[string]any{"type": 1, "text_item": map[string]any{"text": text}}}
}

// A message without an id gets one: the same for its copy, also in another process.
func TestMessageWithoutID(t *testing.T) {
	w := newWorld(t, similink.Options{}, nil)
	w.start(true)
	now := time.Now().UnixMilli()
	push := func(at int64, text string) {
		w.srv.Push(map[string]any{"message_id": nil, "create_time_ms": at, "item_list": textItems(text)})
	}
	push(now, "one")
	first := w.hear()
	push(now, "two")
	if m := w.hear(); m.ID == first.ID || m.ID == "" || first.ID == "" {
		t.Errorf("ids %q, %q", first.ID, m.ID)
	}
	push(now, "one")
	w.settled()
	w.silent()
	w.stop()
	w.build(nil)
	w.start(true)
	push(now, "one")
	if m := w.hear(); m.ID != first.ID {
		t.Errorf("the same message is %q and %q", first.ID, m.ID)
	}
}

func TestLargeIDs(t *testing.T) {
	w := newWorld(t, similink.Options{}, nil)
	w.start(true)
	for _, id := range []string{"18446744073709551615", "9223372036854775808", "17000000000000000001", "1"} {
		w.srv.Push(map[string]any{"message_id": json.RawMessage(id), "item_list": textItems(id)})
		if m := w.hear(); m.ID != id {
			t.Errorf("%s became %s", id, m.ID)
		}
	}
	w.srv.Push(map[string]any{"message_id": "17000000000000000003", "item_list": textItems("as a string")})
	if m := w.hear(); m.ID != "17000000000000000003" {
		t.Errorf("it became %s", m.ID)
	}
	for _, id := range []string{"18446744073709551616", "-1", "1.5", "true", "null", "{}", `"abc"`, "1e3"} {
		w.srv.Push(map[string]any{"message_id": json.RawMessage(id), "item_list": textItems("odd " + id)})
		if m := w.hear(); !strings.HasPrefix(m.ID, "x") {
			t.Errorf("%s became %s", id, m.ID)
		}
	}
}

func TestLostCursor(t *testing.T) {
	w := newWorld(t, similink.Options{}, nil)
	w.start(true)
	w.srv.Say("主人", "one")
	w.hear()
	w.settled()
	before := string(w.vault.killed().kept[nameCursor])
	w.srv.LoseCursor(2)
	w.srv.Say("主人", "two")
	w.hear()
	w.srv.Say("主人", "three")
	w.hear()
	if now := string(w.vault.killed().kept[nameCursor]); before == "" || now == "" {
		t.Errorf("cursors %q and %q", before, now)
	}
	w.srv.Say("主人", "four")
	w.hear()
	w.behaved()
}

// That a poll ends with a time-out is ordinary: the next one follows at once, and
// nobody hears of it.
func TestOrdinaryTimeouts(t *testing.T) {
	w := newWorld(t, similink.Options{}, func(o *Options) {
		o.pauses.first, o.pauses.last = never, never // a backoff would last
		o.pauses.long, o.pauses.poll, o.pauses.grace = 10*time.Millisecond, 100*time.Millisecond, 50*time.Millisecond
	})
	w.start(true)
	for range 4 {
		w.srv.Fail("getupdates", similink.Failure{Status: 524, Delay: 20 * time.Millisecond}, 1)
	}
	w.srv.Fail("getupdates", similink.Failure{Status: 504, Delay: 20 * time.Millisecond}, 1)
	w.polls(6)
	w.srv.Say("主人", "one")
	w.hear()
	if len(w.logins) > 0 {
		t.Errorf("the operator was told %+v", <-w.logins)
	}
}

// The server says how long a poll takes.
func TestSuggestedTimeout(t *testing.T) {
	w := newWorld(t, similink.Options{Hold: 300 * time.Millisecond, PollTimeout: 20 * time.Second}, func(o *Options) {
		o.pauses.first, o.pauses.last = never, never
		o.pauses.poll, o.pauses.grace = 10*time.Second, time.Nanosecond
	})
	w.start(true)
	w.polls(3)
	w.srv.Say("主人", "one")
	w.hear()
}

func TestPollFailures(t *testing.T) {
	w := newWorld(t, similink.Options{}, nil)
	w.start(true)
	for name, f := range map[string]similink.Failure{
		"malformed":   {Body: `{"ret":0,"msgs":[`},
		"no JSON":     {Body: "<html>"},
		"a list":      {Body: "[]"},
		"other types": {Body: `{"ret":"x","msgs":{"a":1},"get_updates_buf":[],"longpolling_timeout_ms":{}}`},
		"null":        {Body: `{"ret":0,"msgs":null,"get_updates_buf":null}`},
		"a code":      {Ret: -1, ErrMsg: "system busy"},
		"an errcode":  {Errcode: -7},
		"gateway":     similink.HTML(502),
		"forbidden":   {Status: 403},
		"redirected":  {Status: 302, Body: "elsewhere"},
		"reset":       {Reset: true},
	} {
		for range troubling {
			w.srv.Fail("getupdates", f, 1)
		}
		w.polls(troubling + 1)
		w.srv.Say("主人", name)
		if m := w.hear(); m.Text != name {
			t.Errorf("%s: heard %q", name, m.Text)
		}
	}
	w.await(LoginWaiting)
	if n := w.srv.Count("get_bot_qrcode"); n != 1 {
		t.Error("somebody had to scan")
	}
}

// What arrived of an answer that broke off never comes again, and is heard.
func TestHalfAnswer(t *testing.T) {
	for name, f := range map[string]similink.Failure{"cut": {CutBody: true}, "stalled": {Stall: true}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, similink.Options{PollTimeout: -1}, func(o *Options) {
				o.pauses.poll, o.pauses.grace = 600*time.Millisecond, time.Millisecond
			})
			w.start(true)
			hearing, goOn := make(chan struct{}), make(chan struct{})
			var once sync.Once
			w.refusing(func([]bot.Message) error {
				once.Do(func() { close(hearing); <-goOn })
				return nil
			})
			w.srv.Say("主人", "first")
			<-hearing // no poll is made meanwhile
			for i := range 8 {
				w.srv.Say("主人", "message "+strconv.Itoa(i))
			}
			w.srv.Fail("getupdates", f, 1)
			close(goOn)
			w.hear()
			for i := range 3 {
				if m := w.hear(); m.Text != "message "+strconv.Itoa(i) {
					t.Errorf("heard %q", m.Text)
				}
			}
			w.srv.Heal()
			w.srv.Say("主人", "after")
			for m := w.hear(); m.Text != "after"; {
				m = w.hear()
			}
		})
	}
}

// An answer that comes while the channel is told to stop is not lost: nothing
// brings it again.
func TestStopWhileAnswering(t *testing.T) {
	w := newWorld(t, similink.Options{}, nil)
	w.start(true)
	heard := make(chan struct{})
	w.refusing(func([]bot.Message) error { w.cancel(nil); close(heard); return nil })
	w.srv.Say("主人", "one")
	<-heard
	w.stop()
	if m := w.hear(); m.Text != "one" {
		t.Errorf("heard %q", m.Text)
	}
}

func TestHearGetsTime(t *testing.T) {
	w := newWorld(t, similink.Options{}, nil)
	w.c = New(w.c.opt)
	ear := earFunc(func(ctx context.Context, batch []bot.Message) error {
		w.cancel(nil)
		return ctx.Err()
	})
	done := make(chan error, 1)
	ctx, cancel := context.WithCancelCause(w.ctx)
	w.cancel, w.done = cancel, done
	w.srv.Say("主人", "one")
	go func() { done <- w.c.Run(ctx, ear) }()
	if err := <-done; err != nil {
		t.Error(err)
	}
	w.cancel = nil
	if len(w.c.batch) != 0 {
		t.Error("what was heard is still there")
	}
}

type earFunc func(context.Context, []bot.Message) error

func (earFunc) LoggedIn(context.Context, string) error { return nil }

func (f earFunc) Hear(ctx context.Context, batch []bot.Message) error { return f(ctx, batch) }

func TestNotForUs(t *testing.T) {
	w := newWorld(t, similink.Options{}, nil)
	w.start(true)
	for name, fields := range map[string]map[string]any{
		"a bot's":      {"message_type": 2},
		"in a group":   {"group_id": "g@chatroom"},
		"taken back":   {"delete_time_ms": 5},
		"of nobody":    {"from_user_id": nil},
		"of an oddity": {"from_user_id": "a b\nc"},
		"of a list":    {"from_user_id": []any{}},
	} {
		fields["item_list"] = textItems(name)
		w.srv.Push(fields)
	}
	w.srv.Say("主人", "ours")
	if m := w.hear(); m.Text != "ours" {
		t.Errorf("heard %q", m.Text)
	}
	w.settled()
	w.silent()
}

func TestKinds(t *testing.T) {
	w := newWorld(t, similink.Options{}, nil)
	w.start(true)
	minutes := time.Duration(0)
	item := func(kind int) map[string]any { return map[string]any{"type": kind} }
	text := func(s string) map[string]any {
		return map[string]any{"type": 1, "text_item": map[string]any{"text": s}}
	}
	for name, c := range map[string]struct {
		items any
		kind  bot.Kind
		text  string
	}{
		"text":             {[]any{text("hi")}, bot.KindText, "hi"},
		"two texts":        {[]any{text("a"), text("b")}, bot.KindText, "a\nb"},
		"empty text":       {[]any{text("  ")}, bot.KindText, ""},
		"picture":          {[]any{item(2)}, bot.KindImage, ""},
		"picture and text": {[]any{item(2), text("what is it?")}, bot.KindText, "what is it?"},
		"voice":            {[]any{item(3)}, bot.KindVoice, ""},
		"transcript":       {[]any{map[string]any{"type": 3, "voice_item": map[string]any{"text": "spoken"}}}, bot.KindText, "spoken"},
		"file":             {[]any{item(4)}, bot.KindFile, ""},
		"video":            {[]any{item(5)}, bot.KindVideo, ""},
		"new kind":         {[]any{item(77)}, bot.KindOther, ""},
		"no items":         {[]any{}, bot.KindOther, ""},
		"null":             {nil, bot.KindText, ""}, // left out: the server fills in an empty text
		"a string":         {"hello", bot.KindOther, ""},
		"text is a string": {[]any{map[string]any{"type": 1, "text_item": "hello"}}, bot.KindText, ""},
		"odd neighbour":    {[]any{5, text("x")}, bot.KindText, "x"},
	} {
		minutes++ // or they would be taken for copies
		fields := map[string]any{"item_list": c.items, "create_time_ms": time.Now().Add(minutes * time.Minute).UnixMilli()}
		if c.items == nil {
			delete(fields, "item_list")
		}
		w.srv.Push(fields)
		if m := w.hear(); m.Kind != c.kind || m.Text != c.text {
			t.Errorf("%s: %s %q", name, m.Kind, m.Text)
		}
	}
}

func TestSpokenAndLong(t *testing.T) {
	w := newWorld(t, similink.Options{}, nil)
	w.start(true)
	w.srv.SayVoice("主人", "说话")
	if m := w.hear(); m.Kind != bot.KindText || m.Text != "说话" {
		t.Errorf("%+v", m)
	}
	w.srv.SayVoice("主人", "")
	if m := w.hear(); m.Kind != bot.KindVoice {
		t.Errorf("%+v", m)
	}
	w.srv.Say("主人", strings.Repeat("字", 100_000))
	if m := w.hear(); len(m.Text) > maxText || len(m.Text) < maxText-3 {
		t.Errorf("%d bytes", len(m.Text))
	}
}

func TestQuotes(t *testing.T) {
	w := newWorld(t, similink.Options{}, nil)
	w.start(true)
	own := w.srv.Say("主人", "first second third second")
	w.hear()
	if err := w.send(w.srv.Owner(), "our answer"); err != nil {
		t.Fatal(err)
	}
	sent, err := w.srv.WaitSent(w.ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		q    similink.Quoted
		want string
	}{
		"old phone":    {similink.Quoted{Text: "whole text", Title: "Alice"}, "whole text"},
		"theirs by id": {similink.Quoted{ID: own}, "first second third second"},
		"ours by id":   {similink.Quoted{ID: sent[0].MessageID}, "our answer"},
		"unknown id":   {similink.Quoted{ID: "17"}, ""},
		"part":         {similink.Quoted{Text: "one two three", Part: "two"}, "two"},
		"part by id":   {similink.Quoted{ID: own, Whole: "first second third second", Part: "second third"}, "second third"},
		"other text":   {similink.Quoted{ID: own, Whole: "fits d and more", Part: "fits d"}, "first second third second"},
		"wrong part":   {similink.Quoted{ID: own, Whole: "something else", Part: "else"}, "first second third second"},
	} {
		w.srv.Quote("主人", name, c.q)
		if m := w.hear(); m.Text != name || m.Quote != c.want {
			t.Errorf("%s: %q, %q", name, m.Text, m.Quote)
		}
	}
}

func TestQuotesAreBounded(t *testing.T) {
	q := newQuotes()
	for i := range 3 * maxQuotes {
		q.add(strconv.Itoa(i), strings.Repeat("x", 1+i%1000), nil)
	}
	if q.all.Len() > maxQuotes || q.size > maxQuoteSize || len(q.byID) != q.all.Len() {
		t.Errorf("%d texts, %d bytes, %d ids", q.all.Len(), q.size, len(q.byID))
	}
	if q.find(strconv.Itoa(3*maxQuotes-1)).text == "" || q.find("0").text != "" {
		t.Error("the wrong ones are kept")
	}
}

func TestSeenIsBounded(t *testing.T) {
	s := newSeen()
	for i := range 3 * maxSeen {
		if s.repeated(strconv.Itoa(i)) {
			t.Fatal("seen before")
		}
	}
	if len(s.all) != maxSeen || !s.repeated(strconv.Itoa(3*maxSeen-1)) || s.repeated("0") {
		t.Errorf("%d are known", len(s.all))
	}
}

func FuzzUpdates(f *testing.F) {
	for _, seed := range []string{
		`{"ret":0,"msgs":[{"message_id":17000000000000000001,"from_user_id":"a@im.wechat","item_list":[{"type":1,"text_item":{"text":"x"},"ref_msg":{"svr_id":5,"partial_text":{"start":"a","end":"b","startindex":1,"endindex":2,"quotemd5":"x"}}}],"context_token":"t"}],"get_updates_buf":"c","longpolling_timeout_ms":35000}`,
		`{"errcode":-14,"errmsg":"session timeout"}`,
		`{"msgs":[{"from_user_id":"u","item_list":[{"type":2,"image_item":{"aeskey":"00","media":{"aes_key":"AA==","full_url":"https://x"}}}]},`,
		`{"msgs":[{"from_user_id":"u","item_list":[{"type":4,"file_item":{"len":"9","file_name":"../a.txt","media":{"aes_key":"MDEyMzQ1Njc4OWFiY2RlZg==","encrypt_query_param":"p"}}}]}]}`,
		`{"msgs":{},"ret":"1"}`, `[]`, `{"msgs":[1,"a",null,{}]}`,
	} {
		f.Add([]byte(seed))
	}
	quotes := newQuotes()
	quotes.add("5", "some text to quote", nil)
	f.Fuzz(func(t *testing.T, body []byte) {
		u, messages, err := readUpdates(body)
		if err == nil && !json.Valid(body) && !laxlyValid(body) {
			t.Errorf("%q was read", body)
		}
		_, _ = u.code(), u.text()
		for _, raw := range messages {
			a, ok := readMessage(raw, quotes)
			if ok && (a.ID == "" || !isUser(a.Sender.ID) || a.Kind == "" || a.At.IsZero() || len(a.Text) > maxText || len(a.Quote) > maxText) {
				t.Errorf("%+v", a)
			}
			if m := a.Medium; m != nil {
				if at, ok := readRef(m.Ref); !ok || at.url == "" || len(m.Ref) > 8<<10 || m.Size < 0 || len(m.Name) > 200 || strings.ContainsAny(m.Name, "/\x00\n") || !utf8.ValidString(m.Name) {
					t.Errorf("%+v", m)
				}
			}
		}
	})
}

// laxlyValid tells what is an object with something behind it.
func laxlyValid(body []byte) bool {
	var v json.RawMessage
	return json.NewDecoder(strings.NewReader(string(body))).Decode(&v) == nil
}
