package chart

import (
	"math/rand/v2"
	"strings"
	"time"
)

// words are one language's texts for a picture.
type words struct {
	lang, day, week, summary, failed, rescued, other, empty string
	causes                                                  []string
}

// languages are as an operator might read them.
func languages() []words {
	return []words{
		{"en", "Failures in the last 24 hours", "Failures in the last 7 days", "9 failed · 6 rescued", "Failed", "Rescued by the bot", "Other causes", "No failures in the last 24 hours. Everyone got an answer.",
			[]string{"401 API authentication failed", "429 Too many requests", "Free trial credits have expired", "Connection timed out", "context_length_exceeded: the chat is too long", "502 Bad gateway", "WeChat refused the message", "DNS"}},
		{"zh-Hans", "最近 24 小时的失败", "最近 7 天的失败", "失败 9 次 · 自动挽救 6 次", "失败", "机器人自己救回来的", "其他原因", "最近 24 小时没有失败，每个人都得到了回答。",
			[]string{"401 API 身份验证失败", "429 请求太频繁", "免费试用额度已过期", "连接超时", "聊天内容太长，超出模型的上限", "502 网关错误", "微信拒绝了这条消息", "域名"}},
		{"zh-Hant", "最近 24 小時的失敗", "最近 7 天的失敗", "失敗 9 次 · 自動挽救 6 次", "失敗", "機器人自己救回來的", "其他原因", "最近 24 小時沒有失敗，每個人都得到了回答。",
			[]string{"401 API 身分驗證失敗", "429 請求太頻繁", "免費試用額度已過期", "連線逾時", "聊天內容太長，超出模型的上限", "502 閘道錯誤", "微信拒絕了這則訊息", "網域"}},
		{"ja", "直近 24 時間の失敗", "直近 7 日間の失敗", "失敗 9 件 · 自動で回復 6 件", "失敗", "ボットが自分で直したもの", "その他の原因", "直近 24 時間に失敗はありません。全員に返事ができました。",
			[]string{"401 API 認証に失敗しました", "429 リクエストが多すぎます", "無料トライアルのクレジットが期限切れ", "接続がタイムアウトしました", "会話が長すぎてモデルの上限を超えました", "502 ゲートウェイのエラー", "WeChat がメッセージを拒否", "DNS"}},
		{"ko", "최근 24시간 동안의 실패", "최근 7일 동안의 실패", "실패 9건 · 자동 복구 6건", "실패", "봇이 스스로 해결한 것", "그 밖의 원인", "최근 24시간 동안 실패가 없었어요. 모두 답을 받았어요.",
			[]string{"401 API 인증 실패", "429 요청이 너무 많음", "무료 체험 크레딧 만료", "연결 시간 초과", "대화가 너무 길어 모델 한도를 넘음", "502 게이트웨이 오류", "위챗이 메시지를 거부함", "DNS"}},
	}
}

func (w words) trend(title string) Trend {
	return Trend{
		Lang: w.lang, Title: title, Summary: w.summary, Location: time.FixedZone("CST", 8*3600),
		FailedName: w.failed, RescuedName: w.rescued, OtherName: w.other, EmptyText: w.empty,
	}
}

// lastDay is 24 buckets of an hour up to a time in the afternoon.
func (w words) lastDay() Trend {
	t := w.trend(w.day)
	t.Starts = every(time.Hour, 24, time.Date(2026, 11, 21, 7, 0, 0, 0, time.UTC))
	counts := func(at map[int]int) []int {
		c := make([]int, 24)
		for i, n := range at {
			c[i] = n
		}
		return c
	}
	t.Failed = []Series{
		{w.causes[0], counts(map[int]int{3: 1, 4: 3, 5: 1})},
		{w.causes[1], counts(map[int]int{4: 1, 13: 1, 19: 1})},
		{w.causes[4], counts(map[int]int{22: 1})},
	}
	t.Rescued = counts(map[int]int{4: 1, 12: 1, 13: 2, 19: 1, 22: 1})
	return t
}

// lastWeek is 7 days with a given number of causes.
func (w words) lastWeek(causes, most int) Trend {
	t := w.trend(w.week)
	t.Starts = every(24*time.Hour, 7, time.Date(2026, 11, 15, 16, 0, 0, 0, time.UTC))
	dice := rand.New(rand.NewPCG(1, 2))
	for i := range causes {
		s := Series{Name: w.causes[i], Counts: make([]int, 7)}
		for d := range s.Counts {
			s.Counts[d] = dice.IntN(most/(i+1) + 1)
		}
		t.Failed = append(t.Failed, s)
	}
	for range 7 {
		t.Rescued = append(t.Rescued, dice.IntN(most))
	}
	return t
}

func every(step time.Duration, n int, first time.Time) []time.Time {
	starts := make([]time.Time, n)
	for i := range starts {
		starts[i] = first.Add(time.Duration(i) * step)
	}
	return starts
}

// hoursOfWeek is as many buckets as are allowed, and a title that is too long.
func (w words) hoursOfWeek() Trend {
	t := w.trend(strings.Repeat(w.week+", ", 5))
	t.Starts = every(time.Hour, MaxBuckets, time.Date(2026, 11, 14, 7, 0, 0, 0, time.UTC))
	dice := rand.New(rand.NewPCG(3, 4))
	for i := range 4 {
		s := Series{Name: w.causes[i]}
		for range MaxBuckets {
			s.Counts = append(s.Counts, dice.IntN(4)/3*dice.IntN(9-i*2))
		}
		t.Failed = append(t.Failed, s)
	}
	for range MaxBuckets {
		t.Rescued = append(t.Rescued, dice.IntN(4)/3*dice.IntN(5))
	}
	return t
}

// hostile has texts that no one should be able to break a picture with.
func (w words) hostile() Trend {
	t := w.lastWeek(8, 9)
	t.Title = "Fail\nures\x00 \u202eRTL\u200f مرحبا 🔑🔥 e\u0301\u0301\u0301 " + strings.Repeat("长", 5000)
	t.Summary = strings.Repeat("W", 10_000)
	t.FailedName, t.RescuedName = "\u2028\u2029", strings.Repeat("\u0e49", 500)
	t.Failed[0].Name = strings.Repeat("Ж€𝔘", 3000)
	t.Failed[1].Name = "\x1b[31mred\r\n\tname"
	t.Failed[2].Name = "\xff\xfe\U000F4E00\U00104E00"
	t.Failed[3].Name = strings.Repeat("\u3164", 100)
	t.Failed[4].Name = strings.Repeat("﷽", 100)
	return t
}
