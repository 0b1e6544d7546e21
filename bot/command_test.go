package bot

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParse(t *testing.T) {
	tests := []struct{ in, name, args string }{
		{"/help", "help", ""},
		{"／ｈｅｌｐ", "help", ""},
		{"#帮助", "help", ""},
		{"＃幫助", "help", ""},
		{"帮助", "help", ""},
		{"/HELP me", "help", "me"},
		{"/\u200bhe\u200dlp", "help", ""},
		{"\u200b/help", "help", ""},
		{"/reset", "reset", ""},
		{"#重置会话", "reset", ""},
		{"#清除记忆", "reset", ""},
		{"清空会话", "reset", ""},
		{"/lang zh-Hans", "lang", "zh-Hans"},
		{"/语言　中文", "lang", "中文"},
		{"/diag 401", "diag", "401"},
		{"＃诊断　４０１", "diag", "４０１"},
		{"#诊断401", "diag", "401"},
		{"/diag401", "diag", "401"},
		{"/diag\n401", "diag", "401"},
		{"/ping", "ping", ""},
		{"/diag:401", "diag", "401"},
		{"/diag：401", "diag", "401"},
		{"/diag: 401", "diag", "401"},
		{"／诊断：４０１", "diag", "４０１"},
		{"/diag「401」", "diag", "401"},
		{"/诊断“insufficient_quota”", "diag", "insufficient_quota"},
		{"/diag（429 · 7K2F）", "diag", "429 · 7K2F"},
		{"#诊断：401", "diag", "401"},
		{"#诊断「４０１」", "diag", "４０１"},
		{"/model：GPT-4o", "model", "GPT-4o"},
		{"/help:", "help", ""},
		{"/dia:401", "diag", "401"},
		{"/ help", "help", ""},
		{"／　help", "help", ""},
		{"/\n诊断 401", "diag", "401"},
		{"/ key add a b c", "key", "add a b c"},
		{"/ key：add a b c", "key", "add a b c"},
		// Mistakes.
		{"/keyy:add a b c", "?keyy", "add a b c"},
		{"/helo", "?helo", ""},
		{"/foo bar", "?foo", "bar"},
		{"#dia 401", "diag", "401"},
		// Not for the table.
		{"help", "", ""},
		{"帮助我写诗", "", ""},
		{"请清空会话", "", ""},
		{"#春节 快乐", "", ""},
		{"# 标题", "", ""},
		{"#include <stdio.h>", "", ""},
		{"/etc/passwd 是什么", "", ""},
		{"//comment", "", ""},
		{"/ or", "", ""},
		{"/ 2", "", ""},
		{"/ helo", "", ""},
		{"# help", "", ""},
		{"/ / help", "", ""},
		{"/", "", ""},
		{"", "", ""},
		{"/averyveryverylongwordthatnobodymeantasacommand", "", ""},
		{"a /help", "", ""},
		{"#状态：今天很好", "", ""},
		{"#new: features of Go", "", ""},
		{"#文件「合同」", "", ""},
		{"#重置：怎么做", "", ""},
		{"/file:///etc/passwd", "", ""},
		{"/etc:passwd", "", ""},
		{"/foo:bar", "", ""},
		{"/:401", "", ""},
		{"诊断：401", "", ""},
		{"诊断「401」", "", ""},
		{"diag:401", "", ""},
		{"“/diag 401”是什么", "", ""},
	}
	table := newCommandTable()
	for _, tt := range tests {
		c, args, ok := table.parse(tt.in)
		name := ""
		if ok {
			name = c.name
			if c.run == nil {
				name = "?" + name
			}
		}
		if name != tt.name || args != tt.args {
			t.Errorf("parse(%q) = %q, %q, want %q, %q", tt.in, name, args, tt.name, tt.args)
		}
	}
}

func TestNear(t *testing.T) {
	table := newCommandTable()
	for in, want := range map[string]string{"helo": "help", "hlep": "help", "rset": "reset", "dia": "diag", "diga": "diag", "x": "", "pong": "ping", "foo": "", "重制会话": "reset"} {
		var names []string
		for _, c := range table.near(in) {
			names = append(names, c.name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("near(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"/help", "＃诊断　401", "清空会话", "/\u200b", "#\xff", "/diag\u3000x", "/key add a b sk-0123456789", "#配对 ABCDE-FGHJK"} {
		f.Add(s)
	}
	table := newCommandTable()
	f.Fuzz(func(t *testing.T, s string) {
		c, args, ok := table.parse(clean(s))
		if !ok {
			return
		}
		if kept := table.stored(clean(s)); c.run != nil && slices.Contains(c.secret, "") && len(args) > len(c.name)+1 && strings.Contains(kept, args) {
			t.Errorf("stored(%q) = %q", s, kept)
		}
		if c == nil || c.name == "" || !utf8.ValidString(c.name+args) {
			t.Errorf("parse(%q) = %+v, %q", s, c, args)
		}
		if c.run == nil && utf8.RuneCountInString(c.name) > maxWord {
			t.Errorf("parse(%q): name of %d runes", s, utf8.RuneCountInString(c.name))
		}
	})
}
