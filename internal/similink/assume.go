package similink

// Assume turns decisions about what nobody knows of the real service. The zero
// value is the strictest guess that fits the reports.
type Assume struct {
	// The quota counts replies since the last message heard and, at the same time,
	// those sent with one context_token.
	NoQuotaPerToken bool // only those since the last message count
	NoQuotaPerHeard bool // only those with one token count
	FreeMedia       bool // images, files and videos do not count

	// A reply without context_token, or with one of another login or of a message
	// older than the window, is refused.
	NoTokenNeeded   bool // without any it goes through
	StaleTokenWorks bool // with a stale one it goes through
	NewestTokenOnly bool // a token goes stale as soon as the same person is heard again
	LateIsLost      bool // after the window a reply is answered with success and lost

	MaxBytes int // longer texts are refused, in bytes, default 16384; negative: never
	MaxRunes int // longer texts are answered with success and lost, in characters, default 2000; negative: never

	RepeatsShown  bool // a repeated client_id is shown again; else it is answered like the first and not shown
	ParallelPolls bool // a newer getupdates does not end the older one
	Replay        bool // an older cursor brings what came after it again
	LoseUnheard   bool // what was not handed out is lost at a new login
	AnyHost       bool // a redirected account is also served at APIHost

	TicketForAll bool // a typing ticket works for everybody
	AnyTicket    bool // typing tickets are not checked

	RetForm     bool   // the end of a session is told as ret -14, else as errcode -14 without ret
	RefusalText string // errmsg of every -2; else "prepare failed" for the token, "rate limited" for too fast, none for the rest
}

func (a *Assume) setDefaults() {
	orDefault(&a.MaxBytes, 16384)
	orDefault(&a.MaxRunes, 2000)
}
