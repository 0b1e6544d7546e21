// Package configs reads the operator's settings: defaults, a YAML file and the
// environment, in that order, the later winning.
//
// It is strict. Unknown keys, wrong types, impossible values and missing
// secrets are all reported in one go, each with its place, what is wrong and
// an example of what would be right; nothing is guessed or ignored. No value
// of a secret ever appears in a message. The package knows nothing of what the
// settings are for: cmd hands them to the parts.
//
// Only YAML is read. Every key, its default and what it means is in
// config.example.yaml ([ExampleYAML]).
package configs

import (
	_ "embed"
	"time"
)

// ExampleYAML is a configuration file with every key at its default, explained
// in English and in short in Chinese.
//
//go:embed config.example.yaml
var ExampleYAML string

// Config holds every setting, checked and with defaults filled in. The tags
// give each key's name in the file, its default (as YAML), its bounds and an
// example; a key outside a list is also read from the environment, as DIAGBOT_
// followed by its path in upper case, e.g. DIAGBOT_CATALOGUE_DIR.
type Config struct {
	Locale    string `mapstructure:"locale" default:"auto" example:"zh-Hans"` // BCP 47, or "auto": by the script people write in
	DataDir   string `mapstructure:"data_dir" default:"./data" example:"/var/lib/diagbot"`
	LogLevel  string `mapstructure:"log_level" default:"info" oneof:"debug info warn error"`
	LogFormat string `mapstructure:"log_format" default:"text" oneof:"text json"`

	WeChatMode   string        `mapstructure:"wechat_mode" default:"desktop" oneof:"desktop normal"`
	HotReload    bool          `mapstructure:"hot_reload" default:"true"` // keep the login across restarts
	SendInterval time.Duration `mapstructure:"send_interval" default:"2500ms" min:"0s" max:"1h"`
	SendBurst    int           `mapstructure:"send_burst" default:"3" min:"1" max:"100"`

	PrivatePrefixes []string `mapstructure:"single_chat_prefix" default:"[]" example:"[bot, '@bot']"` // empty: every private text is answered
	ReplyPrefix     string   `mapstructure:"single_chat_reply_prefix" example:"'[bot] '"`
	GroupPrefixes   []string `mapstructure:"group_chat_prefix" default:"[]" example:"['@bot']"` // besides mentions
	Groups          []string `mapstructure:"group_name_white_list" default:"[ALL_GROUP]" example:"[family, work]"`
	System          string   `mapstructure:"character_desc" example:"You are a patient helper."`

	MemoryTurns   int           `mapstructure:"memory_turns" default:"20" min:"0" max:"1000"`
	MemoryExpiry  time.Duration `mapstructure:"expires_in_seconds" default:"3600" min:"0s" max:"8760h" unit:"seconds"` // since the last turn; 0 keeps them
	Deadline      time.Duration `mapstructure:"deadline" default:"120s" min:"1s" max:"1h"`                             // from a message to its answer
	ThinkingAfter time.Duration `mapstructure:"thinking_after" default:"15s" min:"0s" max:"1h"`                        // until whoever waits in a private chat is told so; 0: never
	Grace         time.Duration `mapstructure:"grace" default:"25s" min:"0s" max:"10m"`                                // to finish at stop
	MailboxSize   int           `mapstructure:"mailbox_size" default:"8" min:"1" max:"10000"`                          // waiting messages per chat
	MaxMessage    int           `mapstructure:"max_message" default:"20000" min:"1" max:"1000000"`                     // runes taken from a person at once
	StaleAfter    time.Duration `mapstructure:"stale_after" default:"10m" min:"10s" max:"24h"`                         // what was received and waited longer while the bot was away gets a notice, no answer

	Store    Store     `mapstructure:"store"`
	Node     string    `mapstructure:"node" example:"vps-1"` // this process's name among those that share a store; empty: the host's
	Accounts []Account `mapstructure:"accounts" example:"[{name: main}]"`

	LoginLinks   string   `mapstructure:"login_links" default:"owner" oneof:"owner admins"`
	AdminRemarks []string `mapstructure:"admin_remarks" default:"[]" example:"[diagbot-admin]"` // whoever has this remark on the bot's phone is an admin
	DigestHour   int      `mapstructure:"digest_hour" default:"9" min:"-1" max:"23"`            // from which on the owner is told once a day what failed; -1: never
	Limits       Limits   `mapstructure:"limits"`
	Alerts       []Alert  `mapstructure:"alerts" default:"[]" example:"[{name: phone, kind: ntfy, url: 'https://ntfy.sh/a-long-secret-topic'}]"`

	Catalogue Catalogue  `mapstructure:"catalogue"`
	Providers []Provider `mapstructure:"providers" example:"[{name: openai, keys: ['env:OPENAI_API_KEY']}]"`

	ImpliedAccount bool `mapstructure:"-"` // none is listed: Accounts holds the default

	File     string    `mapstructure:"-"` // the file read; empty when there was none
	Warnings []Problem `mapstructure:"-"` // what is allowed but probably not meant
}

// Store says where state is kept.
type Store struct {
	URL Secret `mapstructure:"url" example:"env:DATABASE_URL"`              // PostgreSQL; empty: SQLite in data_dir
	Key Secret `mapstructure:"key" example:"file:/run/secrets/diagbot_key"` // encrypts saved logins; empty: they are not encrypted
}

// The channels of [Account.Channel].
const (
	ChannelOpenWeChat = "openwechat"
	ChannelILink      = "ilink"
)

// Who may log in other accounts: [Config.LoginLinks].
const (
	LoginLinksOwner  = "owner"  // an account's owner, and the admins listed for it
	LoginLinksAdmins = "admins" // every admin
)

// Account is a WeChat account the bot answers for.
type Account struct {
	Name    string   `mapstructure:"name" example:"main"` // unique; state is kept under it
	Channel string   `mapstructure:"channel" default:"openwechat" oneof:"openwechat ilink"`
	Admins  []string `mapstructure:"admins" default:"[]" example:"['o9cq…@im.wechat']"` // ids of people, where the channel's ids last
}

// Limits bound how much people may ask. 0 is no limit.
type Limits struct {
	PersonMinute int `mapstructure:"person_per_minute" default:"0" min:"0" max:"100000"`
	PersonDay    int `mapstructure:"person_per_day" default:"0" min:"0" max:"1000000"`
	GroupMinute  int `mapstructure:"group_per_minute" default:"0" min:"0" max:"100000"`
	GroupDay     int `mapstructure:"group_per_day" default:"0" min:"0" max:"1000000"`
}

// AlertEvents are what an [Alert] may be told of: logins, the store, an account that
// is given up, AI services that need somebody, and those that have failed for long.
func AlertEvents() []string { return []string{"login", "store", "stop", "ai", "ai_lasting"} }

// AlertEmail is the kind of an [Alert] that goes out by SMTP.
const AlertEmail = "email"

// Alert is a place outside WeChat where the operator is told of trouble.
type Alert struct {
	Name     string   `mapstructure:"name" example:"phone"` // unique; shown in logs
	Kind     string   `mapstructure:"kind" default:"generic" oneof:"generic feishu dingtalk wecom bark ntfy email"`
	Events   []string `mapstructure:"events" default:"[login, store, stop, ai]" example:"[login, store, stop, ai, ai_lasting]"` // what it is told of; see AlertEvents
	URL      Secret   `mapstructure:"url" example:"env:ALERT_URL"`                                                              // of the webhook; whoever knows it may post
	Secret   Secret   `mapstructure:"secret" example:"env:ALERT_SECRET"`                                                        // signs requests to Feishu and DingTalk; a token for ntfy
	Host     string   `mapstructure:"host" example:"smtp.example.com:465"`                                                      // of the mail server
	User     string   `mapstructure:"user" example:"bot@example.com"`                                                           // for the mail server
	Password Secret   `mapstructure:"password" example:"env:SMTP_PASSWORD"`                                                     // for the mail server
	From     string   `mapstructure:"from" example:"bot@example.com"`                                                           // empty: user
	To       []string `mapstructure:"to" default:"[]" example:"[me@example.com]"`                                               // e-mail addresses
	Security string   `mapstructure:"security" default:"tls" oneof:"tls starttls none"`
}

// Catalogue says where the operator's own troubleshooting entries are.
type Catalogue struct {
	Dir string `mapstructure:"dir" example:"/etc/diagbot/catalogue"` // empty: only the built-in ones
}

// Provider is an AI service that speaks OpenAI's chat API.
type Provider struct {
	Name         string            `mapstructure:"name" example:"openai"` // unique; shown to admins and in logs
	Source       string            `mapstructure:"source" default:"api" oneof:"api web"`
	BaseURL      string            `mapstructure:"base_url" example:"https://api.openai.com/v1"` // without a trailing slash
	Keys         []Key             `mapstructure:"keys" example:"['env:OPENAI_API_KEY']"`
	Models       []string          `mapstructure:"models" example:"[gpt-4o-mini]"` // in order of preference; never empty
	Organization string            `mapstructure:"organization" example:"org-…"`
	Project      string            `mapstructure:"project" example:"proj_…"`
	Proxy        Secret            `mapstructure:"proxy" example:"http://127.0.0.1:7890"` // URL, "direct", or empty: from the environment
	Temperature  *float64          `mapstructure:"temperature" min:"0" max:"2" example:"0.7"`
	TopP         *float64          `mapstructure:"top_p" min:"0.01" max:"1" example:"0.9"`
	Effort       string            `mapstructure:"reasoning_effort" default:"auto" oneof:"auto none minimal low medium high xhigh max" example:"low"` // how long models may think; auto: the service decides
	MaxTokens    int               `mapstructure:"max_tokens" default:"0" min:"0" max:"10000000" example:"1024"`                                      // 0: the service decides
	Headers      map[string]Secret `mapstructure:"headers" example:"{X-Title: diagbot}"`                                                              // by canonical name
	Stream       bool              `mapstructure:"stream" default:"true"`                                                                             // take the answer piece by piece
	StreamUsage  bool              `mapstructure:"stream_usage" default:"true"`                                                                       // ask for token counts at a stream's end
	Vision       string            `mapstructure:"vision" default:"auto" oneof:"auto yes no"`                                                         // whether the models take pictures; auto: found out by asking
	AllowHTTP    bool              `mapstructure:"allow_http" default:"false"`                                                                        // keys and chats may travel unencrypted to a public host
	Window       int               `mapstructure:"context_window" default:"0" min:"0" max:"100000000" example:"128000"`                               // tokens; 0: as is known of the model
	Timeouts     Timeouts          `mapstructure:"timeouts"`
}

// Key is one credential of a provider, with the name it is called by wherever
// people can see it.
type Key struct {
	Name       string `mapstructure:"name" example:"main"` // its place in the list, from 1, if none is given
	Secret     Secret `mapstructure:"secret" example:"env:OPENAI_API_KEY"`
	QuotaGroup string `mapstructure:"quota_group" example:"my-company"` // the same for keys that share limits and wallet
}

// Timeouts bound the phases of one attempt at a provider.
type Timeouts struct {
	Dial       time.Duration `mapstructure:"dial" default:"5s" min:"1ms" max:"1h"`
	TLS        time.Duration `mapstructure:"tls" default:"7s" min:"1ms" max:"1h"`
	Headers    time.Duration `mapstructure:"headers" default:"30s" min:"1ms" max:"1h"`
	FirstToken time.Duration `mapstructure:"first_token" default:"45s" min:"1ms" max:"1h"`
	Idle       time.Duration `mapstructure:"idle" default:"30s" min:"1ms" max:"1h"` // between two pieces of a stream
	Total      time.Duration `mapstructure:"total" default:"90s" min:"1ms" max:"1h"`
}
