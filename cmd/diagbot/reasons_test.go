package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/diagbot/diagbot/bot/ilink"
	"github.com/diagbot/diagbot/bot/wechat"
	"github.com/diagbot/diagbot/configs"
)

func chineseWords(t *testing.T) words {
	t.Helper()
	w, err := wordsFor("zh-Hans", func(string) string { return "" })
	must(t, err)
	return w
}

// TestReasonsInChinese holds that a reason is told in the language of the
// sentence it stands in, and that names and what strangers said stay as they are.
func TestReasonsInChinese(t *testing.T) {
	w := chineseWords(t)
	for _, c := range []struct{ key, why, want string }{
		{"login_unusable", "cannot be read; if store.key has changed, stop and set the old one", "保存的会话用不了（读不出来；如果换过 store.key，请先停下，改回原来的），需要扫码。旧的留在数据库里备查。"},
		{"login_unusable", "it is not a session: no valid JSON, or with other fields", "保存的会话用不了（内容不是登录信息：不是 JSON，或者字段不对），需要扫码。旧的留在数据库里备查。"},
		{"store_bad", "open store: /d/diagbot.db: the file is not a SQLite database (SQLite 26)", "无法打开数据库：/d/diagbot.db：文件不是 SQLite 数据库（SQLite 26）。相关配置项：data_dir。"},
		{"store_bad", `open store: PostgreSQL database "x" at 127.0.0.1: no connection: nothing listens on that port`, `无法打开数据库：PostgreSQL 数据库 "x" at 127.0.0.1：连不上：那个端口上没有服务。相关配置项：data_dir。`},
		{"check_alert_failed", `alert target "phone" (ntfy, 127.0.0.1): dial tcp 127.0.0.1:9: connect: connection refused`, `告警：告警目标 "phone"（ntfy, 127.0.0.1）：dial tcp 127.0.0.1:9：连接被拒绝`},
		{"check_alert_failed", `alert target "phone" (ntfy, 127.0.0.1): status 403: code 40101: Forbidden: no (really)`, `告警：告警目标 "phone"（ntfy, 127.0.0.1）：状态码 403：错误代码 40101：Forbidden：no (really)`},
		{"error", "backup: this is a PostgreSQL database: use pg_dump, or what your provider offers", "出错了：这是 PostgreSQL 数据库：请用 pg_dump，或者服务商提供的办法"},
		{"output_lost", "nobody knows: this", "标准输出没有写全：nobody knows: this"},
	} {
		if got := w.say(c.key, "why", c.why, "text", c.why, "setting", "data_dir"); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
	en, err := wordsFor("en", func(string) string { return "" })
	must(t, err)
	if got := en.say("check_alert_failed", "why", "x: permission denied"); got != "Alerts: x: permission denied" {
		t.Error(got)
	}
}

// TestReasonsKnown holds that whatever others may give as a reason has its
// Chinese words.
func TestReasonsKnown(t *testing.T) {
	w := chineseWords(t)
	for file, said := range map[string]string{
		"../../bot/wechat/session.go":      `errors\.New\("(its? [^"]+)"\)`,
		"../../bot/wechat/login.go":        `const whyUnread = "([^"]+)"`,
		"../../bot/ilink/vault.go":         `(?:errors\.New\(|const whyUnread = )"(its? [^"]+|cannot [^"]+)"`,
		"../../internal/store/errors.go":   `return [A-Z]\w+, (?:"", )?"([^"]+)"|return ": ([^"]+)"`,
		"../../internal/store/sqlite.go":   `text: [\w.]+ \+ ": ([^"]+)"|return errors\.New\("(this [^"]+)"\)`,
		"../../internal/store/postgres.go": `text: [\w.]+ \+ ": ([^"]+)"|return errors\.New\("(this [^"]+)"\)`,
		"../../internal/store/file.go":     `text: [\w.]+ \+ ": ([^"]+)"|return errors\.New\("(this [^"]+)"\)`,
		"../../internal/store/backup.go":   `text: [\w.]+ \+ ": ([^"]+)"|return errors\.New\("(this [^"]+)"\)`,
		"../../internal/alert/target.go":   `c\.bad\("\w+", "([^"]+)"\)`,
		"../../internal/alert/hook.go":     `Detail: "([^"]+)"`,
	} {
		raw, err := os.ReadFile(file)
		must(t, err)
		found := regexp.MustCompile(said).FindAllStringSubmatch(string(raw), -1)
		if len(found) == 0 {
			t.Errorf("%s gives no reasons", file)
		}
		for _, m := range found {
			for clause := range strings.SplitSeq(strings.Join(m[1:], ""), ": ") {
				if _, known := w.clause(clause); !known {
					t.Errorf("%s: no Chinese for %q", file, clause)
				}
			}
		}
	}
}

// TestLoginInChinese holds that no English is left in what serve tells of a saved
// login.
func TestLoginInChinese(t *testing.T) {
	var out strings.Builder
	v := &loginView{office: &office{app: &app{terminal: terminal{out: &out}, words: chineseWords(t)}, cfg: &configs.Config{}}}
	v.show(wechat.Login{State: wechat.LoginUnusable, Reason: "it has no cookies"})
	v.showILink(ilink.Login{State: ilink.LoginUnusable, Reason: "it has no token"})
	want := "保存的会话用不了（里面没有 cookie），需要扫码。旧的留在数据库里备查。\n" +
		"保存的会话用不了（里面没有令牌），需要扫码。旧的留在数据库里备查。\n"
	if got := out.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// TestSentencesInChinese holds that no space stands between two sentences.
func TestSentencesInChinese(t *testing.T) {
	for _, args := range [][]string{{"serve", "--nope"}, {"check", "extra"}, {"serve", "--channel"}, {"chek"}} {
		got := diagbot(t, "", []string{"LANG=zh_CN.UTF-8"}, args...)
		if got.status == 0 || strings.Contains(got.err, "。 ") {
			t.Errorf("%v: status %d: %s", args, got.status, got.err)
		}
	}
}

// TestSpansInChinese holds that lengths of time have Chinese units.
func TestSpansInChinese(t *testing.T) {
	w := chineseWords(t)
	for d, want := range map[time.Duration]string{
		0: "0 秒", 32 * time.Millisecond: "32 毫秒", 7400 * time.Millisecond: "7.4 秒",
		25 * time.Second: "25 秒", 4*time.Minute + 5*time.Second: "4 分 5 秒", 2 * time.Hour: "2 小时 0 分 0 秒",
	} {
		if got := w.span(d); got != want {
			t.Errorf("%v: %q", d, got)
		}
	}
}
