package bot

import (
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// ration makes a channel allow two parts for each message.
func ration(c *fakeChannel) { c.traits.RepliesPerMessage, c.traits.StableIDs = 2, true }

func TestTheRestIsForTheAsking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorldOn(t, ration, nil)
		notice := w.relay.catalogue().Say("zh-Hans", "more_notice")
		var lines []string
		for i := range 500 {
			lines = append(lines, "第"+strconv.Itoa(i)+"行，这一行不短不长。")
		}
		long := strings.Join(lines, "\n")
		w.hear(private("alice", long))
		var got strings.Builder
		for n := 0; ; n++ {
			parts := w.texts()
			if len(parts) == 0 || len(parts) > 2 || n > 10 {
				t.Fatalf("%d parts the %dth time", len(parts), n)
			}
			for i, p := range parts {
				if k := strings.LastIndex(p, "\n("); len(parts) > 1 {
					p = p[:k]
				}
				got.WriteString(strings.TrimSuffix(p, "\n"+notice) + "\n")
				parts[i] = p
			}
			if !strings.Contains(parts[len(parts)-1], notice) {
				break
			}
			time.Sleep(2 * time.Minute) // to read it
			w.hear(private("alice", " “继续” "))
		}
		if want := "echo: " + long + "\n"; got.String() != want {
			t.Errorf("%d of %d bytes came", got.Len(), len(want))
		}
		w.hear(private("alice", "继续"))
		w.expect("echo: 继续") // nothing is left; the model goes on
	})
}

// The rest is that of the latest answer, and of the chat in which it was given.
func TestTheRestOfWhat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorldOn(t, ration, nil)
		long := strings.Repeat("一二三四五六七八九。", 1000)
		w.hear(private("alice", long))
		w.texts()
		w.hear(private("bob", "continue"))
		w.expect("echo: continue")
		w.hear(private("alice", "something else"))
		w.expect("echo: something else")
		w.hear(private("alice", "continue"))
		w.expect("echo: continue")
		w.hear(private("alice", long))
		w.texts()
		time.Sleep(restTime + time.Minute)
		w.hear(private("alice", "continue"))
		w.expect("echo: continue")
	})
}

func TestRestsAreBounded(t *testing.T) {
	r := newRests()
	for i := range 3 * maxRests {
		r.put(strconv.Itoa(i), strings.Repeat("x", i*100%(2*maxRest)))
	}
	if r.all.Len() > maxRests || r.size > maxRestSize || len(r.byID) != r.all.Len() {
		t.Errorf("%d rests, %d bytes", r.all.Len(), r.size)
	}
	for id := range r.byID {
		r.put(id, "")
	}
	if r.all.Len() != 0 || r.size != 0 {
		t.Errorf("%d rests, %d bytes are left", r.all.Len(), r.size)
	}
}
