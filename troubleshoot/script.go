package troubleshoot

import (
	"strings"
	"unicode"
)

// Characters that one Chinese script writes and the other does not, pair by pair.
const (
	onlyHans = "这个们说时来对话过问还开关没见现边进远运动钱银铁错误读写认识请谢谁语课试验题简单电脑机软网络连线级结经给继续统计总约纪红纯纸组织终绝维护备务处复杂爱听声响应该觉习书买卖东车轻转输较辑达选适遗邮乡发变双观欢劝权岁岛币师带帮广庆库废张弹强归当录彻忆忧怀态惊战户执扩扫扬报担择换据损摆数断无旧显晓术条杀极构枪标样树检业丰临为举义乐乔乱争亏产亲仅从仑仓仪价众优会传伤伦伪体侠侧侨债倾偿储儿兑党兰兴养兽内冈册军农冯冲决况冻净凉减凤凭凯击划则刚创删别剂剑剧劳势励勋区医华协卢卫却厂厅历厉压厌县参叶号叹吓吕吗启员呛呜哑哗唤啸喷团园围国图圆圣场坏块坚坛坝坟坠垄垒垦堕墙壮壳壶够夹夺奋奖妆妇妈娱婴孙学宁宝实宠审宪宫宽宾寻导寿将尔尘尝层属岗岭峡帅帐帜庙庞弃弯彦径忏怜恋恳恶悬悯惧惩惯愤愿慑懒戏扑抚抛抢拟拥拦拨挂挡挤挥捞捡掷掺揽搀搅携摄撑敌斋斗斩昙昼晋晒晕暂杨枣柜栈栋栏桥桨梦楼槛横欧歼残毁毕气氢汇汉汤沟沪泪泽洁浅浆测济浑浓涂润涨淀渊渐渔湾湿满滚滞滤潇灭灯灵灾炉点炼烂烛烟烦烧热焕爷牵犹狭狮独狱猎猪猫献玛环玺珑琐画畅疗疮疯痒盐监盖盘睁矫矿码砖础确碍禅离种积称稳穷窃窍窝窥竖竞笔笼筑签筹类粮紧纠纤纲纳纵纷纹纺练细绍绕绘绞绢绣绩绪绳绵绿缓编缘缝缩缴罗罚罢职联肃肠肤肾肿胀胁胆胜脉脏脚脱脸腾舰舱艰艳艺节芦苏苹茎荐荡荣药莱莲获营萧萨葱蓝虏虑虚虫虽虾蚀蚁蚕蛮补衬袭装规视览触订讨让训议讯记讲许论讼设访证评诉诊词译诗诚诞询详诱诵调谅谈谊谋谎谓谜谣谦谨谱豪贝负财责贤败账货质贩贪贫贬购贯贵贷贸费贺资赏赔赖赚赛赞赠赢赵趋跃践踪轨轮载辅辆辈辩辽迁迈违迟递逊遥邓邻郑释鉴针钉钓钟钢钥钩铃铅铜铝铭铸铺链销锁锅锋锐锦键锻镇镜长门闪闭闯闲间闷闹闻阀阁阅阔队阳阴阵阶际陆陈险随隐难雾韩页顶项顺须顾顿预领频颖颗颜额风飘飞饥饭饮饰饱饼馆马驱驳驶驻驾骂骄骗骤鱼鲁鲜鸟鸡鸣鸭鸿鹅鹏鹤鹰麦黄齐齿龄龙龟"
	onlyHant = "這個們說時來對話過問還開關沒見現邊進遠運動錢銀鐵錯誤讀寫認識請謝誰語課試驗題簡單電腦機軟網絡連線級結經給繼續統計總約紀紅純紙組織終絕維護備務處複雜愛聽聲響應該覺習書買賣東車輕轉輸較輯達選適遺郵鄉發變雙觀歡勸權歲島幣師帶幫廣慶庫廢張彈強歸當錄徹憶憂懷態驚戰戶執擴掃揚報擔擇換據損擺數斷無舊顯曉術條殺極構槍標樣樹檢業豐臨為舉義樂喬亂爭虧產親僅從侖倉儀價眾優會傳傷倫偽體餘俠側僑債傾償儲兒兌黨蘭興養獸內岡冊軍農馮衝決況凍淨準涼減鳳憑凱擊劃則剛創刪別劑劍劇勞勢勵勳區醫華協盧衛卻廠廳歷厲壓厭縣參葉號嘆嚇呂嗎啟員嗆嗚啞嘩喚嘯噴團園圍國圖圓聖場壞塊堅壇壩墳墜壟壘墾墮牆壯殼壺夠夾奪奮獎妝婦媽娛嬰孫學寧寶實寵審憲宮寬賓尋導壽將爾塵嘗層屬崗嶺峽帥帳幟廟龐棄彎彥徑懺憐戀懇惡懸憫懼懲慣憤願懾懶戲撲撫拋搶擬擁攔撥掛擋擠揮撈撿擲摻攬攙攪攜攝撐敵齋斬曇晝晉曬暈暫樸楊棗櫃棧棟欄橋槳夢樓檻橫歐殲殘毀畢氣氫匯漢湯溝滬淚澤潔淺漿測濟渾濃塗潤漲澱淵漸漁灣濕滿滾滯濾瀟滅燈靈災爐點煉爛燭煙煩燒熱煥爺牽猶狹獅獨獄獵豬貓獻瑪環璽瓏瑣畫暢療瘡瘋癢鹽監蓋盤睜矯礦碼磚礎確礙禪離種積稱穩窮竊竅窩窺豎競筆籠築簽籌類糧緊糾纖綱納縱紛紋紡練細紹繞繪絞絹繡績緒繩綿綠緩編緣縫縮繳羅罰罷職聯肅腸膚腎腫脹脅膽勝脈臟腳脫臉騰艦艙艱艷藝節蘆蘇蘋莖薦蕩榮藥萊蓮獲營蕭薩蔥藍虜慮虛蟲雖蝦蝕蟻蠶蠻補襯襲裝規視覽觸訂討讓訓議訊記講許論訟設訪證評訴診詞譯詩誠誕詢詳誘誦調諒談誼謀謊謂謎謠謙謹譜貝負財責賢敗賬貨質販貪貧貶購貫貴貸貿費賀資賞賠賴賺賽贊贈贏趙趨躍踐蹤軌輪載輔輛輩辯遼遷邁違遲遞遜遙鄧鄰鄭釋鑒針釘釣鐘鋼鑰鉤鈴鉛銅鋁銘鑄鋪鏈銷鎖鍋鋒銳錦鍵鍛鎮鏡長門閃閉闖閒間悶鬧聞閥閣閱闊隊陽陰陣階際陸陳險隨隱難霧韓頁頂項順須顧頓預領頻穎顆顏額風飄飛飢飯飲飾飽餅館馬驅駁駛駐駕罵驕騙驟魚魯鮮鳥雞鳴鴨鴻鵝鵬鶴鷹麥黃齊齒齡龍龜"
)

// tally counts the letters of one text by script.
type tally struct {
	kana, hangul, han, cyrillic, arabic, thai, hebrew, greek, deva int
	latinWords                                                     int
	viet                                                           bool
	hans, hant                                                     int
}

// DetectScript names the script a message is written in: "ja", "ko", "zh-Hans",
// "zh-Hant", "zh" when both scripts write it alike, "latin", "vi", "cyrillic",
// "arabic", "thai", "hebrew", "greek", "devanagari"; empty when there is nothing
// to go by, as in numbers and emoji. It does not guess between languages that
// share the Latin script. Only the first 2,000 bytes are read.
func DetectScript(text string) string {
	t := count(cutText(text, 2000))
	switch {
	case t.kana > 0 && t.kana*4 >= t.latinWords:
		return "ja"
	case t.hangul > 0 && t.hangul >= t.latinWords:
		return "ko"
	case t.han > 0 && t.han >= t.latinWords:
		return t.chinese()
	}
	for _, s := range [...]struct {
		n    int
		name string
	}{{t.cyrillic, "cyrillic"}, {t.arabic, "arabic"}, {t.thai, "thai"}, {t.hebrew, "hebrew"}, {t.greek, "greek"}, {t.deva, "devanagari"}} {
		if s.n > 1 {
			return s.name
		}
	}
	switch {
	case t.viet:
		return "vi"
	case t.latinWords > 0:
		return "latin"
	}
	return ""
}

func (t *tally) chinese() string {
	switch {
	case t.hans > t.hant:
		return "zh-Hans"
	case t.hant > t.hans:
		return "zh-Hant"
	}
	return "zh"
}

func count(s string) tally {
	var t tally
	word := false
	for _, r := range s {
		latin := r < 0x250 && unicode.IsLetter(r)
		if latin && !word {
			t.latinWords++
		}
		word = latin
		if r >= 0x250 || r > 0xC0 && latin {
			t.letter(r)
		}
	}
	return t
}

func (t *tally) letter(r rune) {
	switch {
	case r >= 0x4E00 && r <= 0x9FFF || r >= 0x3400 && r <= 0x4DBF:
		t.han++
		if strings.ContainsRune(onlyHans, r) {
			t.hans++
		} else if strings.ContainsRune(onlyHant, r) {
			t.hant++
		}
	case r >= 0x3041 && r <= 0x30FA:
		t.kana++
	case r >= 0xAC00 && r <= 0xD7AF || r >= 0x1100 && r <= 0x11FF || r >= 0x3130 && r <= 0x318F:
		t.hangul++
	case r >= 0x400 && r <= 0x52F:
		t.cyrillic++
	case r >= 0x1EA0 && r <= 0x1EF9 || r == 'ơ' || r == 'ư' || r == 'ă' || r == 'đ' || r == 'Đ':
		t.viet = true
		t.latin(r)
	case r >= 0x600 && r <= 0x6FF:
		t.arabic++
	case r >= 0xE00 && r <= 0xE7F:
		t.thai++
	case r >= 0x590 && r <= 0x5FF:
		t.hebrew++
	case r >= 0x370 && r <= 0x3FF:
		t.greek++
	case r >= 0x900 && r <= 0x97F:
		t.deva++
	}
}

func (t *tally) latin(r rune) {
	if r >= 0x250 {
		t.latinWords++
	}
}

// Preference is what is known of a reader's language, any of it empty.
type Preference struct {
	Person  string // what the person chose
	Group   string // what the group chose
	Text    string // the message that is answered
	Seen    string // the tag that was chosen for this person before
	Default string // the configured default
}

// Choose decides a reader's language and says how: "set", "group", "message",
// "seen" or "default". A choice beats a guess; a message that says too little for
// a guess keeps what was seen before.
func (c *Catalogue) Choose(p Preference) (tag, how string) {
	if t, ok := c.MatchLocale(p.Person); ok {
		return t, "set"
	}
	if t, ok := c.MatchLocale(p.Group); ok {
		return t, "group"
	}
	script := DetectScript(p.Text)
	if t, ok := c.byScript(script, p); ok {
		return t, "message"
	}
	if t, ok := c.MatchLocale(p.Seen); ok {
		return t, "seen"
	}
	if t, ok := c.MatchLocale(p.Default); ok {
		return t, "default"
	}
	if l := c.localeFor("en"); l != nil {
		return l.head.Tag, "default"
	}
	return "en", "default"
}

// byScript turns a script into a language where that is no guess.
func (c *Catalogue) byScript(script string, p Preference) (string, bool) {
	switch script {
	case "ja", "ko", "zh-Hans", "zh-Hant", "vi":
		return c.MatchLocale(script)
	case "zh":
		// Both scripts write it alike: stay with the one known, else simplified.
		for _, tag := range [...]string{p.Seen, p.Default} {
			if t, ok := c.MatchLocale(tag); ok && strings.HasPrefix(t, "zh") {
				return t, true
			}
		}
		return c.MatchLocale("zh-Hans")
	case "latin":
		// One line does not tell English from French: only leave a language that
		// is not written in Latin letters, and only with several words.
		if t, ok := c.MatchLocale(p.Seen); ok && isLatinTag(t) {
			return "", false
		}
		if t, ok := c.MatchLocale(p.Default); ok && isLatinTag(t) {
			return "", false
		}
		if strings.Count(strings.TrimSpace(p.Text), " ") >= 2 {
			return c.MatchLocale("en")
		}
	}
	return "", false
}

func isLatinTag(tag string) bool {
	for _, other := range [...]string{"zh", "ja", "ko", "ru", "uk", "ar", "th", "he", "el", "hi", "fa", "bg", "sr"} {
		if tag == other || strings.HasPrefix(tag, other+"-") {
			return false
		}
	}
	return true
}
