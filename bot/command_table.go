package bot

// commands lists what the bot can be told to do. The names are those that users of
// other bots know (/reset, #清除记忆, 清空会话 …).
func commands() []*command { return append(forAll(), forAdmins()...) }

// forAll are the commands that everyone may give.
func forAll() []*command {
	return []*command{
		{name: "help", aliases: []string{"h", "?", "帮助", "幫助", "ヘルプ", "도움말"}, bare: []string{"帮助", "幫助"},
			hints: []hint{{about: "cmd_help"}}, run: (*Relay).help},
		{name: "reset", aliases: []string{"new", "clear", "重置", "重置会话", "重置對話", "重置会話", "清除记忆", "清除記憶", "清空会话", "清空對話", "清除", "リセット", "초기화"},
			bare:  []string{"重置会话", "清空会话", "清除记忆", "重置對話", "清空對話", "清除記憶"},
			hints: []hint{{about: "cmd_reset"}}, run: (*Relay).reset},
		{name: "lang", aliases: []string{"language", "语言", "語言", "言語", "언어"},
			hints: []hint{{usage: "usage_lang", about: "cmd_lang"}, {usage: "usage_lang", about: "cmd_lang_group", admin: true, group: true}}, run: (*Relay).lang},
		{name: "diag", aliases: []string{"诊断", "診斷", "診断", "진단", "status", "状态", "狀態"}, secret: []string{"explain", "解释", "解釋"},
			hints: []hint{
				{usage: "usage_diag", about: "cmd_diag"},
				{usage: "usage_diag_admin", about: "cmd_diag_admin", admin: true},
				{usage: "usage_diag_trend", about: "cmd_diag_trend", admin: true},
				{usage: "usage_diag_explain", about: "cmd_diag_explain", admin: true},
			}, run: (*Relay).diag},
		{name: "file", aliases: []string{"export", "文件", "导出", "檔案", "匯出", "ファイル", "파일"}, files: true,
			hints: []hint{{about: "cmd_file"}}, run: (*Relay).file},
		// In some bots #stop pauses the whole bot; that is /pause here.
		{name: "stop", aliases: []string{"cancel", "停止", "停止回答", "取消", "中止", "중지"}, bare: []string{"停止回答"},
			hints: []hint{{about: "cmd_stop"}}, urgent: true, run: (*Relay).stop},
		{name: "ping", hints: []hint{{about: "cmd_ping"}}, run: (*Relay).ping},
		// Help keeps quiet about it: who has a code was told what to do with it.
		{name: "auth", aliases: []string{"pair", "认证", "認證", "配对", "配對", "認証", "인증"}, secret: []string{""}, run: (*Relay).auth},
	}
}

// forAdmins are those that only admins may give.
func forAdmins() []*command {
	hints := func(usage, about string) []hint { return []hint{{usage: usage, about: about, admin: true}} }
	return []*command{
		{name: "provider", aliases: []string{"providers", "source", "服务商", "服務商", "接続先", "연결처"}, admin: true,
			hints: hints("usage_provider", "cmd_provider"), run: (*Relay).provider},
		{name: "model", aliases: []string{"模型", "モデル", "모델"}, admin: true,
			hints: hints("usage_model", "cmd_model"), run: (*Relay).model},
		{name: "key", aliases: []string{"keys", "密钥", "密鑰", "金鑰", "キー", "키"}, admin: true, private: true, secret: []string{""},
			hints: hints("usage_key", "cmd_key"), run: (*Relay).key},
		{name: "pause", aliases: []string{"暂停", "暫停", "暂停服务", "暫停服務", "一時停止", "일시정지"}, admin: true,
			hints: hints("", "cmd_pause"), run: (*Relay).pause},
		{name: "resume", aliases: []string{"恢复", "恢復", "恢复服务", "恢復服務", "再開", "재개"}, admin: true,
			hints: hints("", "cmd_resume"), run: (*Relay).resume},
		{name: "reload", aliases: []string{"reconf", "重载", "重載", "重载配置", "重載配置", "重新載入", "再読込", "다시읽기"}, admin: true,
			hints: hints("", "cmd_reload"), run: (*Relay).reload},
		{name: "quiet", aliases: []string{"mute", "静音", "靜音", "消音", "조용히"}, admin: true,
			hints: hints("usage_quiet", "cmd_quiet"), run: (*Relay).quiet},
		{name: "block", aliases: []string{"屏蔽", "封鎖", "拉黑", "ブロック", "차단"}, admin: true,
			hints: hints("usage_block", "cmd_block"), run: (*Relay).block},
		{name: "unblock", aliases: []string{"解除屏蔽", "解除封鎖", "ブロック解除", "차단해제"}, admin: true,
			hints: hints("usage_unblock", "cmd_unblock"), run: (*Relay).unblock},
		{name: "audit", aliases: []string{"审计", "審計", "稽核", "監査", "감사"}, admin: true,
			hints: hints("", "cmd_audit"), run: (*Relay).audit},
		{name: "admin", aliases: []string{"admins", "管理员", "管理員", "管理者", "관리자"}, admin: true,
			hints: hints("usage_admin", "cmd_admin"), run: (*Relay).admin},
		{name: "login", aliases: []string{"登录", "登錄", "登入", "ログイン", "로그인"}, admin: true,
			hints: hints("usage_login", "cmd_login"), here: func(r *Relay) bool { return r.o.Logins != nil }, run: (*Relay).logIn},
	}
}
