package bot

import "testing"

func TestAddressing(t *testing.T) {
	group := func(name, text string, mentioned bool) Message {
		m := inGroup(name, "alice", text)
		m.Mentioned = mentioned
		return m
	}
	owner := func(kind Kind) Message {
		m := private("me", "note")
		m.Sender.Owner, m.Kind, m.Chat.ID = true, kind, "filehelper"
		return m
	}
	binder := func(kind Kind) Message {
		m := owner(kind)
		m.Chat.ID = m.Sender.ID
		return m
	}
	open := newAddressing(Options{Groups: []string{AllGroups}})
	strict := newAddressing(Options{PrivatePrefixes: []string{"bot", "@bot", "机器人"}, GroupPrefixes: []string{"/ai"}, Groups: []string{"Home", " 家 "}})
	tests := []struct {
		name string
		a    *addressing
		m    Message
		text string
		ok   bool
	}{
		{"all private texts", open, private("a", " hi "), "hi", true},
		{"nothing that is seen", open, private("a", "\u200b\u200d\u2060\ufe0f \u3164\u2800"), "", true},
		{"nothing that is seen after a prefix", strict, private("a", "bot \u200b"), "", true},
		{"a picture made of several", open, private("a", "👨‍👩‍👧❤️"), "👨‍👩‍👧❤️", true},
		{"group without mention", open, group("Home", "hi", false), "", false},
		{"group with mention", open, group("Home", " hi", true), "hi", true},
		{"empty mention", open, group("Home", " ", true), "", true},
		{"owner's note", open, owner(KindText), "note", true},
		{"owner's file", open, owner(KindFile), "", false},
		{"file to a bot that is theirs", open, binder(KindFile), "note", true},
		{"prefix", strict, private("a", "bot hi"), "hi", true},
		{"prefix in capitals and full width", strict, private("a", "ＢＯＴ，hi"), "hi", true},
		{"prefix alone", strict, private("a", "bot"), "", true},
		{"prefix inside a word", strict, private("a", "bottle"), "", false},
		{"prefix before Chinese", strict, private("a", "bot你好"), "你好", true},
		{"Chinese prefix", strict, private("a", "机器人你好"), "你好", true},
		{"other prefix", strict, private("a", "@bot: hi"), "hi", true},
		{"no prefix", strict, private("a", "hi bot"), "", false},
		{"no prefix, empty", strict, private("a", ""), "", false},
		{"listed group", strict, group("Home", "hi", true), "hi", true},
		{"listed group with prefix", strict, group("家", "/AI hi", false), "hi", true},
		{"other group", strict, group("Work", "hi", true), "", false},
		{"other case is another group", strict, group("home", "hi", true), "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if text, ok := tt.a.text(tt.m); text != tt.text || ok != tt.ok {
				t.Errorf("got %q, %v, want %q, %v", text, ok, tt.text, tt.ok)
			}
		})
	}
}
