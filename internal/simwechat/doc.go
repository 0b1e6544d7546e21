// Package simwechat is a WeChat web server for tests, benchmarks and the demo.
// The real openwechat client speaks to it over HTTPS, under the real host names,
// through [Server.Transport]; nothing leaves the loopback interface.
//
// It holds one account, the bot's, with friends, official accounts and groups.
// A test plays everybody else: [Server.Say], [Server.SayIn],
// [Server.SayFromPhone], [Server.SayMedia] and [Server.Push] make messages
// arrive, [Server.Sent], [Server.WaitSent] and [Server.Subscribe] show what the
// bot sent. [Server.Fail], [Server.Kick], [Server.RefuseLogin] and
// [Server.ExpireQR] make things go wrong.
//
// # Names
//
// WeChat gives everybody a new UserName at each scan or push login and keeps it
// over a hot login. So does this server, from the second login on. The name that
// [Server.AddFriend] or [Server.AddGroup] returned stays good as a handle for
// all methods here and is what [Sent.To] says; on the wire only the name of the
// current login works ([Server.UserName]).
//
// # What it checks
//
// As the real server does, it wants Uin, Sid and Skey of the BaseRequest, the
// cookies of the login (also on webpush. and file.), pass_ticket and
// webwx_data_ticket where the web client sends them, the headers of the desktop
// client when the QR code was asked for in desktop mode, and a SyncKey that it
// once gave out. Credentials that do not match get Ret 1101, missing cookies
// 1102, a bad ticket -14, a bad parameter 1, an unknown receiver 1204. Each
// refusal is also noted in [Server.Complaints], so that a test can insist on a
// well-behaved client. The stock openwechat client loses its cookies in a hot
// login; [Options.Lax] forgives that.
//
// # Synchronisation
//
// The SyncKey counts messages and changes of contacts. webwxsync replays
// everything after the key it is given, however often, at most 50 messages and
// 50 contacts at a time, so an old key brings old messages again, also in a
// later login. The newest [Options.History] messages are kept. A fresh login
// starts at the newest key, so it does not hear what was said before webwxinit; a
// hot login with a stored key does.
//
// # Not simulated
//
// Changing things from the web (remarks, groups, friends) answers Ret 0 and
// changes nothing, which is what the real server has done for years. What is not
// known of the real server was decided so: a repeated ClientMsgId is accepted and
// marked [Sent.Resent]; messages sent by the client come back in webwxsync only
// with [Options.Echo].
package simwechat
