package configs

// chinese returns the rule's format in simplified Chinese, with the same
// arguments in the same order.
func (r rule) chinese() string {
	for _, part := range []func(rule) string{chineseFile, chineseValue, chineseProvider, chineseAlert, chineseWarning, chineseWord} {
		if s := part(r); s != "" {
			return s
		}
	}
	return string(r)
}

func chineseFile(r rule) string {
	switch r {
	case ruleOne:
		return "配置有一个问题："
	case ruleMany:
		return "配置有 %d 个问题："
	case ruleExample:
		return "；例如 %s"
	case ruleNoFile:
		return "没有这个文件"
	case ruleUnreadable:
		return "文件读不了：%s"
	case ruleIsDir:
		return "这是目录，不是文件"
	case ruleNotDir:
		return "%s 不是可以读取的目录"
	case ruleTooBig:
		return "文件超过 %d KiB"
	case ruleNotUTF8:
		return "文件不是 UTF-8 编码，请另存为 UTF-8"
	case ruleSyntax:
		return "不是合法的 YAML%s；请看这一行和前面几行：同一级的配置项要用空格缩进得一样多"
	case ruleTab:
		return "这一行开头是制表符（Tab）；YAML 只能用空格缩进"
	case ruleColon:
		return "%s 后面应该是英文冒号，再加一个空格"
	case ruleDocuments:
		return "文件里有多个 YAML 文档，只保留一个"
	case ruleTopLevel:
		return "文件内容是%s，应该是一组“键: 值”"
	case ruleTooComplex:
		return "文件嵌套或重复过多"
	case ruleUnknown:
		return "没有这个配置项"
	case ruleUnknownNear:
		return "没有这个配置项，是不是 %s？"
	case ruleFamiliar:
		return "没有这个配置项；%s"
	case ruleTwice:
		return "这个配置项写了两次"
	case ruleUnknownEnv:
		return "没有对应的配置项"
	case ruleEnvFile:
		return "只能写在配置文件里：%s"
	case ruleEnvNear:
		return "没有对应的配置项，是不是 %s？"
	}
	return ""
}

func chineseValue(r rule) string {
	switch r {
	case ruleType:
		return "应该是%s，不是%s"
	case ruleQuote:
		return "应该是%s，不是%s；请加引号"
	case ruleDuration:
		return "%s 不是时长"
	case ruleNoUnit:
		return "%s 没有单位；时长要带单位，如 ms、s、m、h"
	case ruleRange:
		return "%s 超出范围，应在 %s 到 %s 之间"
	case ruleOneOf:
		return "%s 不在可选值之内：%s"
	case ruleLocale:
		return "%s 不是语言标签"
	case ruleMissing:
		return "必须填写"
	case ruleEmpty:
		return "内容为空"
	case ruleTooLong:
		return "超过 %d 个字符"
	case ruleShort:
		return "少于 %d 个字符；请用长一些的，例如 openssl rand -base64 32 的输出"
	case ruleHostPort:
		return "应该是“主机:端口”"
	case ruleMail:
		return "不是邮箱地址"
	case ruleDuplicate:
		return "%s 已被 %s 使用，不能重复"
	case ruleName:
		return "%s 不能作名称；请用不超过 32 个字母、数字、点、横线或下划线"
	case ruleNameKey:
		return "这看起来是密钥，而名称会显示给人看；密钥请写在 keys 下"
	case ruleUnprint:
		return "含有空格、换行或其他无法发送的字符"
	case ruleControl:
		return "含有换行或其他控制字符"
	case ruleURLParse:
		return "不是网址"
	case ruleURLScheme:
		return "应该是以 %s 开头的网址"
	case ruleURLHost:
		return "网址里没有主机名"
	case ruleURLPort:
		return "网址的端口应在 1 到 65535 之间"
	case ruleURLUser:
		return "这里的网址不能带用户名或密码；密钥请写在 keys 下"
	case ruleURLQuery:
		return "网址带有查询参数或片段，而后面还要接路径"
	case rulePlain:
		return "密钥和聊天内容会以明文发往非本地主机；请用 https，或设 allow_http"
	case ruleURLChat:
		return "请去掉 %s，程序会自己加上"
	}
	return ""
}

func chineseAlert(r rule) string {
	switch r {
	case ruleUnused:
		return "这种告警用不上它，请删掉"
	case ruleAlertPlain:
		return "告警会不加密地发到外网，请改用 https"
	case ruleURLLogin:
		return "这种告警的地址里不能带用户名和密码；签名密钥请写在 secret 里"
	case ruleURLFragment:
		return "请去掉 # 及后面的内容"
	}
	return ""
}

func chineseProvider(r rule) string {
	switch r {
	case ruleNoProvider:
		return "没有配置 AI 服务；请设置环境变量 OPENAI_API_KEY，或在这里列出服务"
	case ruleKeyChars:
		return "密钥里有空格、换行或密钥不会有的字符，请重新复制"
	case ruleKeyQuoted:
		return "密钥两头有引号或括号，请去掉"
	case ruleKeyURL:
		return "这是网址，不是密钥"
	case ruleSecretEnv:
		return "没有环境变量 %s"
	case ruleSecretEnvBad:
		return "env: 后面应该是环境变量的名字"
	case ruleSecretPath:
		return "file: 后面应该是文件路径"
	case ruleSecretFile:
		return "文件 %s 读不了：%s"
	case ruleSecretEmpty:
		return "%s 是空的"
	case ruleHeader:
		return "有一个请求头的名称不合法"
	case ruleHeaderOwn:
		return "请求头 %s 由程序自己设置"
	}
	return ""
}

func chineseWarning(r rule) string {
	switch r {
	case warnExposed:
		return "%s 里有密钥，而本机其他用户可以读取；请对它运行 chmod 600"
	case warnPlain:
		return "密钥会以明文发往非本地主机；服务支持的话请用 https"
	case warnNoPath:
		return "网址没有路径；多数服务的路径以 /v1 结尾"
	case warnIgnored:
		return "未使用，因为 %s 里已列出服务"
	case warnOther:
		return "%s 也存在，未使用"
	case warnTotal:
		return "%s 比整条消息的时限 %s 还长，会被后者先打断"
	}
	return ""
}

func chineseWord(r rule) string {
	switch r {
	case wordText:
		return "文字"
	case wordNumber:
		return "数字"
	case wordWhole:
		return "整数"
	case wordFraction:
		return "小数"
	case wordBool:
		return " true 或 false"
	case wordDuration:
		return "时长"
	case wordList:
		return "列表"
	case wordGroup:
		return "一组配置项"
	case wordNothing:
		return "空值"
	case wordOther:
		return "其他内容"
	case wordOr:
		return " 或 "
	case wordDate:
		return "日期"
	case whyMissing:
		return "不存在"
	case whyDenied:
		return "没有权限"
	case whyDir:
		return "是目录"
	case whyTooBig:
		return "太大"
	case whyOther:
		return "读写出错"
	}
	return ""
}
