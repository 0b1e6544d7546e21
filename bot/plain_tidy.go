package bot

import (
	"bytes"
	"html"
	"strings"
)

// tidy takes off the marks that CommonMark leaves next to Chinese punctuation
// (**重点：**内容) and GFM's strikethrough, and keeps bracketed words from turning
// into stickers. It does not look into the kept stretches.
func tidy(line []byte, kept []span) string {
	if !bytes.Contains(line, []byte("**")) && !bytes.Contains(line, []byte("~~")) && bytes.IndexByte(line, '[') < 0 {
		return string(line)
	}
	free := make([]bool, len(line))
	for i := range free {
		free[i] = true
	}
	for _, k := range kept {
		clear(free[k.from:k.to])
	}
	drop := make([]bool, len(line))
	dropPairs(line, free, drop, '*')
	dropPairs(line, free, drop, '~')
	var b strings.Builder
	for i := 0; i < len(line); i++ {
		switch {
		case drop[i]:
		case line[i] == '[' && free[i] && writeSticker(&b, line[i:]) > 0:
			i += bytes.IndexByte(line[i:], ']')
		default:
			b.WriteByte(line[i])
		}
	}
	return b.String()
}

// dropPairs marks the doubled marks that enclose text within one line.
func dropPairs(line []byte, free, drop []bool, mark byte) {
	open := -1
	for i := 0; i+1 < len(line); i++ {
		if line[i] == '\n' {
			open = -1
		}
		if line[i] != mark || line[i+1] != mark || !free[i] || !free[i+1] {
			continue
		}
		if open >= 0 && encloses(line, open, i) {
			drop[open], drop[open+1], drop[i], drop[i+1] = true, true, true, true
			open = -1
		} else {
			open = i
		}
		i++
	}
}

// encloses reports whether the marks at from and to stand tight around text and
// not in the middle of a word on both sides.
func encloses(line []byte, from, to int) bool {
	inner := line[from+2 : to]
	if len(inner) == 0 || inner[0] == ' ' || inner[len(inner)-1] == ' ' {
		return false
	}
	before := from > 0 && isWord(line[from-1])
	after := to+2 < len(line) && isWord(line[to+2])
	return !before || !after
}

// writeSticker writes the word in brackets that s begins with in wide brackets,
// if a WeChat client would show a sticker in its place, and returns its length.
func writeSticker(b *strings.Builder, s []byte) int {
	const longest = 16 // bytes of the longest name, in brackets
	end := bytes.IndexByte(s[:min(len(s), longest)], ']')
	if end < 2 || !stickers(string(s[1:end])) {
		return 0
	}
	b.WriteString("［")
	b.Write(s[1:end])
	b.WriteString("］")
	return end + 1
}

// stickers reports whether clients draw the word in brackets as a picture. The
// names are those of WeChat's own panel, in Chinese and English clients.
func stickers(word string) bool {
	switch word {
	case "微笑", "撇嘴", "色", "发呆", "得意", "流泪", "害羞", "闭嘴", "睡", "大哭", "尴尬", "发怒", "调皮", "呲牙", "惊讶",
		"难过", "酷", "冷汗", "抓狂", "吐", "偷笑", "愉快", "白眼", "傲慢", "饥饿", "困", "惊恐", "流汗", "憨笑", "悠闲", "奋斗",
		"咒骂", "疑问", "嘘", "晕", "疯了", "衰", "骷髅", "敲打", "再见", "擦汗", "抠鼻", "鼓掌", "糗大了", "坏笑", "左哼哼",
		"右哼哼", "哈欠", "鄙视", "委屈", "快哭了", "阴险", "亲亲", "吓", "可怜", "菜刀", "西瓜", "啤酒", "篮球", "乒乓", "咖啡",
		"饭", "猪头", "玫瑰", "凋谢", "嘴唇", "爱心", "心碎", "蛋糕", "闪电", "炸弹", "刀", "足球", "瓢虫", "便便", "月亮", "太阳",
		"礼物", "拥抱", "强", "弱", "握手", "胜利", "抱拳", "勾引", "拳头", "差劲", "爱你", "爱情", "飞吻", "跳跳", "发抖", "怄火",
		"转圈", "磕头", "回头", "跳绳", "投降", "激动", "乱舞", "献吻", "左太极", "右太极", "嘿哈", "捂脸", "奸笑", "机智", "皱眉",
		"耶", "茶", "红包", "蜡烛", "福", "鸡", "吃瓜", "加油", "汗", "天啊", "社会社会", "旺柴", "好的", "打脸", "加油加油", "哇",
		"發", "裂开", "苦涩", "叹气", "让我看看", "翻白眼":
		return true
	case "OK", "NO", "Emm", "666", "Smile", "Grimace", "Drool", "Scowl", "Sob", "Shy", "Silent", "Sleep", "Cry", "Awkward",
		"Angry", "Tongue", "Grin", "Surprise", "Frown", "Ruthless", "Blush", "Scream", "Puke", "Chuckle", "Joyful", "Slight",
		"Smug", "Hungry", "Drowsy", "Panic", "Sweat", "Laugh", "Determined", "Scold", "Shocked", "Shhh", "Dizzy", "Skull",
		"Hammer", "Wave", "Clap", "Yawn", "Sly", "Kiss", "Whimper", "Beer", "Coffee", "Pig", "Rose", "Wilt", "Lips", "Heart",
		"BrokenHeart", "Cake", "Bomb", "Poop", "Moon", "Sun", "Gift", "Hug", "ThumbsUp", "ThumbsDown", "Shake", "Peace",
		"Fight", "Fist", "Facepalm", "Smirk", "Smart", "Yeah", "Packet", "Candle", "Blessing", "OMG", "Respect", "Doge", "Wow",
		"Rich", "Broken", "Hurt", "Sigh", "Awesome", "Boring":
		return true
	}
	return false
}

// stripTags takes HTML's own tags and comments out of s and resolves entities.
// What is not a tag of HTML stays: List<String>, <your name>.
func stripTags(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		if s[i] != '<' {
			b.WriteByte(s[i])
			i++
			continue
		}
		with, n := tagAt(s[i:])
		b.WriteString(with)
		i += n
	}
	return clean(html.UnescapeString(b.String()))
}

// tagAt returns what takes the place of the tag that s begins with, and its
// length. s begins with "<".
func tagAt(s string) (string, int) {
	if strings.HasPrefix(s, "<!--") {
		if end := strings.Index(s, "-->"); end > 0 {
			return "", end + 3
		}
		return "<", 1
	}
	end := strings.IndexByte(s, '>')
	if end < 0 {
		return "<", 1
	}
	switch name := tagName(s[1:end]); name {
	case "script", "style":
		if close := strings.Index(s, "</"+name); close > 0 {
			return "", close
		}
		return "", end + 1
	case "br", "p", "div", "li", "tr", "h1", "h2", "h3", "h4", "hr":
		return "\n", end + 1
	case "a", "b", "i", "u", "s", "span", "strong", "em", "del", "ins", "sub", "sup", "code", "pre", "kbd", "mark", "small",
		"font", "center", "table", "thead", "tbody", "td", "th", "ul", "ol", "dl", "dt", "dd", "h5", "h6", "blockquote", "img",
		"details", "summary", "section", "article", "header", "footer", "html", "body", "head", "title", "meta", "link":
		return "", end + 1
	}
	return "<", 1
}

// tagName returns the lower-case name in the inside of a tag.
func tagName(s string) string {
	s = strings.TrimPrefix(s, "/")
	n := 0
	for n < len(s) && isWord(s[n]) {
		n++
	}
	if n < len(s) && s[n] != ' ' && s[n] != '/' && s[n] != '\n' && s[n] != '\t' {
		return ""
	}
	return s[:n]
}
