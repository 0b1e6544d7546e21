// Package similink is a server of iLink, Tencent's official API for bots in
// WeChat, for tests and the demo. Clients speak to it over HTTPS, under the real
// host names, through [Server.Transport]; nothing leaves the loopback interface.
//
// It holds one bot, which belongs to the person who scanned its QR code, and any
// number of people who may write to it. A test plays these people: [Server.Say],
// [Server.SayMedia], [Server.Quote] and [Server.Push] make messages arrive,
// [Server.Sent], [Server.WaitSent] and [Server.Subscribe] show what the bot sent,
// [Server.Typing] whether it seemed to type. [Server.Fail], [Server.Kick],
// [Server.ExpireQR], [Server.Redeliver], [Server.Repeat], [Server.LoseCursor] and
// [Server.ForgetMedia] make things go wrong; [Server.Advance] lets hours pass.
//
// # What it checks
//
// Every request to the API must carry iLink-App-Id and iLink-App-ClientVersion,
// a POST also AuthorizationType and X-WECHAT-UIN, all but the two of the QR code
// the bearer token of the login that is on. What lacks them gets status 200 and
// errcode -14, as does everything after the session is over. A reply needs the
// context_token of a message to the same bot from the same person, is counted
// against the quota of ten for each message heard, and must come within 24 hours;
// otherwise it gets -2. What a careful client would not do is noted in
// [Server.Complaints], so that a test can insist on one.
//
// # Receiving
//
// A message is handed out once, whatever cursor the client shows: an answer that
// gets lost takes its messages with it. Ids are numbers above 2^63.
//
// # What is not known
//
// Nothing here was compared with the real service. The official client is the
// specification and a test drives it against this server. What it cannot tell is
// guessed: [Assume] lists the guesses that matter and turns them. The name of
// [RedirectHost] and the number of wrong digits that block a QR code are made up.
package similink
